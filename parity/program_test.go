package parity

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"pgregory.net/rapid"

	"github.com/roadshow-go/roadshow/stages"
)

// program is a small model of a Roadshow program: resources with selectors, properties with
// identity in them and picks. It is a function from a stage to a template, like the real thing.
type program struct {
	set       stages.Set
	resources []resource
	// branches are what no program may have: behaviour that depends on identity. Most have none.
	branches []branch
}

type resource struct {
	id       string
	selector stages.Selector
	// properties are texts with {stage}, {account}, {region} and {0}, {1}, … for physical names.
	properties []string
	// key is a property's key that may hold identity.
	key  string
	pick []stages.Selector
}

// branch is an undeclared difference: if the identity is so, and the choices are so, do it.
type branch struct {
	identity predicate
	// under lists the choices, by key, under which the branch is taken; nil is always.
	under []string
	do    effect
	at    int // index of the resource it is about
}

// predicate is a question about a stage's identity.
type predicate struct {
	field, test, value string
}

func (p predicate) holds(stage stages.Stage) bool {
	value := map[string]string{"name": stage.Name, "account": stage.Account, "region": stage.Region}[p.field]
	switch p.test {
	case "equal":
		return value == p.value
	case "unequal":
		return value != p.value
	case "prefix":
		return strings.HasPrefix(value, p.value)
	case "longer":
		return len(value) > len(p.value)
	case "hash":
		sum := sha256.Sum256([]byte(p.value + value))
		return sum[0]%2 == 0
	}
	panic(p.test)
}

type effect string

// effects is what a branch can do. Each shows in the template or beside it.
var effects = []effect{"number", "another property", "no resource", "another resource", "another logical id", "another type", "derived name", "another's name", "bytes", "tag", "choice", "order"}

// Play is the program run for one stage.
func (p *program) Play(ctx context.Context, stage stages.Stage) (Played, error) {
	return p.Switch(ctx, stage)
}

// Switch is the program run for one stage with some choices switched.
func (p *program) Switch(_ context.Context, stage stages.Stage, switches ...stages.Switch) (Played, error) {
	choices := stages.NewChoices(p.set, stage, switches...)
	ledger := stages.NewLedger(p.set, "notes")
	ledger.Record(stages.Entry{Kind: stages.Stack, Owner: "notes"})
	for _, r := range p.resources {
		ledger.Record(stages.Entry{Kind: stages.LambdaFunction, Owner: r.id, Name: r.id})
	}
	identity, err := ledger.Identity(stage)
	if err != nil {
		return Played{}, err
	}
	replace := []string{"{stage}", stage.Name, "{account}", stage.Account, "{region}", stage.Region}
	for i, name := range identity[3:] {
		replace = append(replace, fmt.Sprintf("{%d}", i), name)
	}
	text := func(pattern string) string { return strings.NewReplacer(replace...).Replace(pattern) }
	played := Played{Identity: identity, Functions: map[string]string{}, Stack: map[string]string{"name": identity[3], "tier": choices.Stage().Tier.String()}}
	resources := map[string]any{}
	type made struct {
		id         string
		properties map[string]any
	}
	all := make([]*made, len(p.resources))
	for i, r := range p.resources {
		if !choices.Includes(r.id, r.selector, stages.Position{File: "app.go", Line: i}) {
			continue
		}
		m := &made{id: r.id, properties: map[string]any{}}
		var list []any
		for k, pattern := range r.properties {
			m.properties[fmt.Sprintf("P%d", k)] = text(pattern)
			list = append(list, map[string]any{"Item": text(pattern)})
		}
		m.properties["List"] = append(list, "end")
		m.properties["Tier"] = choices.Made()[0].Outcome
		if r.key != "" {
			m.properties["Condition"] = map[string]any{text(r.key): i, "fixed key": true}
		}
		var cases []stages.Case[int]
		for k, selector := range r.pick {
			cases = append(cases, stages.When(selector, 100+k))
		}
		m.properties["Memory"] = stages.Pick(choices, 99, cases...)
		resources[m.id] = map[string]any{"Type": "AWS::Lambda::Function", "Properties": m.properties}
		played.Functions[m.id] = "digest of " + r.id
		all[i] = m
	}
	key := choices.Key() // of the lawful choices: what branches are under
	for _, b := range p.branches {
		m := all[b.at]
		if m == nil || !b.fires(stage, key) {
			continue
		}
		switch b.do {
		case "number":
			m.properties["Memory"] = 7
		case "another property":
			m.properties["Undeclared"] = true
		case "no resource":
			delete(resources, m.id)
		case "another resource":
			resources["undeclared"] = map[string]any{"Type": "AWS::SQS::Queue"}
		case "another logical id":
			resources[m.id+"Other"] = resources[m.id]
			delete(resources, m.id)
		case "another type":
			resources[m.id].(map[string]any)["Type"] = "AWS::Lambda::Other"
		case "derived name":
			m.properties["P0"] = fmt.Sprintf("%x", sha256.Sum256([]byte(stage.Name)))
		case "another's name":
			m.properties["P0"] = "not a name of any stage"
		case "bytes":
			played.Functions[m.id] = "other bytes"
		case "tag":
			played.Stack["tag"] = "undeclared"
		case "choice":
			choices.Includes("undeclared", stages.Only(stages.Protected), stages.Position{File: "app.go", Line: 999})
		case "order":
			slices.Reverse(m.properties["List"].([]any))
		}
	}
	played.ChoicesKey, played.Choices = choices.Key(), choices.Made()
	played.As = func(other stages.Stage) []stages.Choice { return choices.For(other).Made() }
	played.Positions = func(id string) stages.Position {
		for i, r := range p.resources {
			if r.id == strings.TrimSuffix(id, "Other") {
				return stages.Position{File: "app.go", Line: i + 1}
			}
		}
		return stages.Position{}
	}
	played.Template, err = json.Marshal(map[string]any{"Resources": resources})
	return played, err
}

