package orphan_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/roadshow-go/roadshow/internal/fleet/fleettest"
	"github.com/roadshow-go/roadshow/internal/fleet/orphan"
	"github.com/roadshow-go/roadshow/internal/fleet/owner"
	"github.com/roadshow-go/roadshow/stages"
)

// TestNothingThatALiveStackHasIsAnOrphanInAnyWorld makes random accounts: stacks of stages and services that are in
// the set, were, or never were, some of them deleted, some twice, with resources that stay or go, with tags or
// without; and things that hands, Lambda and other tools have made, under all the names and tags that might be
// mistaken. It holds what false alarms would break, and that what is plainly left behind is found.
func TestNothingThatALiveStackHasIsAnOrphanInAnyWorld(t *testing.T) {
	a := openAccounts(t)
	f := a.Fleet()
	round := 0
	rapid.Check(t, func(rt *rapid.T) {
		round++
		region := rapid.SampledFrom([]string{"us-east-1", "eu-west-1"}).Draw(rt, "region")
		f.Stages = nil
		for _, stage := range []string{"dev", "demo", "dev-alice"} {
			f.Stages = append(f.Stages, stages.Stage{Name: stage, Account: fleettest.Sandbox.Account, Region: region, Tier: stages.Sandbox})
		}
		place := f.Stages[0]
		w := &randomWorld{a: a, rt: rt, place: place, live: map[string]bool{}, gone: map[string]bool{}, stacks: map[string]bool{}, prefix: fmt.Sprintf("r%d-", round)}
		defer w.clear()

		for i := range rapid.IntRange(1, 4).Draw(rt, "stacks") {
			stage := rapid.SampledFrom([]string{"dev", "demo", "dev-alice", "old"}).Draw(rt, "stage")
			service := rapid.SampledFrom([]string{"notes", "notes", "mail", "alice-notes"}).Draw(rt, "service")
			w.deploy(i, stage, service, rapid.Bool().Draw(rt, "deleted"))
		}
		w.foreign()
		for i := range rapid.IntRange(0, 4).Draw(rt, "by hand") {
			w.hand(i)
		}
		var ledger []stages.LedgerName
		for name := range maps.Keys(w.named) {
			ledger = append(ledger, stages.LedgerName{
				Stage: "dev", Account: place.Account, Region: region, Service: "notes", Kind: stages.DynamoDBTable.Title, Name: name,
			})
		}

		found := map[string]orphan.Orphan{}
		gaps, err := orphan.Search{Fleet: f, Ledger: ledger, Found: func(one orphan.Orphan) {
			if _, twice := found[one.Type+one.Name]; twice {
				rt.Fatalf("%s %s is told twice", one.Type, one.Name)
			}
			found[one.Type+one.Name] = one
		}}.Run(t.Context())
		require.NoError(rt, err)
		require.Empty(rt, gaps)
		names := map[string]orphan.Orphan{}
		for _, one := range found {
			names[one.Name] = one
			if one.Type == "AWS::CloudFormation::Stack" {
				require.True(rt, w.stacks[one.Name] && one.Stage == "old", "%s is a stack of a stage in the set", one.Name)
				continue
			}
			require.False(rt, w.live[one.Name], "%s is in a live stack, but %s: %s", one.Name, one.Grade, one.Why)
			require.False(rt, w.theirs[one.Name], "%s is another tool's, but %s: %s", one.Name, one.Grade, one.Why)
			own, err := stages.Stack.Name(stages.Part{Stage: one.Stage, Service: one.Service})
			require.NoError(rt, err)
			if one.Grade == owner.Certain {
				require.False(rt, w.stacks[own], "%s is certain although %s lives", one.Name, own)
			}
			if one.Service != "notes" {
				require.False(rt, w.stacks[own], "%s is of another service, whose stack lives", one.Name)
			}
		}
		for name := range w.gone {
			if !w.live[name] {
				require.Contains(rt, names, name, "it is plainly left behind")
			}
		}
	})
}

// randomWorld is one random account, and what its maker knows about it.
type randomWorld struct {
	a      *accounts
	rt     *rapid.T
	place  stages.Stage
	prefix string
	stacks map[string]bool // live, by name
	live   map[string]bool // what a live stack has
	gone   map[string]bool // what a deleted stack of notes has left
	theirs map[string]bool // another tool's
	named  map[string]bool // in the ledger
}

