package main

import (
	"testing"

	"github.com/roadshow-go/roadshow/examples/organisation"
	"github.com/roadshow-go/roadshow/rehearsaltest"
	"github.com/roadshow-go/roadshow/stack"
	"github.com/roadshow-go/roadshow/stack/stacktest"
	"github.com/roadshow-go/roadshow/stages"
)

func TestTheTemplateOfEveryStageIsItsGolden(t *testing.T) { stacktest.RequireGolden(t, app) }

func TestTheStagesAreIdenticalButForWhatIsDeclared(t *testing.T) { stacktest.RequireParity(t, app) }

func TestTheHandlersKnowWhatTheyAreGranted(t *testing.T) { stacktest.RequireLinks(t, app) }

// notes stands in for the service that orders imports from.
var notes = stack.App{Service: "notes", Stages: organisation.Stages, Define: func(s *stack.Stack) {
	stack.NewTable(s, "notes", stack.TableConfig{PartitionKey: stack.StringKey("id")}).Export()
}}

func TestAnOrderNeedsANoteOfItsOwnStage(t *testing.T) {
	world := rehearsaltest.Run(t, notes, app)
	for _, stage := range []stages.Stage{organisation.Dev, organisation.Staging, organisation.Production} {
		order := map[string]string{"id": "1", "note": "of " + stage.Name}
		orders := world.Stage(stage).API("api")
		if answer := orders.Post("/orders", order); answer.Status != 404 {
			t.Errorf("without the note: %d %s", answer.Status, answer.Body)
		}
		world.Stage(stage).Table("notes").Put(map[string]any{"id": "of " + stage.Name})
		if answer := orders.Post("/orders", order); answer.Status != 201 || len(world.Stage(stage).Table("orders").Items()) != 1 {
			t.Errorf("with the note: %d %s", answer.Status, answer.Body)
		}
	}
}

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
