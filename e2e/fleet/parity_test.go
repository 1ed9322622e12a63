package fleet_test

import (
	"encoding/json"
	"regexp"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/stretchr/testify/require"
)

// deployedParity has the command compare every account with the program.
func (w *world) deployedParity(want int) map[string]string {
	w.t.Helper()
	got := w.run("parity", "--deployed", "--json")
	require.Equal(w.t, want, got.code, got.stderr)
	var read struct {
		Identical bool
		Deployed  []struct{ Stage, State string }
	}
	require.NoError(w.t, json.Unmarshal([]byte(got.stdout), &read), got.stdout)
	require.True(w.t, read.Identical, "the stages of the program itself")
	found := map[string]string{}
	for _, one := range read.Deployed {
		found[one.Stage] = one.State
	}
	return found
}

// TestWhatIsDeployedIsWhatTheProgramMakes deploys by the real cdk command, and then changes a stack by hand.
func TestWhatIsDeployedIsWhatTheProgramMakes(t *testing.T) {
	t.Parallel()
	w := open(t, program("notes"), 0)
	// Whoever works in the checkout meanwhile makes no other commit of it.
	w.app = "GIT_DIR=" + w.folder + " " + w.app
	require.Equal(t, map[string]string{"dev": "absent", "staging": "absent", "production": "absent"}, w.deployedParity(0))
	w.must("bootstrap", "dev", "staging")
	w.must("deploy", "--to", "dev", "--to", "staging")
	require.Equal(t, map[string]string{"dev": "identical", "staging": "identical", "production": "absent"}, w.deployedParity(0))
	require.Regexp(t, `(?m)^staging +222222222222 +identical`, w.must("parity", "--deployed").stdout)

	config, err := w.Config(t.Context(), "team-staging")
	require.NoError(t, err)
	client := cloudformation.NewFromConfig(config)
	name := aws.String("staging-notes")
	deployed, err := client.GetTemplate(t.Context(), &cloudformation.GetTemplateInput{StackName: name})
	require.NoError(t, err)
	changed := regexp.MustCompile(`"MemorySize": *256`).ReplaceAllString(aws.ToString(deployed.TemplateBody), `"MemorySize": 512`)
	_, err = client.UpdateStack(t.Context(), &cloudformation.UpdateStackInput{StackName: name, TemplateBody: &changed, Capabilities: []types.Capability{types.CapabilityCapabilityNamedIam}})
	require.NoError(t, err)
	waiter := cloudformation.NewStackUpdateCompleteWaiter(client, func(o *cloudformation.StackUpdateCompleteWaiterOptions) {
		o.MinDelay, o.MaxDelay = 10*time.Millisecond, 100*time.Millisecond
	})
	require.NoError(t, waiter.Wait(t.Context(), &cloudformation.DescribeStacksInput{StackName: name}, time.Minute))

	require.Equal(t, map[string]string{"dev": "identical", "staging": "different", "production": "absent"}, w.deployedParity(1))
	got := w.run("parity", "--deployed")
	require.Regexp(t, `staging is not what its commit makes:\n  Resources\.createnoteFunction\w+\.Properties\.MemorySize: 256 instead of 512\n`, got.stdout)
	w.must("deploy", "--to", "staging")
	require.Equal(t, "identical", w.deployedParity(0)["staging"], "a deploy mends it")
}
