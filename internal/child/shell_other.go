//go:build !windows

package child

import (
	"context"
	"os/exec"
)

// Shell is a line of the user's, as the system's shell runs it.
func Shell(ctx context.Context, line string) *exec.Cmd {
	return exec.CommandContext(ctx, "/bin/sh", "-c", line)
}
