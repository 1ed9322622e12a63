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
	w.bootstrap()
	w.must("deploy", "--to", "dev", "--to", "staging")
	require.Equal(t, map[string]string{"dev": "identical", "staging": "identical", "production": "absent"}, w.deployedParity(0))
	require.Regexp(t, `(?m)^staging +222222222222 +identical`, w.must("parity", "--deployed").stdout)

	w.byHand("team-staging", "staging-notes", map[string]string{`"MemorySize": *256`: `"MemorySize": 512`})
	require.Equal(t, map[string]string{"dev": "identical", "staging": "drifted", "production": "absent"}, w.deployedParity(1))
	got := w.run("parity", "--deployed")
	require.Regexp(t, `Stage staging is not what its commit makes\. It was changed by hand.*\n.*\n  Resources\.createnoteFunction\w+\.Properties\.MemorySize: 256 instead of 512\n`, got.stdout)
	w.must("deploy", "--to", "staging")
	require.Equal(t, "identical", w.deployedParity(0)["staging"], "a deploy mends it")
}

// byHand changes a stack's template as somebody does who does not know of the program.
func (w *world) byHand(profile, stack string, replacements map[string]string) {
	w.t.Helper()
	config, err := w.Config(w.t.Context(), profile)
	require.NoError(w.t, err)
	client := cloudformation.NewFromConfig(config)
	deployed, err := client.GetTemplate(w.t.Context(), &cloudformation.GetTemplateInput{StackName: &stack})
	require.NoError(w.t, err)
	changed := aws.ToString(deployed.TemplateBody)
	for pattern, replacement := range replacements {
		require.Regexp(w.t, pattern, changed)
		changed = regexp.MustCompile(pattern).ReplaceAllString(changed, replacement)
	}
	_, err = client.UpdateStack(w.t.Context(), &cloudformation.UpdateStackInput{
		StackName: &stack, TemplateBody: &changed, Capabilities: []types.Capability{types.CapabilityCapabilityNamedIam},
	})
	require.NoError(w.t, err)
	waiter := cloudformation.NewStackUpdateCompleteWaiter(client, func(o *cloudformation.StackUpdateCompleteWaiterOptions) {
		o.MinDelay, o.MaxDelay = 10*time.Millisecond, 100*time.Millisecond
	})
	require.NoError(w.t, waiter.Wait(w.t.Context(), &cloudformation.DescribeStacksInput{StackName: &stack}, time.Minute))
}
