package parity

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/roadshow-go/roadshow/stages"
)

// Switcher is a [Player] that can also have single choices made as another stage makes them.
type Switcher interface {
	Player
	// Switch is [Player.Play] with these choices switched. An error says that the program refuses
	// the combination, which is an answer, unless the context has ended.
	Switch(ctx context.Context, stage stages.Stage, switches ...stages.Switch) (Played, error)
}

// Explanation says which declarations make the differences between two stages.
type Explanation struct {
	// From and To are the names of the two stages: the changes lead from the one to the other.
	From string `json:"from"`
	To   string `json:"to"`
	// Changes counts all that differ between From and From playing To's part.
	Changes int `json:"changes"`
	// Groups are the changes, each under the declaration that makes it, or under those that only
	// together do.
	Groups []Group `json:"groups"`
	// Idle lists declarations that the stages choose differently, and that change nothing here.
	Idle []stages.Choice `json:"idle,omitempty"`
	// Left lists changes that no declaration explains.
	Left []Change `json:"left,omitempty"`
	// Undeclared lists what differs between To and From playing To's part; see [Prove].
	Undeclared []Difference `json:"undeclared,omitempty"`
}

// Group is the changes that one declaration makes, or several together.
type Group struct {
	// Declarations are the choices as To makes them.
	Declarations []stages.Choice `json:"declarations"`
	// Title says it in a line, such as "production adds notes DAX".
	Title string `json:"title"`
	// Added, Removed and Changed are logical ids of resources, sorted.
	Added   []string `json:"added,omitempty"`
	Removed []string `json:"removed,omitempty"`
	Changed []string `json:"changed,omitempty"`
	// Functions counts the Lambda functions among Changed.
	Functions int `json:"functions"`
	// Changes are all of the group's, by path.
	Changes []Change `json:"changes"`
}

// Accounted tells whether every difference between the two stages stands under a declaration.
func (e *Explanation) Accounted() bool { return len(e.Left) == 0 && len(e.Undeclared) == 0 }

// Explain finds which declarations make the differences between two stages. It switches one
// declaration at a time: what then changes in the one stage on the way to the other is that
// declaration's. What no single one changes is put under the fewest that must be switched together.
// Everything is synthesized with the identity of from, so that names and accounts are no
// differences.
//
// The error is a [*PlayError], an [*IdentityError], or the context's.
func Explain(ctx context.Context, player Switcher, from, to stages.Stage) (*Explanation, error) {
	x := &explainer{ctx: ctx, player: player, from: from, to: to, effects: map[string][]Change{}}
	explanation := &Explanation{From: from.Name, To: to.Name, Groups: []Group{}}
	var err error
	if x.base, err = x.play(from); err != nil {
		return nil, err
	}
	understudy, err := x.play(from.As(to))
	if err != nil {
		return nil, err
	}
	wanted, err := changes(x.base, understudy, from)
	if err != nil {
		return nil, err
	}
	explanation.Changes = len(wanted)
	x.candidates = differing(x.base.Choices, understudy.Choices)
	differing := len(x.candidates)
	for _, choice := range understudy.Choices {
		if !slices.ContainsFunc(x.candidates, func(candidate stages.Choice) bool { return candidate.ID == choice.ID }) {
			x.others = append(x.others, choice)
		}
	}
	waiting := wanted
	for i := range x.candidates {
		effect, err := x.effect([]int{i})
		if err != nil {
			return nil, err
		}
		var own []Change
		own, waiting = share(waiting, effect)
		if len(own) > 0 {
			explanation.Groups = append(explanation.Groups, x.group([]int{i}, own))
		}
	}
	explained := map[string]bool{}
	for len(waiting) > 0 {
		together, err := x.fewest(waiting[0])
		if err != nil {
			return nil, err
		}
		if together == nil {
			explanation.Left = append(explanation.Left, waiting[0])
			waiting = waiting[1:]
			continue
		}
		effect, err := x.effect(together)
		if err != nil {
			return nil, err
		}
		var own []Change
		own, waiting = share(waiting, effect)
		explanation.Groups = append(explanation.Groups, x.group(together, own))
	}
	for _, group := range explanation.Groups {
		for _, candidate := range group.Declarations {
			explained[candidate.ID] = true
		}
	}
	for _, candidate := range x.candidates[:differing] {
		if !explained[candidate.ID] {
			explanation.Idle = append(explanation.Idle, candidate)
		}
	}
	explanation.Undeclared, err = x.undeclared(understudy)
	return explanation, err
}

// explainer is one explanation under way.
type explainer struct {
	ctx        context.Context
	player     Switcher
	from, to   stages.Stage
	base       Played
	candidates []stages.Choice
	// others are choices that both stages make alike.
	others []stages.Choice
	// effects remembers what switching some candidates changes, by their indices; nil where the
	// program refuses it.
	effects map[string][]Change
}

func (x *explainer) play(stage stages.Stage) (Played, error) {
	if err := x.ctx.Err(); err != nil {
		return Played{}, err
	}
	played, err := x.player.Play(x.ctx, stage)
	if err != nil {
		return Played{}, &PlayError{Stage: stage, Err: err}
	}
	return played, nil
}

