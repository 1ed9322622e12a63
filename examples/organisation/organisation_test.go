package organisation_test

import (
	"testing"

	"github.com/roadshow-go/roadshow/examples/organisation"
)

func TestTheSetIsSound(t *testing.T) {
	if err := organisation.Stages.Validate(); err != nil {
		t.Fatal(err)
	}
}

func TestAPullRequestHasDevsAccount(t *testing.T) {
	stage, err := organisation.Stages.Find("pr-417")
	if err != nil {
		t.Fatal(err)
	}
	if stage.Account != organisation.Dev.Account || !stage.IsEphemeral() {
		t.Errorf("pr-417 is %v in account %s", stage, stage.Account)
	}
}
