package main

import (
	"testing"

	"github.com/roadshow-go/roadshow/stack/stacktest"
)

func TestTheTemplateOfEveryStageIsItsGolden(t *testing.T) {
	stacktest.RequireGolden(t, app)
}
