package e2e

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/fleet"
	"github.com/roadshow-go/roadshow/internal/modproxy"
	"github.com/roadshow-go/roadshow/stages"
)

func ordersFolder() string { return filepath.Join(folder, "orders") }
func ordersBinary() string { return filepath.Join(folder, "orders-program") }

// prepareOrders builds examples/orders and its functions as its users do: from packed modules.
func prepareOrders(ctx context.Context) error {
	if elsewhere() {
		return nil // the accounts of its set are not those that were named
	}
	proxy, err := modproxy.Pack(checkout, filepath.Join(folder, "proxy"), ".", "examples/organisation")
	if err != nil {
		return err
	}
	if err := proxy.Copy("examples/orders", ordersFolder()); err != nil {
		return err
	}
	modules, err := proxy.Environ()
	if err != nil {
		return err
	}
	outdir := filepath.Join(folder, "orders-prepared")
	environ, err := preparing().BuildEnviron(append(modules, "CDK_OUTDIR="+outdir, `CDK_CONTEXT_JSON={"stage":"all"}`)...)
	if err != nil {
		return err
	}
	for _, command := range [][]string{{"go", "build", "-o", ordersBinary(), "."}, {ordersBinary()}} {
		if _, err := Run(ctx, Child{Command: command, Dir: ordersFolder(), Environ: environ}); err != nil {
			return err
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
		return command{stage: stage.Name, app: ordersBinary(), dir: ordersFolder()}
	}
	held := func(t *testing.T, stage stages.Stage, service string) *fleet.Holdings {
		t.Helper()
		holdings, err := fleet.Inventory(t.Context(), r.config(t, stage.Name), stage, service)
		require.NoError(t, err)
		return holdings
	}
	r.each(t, func(t *testing.T, stage stages.Stage) {
		path := "/roadshow/" + stage.Name + "/notes/notes.table"
		r.must(t, command{stage: stage.Name}, "bootstrap")
		output, err := r.cdk(t, orders(stage), "deploy")
		require.Error(t, err, "notes is not there yet")
		require.Contains(t, output, path)
		require.Empty(t, held(t, stage, "orders").Tables)

		r.must(t, command{stage: stage.Name}, "deploy")
		before := held(t, stage, "notes")
		output = r.must(t, orders(stage), "deploy")
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
		require.Equal(t, "arn:aws:dynamodb:"+stage.Region+":"+stage.Account+":table/"+stage.Name+"-notes-notes", resolved[path])

		output = r.must(t, orders(stage), "deploy")
		require.Contains(t, output, "(no changes)")
	})
	r.askedNothingUnknown(t)
}