// differing lists the choices that two stages do not make alike, as the second makes them, those
// that only the first makes last.
func differing(before, after []stages.Choice) []stages.Choice {
	var all []stages.Choice
	lacks := func(choices []stages.Choice, same func(stages.Choice) bool) bool {
		return !slices.ContainsFunc(choices, same)
	}
	for _, choice := range after {
		if lacks(before, choice.Agrees) {
			all = append(all, choice)
		}
	}
	for _, choice := range before {
		if lacks(after, func(other stages.Choice) bool { return other.ID == choice.ID }) {
			all = append(all, choice)
		}
	}
	return all
}

// effect is what switching some of the candidates changes.
func (x *explainer) effect(which []int) ([]Change, error) {
	key := fmt.Sprint(which)
	if effect, known := x.effects[key]; known {
		return effect, nil
	}
	if err := x.ctx.Err(); err != nil {
		return nil, err
	}
	switches := make([]stages.Switch, len(which))
	for i, candidate := range which {
		switches[i] = stages.Switch{ID: x.candidates[candidate].ID, As: x.to}
	}
	var effect []Change
	played, err := x.player.Switch(x.ctx, x.from, switches...)
	if err == nil {
		if effect, err = changes(x.base, played, x.from); err != nil {
			return nil, err
		}
	}
	x.effects[key] = effect
	return effect, x.ctx.Err()
}

// fewest finds candidates of which none can be left out, that make a change together; nil where not
// even all of them do.
func (x *explainer) fewest(change Change) ([]int, error) {
	makes := func(which []int) (bool, error) {
		effect, err := x.effect(which)
		return slices.ContainsFunc(effect, func(made Change) bool { return made.key() == change.key() }), err
	}
	needed := everyone(len(x.candidates))
	is, err := makes(needed)
	if err == nil && !is && len(x.others) > 0 {
		// Where one line makes several choices, which of them is the second depends on what was
		// chosen before. With every choice switched there is nothing but the understudy.
		x.candidates, x.others = append(x.candidates, x.others...), nil
		needed = everyone(len(x.candidates))
		is, err = makes(needed)
	}
	if !is || err != nil {
		return nil, err
	}
	// Halves first: most candidates have nothing to do with it.
	for size := (len(needed) + 1) / 2; size > 0; size /= 2 {
		for at := 0; at < len(needed); {
			without := slices.Delete(slices.Clone(needed), at, min(at+size, len(needed)))
			if len(without) > 0 {
				is, err := makes(without)
				if err != nil {
					return nil, err
				}
				if is {
					needed = without
					continue
				}
			}
			at += size
		}
	}
	return needed, nil
}

// share takes those changes that an effect makes out of what waits for an explanation.
func share(waiting, effect []Change) (own, rest []Change) {
	made := map[string]bool{}
	for _, change := range effect {
		made[change.key()] = true
	}
	for _, change := range waiting {
		if made[change.key()] {
			own = append(own, change)
		} else {
			rest = append(rest, change)
		}
	}
	return own, rest
}

// group sums up the changes of some candidates.
func (x *explainer) group(which []int, own []Change) Group {
	group := Group{Changes: own}
	var titles []string
	for _, candidate := range which {
		choice := x.candidates[candidate]
		group.Declarations = append(group.Declarations, choice)
		titles = append(titles, x.says(choice))
	}
	group.Title = strings.Join(titles, ", together with: ")
	touched := map[string]string{}
	for _, change := range own {
		switch added, removed := change.whole(); {
		case added:
			group.Added = append(group.Added, change.LogicalID)
		case removed:
			group.Removed = append(group.Removed, change.LogicalID)
		case change.LogicalID != "":
			touched[change.LogicalID] = change.Type
		}
	}
	for id, kind := range touched {
		if slices.Contains(group.Added, id) || slices.Contains(group.Removed, id) {
			continue
		}
		group.Changed = append(group.Changed, id)
		if kind == "AWS::Lambda::Function" {
			group.Functions++
		}
	}
	for _, ids := range [][]string{group.Added, group.Removed, group.Changed} {
		slices.Sort(ids)
	}
	return group
}

// says is a choice in words.
func (x *explainer) says(choice stages.Choice) string {
	before := "nothing"
	if at := slices.IndexFunc(x.base.Choices, func(other stages.Choice) bool { return other.ID == choice.ID }); at >= 0 {
		before = x.base.Choices[at].Outcome
	}
	switch {
	case choice.Kind == "selector" && choice.Outcome == "in":
		return x.to.Name + " adds " + choice.Of
	case choice.Kind == "selector":
		return x.to.Name + " has no " + choice.Of
	case choice.Kind == "pick":
		return fmt.Sprintf("%s picks %s, %s %s", x.to.Name, choice.Outcome, x.from.Name, before)
	}
	return fmt.Sprintf("%s has %s %s, %s %s", x.to.Name, choice.Kind, choice.Outcome, x.from.Name, before)
}

