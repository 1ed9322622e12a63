package plan_test

import (
	"context"
	"errors"
	"maps"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/roadshow-go/roadshow/internal/fleet/plan"
)

var planned = plan.Identity{
	ID: "arn:aws:dynamodb:us-east-1:111111111111:table/dev-notes-t", Created: time.Date(2026, 5, 3, 0, 0, 0, 0, time.UTC),
	Tags: map[string]string{"roadshow:stage": "dev", "roadshow:service": "notes"},
}

func TestWhatHasChangedSinceThePlanIsSaid(t *testing.T) {
	stack := plan.Identity{ID: "arn:stack/dev-notes/1", Created: planned.Created, Changed: planned.Created, Status: "CREATE_COMPLETE"}
	with := func(change func(*plan.Identity)) plan.Identity {
		one := planned
		one.Tags = maps.Clone(one.Tags)
		change(&one)
		return one
	}
	for name, tt := range map[string]struct {
		before, now plan.Identity
		want        string
	}{
		"nothing":                   {planned, planned, ""},
		"the same moment by a zone": {planned, with(func(i *plan.Identity) { i.Created = i.Created.In(time.FixedZone("", 3600)) }), ""},
		"another id":                {planned, with(func(i *plan.Identity) { i.ID = "arn:other" }), "another thing has its place now: arn:other"},
		"made anew":                 {planned, with(func(i *plan.Identity) { i.Created = i.Created.Add(time.Hour) }), "it was made anew on 2026-05-03T01:00:00Z"},
		"nobody says when":          {planned, with(func(i *plan.Identity) { i.Created = time.Time{} }), "it was made anew"},
		"a tag more":                {planned, with(func(i *plan.Identity) { i.Tags["managed-by"] = "terraform" }), "it has a new tag now: managed-by=terraform"},
		"a tag less":                {planned, with(func(i *plan.Identity) { delete(i.Tags, "roadshow:stage") }), "it has lost its tag roadshow:stage"},
		"another value":             {planned, with(func(i *plan.Identity) { i.Tags["roadshow:stage"] = "demo" }), "its tag roadshow:stage is demo now"},
		"another status": {
			stack, plan.Identity{ID: stack.ID, Created: stack.Created, Changed: stack.Changed.Add(1), Status: "UPDATE_COMPLETE"}, "it is UPDATE_COMPLETE now",
		},
		"another change": {
			stack, plan.Identity{ID: stack.ID, Created: stack.Created, Changed: stack.Changed.Add(time.Minute), Status: stack.Status}, "it was changed on 2026-05-03T00:01:00Z",
		},
	} {
		t.Run(name, func(t *testing.T) { require.Equal(t, tt.want, tt.before.Difference(tt.now)) })
	}
}

func TestNothingIsDoneToWhatIsNotAsItWasPlanned(t *testing.T) {
	refused := errors.New("refused")
	for name, tt := range map[string]struct {
		now  *plan.Identity
		err  error
		want error
		done bool
	}{
		"the same":     {&planned, nil, nil, true},
		"gone":         {nil, nil, plan.ErrGone, false},
		"changed":      {&plan.Identity{ID: "another"}, nil, &plan.ChangedError{What: "another thing has its place now: another"}, false},
		"not answered": {nil, refused, refused, false},
	} {
		t.Run(name, func(t *testing.T) {
			done := false
			err := planned.Do(t.Context(), func(context.Context) (*plan.Identity, error) { return tt.now, tt.err },
				func(context.Context) error { done = true; return nil })
			require.Equal(t, tt.want, err)
			require.Equal(t, tt.done, done)
		})
	}
	require.ErrorIs(t, planned.Do(t.Context(), func(context.Context) (*plan.Identity, error) { return &planned, nil },
		func(context.Context) error { return refused }), refused)
}

// TestOnlyEqualIdentitiesHaveNoDifference holds every field: a second look that differs in any of them is a change.
func TestOnlyEqualIdentitiesHaveNoDifference(t *testing.T) {
	identity := rapid.Custom(func(t *rapid.T) plan.Identity {
		moment := rapid.Custom(func(t *rapid.T) time.Time {
			return time.Unix(rapid.Int64Range(0, 3).Draw(t, "seconds"), 0).UTC()
		})
		word := rapid.SampledFrom([]string{"", "a", "b"})
		return plan.Identity{
			ID: word.Draw(t, "id"), Created: moment.Draw(t, "created"), Changed: moment.Draw(t, "changed"), Status: word.Draw(t, "status"),
			Tags: rapid.MapOfN(word, word, 0, 2).Draw(t, "tags"),
		}
	})
	rapid.Check(t, func(t *rapid.T) {
		a, b := identity.Draw(t, "planned"), identity.Draw(t, "now")
		equal := a.ID == b.ID && a.Created.Equal(b.Created) && a.Changed.Equal(b.Changed) && a.Status == b.Status && maps.Equal(a.Tags, b.Tags)
		require.Equal(t, equal, a.Difference(b) == "")
		require.Empty(t, a.Difference(a))
	})
}
