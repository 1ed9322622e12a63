// Package fleet_test is the end-to-end suite of what is done to all accounts together: the real cdk command
// and the real AWS SDK on a rehearsal in the test's own process. Children have loopback proxies that do
// not exist, so that nothing leaves the machine.
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
	"github.com/roadshow-go/roadshow/stages"
)

var (
	dev        = stages.Stage{Name: "dev", Account: "111111111111", Region: "us-east-1", Tier: stages.Sandbox}
	staging    = stages.Stage{Name: "staging", Account: "222222222222", Region: "us-east-1"}
	production = stages.Stage{Name: "production", Account: "333333333333", Region: "us-east-1", Tier: stages.Protected}
	all        = []stages.Stage{dev, staging, production}
)

// checkout is that of the module, folder what the run makes, assembled the assembly of every stage.
var checkout, folder, assembled string

// TestMain builds the program, its functions, its assembly and the command once for all tests.
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
	if err := e2e.Build(ctx, place, notes(), "."); err != nil {
		return 1, err
	}
	assembled = filepath.Join(folder, "assembled")
	if _, err = e2e.Read(ctx, place, notes(), assembled, nil); err != nil {
		return 1, err
	}
	return m.Run(), nil
}

// notes is the built program.
func notes() string { return filepath.Join(folder, "notes") }
