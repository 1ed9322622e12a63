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