// undeclared compares the other stage with the understudy that plays its part.
func (x *explainer) undeclared(understudy Played) ([]Difference, error) {
	own, err := x.play(x.to)
	if err != nil {
		return nil, err
	}
	c := column{own: []int{0}, rows: []int{0, 1}, actors: []stages.Stage{x.to, x.from.As(x.to)}, played: []Played{own, understudy}}
	err = c.compare(stages.Set{x.to})
	return c.differences, err
}

// Summary is what the group changes in a few words: "11 resources, 3 functions changed".
func (g Group) Summary() string {
	var parts []string
	if n := len(g.Added); n > 0 {
		parts = append(parts, count(n, "resource"))
	}
	if n := len(g.Removed); n > 0 {
		parts = append(parts, count(n, "resource")+" less")
	}
	if g.Functions > 0 {
		parts = append(parts, count(g.Functions, "function")+" changed")
	}
	if n := len(g.Changed) - g.Functions; n > 0 {
		what := "resource"
		if g.Functions > 0 {
			what = "other resource"
		}
		parts = append(parts, count(n, what)+" changed")
	}
	if n := len(slices.DeleteFunc(slices.Clone(g.Changes), func(c Change) bool { return c.LogicalID != "" })); n > 0 {
		parts = append(parts, count(n, "change")+" of the stack itself")
	}
	return strings.Join(parts, ", ")
}

// Stale is a selector or a pick that changes nothing in any stage.
type Stale struct {
	// Declaration is the choice as the code words it, At where; Of lists what it was to choose.
	Declaration string          `json:"declaration"`
	At          stages.Position `json:"at"`
	Of          []string        `json:"of,omitempty"`
}

// String is the finding in one line.
func (s Stale) String() string {
	text := fmt.Sprintf("%s: %s changes nothing in any stage", s.At, s.Declaration)
	if len(s.Of) > 0 {
		text = fmt.Sprintf("%s: %s of %s changes nothing in any stage", s.At, s.Declaration, strings.Join(s.Of, ", "))
	}
	return text + "; remove it"
}

// FindStale lists the selectors and picks that change nothing. A declaration is a place in the
// code; it is stale if, in every stage of the set and each time the program comes to it there,
// having it decided as any other stage does makes the very same template (and the same stack, and
// the same functions). A combination that the program refuses is a change. The tier is no such
// declaration.
//
// The error is that of [Prove].
func FindStale(ctx context.Context, set stages.Set, player Switcher) ([]Stale, error) {
	cast, err := Cast(set)
	if err != nil {
		return nil, err
	}
	type position struct {
		kind string
		at   stages.Position
	}
	x := make([]*explainer, len(cast))
	var order []position
	of := map[position]*Stale{}
	live := map[position]bool{}
	for i, stage := range cast {
		x[i] = &explainer{ctx: ctx, player: player, from: stage}
		if x[i].base, err = x[i].play(stage); err != nil {
			return nil, err
		}
		for _, choice := range x[i].base.Choices {
			where := position{choice.Kind, choice.At}
			if choice.Kind != "selector" && choice.Kind != "pick" {
				continue
			}
			if of[where] == nil {
				of[where] = &Stale{Declaration: choice.Declaration, At: choice.At}
				order = append(order, where)
			}
			if choice.Of != "" && !slices.Contains(of[where].Of, choice.Of) {
				of[where].Of = append(of[where].Of, choice.Of)
			}
		}
	}
	for i, stage := range cast {
		for _, choice := range x[i].base.Choices {
			where := position{choice.Kind, choice.At}
			if of[where] == nil || live[where] {
				continue
			}
			if live[where], err = x[i].lively(choice, stage, cast); err != nil {
				return nil, err
			}
		}
	}
	var stale []Stale
	for _, where := range order {
		if !live[where] {
			stale = append(stale, *of[where])
		}
	}
	return stale, nil
}

// lively tells whether a choice of this stage, made as some other stage makes it, changes anything.
func (x *explainer) lively(choice stages.Choice, stage stages.Stage, cast []stages.Stage) (bool, error) {
	var tried []stages.Choice
	for _, other := range cast {
		if err := x.ctx.Err(); err != nil {
			return false, err
		}
		if other.Name == stage.Name {
			continue
		}
		if asOther := x.outcome(choice, other); asOther != nil {
			if asOther.Agrees(choice) || slices.ContainsFunc(tried, asOther.Agrees) {
				continue
			}
			tried = append(tried, *asOther)
		}
		played, err := x.player.Switch(x.ctx, stage, stages.Switch{ID: choice.ID, As: other})
		if err != nil {
			return true, x.ctx.Err()
		}
		effect, err := changes(x.base, played, stage)
		if err != nil {
			return false, err
		}
		if len(effect) > 0 {
			return true, nil
		}
	}
	return false, nil
}

// outcome is the choice as another stage makes it, where the record of this stage's choices can
// tell; nil where it cannot, and it has to be tried.
func (x *explainer) outcome(choice stages.Choice, other stages.Stage) *stages.Choice {
	if x.base.As == nil {
		return nil
	}
	for _, made := range x.base.As(other) {
		if made.ID == choice.ID {
			return &made
		}
	}
	return nil
}
