package main

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
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

func TestEachStageKeepsItsOwnNotesAndNoFunctionMayMoreThanItIsGranted(t *testing.T) {
	world := rehearsaltest.Run(t, app)
	for _, stage := range app.Stages {
		var note struct{ ID, Text string }
		world.Stage(stage).API("api").Post("/notes", map[string]string{"text": "of " + stage.Name}).Into(&note)
		require.Equal(t, 200, world.Stage(stage).API("api").Get("/notes/"+note.ID).Status)
		require.Len(t, world.Stage(stage).Table("notes").Items(), 1, "no note of another stage")
	}
	require.False(t, world.Stage(Dev).Invoke("seed-notes", nil).Failed)
	require.Empty(t, world.Denials())

	// Each grant that is taken away is missed, with its line.
	dev, before := world.Stage(Dev), 0
	for function, use := range map[string]struct {
		call func() bool // whether it fails
		says string
	}{
		"create-note": {func() bool { return dev.API("api").Post("/notes", `{"text":"lost"}`).Status == 500 }, `dynamodb:PutItem on table notes; grant notes\.Write`},
		"get-note":    {func() bool { return dev.API("api").Get("/notes/sample-1").Status == 500 }, `dynamodb:GetItem on table notes; grant notes\.Read`},
		"list-notes":  {func() bool { return dev.API("api").Get("/notes").Status == 500 }, `dynamodb:Scan on table notes; grant notes\.Read`},
		"seed-notes":  {func() bool { return dev.Invoke("seed-notes", nil).Failed }, `dynamodb:PutItem on table notes; grant notes\.Write`},
	} {
		require.False(t, use.call(), function)
		restore := dev.Revoke(function, "notes")
		require.True(t, use.call(), function)
		denied := world.Denials()[before:]
		require.Len(t, denied, 1, function)
		require.Regexp(t, "^"+function+" may not "+use.says+`\(\) \(app\.go:\d+\)$`, denied[0])
		restore()
		require.False(t, use.call(), function)
		before++
	}

	// Another account's name in the variables leads nowhere.
	functions := lambda.NewFromConfig(world.Stage(Dev).Config())
	_, err := functions.UpdateFunctionConfiguration(t.Context(), &lambda.UpdateFunctionConfigurationInput{
		FunctionName: aws.String("dev-notes-get-note"),
		Environment:  &types.Environment{Variables: map[string]string{"NOTES_TABLE": "arn:aws:dynamodb:us-east-1:222222222222:table/staging-notes-notes"}},
	})
	require.NoError(t, err)
	require.Equal(t, 500, world.Stage(Dev).API("api").Get("/notes/sample-1").Status)
	require.Regexp(t, `^get-note of stage dev may not dynamodb:GetItem on what stage staging has \(app\.go:\d+\)$`, world.Denials()[before])
}

func TestTheHandlersKnowWhatTheyAreGranted(t *testing.T) { stacktest.RequireLinks(t, app) }
