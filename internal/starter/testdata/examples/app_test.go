package main

import (
	"testing"

	"github.com/roadshow-go/roadshow/stack/stacktest"
)

func TestTheTemplateOfEveryStageIsItsGolden(t *testing.T) { stacktest.RequireGolden(t, app) }

func TestTheStagesAreIdenticalButForWhatIsDeclared(t *testing.T) { stacktest.RequireParity(t, app) }

func TestOnlyProductionHasAnAlarm(t *testing.T) {
	stacktest.RequireOnlyIn(t, app, "AWS::CloudWatch::Alarm", Production)
}
