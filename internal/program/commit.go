package program

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/roadshow-go/roadshow/internal/child"
)

// CommitError says that the program of a commit cannot be had.
type CommitError struct {
	// Commit is the one that was asked for.
	Commit string
	// Reason is what is wrong, Fix what to do.
	Reason, Fix string
	// Err is the cause, if there is one.
	Err error
}

// Error is a sentence, and an order.
func (e *CommitError) Error() string {
	return fmt.Sprintf("Commit %s cannot be used: %s.\n%s.", e.Commit, e.Reason, e.Fix)
}

// Unwrap is the cause.
func (e *CommitError) Unwrap() error { return e.Err }

// isCommit keeps what an account recorded from being read as an option or as another revision.
var isCommit = regexp.MustCompile(`^[0-9a-f]{7,64}$`)

// checkoutName begins the name of the folders that commits are checked out into.
const checkoutName = "roadshow-commit-"

// How long Git may take to clear a checkout away after an interruption, and how old those are that
// a killed command has left.
const (
	clearLimit = 30 * time.Second
	abandoned  = 24 * time.Hour
)

// At gives the program as a commit has it, with that commit's cdk.json. It stands in a temporary
// folder, a detached worktree of the same repository, which is removed afterwards, also after an
// interruption; the user's files, index and branches stay as they are. Git's hooks do not run. The
// program runs on the user's Node, and without credentials: which commit runs here is what an
// account says.
//
// The error is a [*CommitError], do's, or the context's.
func (p *Program) At(ctx context.Context, commit string, do func(past *Program) error) error {
	if p.Command == "" {
		return &CommitError{
			Commit: commit, Reason: fmt.Sprintf("--app is the folder %s, and only a program can be run at another commit", p.Assembly),
			Fix: `Write --app "go run .", or leave it out`,
		}
	}
	prefix, err := p.findCommit(ctx, commit)
	if err != nil {
		return err
	}
	p.clearAbandoned(ctx)
	folder, err := os.MkdirTemp("", checkoutName)
	if err != nil {
		return err
	}
	if folder, err = filepath.EvalSymlinks(folder); err != nil {
		return err
	}
	defer p.clear(ctx, folder)
	// A file's filters are the user's; a hook could do anything.
	if _, err := p.git(ctx, "-c", "core.hooksPath="+os.DevNull, "worktree", "add", "--detach", "--force", folder, commit); err != nil {
		return p.gitError(ctx, commit, "it cannot be checked out", err)
	}
	dir := filepath.Join(folder, filepath.FromSlash(prefix))
	past, err := Find(dir, p.app)
	if err != nil || past.Dir != dir {
		return &CommitError{Commit: commit, Reason: "it has no program in " + orRoot(prefix), Fix: "Deploy the stage again", Err: err}
	}
	past.tools, past.past, past.Redactor = p.tools, true, p.Redactor
	return do(past)
}

func orRoot(prefix string) string {
	if prefix == "" {
		return "the repository's root"
	}
	return prefix
}

// findCommit tells whether the repository has a commit, and where in the repository the program is.
func (p *Program) findCommit(ctx context.Context, commit string) (prefix string, err error) {
	if !isCommit.MatchString(commit) {
		return "", &CommitError{Commit: fmt.Sprintf("%.60q", commit), Reason: "it is no commit of Git", Fix: "Deploy the stage again"}
	}
	where, err := p.git(ctx, "rev-parse", "--is-shallow-repository", "--show-prefix")
	if err != nil {
		return "", p.gitError(ctx, commit, "the program's folder is in no repository of Git", err)
	}
	shallow, prefix, _ := strings.Cut(where, "\n")
	if _, err := p.git(ctx, "cat-file", "-e", commit+"^{commit}"); err != nil {
		if ctx.Err() != nil {
			return "", ctx.Err()
		}
		fix := "Fetch it, as with `git fetch --all`, or run this where it was deployed from"
		if shallow == "true" {
			fix = "This clone is shallow: run `git fetch --unshallow`"
		}
		return "", &CommitError{Commit: commit, Reason: "it is not in this repository", Fix: fix, Err: err}
	}
	return strings.TrimSuffix(strings.TrimRight(prefix, "\n"), "/"), nil
}

func (p *Program) gitError(ctx context.Context, commit, reason string, err error) error {
	if cause := ctx.Err(); cause != nil {
		return cause
	}
	if errors.Is(err, exec.ErrNotFound) {
		return &CommitError{Commit: commit, Reason: "git is not installed", Fix: "Install it", Err: err}
	}
	return &CommitError{Commit: commit, Reason: reason, Fix: "Git says: " + err.Error(), Err: err}
}

// git runs Git in the program's folder, in a process group of its own: an interruption at the
// terminal is for this process, which has something to clear away.
func (p *Program) git(ctx context.Context, arguments ...string) (string, error) {
	command := exec.CommandContext(ctx, "git", arguments...)
	command.Dir = p.Dir
	var output, faults child.Tail
	command.Stdout, command.Stderr = &output, &faults
	err := child.Run(command)
	if err == nil {
		return output.String(), nil
	}
	var exit *exec.ExitError
	lines := strings.Split(strings.TrimSpace(faults.String()), "\n")
	if last := lines[len(lines)-1]; errors.As(err, &exit) && last != "" {
		err = fmt.Errorf("%s (%w)", last, err)
	}
	return "", err
}

// clear removes a checkout, and what the repository knows of it.
func (p *Program) clear(ctx context.Context, folder string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), clearLimit)
	defer cancel()
	_, err := p.git(ctx, "worktree", "remove", "--force", "--force", folder)
	os.RemoveAll(folder)
	if err != nil {
		_, _ = p.git(ctx, "worktree", "remove", "--force", "--force", folder) // its folder may be missing, but not half there
	}
}

// clearAbandoned removes the checkouts of commands that were killed; a running one's is younger.
func (p *Program) clearAbandoned(ctx context.Context) {
	list, err := p.git(ctx, "worktree", "list", "--porcelain")
	if err != nil {
		return
	}
	for line := range strings.Lines(list) {
		folder, isFolder := strings.CutPrefix(strings.TrimRight(line, "\n"), "worktree ")
		if !isFolder || !strings.HasPrefix(filepath.Base(folder), checkoutName) {
			continue
		}
		if info, err := os.Stat(folder); err != nil || time.Since(info.ModTime()) > abandoned {
			p.clear(ctx, folder)
		}
	}
}