// deploy makes a stack of a stage and a service, and perhaps deletes it again.
func (w *randomWorld) deploy(i int, stage, service string, deleted bool) {
	name, err := stages.Stack.Name(stages.Part{Stage: stage, Service: service})
	require.NoError(w.rt, err)
	if w.stacks[name] {
		return
	}
	var resources []string
	own := map[string]bool{}
	for r := range rapid.IntRange(1, 4).Draw(w.rt, "resources") {
		physical := fmt.Sprintf("%s%s-%s-%d-%d", w.prefix, stage, service, i, r)
		policy := rapid.SampledFrom([]string{"Delete", "Retain"}).Draw(w.rt, "policy")
		body := rapid.SampledFrom([]string{
			`"Type":"AWS::SNS::Topic","Properties":{"TopicName":%q}`,
			`"Type":"AWS::SQS::Queue","Properties":{"QueueName":%q}`,
			`"Type":"AWS::Logs::LogGroup","Properties":{"LogGroupName":%q}`,
			`"Type":"AWS::IAM::Role","Properties":{"RoleName":%q,"AssumeRolePolicyDocument":{}}`,
			`"Type":"AWS::SSM::Parameter","Properties":{"Name":%q,"Type":"String","Value":"1"}`,
			`"Type":"AWS::Events::Rule","Properties":{"Name":%q,"ScheduleExpression":"rate(1 day)"}`,
		}).Draw(w.rt, "type")
		resources = append(resources, fmt.Sprintf(`"R%d":{"DeletionPolicy":%q,`+body+`}`, r, policy, physical))
		own[physical] = policy == "Retain"
	}
	w.a.stack(w.place, name, strings.Join(resources, ","), ownTags(stage, service)...)
	if !deleted {
		w.stacks[name] = true
		for physical := range own {
			w.live[physical] = true
		}
		return
	}
	w.a.deletes(w.place, name)
	for physical, stays := range own {
		if stays && service == "notes" {
			w.gone[physical] = true
		}
	}
}

// foreign makes a stack of nobody here, which has what might be taken for ours.
func (w *randomWorld) foreign() {
	w.theirs, w.named = map[string]bool{}, map[string]bool{}
	if !rapid.Bool().Draw(w.rt, "a foreign stack") {
		return
	}
	table := w.prefix + "dev-notes-foreign"
	w.a.stack(w.place, w.prefix+"foreign", `"T":`+strings.ReplaceAll(fleettest.TableOf(w.place, table, "Delete", false), "roadshow:", "other:")+
		`,"L":{"Type":"AWS::Logs::LogGroup","Properties":{"LogGroupName":"dev-notes-`+w.prefix+`"}}`)
	w.live[table], w.live["dev-notes-"+w.prefix] = true, true
	w.named[table] = true
	w.stacks[w.prefix+"foreign"] = true
}

// hand makes something outside any stack.
func (w *randomWorld) hand(i int) {
	name := fmt.Sprintf("%shand-%d", w.prefix, i)
	switch rapid.IntRange(0, 3).Draw(w.rt, "hand") {
	case 0: // with the tags of a stage, whether its stack lives or not
		stage := rapid.SampledFrom([]string{"dev", "old", "nobody"}).Draw(w.rt, "tags of")
		service := rapid.SampledFrom([]string{"notes", "mail"}).Draw(w.rt, "service of")
		w.a.makes(w.place, "AWS::SNS::Topic", map[string]any{"TopicName": name, "Tags": fleettest.Tagged(stage, service)})
	case 1: // another tool's, with its tags or without
		w.a.makes(w.place, "AWS::SQS::Queue", map[string]any{"QueueName": name, "Tags": []any{map[string]any{"Key": "managed-by", "Value": "terraform"}}})
		w.theirs[name] = true
	case 2: // half of our tags
		w.a.makes(w.place, "AWS::SNS::Topic", map[string]any{"TopicName": name, "Tags": fleettest.Tagged("dev", "notes")[:1]})
		w.theirs[name] = true
	case 3: // tags that are none of ours
		w.a.makes(w.place, "AWS::SNS::Topic", map[string]any{"TopicName": name, "Tags": fleettest.Tagged("Not A Stage", "notes")})
		w.theirs[name] = true
	}
}

// clear makes the account empty for the next world.
func (w *randomWorld) clear() {
	for name := range w.stacks {
		w.a.deletes(w.place, name)
	}
	for range 2 {
		for _, one := range w.a.Resources(w.place.Account, w.place.Region) {
			_ = w.a.Account(w.place.Account).Delete(w.place.Region, one.Type, one.PhysicalID)
		}
	}
	require.Empty(w.rt, slices.Collect(func(yield func(string) bool) {
		for _, one := range w.a.Resources(w.place.Account, w.place.Region) {
			yield(one.Name)
		}
	}))
}
