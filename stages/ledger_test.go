package stages_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/internal/messages"
	"github.com/roadshow-go/roadshow/stages"
)

func at(line int) stages.Position { return stages.Position{File: "app.go", Line: line} }

func ledgerOf(set stages.Set, entries ...stages.Entry) *stages.Ledger {
	ledger := stages.NewLedger(set, "notes")
	for _, entry := range entries {
		ledger.Record(entry)
	}
	return ledger
}

func TestTheLedgerHoldsTheNamesOfEveryStage(t *testing.T) {
	set := stages.Set{dev, production, preview}
	ledger := ledgerOf(set, stages.Entry{Kind: stages.Stack, Owner: "the stack"}, stages.Entry{Kind: stages.S3Bucket, Owner: "files", Name: "files", At: at(9)})
	pull, err := set.Find("pr-417")
	require.NoError(t, err)
	names, err := ledger.Names(pull, dev)
	require.NoError(t, err)
	var physical []string
	for _, name := range names {
		physical = append(physical, name.Name)
	}
	assert.Equal(t, []string{
		"dev-notes", "dev-notes-files-111111111111-us-east-1-an", "production-notes", "production-notes-files-333333333333-us-east-1-an",
		"pr-417--notes", "pr-417--notes--files-111111111111-us-east-1-an",
	}, physical)
	require.NoError(t, ledger.Check(pull))

	examples, err := ledger.Examples()
	require.NoError(t, err)
	require.Len(t, examples, 2)
	assert.Equal(t, "pr-notes-99999999999999999999999", examples[0].Stage)
	assert.Len(t, examples[0].Stage, stages.MaxStageName)
	assert.True(t, examples[0].Example)

	all, err := ledger.All(pull)
	require.NoError(t, err)
	assert.Equal(t, append(names, examples...), all)
	asTheExample, err := set.Find(examples[0].Stage)
	require.NoError(t, err)
	all, err = ledger.All(asTheExample)
	require.NoError(t, err)
	require.Len(t, all, len(names))
	assert.False(t, all[len(all)-1].Example, "it is there, so it is no example any more")
	require.NoError(t, ledger.Check(asTheExample))
}

func TestTheLedgerIsReadFromTheAssembly(t *testing.T) {
	ledger := ledgerOf(three, stages.Entry{Kind: stages.IAMRole, Owner: "role", Name: "role", At: at(9)})
	names, err := ledger.Names()
	require.NoError(t, err)
	text, err := json.Marshal(names)
	require.NoError(t, err)
	assert.Contains(t, string(text), `{"stage":"dev","account":"111111111111","region":"us-east-1","service":"notes","kind":"IAM role",`+
		`"owner":"role","name":"dev-notes-role","limit":64,"scope":"account","at":{"file":"app.go","line":9}}`)
	var read []stages.LedgerName
	require.NoError(t, json.Unmarshal(text, &read))
	assert.Empty(t, stages.Collisions(read))
	read = append(read, read[0])
	read[3].Name = strings.ToUpper(read[3].Name)
	assert.Len(t, stages.Collisions(read), 1, "the kind's rules are known by its title")
}

