// Command roadshow looks after one program on many AWS accounts: it proves that the stages are identical
// but for what is declared, says which declaration makes which difference, and bootstraps, deploys, looks at
// and clears up all accounts together.
//
// Install it, without touching a service's own go.mod:
//
//	go install github.com/roadshow-go/roadshow/cmd/roadshow@latest
//
// It runs in the folder of cdk.json, and runs the program there as the cdk command does; it needs no
// credentials for that. Data goes to standard output, progress output to standard error. With --json the data is
// JSON, of the schemas in docs/parity.md and docs/fleet.md. Exit codes: 0 everything is as it
// should be, 1 something was found (the stages differ), 2 it could not be determined, 3 some accounts did not answer.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// Whoever reads what is said may go away before a deploy is over, as `head` does. That is an error of what is written,
	// and not the end of this process.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}
