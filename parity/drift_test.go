package parity

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestDriftLooksPastTheCommitAndAtNothingElse(t *testing.T) {
	const program = `{"Metadata":{"roadshow:commit":"two"},"Resources":{"q":{"Type":"A::B::C","Properties":{"N":2}}}}`
	for name, tt := range map[string]struct {
		deployed string
		want     []string
	}{
		"the same":        {program, nil},
		"another commit":  {`{"Metadata":{"roadshow:commit":"one"},"Resources":{"q":{"Type":"A::B::C","Properties":{"N":2}}}}`, nil},
		"no commit":       {`{"Resources":{"q":{"Type":"A::B::C","Properties":{"N":2}}}}`, nil},
		"other metadata":  {`{"Metadata":{"roadshow:commit":"two","x":"y"},"Resources":{"q":{"Type":"A::B::C","Properties":{"N":2}}}}`, []string{`Metadata: not {"x":"y"}`}},
		"a property":      {`{"Resources":{"q":{"Type":"A::B::C","Properties":{"N":1}}}}`, []string{"Resources.q.Properties.N: 2 instead of 1"}},
		"a resource more": {`{"Resources":{"q":{"Type":"A::B::C","Properties":{"N":2}},"r":{"Type":"A::B::C"}}}`, []string{`Resources.r: not {"Type":"A::B::C"}`}},
	} {
		t.Run(name, func(t *testing.T) {
			changes, err := Drift(small, []byte(tt.deployed), []byte(program), nil)
			require.NoError(t, err)
			var got []string
			for _, one := range changes {
				got = append(got, one.String())
			}
			assert.Equal(t, tt.want, got)
		})
	}
	_, err := Drift(small, []byte("Resources:\n"), []byte(program), nil)
	require.ErrorAs(t, err, new(*PlayError))
}
