package parity_test

import (
	"context"
	"fmt"

	"github.com/roadshow-go/roadshow/parity"
	"github.com/roadshow-go/roadshow/stages"
)

var (
	exampleDev        = stages.Stage{Name: "dev", Account: "111111111111", Region: "us-east-1"}
	exampleProduction = stages.Stage{Name: "production", Account: "333333333333", Region: "us-east-1", Tier: stages.Protected}
)

// synthesize stands for a program: what it makes of a stage.
func synthesize(stage stages.Stage, memory int) (template []byte, identity []string) {
	name := stage.Name + "-notes-create"
	return fmt.Appendf(nil, `{"Resources": {"create": {"Type": "AWS::Lambda::Function", "Properties": {
		"FunctionName": %q, "MemorySize": %d, "Role": "arn:aws:iam::%s:role/create"}}}}`, name, memory, stage.Account), []string{stage.Name, stage.Account, stage.Region, name}
}

func ExampleCompare() {
	side := func(stage stages.Stage, memory int) parity.Side {
		text, identity := synthesize(stage, memory)
		template, err := parity.Parse(text)
		if err != nil {
			panic(err)
		}
		return parity.Side{
			Stage: stage, Template: template, Identity: identity,
			Positions: func(string) stages.Position { return stages.Position{File: "app.go", Line: 24} },
		}
	}
	differences, err := parity.Compare(side(exampleDev, 256), side(exampleProduction, 1024))
	if err != nil {
		panic(err)
	}
	for _, difference := range differences {
		fmt.Println(difference)
	}
	// Output:
	// Resources.create.Properties.MemorySize
	//   AWS::Lambda::Function, made at app.go:24
	//   dev:        256
	//   production: 1024
}

func ExampleProve() {
	set := stages.Set{exampleDev, exampleProduction}
	program := parity.PlayerFunc(func(_ context.Context, stage stages.Stage) (parity.Played, error) {
		template, identity := synthesize(stage, 256)
		return parity.Played{
			Template: template, Identity: identity, ChoicesKey: stages.NewChoices(set, stage).Key(),
			Functions: map[string]string{"create": "sha256:9f86d081"},
		}, nil
	})
	verdict, err := parity.Prove(context.Background(), set, program)
	if err != nil {
		panic(err)
	}
	fmt.Println(verdict)
	// Output: identical: 2 stages, 2 groups, 1 resource, 1 function (same bytes)
}

func ExampleReproducible() {
	first := map[string][]byte{"dev": []byte(`{"Outputs": {"built": {"Value": "10:00"}}}`)}
	second := map[string][]byte{"dev": []byte(`{"Outputs": {"built": {"Value": "10:01"}}}`)}
	for _, difference := range parity.Reproducible(first, second) {
		fmt.Println(difference)
	}
	// Output:
	// Outputs.built.Value
	//   dev, first run:  "10:00"
	//   dev, second run: "10:01"
}

func ExampleForeignAccounts() {
	template, err := parity.Parse([]byte(`{"Resources": {"role": {"Type": "AWS::IAM::Role", "Properties": {"Principal": "arn:aws:iam::333333333333:root"}}}}`))
	if err != nil {
		panic(err)
	}
	set := stages.Set{exampleDev, exampleProduction}
	for _, reference := range parity.ForeignAccounts(parity.Side{Stage: exampleDev, Template: template}, set) {
		fmt.Println(reference)
	}
	// Output:
	// Resources.role.Properties.Principal
	//   AWS::IAM::Role
	//   dev names 333333333333, the account of production
}
