package e2e

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/e2e/inventory"
	"github.com/roadshow-go/roadshow/internal/modproxy"
	"github.com/roadshow-go/roadshow/rehearsal"
	"github.com/roadshow-go/roadshow/stages"
)

// exampleFolder is the copy of an example, and exampleProgram one of its programs, by the name of its package's folder.
func exampleFolder(name string) string { return filepath.Join(folder, name) }

func exampleProgram(name, program string) string {
	return filepath.Join(folder, name+"-programs", program)
}

// prepareExamples builds the examples that are programs, and their functions, as their users do: from packed modules.
func prepareExamples(ctx context.Context) error {
	if elsewhere() {
		return nil // the accounts of their sets are not those that were named
	}
	proxy, err := modproxy.Pack(checkout, filepath.Join(folder, "proxy"), ".", "examples/organisation")
	if err != nil {
		return err
	}
	modules, err := proxy.Environ()
	if err != nil {
		return err
	}
	for _, example := range []struct {
		name, stage string // the stage that is synthesized, which compiles the functions
		programs    []string
	}{
		{"orders", "all", []string{"."}},
		{"existing-cdk", "live", []string{".", "./before"}},
	} {
		dir := exampleFolder(example.name)
		if err := proxy.Copy("examples/"+example.name, dir); err != nil {
			return err
		}
		environ, err := preparing().BuildEnviron(append(modules, withoutDebugging, "CDK_VALIDATION=false", "CDK_OUTDIR="+dir+"-prepared", `CDK_CONTEXT_JSON={"stage":"`+example.stage+`"}`)...)
		if err != nil {
			return err
		}
		programs := exampleProgram(example.name, "") + string(filepath.Separator)
		for _, command := range [][]string{append([]string{"go", "build", "-o", programs}, example.programs...), {exampleProgram(example.name, example.name)}} {
			if _, err := Run(ctx, Child{Command: command, Dir: dir, Environ: environ}); err != nil {
				return err
			}
		}
	}
	return nil
}

// Two services of one organisation, each a module of its own, in the same three accounts.
func TestTheOrdersServiceBesideNotes(t *testing.T) {
	if elsewhere() {
		t.Skip("on the rehearsal only: the accounts of the organisation's set are not those that were named")
	}
	t.Parallel()
	r := newRig(t)
	orders := func(stage stages.Stage) command {
		return command{stage: stage.Name, app: exampleProgram("orders", "orders"), dir: exampleFolder("orders")}
	}
	held := func(t *testing.T, stage stages.Stage, service string) *inventory.Holdings {
		t.Helper()
		holdings, err := inventory.Read(t.Context(), r.config(t, stage.Name), stage, service)
		require.NoError(t, err)
		return holdings
	}
	path := func(stage stages.Stage) string { return "/roadshow/" + stage.Name + "/notes/notes.table" }
	r.bootstrap(t)
	first := r.stage(t, dev)
	output, err := r.cdk(t, orders(first), "deploy")
	require.Error(t, err, "notes is not there yet")
	require.Contains(t, output, path(first))
	require.Empty(t, held(t, first, "orders").Tables)

	r.must(t, command{stage: dev}, "deploy")
	r.deployed(t, r.stage(t, staging).Account, r.stage(t, production).Account)
	r.each(t, func(t *testing.T, stage stages.Stage) {
		before := held(t, stage, "notes")
		output := r.must(t, orders(stage), "deploy")
		require.Contains(t, output, "✅  orders ("+stage.Name+"-orders)\n")
		require.Equal(t, before, held(t, stage, "notes"), "the one service does not touch the other")

		now := held(t, stage, "orders")
		environment := map[string]map[string]string{}
		for _, function := range now.Functions {
			environment[strings.TrimPrefix(function.Name, stage.Name+"-orders-")] = function.Environment
		}
		require.Equal(t, map[string]string{
			"NOTES_TABLE": stage.Name + "-notes-notes", "ORDERS_TABLE": stage.Name + "-orders-orders",
		}, environment["place-order"])
		want := 1
		if stage.Name != dev {
			require.Contains(t, environment, "orders-audit", "the shared construct's own handler")
			want++
		}
		if stage.Name == production {
			require.Contains(t, environment, "report")
			want++
		}
		require.Len(t, environment, want)

		// The template knows the path only. What stands there was read at the deploy.
		described, err := cloudformation.NewFromConfig(r.config(t, stage.Name)).DescribeStacks(t.Context(), &cloudformation.DescribeStacksInput{
			StackName: aws.String(stage.Name + "-orders"),
		})
		require.NoError(t, err)
		resolved := map[string]string{}
		for _, parameter := range described.Stacks[0].Parameters {
			resolved[aws.ToString(parameter.ParameterValue)] = aws.ToString(parameter.ResolvedValue)
		}
		require.Equal(t, "arn:aws:dynamodb:"+stage.Region+":"+stage.Account+":table/"+stage.Name+"-notes-notes", resolved[path(stage)])
	})
	require.Contains(t, r.must(t, orders(first), "deploy"), "(no changes)")
	r.askedNothingUnknown(t)
}