func TestCollisionsNameBothOwners(t *testing.T) {
	for name, tt := range map[string]struct {
		one, other stages.Entry
		want       string // empty: both are allowed
	}{
		"two tables of one name": {
			stages.Entry{Kind: stages.DynamoDBTable, Owner: "notes", Name: "items", At: at(3)},
			stages.Entry{Kind: stages.DynamoDBTable, Owner: "archive", Name: "items", At: at(8)},
			`archive: name is "dev-notes-items" in stage dev, which notes (app.go:3, stage dev) has already (app.go:8).` + "\n" + `Rename one of the two.`,
		},
		"an alarm and a composite alarm share a namespace": {
			stages.Entry{Kind: stages.Alarm, Owner: "late", Name: "late", At: at(3)},
			stages.Entry{Kind: stages.CompositeAlarm, Owner: "bad", Name: "late", At: at(8)},
			`bad: name is "dev-notes-late" in stage dev, which late (app.go:3, stage dev) has already (app.go:8).` + "\n" + `Rename one of the two.`,
		},
		"two rules of one bus": {
			stages.Entry{Kind: stages.EventRule, Owner: "a", Name: "r", Parent: "bus", At: at(3)},
			stages.Entry{Kind: stages.EventRule, Owner: "b", Name: "r", Parent: "bus", At: at(8)},
			`b: name is "dev-notes-r" in stage dev, which a (app.go:3, stage dev) has already (app.go:8).` + "\n" + `Rename one of the two.`,
		},
		"two rules of the account's own bus": {
			stages.Entry{Kind: stages.EventRule, Owner: "a", Name: "r", At: at(3)},
			stages.Entry{Kind: stages.EventRule, Owner: "b", Name: "r", At: at(8)},
			`b: name is "dev-notes-r" in stage dev, which a (app.go:3, stage dev) has already (app.go:8).` + "\n" + `Rename one of the two.`,
		},
		"rules of two buses": {
			one: stages.Entry{Kind: stages.EventRule, Owner: "a", Name: "r", Parent: "bus"}, other: stages.Entry{Kind: stages.EventRule, Owner: "b", Name: "r"},
		},
		"things of two kinds": {
			one: stages.Entry{Kind: stages.SQSQueue, Owner: "a", Name: "r"}, other: stages.Entry{Kind: stages.SNSTopic, Owner: "b", Name: "r"},
		},
		"two APIs, which AWS tells apart itself": {
			one: stages.Entry{Kind: stages.HTTPAPI, Owner: "a", Name: "r"}, other: stages.Entry{Kind: stages.HTTPAPI, Owner: "b", Name: "r"},
		},
		"names that differ in case, where AWS folds it": {
			one: stages.Entry{Kind: stages.IAMRole, Owner: "a", Name: "role"}, other: stages.Entry{Kind: stages.IAMRole, Owner: "b", Name: "Role"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			err := ledgerOf(three, tt.one, tt.other).Check()
			if tt.want == "" {
				require.NoError(t, err)
				return
			}
			messages.EqualError(t, err, tt.want)
			require.ErrorAs(t, err, new(*stages.CollisionError))
		})
	}
}

func TestStagesOfOneAccountMeetOnlyWithinTheScope(t *testing.T) {
	west := stages.Stage{Name: "west", Account: dev.Account, Region: "us-west-2"}
	name := func(kind stages.Kind, stage stages.Stage) stages.LedgerName {
		return stages.LedgerName{Stage: stage.Name, Account: stage.Account, Region: stage.Region, Kind: kind.Title, Name: "same", Scope: kind.Scope}
	}
	for title, tt := range map[string]struct {
		kind        stages.Kind
		here, there bool // whether the same name is refused in another region, and in another account
	}{
		"a table is its region's": {stages.DynamoDBTable, false, false},
		"a role is its account's": {stages.IAMRole, true, false},
		"a bucket is the world's": {stages.S3Bucket, true, true},
		"an HTTP API is nobody's": {stages.HTTPAPI, false, false},
		"a rule is its bus's":     {stages.EventRule, false, false},
	} {
		t.Run(title, func(t *testing.T) {
			assert.Equal(t, tt.here, len(stages.Collisions([]stages.LedgerName{name(tt.kind, dev), name(tt.kind, west)})) > 0)
			assert.Equal(t, tt.there, len(stages.Collisions([]stages.LedgerName{name(tt.kind, dev), name(tt.kind, production)})) > 0)
		})
	}
}

func TestABadNameIsReportedWithItsOwnerAndStage(t *testing.T) {
	set := stages.Set{dev, {Name: "sg", Account: "444444444444", Region: "us-east-1"}}
	err := ledgerOf(set, stages.Entry{Kind: stages.SecurityGroup, Owner: "web", Name: "web", At: at(4)}).Check()
	messages.ErrorContains(t, err, `web (security group, stage sg): name is "sg-notes-web-`)
	messages.ErrorContains(t, err, `it must be a name that does not begin with "sg-" (app.go:4).`+"\n"+`Rename the stage or the service that begins it.`)

	err = ledgerOf(stages.Set{dev, dev.Template("sg-*")}, stages.Entry{Kind: stages.SecurityGroup, Owner: "web", Name: "web", At: at(4)}).Check()
	messages.ErrorContains(t, err, `web (security group, stage sg-notes-99999999999999999999999): name is "sg-notes-9`, "a template is tried by its example")
}

