// The synthetic service on Roadshow: a table, an HTTP API, and functions that each have a route and may
// read and write the table.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"

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
	app := service(asked)
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
	_, err := app.Synthesize(stack.Synthesis{Outdir: asked.Outdir, Nested: true, StubFunctions: true, Validation: validation})
	return err
}

func service(asked size.Size) stack.App {
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
				Package:     "./functions/" + size.Function(i),
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