// A program of the CDK alone takes up Roadshow, and nothing of what it has is replaced.
func TestAnExistingProgramAdoptsAStageAndAComponent(t *testing.T) {
	if elsewhere() {
		t.Skip("on the rehearsal only: the accounts of its set are not those that were named")
	}
	t.Parallel()
	r := newRig(t)
	before := command{stage: production, app: exampleProgram("existing-cdk", "before"), dir: exampleFolder("existing-cdk")}
	after := before
	after.app = exampleProgram("existing-cdk", "existing-cdk")
	live := r.stage(t, production)
	had := func() map[string]rehearsal.Resource {
		t.Helper()
		all := map[string]rehearsal.Resource{}
		for _, resource := range r.Server.Resources(live.Account, live.Region) {
			if resource.Stack == "Legacy" && resource.Type != "AWS::CDK::Metadata" { // a raw program's analytics
				all[resource.LogicalID] = resource
			}
		}
		return all
	}
	r.bootstrap(t)
	require.Contains(t, r.must(t, before, "deploy"), "✅  Legacy\n")
	was := had()
	require.Len(t, was, 2)

	// The change set says what a deploy would do.
	client := cloudformation.NewFromConfig(r.config(t, production))
	r.must(t, after, "deploy", "--method=prepare-change-set", "--change-set-name", "adoption")
	set, err := client.DescribeChangeSet(t.Context(), &cloudformation.DescribeChangeSetInput{StackName: aws.String("Legacy"), ChangeSetName: aws.String("adoption")})
	require.NoError(t, err)
	actions := map[string]types.ChangeAction{}
	for _, change := range set.Changes {
		of := change.ResourceChange
		if *of.ResourceType == "AWS::CDK::Metadata" {
			continue
		}
		actions[*of.LogicalResourceId] = of.Action
		if of.Action == types.ChangeActionModify {
			require.Equal(t, types.ReplacementFalse, of.Replacement, *of.LogicalResourceId)
		}
	}
	for id, resource := range was {
		action, changes := actions[id]
		require.Equal(t, resource.Type == "AWS::DynamoDB::Table", changes, id)
		if changes {
			require.Equal(t, types.ChangeActionModify, action, id)
		}
		delete(actions, id)
	}
	for id, action := range actions {
		require.Equal(t, types.ChangeActionAdd, action, id)
	}
	require.Equal(t, was, had(), "a change set alone changes nothing")

	// And that is what it does.
	require.Contains(t, r.must(t, after, "deploy"), "✅  Legacy\n")
	is := had()
	require.Len(t, is, len(was)+len(actions))
	for id, resource := range was {
		require.Equal(t, resource.PhysicalID, is[id].PhysicalID, id)
		require.Equal(t, resource.Created, is[id].Created, "%s was made anew", id)
	}
	table := is["OrdersA9B65338"]
	require.Equal(t, "legacy-orders", table.Name)
	require.Equal(t, true, table.Properties["DeletionProtectionEnabled"], "its stage is protected")
	function, err := lambda.NewFromConfig(r.config(t, production)).GetFunctionConfiguration(t.Context(), &lambda.GetFunctionConfigurationInput{
		FunctionName: aws.String("live-shop-get-order"),
	})
	require.NoError(t, err)
	require.Equal(t, map[string]string{"ORDERS_TABLE": "legacy-orders"}, function.Environment.Variables)
	require.Contains(t, r.must(t, after, "deploy"), "(no changes)")

	// The stage that has no past is made from nothing, and the account of no stage is refused.
	after.stage = dev
	require.Contains(t, r.must(t, after, "deploy"), "✅  Legacy\n")
	after.stage = staging
	output, err := r.cdk(t, after, "deploy")
	require.Error(t, err)
	require.Contains(t, output, "account 222222222222 belongs to no stage of the set")
	r.askedNothingUnknown(t)
}
