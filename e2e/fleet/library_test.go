package fleet_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/e2e"
	"github.com/roadshow-go/roadshow/fleet"
	"github.com/roadshow-go/roadshow/internal/awsenv"
	"github.com/roadshow-go/roadshow/stages"
)

// open starts accounts, and gives this process the environment that reaches them and nothing else.
func open(t *testing.T, some ...stages.Stage) (*e2e.World, *fleet.Fleet) {
	t.Helper()
	world, err := e2e.Rehearse(awsenv.Place{Checkout: checkout, Folder: t.TempDir()}, some...)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, world.Close()) })
	for _, variable := range world.Environ() {
		name, value, _ := strings.Cut(variable, "=")
		t.Setenv(name, value)
	}
	for _, name := range []string{"AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_CA_BUNDLE"} {
		t.Setenv(name, "")
	}
	profiles, err := fleet.AskProfiles(t.Context())
	require.NoError(t, err)
	assembly, err := fleet.ReadAssembly(assembled)
	require.NoError(t, err)
	return world, fleet.Of(assembly.Document, profiles)
}

func command(t *testing.T) fleet.CDK {
	t.Helper()
	file, err := fleet.FindCDK(checkout)
	require.NoError(t, err)
	return fleet.CDK{Command: file, Dir: checkout, Limit: 5 * time.Minute}
}

func deployment(t *testing.T, f *fleet.Fleet) fleet.Deployment {
	t.Helper()
	assembly, err := fleet.ReadAssembly(assembled)
	require.NoError(t, err)
	return fleet.Deployment{Fleet: f, CDK: command(t), Assembly: assembly, Observe: func(e fleet.Event) {
		t.Logf("%s %s %d/%d %s", e.Stage.Name, e.State, e.Finished, e.Total, e.Text)
	}}
}

func TestX(t *testing.T) {
	world, f := open(t, all...)
	outcomes := fleet.Bootstrap{Fleet: f, CDK: command(t), Observe: func(e fleet.Event) { t.Log(e.Stage.Name, e.State, e.Text) }}.Run(t.Context(), f.Stages)
	t.Logf("%+v", outcomes)
	d := deployment(t, f)
	out, err := d.Run(t.Context(), f.Stages)
	require.NoError(t, err)
	t.Logf("%+v", out)
	for _, r := range f.Survey(t.Context(), f.Stages) {
		t.Logf("%+v %+v", r, r.Deployed)
	}
	_ = world
}
