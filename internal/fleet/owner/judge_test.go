package owner_test

import (
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/roadshow-go/roadshow/internal/fleet/owner"
)

const account = "111111111111"

var (
	ended   = time.Date(2026, 5, 3, 12, 0, 0, 0, time.UTC)
	earlier = ended.Add(-time.Hour)
	later   = ended.Add(time.Minute)
	own     = map[string]string{"roadshow:service": "notes", "roadshow:stage": "dev"}
)

// stackID is an id as CloudFormation makes them.
func stackID(account, name string) string {
	return fmt.Sprintf("arn:aws:cloudformation:us-east-1:%s:stack/%s/0", account, name)
}

// gone is the deleted stack of dev.
func gone() *owner.Stack {
	return &owner.Stack{ID: stackID(account, "dev-notes"), Name: "dev-notes", Deleted: ended, Tags: own}
}

// with are the tags of dev and some more.
func with(more ...string) map[string]string {
	tags := maps.Clone(own)
	for _, tag := range more {
		key, value, _ := strings.Cut(tag, "=")
		tags[key] = value
	}
	return tags
}

func TestWhoseAThingIsIsDecidedByWhatNobodyElseCanWrite(t *testing.T) {
	change := func(s *owner.Stack, do func(*owner.Stack)) *owner.Stack {
		do(s)
		return s
	}
	for name, tt := range map[string]struct {
		evidence owner.Evidence
		want     owner.Grade
		why      string
	}{
		"CloudFormation says that a stack of the stage made it, and left it": {
			owner.Evidence{Tags: own, Made: gone(), Left: gone()}, owner.Certain, "stack dev-notes has left it by policy when it was deleted on 2026-05-03",
		},
		"CloudFormation says that a stack of the stage made it, which it has forgotten": {
			owner.Evidence{Tags: own, Made: &owner.Stack{ID: stackID(account, "dev-notes"), Name: "dev-notes"}}, owner.Certain, "stack dev-notes made it, and is gone",
		},
		"a deleted stack has left it, whose type takes no tags, and it is older": {
			owner.Evidence{Left: gone(), Created: earlier}, owner.Certain, "has left it by policy",
		},
		"a name of the ledger, the tags, and older than the stack's end": {
			owner.Evidence{Tags: own, Listed: true, Created: earlier, Ended: gone()}, owner.Certain, "the ledger has its name, and it carries the tags of its stage",
		},
		"its stack has it, and is about to leave it": {
			owner.Evidence{
				Tags: own, Again: "dev-notes", Created: later, Ended: gone(), Made: change(gone(), func(s *owner.Stack) { s.Live, s.Deleted = true, time.Time{} }),
				Left: change(gone(), func(s *owner.Stack) { s.Live, s.Deleted = true, time.Time{} }),
			}, owner.Certain, "stack dev-notes has it, and leaves it by policy",
		},
		"a tag that its stack had too": {
			owner.Evidence{Tags: with("cost-center=7"), Made: change(gone(), func(s *owner.Stack) { s.Tags = with("cost-center=7") })}, owner.Certain, "made it, and is gone",
		},

		"the stage has a stack again": {
			owner.Evidence{Tags: own, Made: gone(), Again: "dev-notes"}, owner.Likely, "the stage has a stack again, which does not have it",
		},
		"its stack lives, and does not have it any more": {
			owner.Evidence{Tags: own, Made: change(gone(), func(s *owner.Stack) { s.Live, s.Deleted = true, time.Time{} }), Again: "dev-notes"},
			owner.Likely,
			"stack dev-notes made it; that stack lives, and does not have it any more",
		},
		"a name of the ledger and no tags": {
			owner.Evidence{Listed: true, Created: earlier, Ended: gone()}, owner.Likely, "a name alone is not enough",
		},
		"a name of the ledger, the tags, and nobody says when it was made": {
			owner.Evidence{Tags: own, Listed: true, Ended: gone()}, owner.Likely, "nobody says when it was made",
		},
		"a name of the ledger, the tags, and nobody knows when the stack ended": {
			owner.Evidence{Tags: own, Listed: true, Created: earlier}, owner.Likely, "nobody knows when the stage's stack was deleted",
		},

		"only tags, which can be copied": {owner.Evidence{Tags: own, Created: earlier, Ended: gone()}, owner.Unsure, "anybody can write those"},
		"only a name that begins alike":  {owner.Evidence{Created: earlier, Ended: gone()}, owner.Unsure, "its name begins like those of stage dev"},
		"another tool's tag": {
			owner.Evidence{Tags: with("managed-by=terraform"), Made: gone(), Left: gone()}, owner.Unsure, "it carries the tag managed-by=terraform, which its stack did not have",
		},
		"only another tool's tags": {
			owner.Evidence{Tags: map[string]string{"managed-by": "terraform"}, Left: gone(), Created: earlier}, owner.Unsure, "managed-by=terraform",
		},
		"a tag of which nobody knows any more": {
			owner.Evidence{Tags: with("team=payments"), Made: &owner.Stack{ID: stackID(account, "dev-notes"), Name: "dev-notes"}},
			owner.Unsure,
			"it carries the tag team=payments, and nobody knows whether its stack had that",
		},
		"a tag with another value than its stack's": {
			owner.Evidence{Tags: with("team=payments"), Made: change(gone(), func(s *owner.Stack) { s.Tags = with("team=notes") })}, owner.Unsure, "team=payments, which its stack did not have",
		},
		"another program's tag": {owner.Evidence{Tags: with("roadshow:program=example.com/other"), Made: gone()}, owner.Unsure, "roadshow:program=example.com/other"},
		"another stage's tags": {
			owner.Evidence{Tags: with("roadshow:stage=demo"), Left: gone(), Created: earlier}, owner.Unsure, `its tags say service "notes", stage "demo"`,
		},
		"half of our tags": {
			owner.Evidence{Tags: map[string]string{"roadshow:stage": "dev"}, Left: gone(), Created: earlier}, owner.Unsure, `its tags say no service, stage "dev"`,
		},
		"another stack made it": {
			owner.Evidence{Tags: own, Made: &owner.Stack{ID: stackID(account, "somebody"), Name: "somebody"}}, owner.Unsure, "stack somebody made it, which is not the one of stage dev",
		},
		"a stack of another account made it": {
			owner.Evidence{Tags: own, Made: &owner.Stack{ID: stackID("999999999999", "dev-notes"), Name: "dev-notes"}}, owner.Unsure, "which is not the one of stage dev",
		},
		"a stack with the stage's name, that was another team's": {
			owner.Evidence{Left: change(gone(), func(s *owner.Stack) { s.Tags = map[string]string{"team": "payments"} }), Created: earlier},
			owner.Unsure,
			"of that stack: its tags name no service and no stage",
		},
		"a stack with the stage's name, of another program": {
			owner.Evidence{Tags: own, Made: change(gone(), func(s *owner.Stack) { s.Tags = with("roadshow:program=example.com/other") })},
			owner.Unsure,
			"of that stack: its tags say",
		},
		"made after the stack was deleted": {
			owner.Evidence{Left: gone(), Tags: own, Created: later}, owner.Unsure, "it was made on 2026-05-03 12:01:00, after stack dev-notes was deleted on 2026-05-03 12:00:00",
		},
		"a name of the ledger, made after the stack was deleted": {
			owner.Evidence{Listed: true, Tags: own, Created: later, Ended: gone()}, owner.Unsure, "after stack dev-notes was deleted",
		},
		"something that could not be asked": {
			owner.Evidence{Tags: own, Made: gone(), Doubts: []string{"whether it is still there could not be determined"}}, owner.Unsure, "could not be determined",
		},
	} {
		t.Run(name, func(t *testing.T) {
			tt.evidence.Of, tt.evidence.Account = dev, account
			got := owner.Judge(tt.evidence)
			require.Equal(t, tt.want, got.Grade, got.Why)
			require.Contains(t, got.Why, tt.why)
		})
	}
}

