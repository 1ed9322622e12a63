// The synthetic service on Roadshow: a table, an HTTP API, and functions that each have a route and may
// read and write the table.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"github.com/roadshow-go/roadshow/bench/programs/size"
	"github.com/roadshow-go/roadshow/stack"
	"github.com/roadshow-go/roadshow/stages"
)

func main() {
	parity := flag.Bool("parity", false, "prove that the stages are identical, instead of writing them")
	asked := size.Flags()
	flag.Parse()
	if err := run(*asked, *parity); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(asked size.Size, parity bool) error {
	working, err := os.Getwd()
	if err != nil {
		return err
	}
	code, err := filepath.Rel(working, asked.Code)
	if err != nil {
		return err
	}
	app := service(asked, "./"+filepath.ToSlash(code))
	if parity {
		verdict, err := app.Prove(context.Background(), stack.Proof{})
		if err == nil && !verdict.Identical() {
			err = fmt.Errorf("the stages are not identical: %s", verdict)
		}
		return err
	}
	validation := stack.ValidateNever
	if asked.Validate {
		validation = stack.ValidateChanged
	}
	_, err = app.Synthesize(stack.Synthesis{Outdir: asked.Outdir, Nested: true, Validation: validation})
	return err
}

// service is the app; the code of each function is a folder below code, as it is for the peers.
func service(asked size.Size, code string) stack.App {
	var set stages.Set
	var memory []stages.Case[int]
	for i := range asked.Stages {
		stage := stages.Stage{Name: size.Stage(i), Account: size.Account(i), Region: size.Region}
		set = append(set, stage)
		if mib := asked.Memory(i); mib != asked.Memory(0) {
			memory = append(memory, stages.When(stage, mib))
		}
	}
	return stack.App{Service: size.Service, Stages: set, Define: func(s *stack.Stack) {
		items := stack.NewTable(s, "items", stack.TableConfig{PartitionKey: stack.StringKey("id")})
		api := stack.NewHTTPAPI(s, "api", stack.HTTPAPIConfig{NoAccessLog: true})
		for i := range asked.Functions {
			config := stack.FunctionConfig{
				Prebuilt:    &stack.PrebuiltConfig{Path: code + "/" + size.Function(i), Runtime: "provided.al2023", Handler: "bootstrap"},
				Environment: map[string]string{"SALT": asked.Salt},
				Access:      []stack.Grant{items.ReadWrite()},
			}
			if i == 0 {
				config.Memory = stages.Pick(s, 256, memory...)
			}
			fn := stack.NewFunction(s, size.Function(i), config)
			api.Route("GET /"+size.Function(i), fn)
		}
	}}
}
