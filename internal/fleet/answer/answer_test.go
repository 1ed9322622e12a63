package answer_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/internal/fleet/answer"
)

func TestWhatNobodyAskedAboutOrNobodyToldIsNeitherSeenNorAbsent(t *testing.T) {
	denied := errors.New("not you")
	for name, tt := range map[string]struct {
		answer                answer.Answer[string]
		seen, absent          bool
		untold, unasked, none error
	}{
		"seen":                   {answer: answer.Seen("v1"), seen: true},
		"absent":                 {answer: answer.Absent[string](), absent: true},
		"untold":                 {answer: answer.Untold[string](denied), untold: denied, none: denied},
		"deliberately not asked": {answer: answer.Unasked[string](denied), unasked: denied, none: denied},
	} {
		t.Run(name, func(t *testing.T) {
			value, seen := tt.answer.Seen()
			require.Equal(t, tt.seen, seen)
			require.Equal(t, tt.seen, value != "")
			require.Equal(t, tt.absent, tt.answer.IsAbsent())
			require.Equal(t, tt.untold, tt.answer.Untold())
			require.Equal(t, tt.unasked, tt.answer.Unasked())
			found, err := tt.answer.Found()
			require.Equal(t, tt.none, err)
			require.Equal(t, tt.seen, found != nil)
		})
	}
	var never answer.Answer[string]
	_, seen := never.Seen()
	require.False(t, seen)
	require.False(t, never.IsAbsent())
	require.EqualError(t, never.Untold(), "it was not asked about")
	found, err := never.Found()
	require.Nil(t, found)
	require.Error(t, err)
}
