package fleet_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/fleet"
	"github.com/roadshow-go/roadshow/internal/assembly"
	"github.com/roadshow-go/roadshow/rehearsal"
	"github.com/roadshow-go/roadshow/stages"
)

func TestWhatIsDeployedIsComparedWithTheProgram(t *testing.T) {
	a := openAccounts(t)
	a.deployed(sandbox, "")
	a.deployed(neighbour, "")
	a.InjectFault(rehearsal.Fault{Account: protected.Account, Service: "cloudformation", Status: 403, Code: "AccessDenied", Message: "not you"})
	const commit = "0123456789abcdef0123456789abcdef01234567"
	program := func(commit string, logs map[string]string) fleet.Assembly {
		ready := fleet.Assembly{Dir: t.TempDir(), Document: assembly.Document{Service: "notes", Commit: commit}}
		for _, stage := range everyone {
			file := stage.Name + ".template.json"
			template := `{"Resources":{"Log":{"Type":"AWS::Logs::LogGroup","Properties":{"LogGroupName":"` + logs[stage.Name] + `"}}}}`
			require.NoError(t, os.WriteFile(filepath.Join(ready.Dir, file), []byte(template), 0o600))
			ready.Document.Stages = append(ready.Document.Stages, assembly.Synthesized{Stage: assembly.Stage{Name: stage.Name}, Role: stage.Name, File: file})
		}
		return ready
	}
	states := func(found []fleet.Parity) (all []fleet.ParityState) {
		for _, one := range found {
			all = append(all, one.State)
		}
		return all
	}
	logs := map[string]string{"dev": "/notes/dev", "demo": "/notes/other"}
	found := a.fleet().Parity(t.Context(), program(commit, logs), everyone)
	require.Equal(t, []fleet.ParityState{fleet.ParityIdentical, fleet.ParityDifferent, fleet.ParityAbsent, fleet.ParityUnknown}, states(found))
	require.Equal(t, `Resources.Log.Properties.LogGroupName: "/notes/other" instead of "/notes/demo"`, found[1].Changes[0].String())
	require.Contains(t, found[3].Problem, "not you")

	found = a.fleet().Parity(t.Context(), program("another", logs), everyone)
	require.Equal(t, fleet.ParityIdentical, found[0].State, "the same template, whatever the commit")
	require.Equal(t, fleet.ParityBehind, found[1].State)

	none := fleet.Assembly{Dir: t.TempDir()}
	require.Equal(t, fleet.ParityUnknown, a.fleet().Parity(t.Context(), none, []stages.Stage{sandbox})[0].State)
}