func (b branch) fires(stage stages.Stage, key string) bool {
	return b.identity.holds(stage) && (b.under == nil || slices.Contains(b.under, key))
}

// unbranched is the program as it should be.
func (p *program) unbranched() *program {
	return &program{set: p.set, resources: p.resources}
}

// table is every field of the proof's table: by column, the choices and who can play them.
func (p *program) table() (cast []stages.Stage, columns map[string]stages.Stage) {
	cast, err := Cast(p.set)
	if err != nil {
		panic(err)
	}
	columns = map[string]stages.Stage{}
	for _, stage := range cast {
		played, err := p.unbranched().Play(context.Background(), stage)
		if err != nil {
			panic(err)
		}
		if _, known := columns[played.ChoicesKey]; !known {
			columns[played.ChoicesKey] = stage
		}
	}
	return cast, columns
}

// parts tells whether the branch tells two of the stages apart under the choices of one of them.
func (p *program) parts(b branch) bool {
	cast, columns := p.table()
	for key, representative := range columns {
		if !p.exists(b.at, representative) {
			continue
		}
		taken := 0
		for _, stage := range cast {
			if b.fires(stage, key) {
				taken++
			}
		}
		if taken > 0 && (taken < len(cast) || b.do == "derived name") {
			return true // a derived name is another in each stage that takes the branch
		}
	}
	return false
}

// exists tells whether a stage's choices include a resource.
func (p *program) exists(at int, stage stages.Stage) bool {
	return stages.Selects(p.resources[at].selector, stage)
}

// The texts that programs are made of: words that are also names of stages, and identity.
var (
	stageNames = []string{"a", "b", "aa", "id", "lambda", "prod", "production", "dev", "dev-alice", "staging-88", "staging-89", "preprod", "n", "notes", "data"}
	accounts   = []string{"111111111111", "111111111112", "112222222222", "222222222222", "333333333333", "121212121212"}
	regions    = []string{"us-east-1", "us-east-2", "us-west-2", "eu-west-1"}
	pieces     = []string{"{stage}", "{account}", "{region}", "{0}", "{1}", "{2}", "-", "a", "aa", "prod", "data", "id", "lambda:", "MODE=prod", "1", "é", `"`, "arn:aws:", "dev"}
)

