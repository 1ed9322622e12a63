package program

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/internal/messages"
)

// history is a repository with two commits: the program stands in a folder of it, and is another in
// each.
func history(t *testing.T) (dir, first, second string, git func(arguments ...string) string) {
	t.Helper()
	root := t.TempDir()
	for name, value := range map[string]string{
		"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@example.com", "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@example.com",
		"GIT_CONFIG_GLOBAL": os.DevNull, "GIT_CONFIG_SYSTEM": os.DevNull, "TMPDIR": t.TempDir(),
	} {
		t.Setenv(name, value)
	}
	git = func(arguments ...string) string {
		t.Helper()
		command := exec.Command("git", arguments...)
		command.Dir = root
		output, err := command.CombinedOutput()
		require.NoError(t, err, "git %v: %s", arguments, output)
		return strings.TrimSpace(string(output))
	}
	dir = filepath.Join(root, "service")
	require.NoError(t, os.Mkdir(dir, 0o755))
	git("init", "-q")
	var commits []string
	for _, app := range []string{"first", "second"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, "cdk.json"), []byte(`{"app": "`+app+`", "context": {"is": "`+app+`"}}`), 0o600))
		git("add", "-A")
		git("commit", "-qm", app)
		commits = append(commits, git("rev-parse", "HEAD"))
	}
	return dir, commits[0], commits[1], git
}

func TestAProgramStandsAsACommitHasItAndIsGoneAfterwards(t *testing.T) {
	dir, first, second, git := history(t)
	hook := filepath.Join(dir, "..", ".git", "hooks", "post-checkout")
	require.NoError(t, os.MkdirAll(filepath.Dir(hook), 0o755))
	require.NoError(t, os.WriteFile(hook, []byte("#!/bin/sh\ntouch "+dir+"/hooked\n"), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "cdk.json"), []byte(`{"app": "being written"}`), 0o600))
	t.Setenv("AWS_SECRET_ACCESS_KEY", "planted")
	t.Setenv("AWS_PROFILE", "production")
	now, err := Find(dir, "")
	require.NoError(t, err)
	before := git("status", "--porcelain", "--branch")

	folder := ""
	for commit, want := range map[string]string{first: "first", second: "second", first[:12]: "first"} {
		require.NoError(t, now.At(t.Context(), commit, func(past *Program) error {
			folder = past.Dir
			require.Equal(t, want, past.Command)
			require.Equal(t, map[string]any{"is": want}, past.Context)
			require.Equal(t, "service", filepath.Base(past.Dir), "where it stands in the repository")
			t.Setenv("GIT_DIR", "/elsewhere") // as a hook of Git has it
			environment := strings.Join(past.environment(), "\n")
			os.Unsetenv("GIT_DIR")
			require.NotContains(t, environment, "planted")
			require.NotContains(t, environment, "AWS_PROFILE=production")
			require.NotContains(t, environment, "GIT_DIR")
			require.Contains(t, environment, "PATH="+filepath.Join(dir, "node_modules", ".bin"), "Node is the user's")
			require.Contains(t, git("worktree", "list"), checkoutName)
			return nil
		}))
		require.NoDirExists(t, folder)
	}
	require.NoError(t, now.At(t.Context(), first, func(past *Program) error {
		require.Equal(t, "first", past.Command)
		return nil
	}))
	other, err := Find(dir, "go run ./elsewhere")
	require.NoError(t, err)
	require.NoError(t, other.At(t.Context(), first, func(past *Program) error {
		require.Equal(t, "go run ./elsewhere", past.Command, "--app is the command at every commit")
		return nil
	}))

	messages.EqualError(t, now.At(t.Context(), first, func(*Program) error { return errors.New("its own") }), "its own")
	ctx, cancel := context.WithCancel(t.Context())
	require.ErrorIs(t, now.At(ctx, first, func(past *Program) error {
		folder = past.Dir
		cancel()
		return ctx.Err()
	}), context.Canceled)
	require.NoDirExists(t, folder, "also after an interruption")
	require.Equal(t, before, git("status", "--porcelain", "--branch"), "the user's files, index and branches are as they were")
	require.NotContains(t, git("worktree", "list"), checkoutName)
	require.NoFileExists(t, filepath.Join(dir, "hooked"), "no hook runs")
}

func TestACommitThatCannotBeHadIsAnErrorWithAFix(t *testing.T) {
	dir, first, _, git := history(t)
	now, err := Find(dir, "")
	require.NoError(t, err)
	at := func(p *Program, commit string) string {
		err := p.At(t.Context(), commit, func(*Program) error {
			t.Error("there is no program")
			return nil
		})
		require.ErrorAs(t, err, new(*CommitError))
		messages.Provoked(t, err.Error())
		return err.Error()
	}
	absent := strings.Repeat("0", 40)
	require.Equal(t, "Commit "+absent+" cannot be used: it is not in this repository.\nFetch it, as with `git fetch --all`, or run this where it was deployed from.", at(now, absent))
	require.Contains(t, at(now, "--upload-pack=touch"), "it is no commit of Git.\nDeploy the stage again.")
	require.Contains(t, at(now, "HEAD"), "it is no commit of Git")
	require.Contains(t, at(&Program{Assembly: "cdk.out"}, first), "only a program can be run at another commit")
	require.Contains(t, at(&Program{Command: "true", Dir: t.TempDir()}, first), "the program's folder is in no repository of Git")

	git("mv", "service/cdk.json", "cdk.json")
	git("commit", "-qm", "moved")
	moved := git("rev-parse", "HEAD")
	git("checkout", "-q", first)
	require.Contains(t, at(now, moved), "it has no program in service.\nDeploy the stage again.")

	shallow := filepath.Join(t.TempDir(), "shallow")
	git("clone", "-q", "--depth", "1", "file://"+filepath.Dir(dir), shallow)
	there, err := Find(filepath.Join(shallow, "service"), "true")
	require.NoError(t, err)
	require.Contains(t, at(there, moved), "This clone is shallow: run `git fetch --unshallow`")
}

func TestTheCheckoutOfACommandThatWasKilledIsRemovedAfterADay(t *testing.T) {
	dir, first, second, git := history(t)
	now, err := Find(dir, "")
	require.NoError(t, err)
	old, young := filepath.Join(t.TempDir(), checkoutName+"old"), filepath.Join(t.TempDir(), checkoutName+"young")
	for _, folder := range []string{old, young} {
		git("worktree", "add", "-q", "--detach", folder, first)
	}
	yesterday := time.Now().Add(-2 * abandoned)
	require.NoError(t, os.Chtimes(old, yesterday, yesterday))
	require.NoError(t, now.At(t.Context(), second, func(*Program) error { return nil }))
	require.NoDirExists(t, old)
	require.DirExists(t, young, "another command is at work there")
	require.NotContains(t, git("worktree", "list"), old)
}
