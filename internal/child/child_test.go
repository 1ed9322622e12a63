package child

import (
	"context"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestATailIsTheLastMegabyteOfWhateverIsWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var tail Tail
		var whole strings.Builder
		for range rapid.IntRange(1, 12).Draw(t, "writes") {
			piece := strings.Repeat(rapid.StringMatching(`[a-z]{3}`).Draw(t, "text"), rapid.IntRange(0, Limit/2).Draw(t, "length"))
			n, err := tail.Write([]byte(piece))
			require.NoError(t, err)
			require.Len(t, piece, n)
			whole.WriteString(piece)
			require.LessOrEqual(t, cap(tail.text), 4*Limit, "what it keeps in memory")
		}
		text := whole.String()
		require.True(t, tail.String() == text[max(0, len(text)-Limit):])
	})
}

func TestAChildThatPrintsWithoutEndTakesNoMemoryAndEndsWithTheContext(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	process := Shell(ctx, "yes PLANTED")
	var tail Tail
	process.Stdout = writer(func(data []byte) (int, error) {
		n, err := tail.Write(data)
		if len(tail.String()) == Limit {
			stop()
		}
		return n, err
	})
	require.Error(t, Run(process))
	require.Error(t, ctx.Err())
	require.Len(t, tail.String(), Limit)
}

type writer func([]byte) (int, error)

func (w writer) Write(data []byte) (int, error) { return w(data) }

func TestWhatAChildLeavesBehindEndsWithIt(t *testing.T) {
	if _, err := exec.LookPath("sh"); err != nil {
		t.Skip("the child is started by sh, which this machine does not have")
	}
	process := Shell(t.Context(), "sleep 1000 >/dev/null 2>&1 & echo $!")
	var tail Tail
	process.Stdout = &tail
	require.NoError(t, Run(process))
	pid := strings.TrimSpace(tail.String())
	state, _ := exec.Command("ps", "-o", "stat=", "-p", pid).Output()
	require.Contains(t, []string{"", "Z"}, strings.Trim(string(state), " +<Nls\n"), "ended, or about to be reaped")
}
