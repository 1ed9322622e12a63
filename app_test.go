package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/rehearsaltest"
	"github.com/roadshow-go/roadshow/stack/stacktest"
	"github.com/roadshow-go/roadshow/stages"
)

func TestTheTemplateOfEveryStageIsItsGolden(t *testing.T) {
	stacktest.RequireGolden(t, app)
}

func TestTheStagesAreIdenticalButForWhatIsDeclared(t *testing.T) {
	stacktest.RequireParity(t, app)
}

func TestOnlyProductionHasDAX(t *testing.T) {
	stacktest.RequireOnlyIn(t, app, "AWS::DAX::Cluster", Production)
	stacktest.RequireOnlyIn(t, app, "AWS::EC2::VPC", Production)
	stacktest.RequireOnlyIn(t, app, "AWS::DynamoDB::Table", stages.Except())
}

func TestEachStageKeepsItsOwnNotes(t *testing.T) {
	world := rehearsaltest.Run(t, app)
	for _, stage := range app.Stages {
		var note struct{ ID, Text string }
		world.Stage(stage).API("api").Post("/notes", map[string]string{"text": "of " + stage.Name}).Into(&note)
		require.Equal(t, 200, world.Stage(stage).API("api").Get("/notes/"+note.ID).Status)
		require.Len(t, world.Stage(stage).Table("notes").Items(), 1, "no note of another stage")
	}
	require.False(t, world.Stage(Dev).Invoke("seed-notes", nil).Failed)
}

func TestTheHandlersKnowWhatTheyAreGranted(t *testing.T) { stacktest.RequireLinks(t, app) }
