package main

import (
	"strings"
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
	if denied := world.Denials(); len(denied) > 0 {
		t.Fatal(denied)
	}

	// Each grant that is taken away is missed, with its line.
	production := world.Stage(organisation.Production)
	order := func() bool {
		return production.API("api").Post("/orders", map[string]string{"id": "2", "note": "of production"}).Status < 500
	}
	report := func() bool { return !production.Invoke("report", nil).Failed }
	for _, grant := range []struct {
		function, component string
		works               func() bool
		says                string
	}{
		{"place-order", "notes", order, "place-order may not dynamodb:GetItem on table notes; grant notes.Read() (app.go:"},
		{"place-order", "orders", order, "place-order may not dynamodb:PutItem on table orders; grant orders.Write() (app.go:"},
		{"report", "orders", report, "report may not dynamodb:Scan on table orders; grant orders.Read() (app.go:"},
	} {
		before := len(world.Denials())
		restore := production.Revoke(grant.function, grant.component)
		if grant.works() {
			t.Errorf("%s does not need %s", grant.function, grant.component)
		}
		if denied := world.Denials()[before:]; len(denied) != 1 || !strings.HasPrefix(denied[0], grant.says) {
			t.Errorf("denied is %q", denied)
		}
		if restore(); !grant.works() {
			t.Errorf("%s with %s fails", grant.function, grant.component)
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
