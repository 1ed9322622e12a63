//go:build linux

package fleet_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/internal/fleet/stacks"
)

// children are the processes that a process started, and those that they did.
func children(pid int) []int {
	var found []int
	lists, _ := filepath.Glob("/proc/" + strconv.Itoa(pid) + "/task/*/children")
	for _, list := range lists {
		text, _ := os.ReadFile(list)
		for _, field := range strings.Fields(string(text)) {
			if child, err := strconv.Atoi(field); err == nil {
				found = append(append(found, child), children(child)...)
			}
		}
	}
	return found
}

// isCDK tells whether a process is the cdk command.
func isCDK(pid int) bool {
	line, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/cmdline")
	return strings.Contains(string(line), "bin/cdk\x00deploy")
}

// TestWhatIsKilledIsTakenUp ends a deploy at several points, with SIGKILL, which it cannot see coming, and with the SIGINT
// of Ctrl-C, and runs it again until it is done.
func TestWhatIsKilledIsTakenUp(t *testing.T) {
	t.Parallel()
	w := open(t, prepared(), 60*time.Millisecond)
	w.bootstrap()

	ended := func(signal syscall.Signal, what string, ready func() bool, victim func(command int) int, arguments ...string) (code int, said string) {
		var talk bytes.Buffer
		command := w.command(t.Context(), append([]string{"deploy", "--yes"}, arguments...)...)
		command.Stdout, command.Stderr = &talk, &talk
		require.NoError(t, command.Start())
		pid := command.Process.Pid
		var own []int
		require.Eventually(t, func() bool {
			if !ready() {
				return false
			}
			if one := victim(pid); one != 0 {
				own = children(pid)
				require.NoError(t, syscall.Kill(one, signal))
				return true
			}
			return false
		}, 2*time.Minute, 5*time.Millisecond, what)
		err := command.Wait()
		t.Logf("%s: %v\n%s", what, err, talk.String())
		require.Eventually(t, func() bool {
			for _, child := range own {
				if isCDK(child) {
					return false
				}
			}
			return true
		}, 10*time.Second, 10*time.Millisecond, "the cdk command does not go on alone")
		return command.ProcessState.ExitCode(), talk.String()
	}
	killed := func(what string, ready func() bool, victim func(command int) int, arguments ...string) {
		ended(syscall.SIGKILL, what, ready, victim, arguments...)
	}
	itself := func(command int) int { return command }
	itsCDK := func(command int) int {
		for _, child := range children(command) {
			if isCDK(child) {
				return child
			}
		}
		return 0
	}
	asks := func(account, operation string, more int) func() bool {
		enough := w.calls(account, operation) + more
		return func() bool { return w.calls(account, operation) >= enough }
	}

	killed("the command, while dev's code is sent", asks(devAccount, "PutObject", 1), itself)
	killed("the command, once dev's change set was asked for", asks(devAccount, "CreateChangeSet", 1), itself)
	killed("the cdk command, while dev is made", asks(devAccount, "ExecuteChangeSet", 1), itsCDK, "--to", "dev")
	killed("the command, while staging is made", asks(stagingAccount, "ExecuteChangeSet", 1), itself)
	code, said := ended(syscall.SIGINT, "Ctrl-C, while production's change set is made", asks(productionAccount, "CreateChangeSet", 1), itself)
	require.Equal(t, 1, code)
	require.Contains(t, said, "The deploy of stage production was interrupted.\n  Run `roadshow deploy` again, which goes on from what the account says.")
	require.Empty(t, w.waiting("prod-admin", "production-notes"), "an interrupted deploy leaves no change set waiting, nor an empty stack")
	killed("the command, once production's change set is there", asks(productionAccount, "CreateChangeSet", 1), itself)
	killed("the cdk command, while production is made", asks(productionAccount, "ExecuteChangeSet", 1), itsCDK)

	got := w.must("deploy", "--yes", "--json")
	require.Equal(t, map[string]string{"dev": "unchanged", "staging": "unchanged", "production": "unchanged"}, states(t, got))
	for _, account := range []string{devAccount, stagingAccount, productionAccount} {
		require.Equal(t, 1, w.calls(account, "ExecuteChangeSet"), "account %s: nothing is executed twice", account)
	}
	w.must("status", "--check")
}

// waiting are the change sets of a stack that could be executed.
func (w *world) waiting(profile, stack string) (names []string) {
	w.t.Helper()
	config, err := w.Environment.Config(w.t.Context(), profile)
	require.NoError(w.t, err)
	config.Region = "us-east-1"
	listed, err := cloudformation.NewFromConfig(config).ListChangeSets(w.t.Context(), &cloudformation.ListChangeSetsInput{StackName: &stack})
	if stacks.IsMissing(err) {
		return nil
	}
	require.NoError(w.t, err)
	for _, one := range listed.Summaries {
		names = append(names, aws.ToString(one.ChangeSetName))
	}
	return names
}