func TestIdentitiesPairUp(t *testing.T) {
	one, other := dev, production
	one.PermissionsBoundary, one.Qualifier, other.PermissionsBoundary = "limit", "team1", "team/limit"
	ledger := ledgerOf(stages.Set{one, other, staging}, stages.Entry{Kind: stages.Stack}, stages.Entry{Kind: stages.DynamoDBTable, Name: "items"})
	values, err := ledger.Identity(one)
	require.NoError(t, err)
	assert.Equal(t, []string{"dev", "111111111111", "us-east-1", "team1", "dev-notes", "dev-notes-items", "limit"}, values)
	values, err = ledger.Identity(other)
	require.NoError(t, err)
	assert.Equal(t, []string{"production", "333333333333", "us-east-1", "hnb659fds", "production-notes", "production-notes-items", "team/limit"}, values)
	for _, pair := range [][2]stages.Stage{{one, staging.As(one)}, {staging, one.As(staging)}, {other, one.As(other)}} {
		a, err := ledger.Identity(pair[0])
		require.NoError(t, err)
		b, err := ledger.Identity(pair[1])
		require.NoError(t, err)
		assert.Len(t, a, len(b))
		assert.NotContains(t, append(a, b...), "")
	}
}

func TestAProposedStageAddsItsNamesAndChoices(t *testing.T) {
	s := begin(three, dev)
	stages.Pick(s, 256, stages.When(stages.Protected, 1024))
	ledger := ledgerOf(three, stages.Entry{Kind: stages.S3Bucket, Owner: "files", Name: "files", At: at(3)})
	addition, err := three.With(stages.Stage{Name: "canary", Region: "eu-west-1", Tier: stages.Protected}).Adds(ledger, s.choices)
	require.NoError(t, err)
	require.Len(t, addition.Names, 1)
	assert.Equal(t, "canary-notes-files-000000000000-eu-west-1-an", addition.Names[0].Name)
	require.Len(t, addition.Choices, 2)
	assert.Equal(t, "1024", addition.Choices[1].Outcome)
	assert.Equal(t, s.choices.For(production).Key(), addition.Key, "it must be equal to production but for identity")
	assert.Empty(t, addition.Collisions)
	assert.Len(t, three, 3, "the set stays as it is")

	for name, tt := range map[string]struct {
		stage stages.Stage
		want  string
	}{
		"a name that the set has": {stages.Stage{Name: "dev", Region: "eu-west-1"}, `stage 4 of the set: Name is "dev" again; it must be a name of its own.` + "\n" + `Rename or remove one of the two.`},
		"no region":               {stages.Stage{Name: "canary"}, `stage "canary": Region is ""; it must be the code of an AWS region.` + "\n" + `Write Region: "us-east-1".`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := three.With(tt.stage).Adds(ledger, s.choices)
			messages.EqualError(t, err, tt.want)
		})
	}
}

func TestTheCollisionsOfAProposedStageAreListed(t *testing.T) {
	ledger := ledgerOf(three, stages.Entry{Kind: stages.Stack, Owner: "one", At: at(3)}, stages.Entry{Kind: stages.Stack, Owner: "two", At: at(4)})
	addition, err := three.With(stages.Stage{Name: "canary", Region: "eu-west-1"}).Adds(ledger, stages.NewChoices(three, dev))
	require.NoError(t, err)
	require.Len(t, addition.Collisions, 1)
	messages.EqualError(t, addition.Collisions[0], `two: name is "canary-notes" in stage canary, which one (app.go:3, stage canary) has already (app.go:4).`+"\n"+`Rename one of the two.`)
}

func TestAnEphemeralStageExpiresAfterItsLastUpdate(t *testing.T) {
	set := stages.Set{dev, preview}
	pull, err := set.Find("pr-417")
	require.NoError(t, err)
	updated := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	expiry, expires := pull.Expiry(updated)
	assert.True(t, expires)
	assert.Equal(t, time.Date(2026, 1, 5, 3, 4, 5, 0, time.UTC), expiry)
	assert.Equal(t, 72*time.Hour, pull.TimeToLive())
	_, expires = dev.Expiry(updated)
	assert.False(t, expires)
	_, expires = pull.As(dev).Expiry(updated)
	assert.False(t, expires, "the time to live is a choice")
}
