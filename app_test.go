package main

import (
	"testing"

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

func TestTheHandlersKnowWhatTheyAreGranted(t *testing.T) { stacktest.RequireLinks(t, app) }
