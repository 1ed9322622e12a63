package parity

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestDriftLooksPastTheDigestOfATemplateAndAtNothingElse(t *testing.T) {
	const program = `{"Metadata":{"roadshow:digest":"two"},"Resources":{"q":{"Type":"A::B::C","Properties":{"N":2}}}}`
	for name, tt := range map[string]struct {
		deployed string
		want     []string
	}{
		"the same":        {program, nil},
		"another digest":  {`{"Metadata":{"roadshow:digest":"one"},"Resources":{"q":{"Type":"A::B::C","Properties":{"N":2}}}}`, nil},
		"no digest":       {`{"Resources":{"q":{"Type":"A::B::C","Properties":{"N":2}}}}`, nil},
		"other metadata":  {`{"Metadata":{"roadshow:digest":"two","x":"y"},"Resources":{"q":{"Type":"A::B::C","Properties":{"N":2}}}}`, []string{`Metadata: not {"x":"y"}`}},
		"a property":      {`{"Resources":{"q":{"Type":"A::B::C","Properties":{"N":1}}}}`, []string{"Resources.q.Properties.N: 2 instead of 1"}},
		"a resource more": {`{"Resources":{"q":{"Type":"A::B::C","Properties":{"N":2}},"r":{"Type":"A::B::C"}}}`, []string{`Resources.r: not {"Type":"A::B::C"}`}},
	} {
		t.Run(name, func(t *testing.T) {
			changes, err := Drift(small, []byte(tt.deployed), []byte(program), nil)
			require.NoError(t, err)
			var got []string
			for _, change := range changes {
				got = append(got, change.String())
			}
			assert.Equal(t, tt.want, got)
		})
	}
	_, err := Drift(small, []byte("Resources:\n"), []byte(program), nil)
	require.ErrorAs(t, err, new(*PlayError))
}

func TestRecompiledLooksPastTheCodeAndItsVersionsAndAtNothingElse(t *testing.T) {
	const hash, other = "0123456789abcdef0123456789abcdef", "fedcba9876543210fedcba9876543210"
	template := func(key, version, memory string) string {
		return `{"Metadata":{"roadshow:digest":"one"},"Resources":{
			"f":{"Type":"AWS::Lambda::Function","Properties":{"Code":{"S3Bucket":"b","S3Key":"` + key + `"},"MemorySize":` + memory + `}},
			"fVersion` + version + `":{"Type":"AWS::Lambda::Version","Properties":{"FunctionName":{"Ref":"f"}}},
			"a":{"Type":"AWS::Lambda::Alias","Properties":{"FunctionVersion":{"Fn::GetAtt":["fVersion` + version + `","Version"]}}}}}`
	}
	program := template("x.zip", hash, "128")
	for name, tt := range map[string]struct {
		deployed  string
		functions []string
		only      bool
	}{
		"the same":               {program, nil, false},
		"other bytes":            {template("y.zip", other, "128"), []string{"f"}, true},
		"other bytes and memory": {template("y.zip", other, "256"), []string{"f"}, false},
		"another version alone":  {template("x.zip", other, "128"), nil, false},
		"no code of its own":     {`{"Resources":{"f":{"Type":"AWS::Lambda::Function"},"g":{"Type":"AWS::Lambda::Function","Properties":{}}}}`, nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			functions, only, err := Recompiled(small, []byte(tt.deployed), []byte(program))
			require.NoError(t, err)
			assert.Equal(t, tt.functions, functions)
			assert.Equal(t, tt.only, only)
		})
	}
	_, _, err := Recompiled(small, []byte("Resources:\n"), []byte(program))
	require.ErrorAs(t, err, new(*PlayError))
}