// TestCertainIsOnlyWhatTheRuleSays makes random evidence and holds the rule itself, written down
// once more: whatever a deletion without a further word takes has CloudFormation's word or a name
// of the ledger, nobody else's tags, and is older than the end of its stack.
func TestCertainIsOnlyWhatTheRuleSays(t *testing.T) {
	moments := rapid.SampledFrom([]time.Time{{}, earlier, later})
	tags := rapid.Custom(func(t *rapid.T) map[string]string {
		some := map[string]string{}
		for key, values := range map[string][]string{
			"roadshow:service": {"notes", "mail"}, "roadshow:stage": {"dev", "demo"}, "roadshow:program": {"example.com/notes", "example.com/other"},
			"managed-by": {"terraform"}, "team": {"notes", "payments"}, "aws:cloudformation:logical-id": {"T"},
		} {
			if rapid.Bool().Draw(t, key) {
				some[key] = rapid.SampledFrom(values).Draw(t, "value of "+key)
			}
		}
		return some
	})
	stacks := rapid.Custom(func(t *rapid.T) *owner.Stack {
		if rapid.Bool().Draw(t, "none") {
			return nil
		}
		name := rapid.SampledFrom([]string{"dev-notes", "demo-notes", "somebody"}).Draw(t, "name")
		s := &owner.Stack{ID: stackID(rapid.SampledFrom([]string{account, "999999999999"}).Draw(t, "account"), name), Name: name}
		if rapid.Bool().Draw(t, "tagged") {
			s.Tags = tags.Draw(t, "tags")
		}
		if s.Live = rapid.Bool().Draw(t, "live"); !s.Live && rapid.Bool().Draw(t, "remembered") {
			s.Deleted = ended
		}
		return s
	})
	is := func(s *owner.Stack) bool {
		return s != nil && s.Name == "dev-notes" && s.ID == stackID(account, "dev-notes")
	}
	rapid.Check(t, func(t *rapid.T) {
		e := owner.Evidence{
			Of: dev, Account: account, Tags: tags.Draw(t, "tags"), Made: stacks.Draw(t, "made"), Left: stacks.Draw(t, "left"), Ended: stacks.Draw(t, "ended"),
			Listed: rapid.Bool().Draw(t, "listed"), Created: moments.Draw(t, "created"),
			Again:  rapid.SampledFrom([]string{"", "", "dev-notes"}).Draw(t, "again"),
			Doubts: rapid.SliceOfN(rapid.Just("not asked"), 0, 1).Draw(t, "doubts"),
		}
		got := owner.Judge(e)
		require.NotEmpty(t, got.Why)
		if got.Grade != owner.Certain {
			return
		}
		require.True(t, is(e.Made) || is(e.Left) || e.Listed && e.Tags["roadshow:stage"] == "dev" && e.Tags["roadshow:service"] == "notes", "copied tags alone")
		has := e.Left != nil && e.Left.Live // and is about to leave it
		require.True(t, e.Made == nil || is(e.Made) && (has || !e.Made.Live), "another creator, or one that lives")
		require.True(t, e.Left == nil || is(e.Left))
		require.Empty(t, e.Doubts)
		require.True(t, has || e.Again == "")
		for key, value := range e.Tags {
			brought := false
			for _, s := range []*owner.Stack{e.Made, e.Left} {
				brought = brought || s != nil && s.Tags[key] == value
			}
			known := map[string]string{"roadshow:service": "notes", "roadshow:stage": "dev", "roadshow:program": "example.com/notes", "aws:cloudformation:logical-id": "T"}
			require.True(t, brought || known[key] == value, "a foreign tag %s=%s", key, value)
		}
		if e.Made == nil && e.Left == nil {
			require.True(t, e.Ended != nil && !e.Ended.Deleted.IsZero() && !e.Created.IsZero() && !e.Created.After(e.Ended.Deleted), "a later creation")
		}
		for _, s := range []*owner.Stack{e.Made, e.Left} {
			if s != nil && !s.Deleted.IsZero() {
				require.False(t, e.Created.After(s.Deleted), "a later creation")
			}
			if s != nil && s.Tags != nil {
				require.True(t, s.Tags["roadshow:service"] == "notes" && s.Tags["roadshow:stage"] == "dev", "a stack of somebody else")
			}
		}
	})
}
