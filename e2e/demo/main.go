// Command demo is the main job on real input: it deploys the notes service to three accounts with the real
// cdk command, reads back with the AWS SDK what each of them holds, and uses the service in each. The accounts are a rehearsal in
// this process, so it needs no AWS account, costs nothing, and leaves nothing running.
//
// Usage: go run ./e2e/demo [-v] [-folder DIR]
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"charm.land/lipgloss/v2"

	"github.com/roadshow-go/roadshow/e2e"
	"github.com/roadshow-go/roadshow/e2e/inventory"
	"github.com/roadshow-go/roadshow/internal/awsenv"
	"github.com/roadshow-go/roadshow/internal/gobuild"
	"github.com/roadshow-go/roadshow/internal/rehearse"
	"github.com/roadshow-go/roadshow/rehearsal"
	"github.com/roadshow-go/roadshow/stages"
)

func main() {
	verbose := flag.Bool("v", false, "show what the cdk command prints")
	folder := flag.String("folder", filepath.Join(".roadshow", "demo"), "where everything is written; it is emptied first")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// A second Ctrl-C ends this process at once, whatever it waits for.
	context.AfterFunc(ctx, stop)
	err := run(ctx, *folder, *verbose)
	interrupted := ctx.Err() != nil
	stop()
	var child *e2e.ChildError
	switch {
	case err == nil:
		return
	case interrupted:
		fmt.Fprintln(os.Stderr, "\ndemo: stopped; nothing is left running")
		os.Exit(130)
	case errors.As(err, &child):
		fmt.Fprintf(os.Stderr, "\n%s\n", strings.Trim(child.Output, "\n"))
		err = fmt.Errorf("%s: end is %w, want success; what it wrote stands above", strings.Join(child.Command, " "), child.Err)
	}
	fmt.Fprintf(os.Stderr, "\ndemo: %v\n", err)
	os.Exit(1)
}

// demo is what the steps share.
type demo struct {
	checkout string
	place    awsenv.Place
	progress *progress
	program  e2e.Program
	world    *rehearse.World
	denied   chan rehearsal.Denial // the last call that a function was denied
	compiled func(context.Context, string) (string, error)
}

func run(ctx context.Context, folder string, verbose bool) (err error) {
	began := time.Now()
	checkout, err := e2e.Checkout()
	if err != nil {
		return err
	}
	if _, err := os.Stat(e2e.CDK(checkout)); err != nil {
		return errors.New("cdk: command is not installed, want the one of package.json; run `make demo`, which installs it")
	}
	if !filepath.IsAbs(folder) {
		folder = filepath.Join(checkout, folder)
	}
	d := &demo{
		checkout: checkout, progress: newProgress(os.Stdout, verbose),
		place: awsenv.Place{Checkout: checkout, Folder: folder},
	}
	if err := os.RemoveAll(d.place.Folder); err != nil {
		return err
	}
	heading := lipgloss.NewStyle().Bold(true)
	d.progress.line(heading.Render("Roadshow: one program, one stack, every account"))
	d.progress.line("")
	if err := d.build(ctx); err != nil {
		return err
	}
	if err := d.open(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.world.Close()) }()
	// The functions were compiled for Lambda; for this machine they are while the cdk command waits.
	compiled := make(chan struct{})
	go func() {
		defer close(compiled)
		_, _ = d.compiled(ctx, "") // what goes wrong with it, the first request says
	}()
	defer func() { <-compiled }()
	for _, verb := range []string{"bootstrap", "deploy"} {
		for _, stage := range d.program.Stages {
			if err := d.cdk(ctx, verb, stage); err != nil {
				return err
			}
		}
	}
	if err := d.show(ctx); err != nil {
		return err
	}
	if err := d.use(ctx); err != nil {
		return err
	}
	d.progress.line("")
	d.progress.line(fmt.Sprintf("%d accounts in %s, %d requests, none beyond this machine. Nothing is left running.",
		len(d.program.Stages), brief(time.Since(began)), len(d.world.Server.Calls())))
	d.progress.line("")
	d.progress.line(heading.Render("Next") + "  `go run ./cmd/roadshow rehearse` keeps the stages running: send them requests, change app.go, look at its log.")
	return nil
}

// build compiles the program and its functions, and asks it for its stages.
func (d *demo) build(ctx context.Context) error {
	binary := filepath.Join(d.place.Folder, "notes")
	if runtime.GOOS == "windows" {
		binary += ".exe"
	}
	err := d.progress.step("go build .", "the program", func(talk io.Writer) error {
		fmt.Fprintln(talk, "the program; the first time compiles the CDK's Go packages, which takes a minute")
		return e2e.Build(ctx, d.place, binary, ".")
	})
	if err != nil {
		return err
	}
	return d.progress.step("notes -c stage=all", "its functions and its templates, without credentials", func(talk io.Writer) error {
		if d.program, err = e2e.Read(ctx, d.place, binary, filepath.Join(d.place.Folder, "all"), talk); err != nil {
			return err
		}
		d.compiled = rehearse.Build(d.checkout, d.program.Document, gobuild.Options{})
		return nil
	})
}

// open starts the accounts and writes the profiles.
func (d *demo) open(ctx context.Context) error {
	var names []string
	for _, stage := range d.program.Stages {
		names = append(names, stage.Name)
	}
	folder, err := filepath.Rel(d.checkout, d.place.Folder)
	if err != nil {
		return err
	}
	what := fmt.Sprintf("an AWS endpoint in memory; profiles %s in %s", strings.Join(names, ", "), folder)
	return d.progress.step("rehearsal", what, func(io.Writer) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		d.denied = make(chan rehearsal.Denial, 1)
		functions := rehearsal.Functions{Build: d.compiled, Denied: func(denied rehearsal.Denial) {
			select {
			case d.denied <- denied:
			default:
			}
		}}
		d.world, err = rehearse.Open(d.place, rehearsal.Config{Functions: functions}, d.program.Stages...)
		return err
	})
}

// cdk runs the real command with a stage's profile.
func (d *demo) cdk(ctx context.Context, verb string, stage stages.Stage) error {
	command := []string{e2e.CDK(d.checkout), verb, "--profile", stage.Name}
	shown := "npx " + strings.Join(append([]string{"cdk"}, command[1:]...), " ")
	command = append(command, "--app", d.program.Binary, "--output", filepath.Join(d.place.Folder, "cdk.out", stage.Name))
	if verb == "deploy" {
		command = append(command, "--require-approval", "never")
	}
	return d.progress.step(shown, "account "+stage.Account, func(talk io.Writer) error {
		_, err := e2e.Run(ctx, e2e.Child{Command: command, Dir: d.checkout, Environ: d.world.Environ("CI=true"), Also: talk})
		return err
	})
}

// show asks the accounts what they hold.
func (d *demo) show(ctx context.Context) error {
	var all []*inventory.Holdings
	err := d.progress.step("aws-sdk-go-v2", "what each account really holds", func(io.Writer) error {
		for _, stage := range d.program.Stages {
			config, err := d.world.Config(ctx, stage.Name)
			if err != nil {
				return err
			}
			holdings, err := inventory.Read(ctx, config, stage, d.program.Service)
			if err != nil {
				return err
			}
			all = append(all, holdings)
		}
		return nil
	})
	if err != nil {
		return err
	}
	d.progress.line("")
	d.progress.line(table(all))
	d.progress.line("")
	return nil
}
