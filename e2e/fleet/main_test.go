// Package fleet_test is the end-to-end suite of what is done to all accounts together: the built roadshow
// command, the real cdk command and the real AWS SDK, on a rehearsal in the test's own process. Children
// get the environment of internal/awsenv, in which nothing leads off this machine.
package fleet_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/roadshow-go/roadshow/e2e"
	"github.com/roadshow-go/roadshow/internal/awsenv"
)

// checkout is that of the module, folder what the run makes.
var checkout, folder string

// TestMain builds the program, its functions and the command once for all tests.
func TestMain(m *testing.M) {
	code, err := suite(m)
	if err != nil {
		fmt.Fprintf(os.Stderr, "e2e/fleet: %v\n", err)
		code = 1
	}
	os.Exit(code)
}

func suite(m *testing.M) (int, error) {
	var err error
	if checkout, err = e2e.Checkout(); err != nil {
		return 1, err
	}
	parent := filepath.Join(checkout, ".roadshow", "e2e")
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return 1, err
	}
	if folder, err = os.MkdirTemp(parent, "fleet-"); err != nil {
		return 1, err
	}
	defer os.RemoveAll(folder)
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	place := awsenv.Place{Checkout: checkout, Folder: filepath.Join(folder, "preparing")}
	for binary, source := range map[string]string{
		program("notes"): ".", program("roadshow"): "./cmd/roadshow", program("twins"): "./e2e/fleet/testdata/twins",
		program("tools"): "./e2e/fleet/testdata/tools", program("show"): "./e2e/fleet/testdata/show",
	} {
		if err := e2e.Build(ctx, place, binary, source); err != nil {
			return 1, err
		}
	}
	if _, err = e2e.Read(ctx, place, program("notes"), prepared(), nil); err != nil {
		return 1, err
	}
	for _, dir := range []string{packed(), untouched()} {
		if err := os.CopyFS(dir, os.DirFS(prepared())); err != nil {
			return 1, err
		}
	}
	return m.Run(), nil
}

// prepared is the assembly of the notes program, for tests whose subject is not the program; packed is a copy that nobody
// deploys but [world.deployed]; untouched is one that nobody deploys, for tests that make another of it while the cdk command
// writes into the first.
func prepared() string  { return filepath.Join(folder, "prepared") }
func packed() string    { return filepath.Join(folder, "packed") }
func untouched() string { return filepath.Join(folder, "untouched") }

// program is a built program: notes, twins, tools and show are what is deployed, roadshow is the command.
func program(name string) string { return filepath.Join(folder, name) }
