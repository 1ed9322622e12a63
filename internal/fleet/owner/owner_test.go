package owner_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/internal/fleet/owner"
)

var dev = owner.Maker{Program: "example.com/notes", Service: "notes", Stage: "dev"}

func TestAStackIsOursByItsTagsAndNotByItsName(t *testing.T) {
	for name, tt := range map[string]struct {
		tags  map[string]string
		want  owner.Relation
		doubt string
	}{
		"this program, service and stage": {
			map[string]string{"roadshow:program": "example.com/notes", "roadshow:service": "notes", "roadshow:stage": "dev"}, owner.Same, "",
		},
		"an earlier deploy that named no program": {map[string]string{"roadshow:service": "notes", "roadshow:stage": "dev"}, owner.Unnamed, ""},
		"another program": {
			map[string]string{"roadshow:program": "example.com/other", "roadshow:service": "notes", "roadshow:stage": "dev"},
			owner.Foreign,
			`its tags say service "notes", stage "dev", program example.com/other`,
		},
		"another stage":   {map[string]string{"roadshow:service": "notes", "roadshow:stage": "demo"}, owner.Foreign, `its tags say service "notes", stage "demo"`},
		"another service": {map[string]string{"roadshow:service": "mail", "roadshow:stage": "dev"}, owner.Foreign, `its tags say service "mail", stage "dev"`},
		"half of it":      {map[string]string{"roadshow:stage": "dev"}, owner.Foreign, `its tags say no service, stage "dev"`},
		"no tags":         {nil, owner.Bare, "its tags name no service and no stage"},
		"another team's":  {map[string]string{"team": "payments"}, owner.Bare, "its tags name no service and no stage"},
	} {
		t.Run(name, func(t *testing.T) {
			said := owner.MakerOf(tt.tags)
			require.Equal(t, tt.want, said.Relation(dev))
			require.Equal(t, tt.doubt, said.Doubt(dev))
		})
	}
}

func TestALiveStackIsOursByItsNameAndItsTagsTogether(t *testing.T) {
	tags := map[string]string{"roadshow:program": "example.com/notes", "roadshow:service": "notes", "roadshow:stage": "dev"}
	for name, tt := range map[string]struct {
		stack string
		tags  map[string]string
		want  owner.Grade
		doubt string
	}{
		"both":             {"dev-notes", tags, owner.Certain, ""},
		"the name alone":   {"dev-notes", nil, owner.Unsure, "its tags name no service and no stage"},
		"the tags alone":   {"by-hand", tags, owner.Unsure, "it only carries the tags of stage dev, whose stack has another name"},
		"somebody else's":  {"dev-notes", map[string]string{"roadshow:service": "notes", "roadshow:stage": "demo"}, owner.Unsure, `its tags say service "notes", stage "demo"`},
		"neither":          {"by-hand", nil, owner.Unsure, "it only carries the tags of stage dev, whose stack has another name; its tags name no service and no stage"},
		"an older program": {"dev-notes", map[string]string{"roadshow:service": "notes", "roadshow:stage": "dev"}, owner.Certain, ""},
	} {
		t.Run(name, func(t *testing.T) {
			verdict := owner.JudgeStack(tt.stack, tt.tags, dev)
			require.Equal(t, tt.want, verdict.Grade)
			require.Equal(t, tt.doubt, verdict.Doubt())
			require.NotEmpty(t, verdict.Why)
		})
	}
}
