package main

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/internal/fleet"
	"github.com/roadshow-go/roadshow/internal/terminal"
	"github.com/roadshow-go/roadshow/stages"
)

func TestWhatAStandardStageLosesIsShownBeforeItIsDone(t *testing.T) {
	var talk bytes.Buffer
	shown := &approval{person: &terminal.Person{}, talk: &talk, board: terminal.NewBoard(&bytes.Buffer{}, []stages.Stage{{Name: "staging"}})}
	shown.show(fleet.Proposal{Stage: "staging", Account: "222222222222", Profile: "team-staging", Stack: "staging-show", Changes: []fleet.Change{
		{Action: "Add", LogicalID: "New", Type: "AWS::SQS::Queue"},
		{Action: "Modify", LogicalID: "F", Type: "AWS::Lambda::Function", Replacement: "False"},
		{Action: "Modify", LogicalID: "Role", Type: "AWS::IAM::Role", Replacement: "True"},
		{Action: "Modify", LogicalID: "Key", Type: "AWS::KMS::Key", Replacement: "Conditional"},
		{Action: "Remove", LogicalID: "Kept", Type: "AWS::DynamoDB::Table", Stateful: true, Kept: true},
		{Action: "Remove", LogicalID: "Lost", Type: "AWS::DynamoDB::Table", Stateful: true},
	}})
	require.Equal(t, `
staging: account 222222222222 (profile team-staging), stack staging-show
  1 added, 3 changed (2 of them replaced), 2 removed
  modify  AWS::Lambda::Function F
  modify  AWS::IAM::Role Role, REPLACED
  modify  AWS::KMS::Key Key, perhaps replaced
  remove  AWS::DynamoDB::Table Kept, holds data
  remove  AWS::DynamoDB::Table Lost, holds data, WHICH IS LOST
`, talk.String())
	require.Len(t, shown.asked, 1, "and is in the JSON")
}