func drawSet(t *rapid.T, most int) stages.Set {
	names := rapid.SliceOfNDistinct(rapid.SampledFrom(stageNames), 2, most, rapid.ID[string]).Draw(t, "names")
	var set stages.Set
	for _, name := range names {
		set = append(set, stages.Stage{
			Name: name, Account: rapid.SampledFrom(accounts).Draw(t, "account"), Region: rapid.SampledFrom(regions).Draw(t, "region"),
			Tier: rapid.SampledFrom([]stages.Tier{stages.Standard, stages.Sandbox, stages.Protected}).Draw(t, "tier"),
		})
	}
	if rapid.Bool().Draw(t, "ephemeral") {
		set = append(set, set[0].Template("pr-*"))
	}
	return set
}

func drawSelector(t *rapid.T, set stages.Set) stages.Selector {
	var all []stages.Selector
	for _, stage := range set.Stages() {
		all = append(all, stage)
	}
	all = append(all, stages.Sandbox, stages.Protected)
	selectors := rapid.SliceOfN(rapid.SampledFrom(all), 0, 2).Draw(t, "selected")
	switch rapid.IntRange(0, 2).Draw(t, "selector") {
	case 0:
		return nil
	case 1:
		return stages.Only(selectors...)
	}
	return stages.Except(selectors...)
}

func drawProgram(t *rapid.T, most int) *program {
	p := &program{set: drawSet(t, most)}
	for i := range rapid.IntRange(1, 4).Draw(t, "resources") {
		r := resource{id: fmt.Sprintf("r%d", i), selector: drawSelector(t, p.set)}
		for range rapid.IntRange(1, 3).Draw(t, "properties") {
			r.properties = append(r.properties, strings.Join(rapid.SliceOfN(rapid.SampledFrom(pieces), 0, 6).Draw(t, "text"), ""))
		}
		if i == 0 {
			r.properties = append(r.properties, "{2}")
		}
		r.key = rapid.SampledFrom([]string{"", "{account}", "{stage}", "x {1} y", "{stage}/{region}"}).Draw(t, "key")
		for range rapid.IntRange(0, 2).Draw(t, "picks") {
			r.pick = append(r.pick, drawSelector(t, p.set))
		}
		p.resources = append(p.resources, r)
	}
	// Names are {1}, {2}, …: a program with fewer resources has the text as it stands.
	return p
}

func drawPredicate(t *rapid.T, cast []stages.Stage) predicate {
	stage := rapid.SampledFrom(cast).Draw(t, "of")
	field := rapid.SampledFrom([]string{"name", "account", "region"}).Draw(t, "field")
	value := map[string]string{"name": stage.Name, "account": stage.Account, "region": stage.Region}[field]
	test := rapid.SampledFrom([]string{"equal", "unequal", "prefix", "hash", "longer"}).Draw(t, "test")
	if test == "prefix" || test == "longer" {
		value = value[:rapid.IntRange(1, len(value)).Draw(t, "length")]
	}
	return predicate{field: field, test: test, value: value}
}

func drawBranch(t *rapid.T, p *program) branch {
	cast, columns := p.table()
	b := branch{
		identity: drawPredicate(t, cast),
		do:       rapid.SampledFrom(effects).Draw(t, "effect"),
		at:       rapid.IntRange(0, len(p.resources)-1).Draw(t, "at"),
	}
	if rapid.IntRange(0, 3).Draw(t, "where") > 0 {
		keys := slices.Sorted(maps.Keys(columns))
		b.under = rapid.SliceOfNDistinct(rapid.SampledFrom(keys), 1, len(keys), rapid.ID[string]).Draw(t, "under")
	}
	return b
}
