package main

import (
	"testing"

	"github.com/roadshow-go/roadshow/examples/organisation"
	"github.com/roadshow-go/roadshow/stack/stacktest"
	"github.com/roadshow-go/roadshow/stages"
)

func TestTheTemplateOfEveryStageIsItsGolden(t *testing.T) { stacktest.RequireGolden(t, app) }

func TestTheStagesAreIdenticalButForWhatIsDeclared(t *testing.T) { stacktest.RequireParity(t, app) }

func TestTheHandlersKnowWhatTheyAreGranted(t *testing.T) { stacktest.RequireLinks(t, app) }

func TestOnlyProductionReports(t *testing.T) {
	stacktest.RequireOnlyIn(t, app, "AWS::Scheduler::Schedule", organisation.Production)
}

func TestASandboxHasNoAudit(t *testing.T) {
	stacktest.RequireOnlyIn(t, app, "AWS::Lambda::EventSourceMapping", stages.Except(stages.Sandbox))
}

// A pull request's stage has its own orders, and reads the notes of dev.
func TestAPullRequestReadsTheNotesOfDev(t *testing.T) {
	stage, err := app.Stages.Find("pr-417")
	if err != nil {
		t.Fatal(err)
	}
	found := ""
	parameters, _ := stacktest.Synth(t, app, stage).Body["Parameters"].(map[string]any)
	for _, parameter := range parameters {
		if path, _ := parameter.(map[string]any)["Default"].(string); path == "/roadshow/dev/notes/notes.table" {
			found = path
		}
	}
	if found == "" {
		t.Errorf("the parameters are %v", parameters)
	}
}
