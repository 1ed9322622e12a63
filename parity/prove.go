package parity

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/roadshow-go/roadshow/stages"
)

// Played is what a program makes of one stage, or of an understudy.
type Played struct {
	// Template is the synthesized template, as JSON. Required.
	Template []byte
	// Identity is the identity of the stage itself, also where it plays another's part; see [Side].
	// Required.
	Identity []string
	// Meanings says of each value of Identity what it is. With it, stages that do not have the same
	// names are different; without it they cannot be compared, which is an [*IdentityError].
	// Default: none.
	Meanings []Meaning
	// ChoicesKey is equal for two stages exactly when they made the same choices, as
	// [stages.Choices.Key] is: one choice a line.
	ChoicesKey string
	// Choices are those made, for [Explain] and [FindStale]; [Prove] needs their key only. As is
	// what they come to for another stage, where that is known without a synthesis.
	Choices []stages.Choice
	As      func(stages.Stage) []stages.Choice
	// Functions maps the logical id of each function to a digest of the bytes it runs.
	Functions map[string]string
	// Stack is what is said of the stack outside its template, such as its name, its tags and its
	// termination protection. It is compared like the template.
	Stack map[string]string
	// Nested maps the digest of each nested stack's template, which its TemplateURL ends in, to the
	// template.
	Nested map[string][]byte
	// Assets maps the name of each asset to a digest of its content.
	Assets map[string]string
	// Others maps the physical names that other stages have, and this one has not, to the stage.
	Others map[string]string
	// Declared maps the paths of the Systems Manager that the program reads at deploy time by a
	// construct that is for that, to what declares it: [DeployRead.Acknowledged].
	Declared map[string]string
	// Positions finds the Go file and line that made a resource. Default: none is known.
	Positions func(logicalID string) stages.Position
}

// Meaning is what a value of an identity is.
type Meaning struct {
	// Of is the same in every stage, such as "orders, DynamoDB table".
	Of string
	// Kind says where the value can stand.
	Kind Kind
	// Parts are those of the value that the program chooses, such as a component's name and
	// revision. They must be the same in every stage.
	Parts string
	// At is the Go file and line that made it.
	At stages.Position
}

// Player synthesizes a program for a stage.
type Player interface {
	// Play synthesizes one stage: one of the set, one made from a template of it, or an understudy
	// of those ([stages.Stage.As]). It is never called by two goroutines at once, but what it
	// returned is read, and Positions called, while it plays the next stage. An error says that the
	// program cannot be synthesized for that stage; nothing is proven then.
	Play(ctx context.Context, stage stages.Stage) (Played, error)
}

// PlayerFunc is a function as a [Player].
type PlayerFunc func(ctx context.Context, stage stages.Stage) (Played, error)

// Play calls the function.
func (f PlayerFunc) Play(ctx context.Context, stage stages.Stage) (Played, error) {
	return f(ctx, stage)
}

// PlayError says that one stage could not be synthesized, or that its template could not be read,
// so that nothing is proven.
type PlayError struct {
	// Stage is the stage, or the understudy, that was played.
	Stage stages.Stage
	// Err is what the player returned.
	Err error
}

func (e *PlayError) Error() string { return fmt.Sprintf("%s: %s", e.Stage, e.Err) }

// Unwrap is the player's error.
func (e *PlayError) Unwrap() error { return e.Err }

// Option changes how [Prove] goes about it.
type Option func(*plan)

// Exhaustive makes every stage play every part, however many stages and groups there are. Default:
// only where that takes no more than 16 syntheses.
func Exhaustive() Option { return func(p *plan) { p.exhaustive = true } }

// Prove plays the stages of the set, and understudies of them, and compares all that were made
// under the same choices: one skeleton must make them all, and each function must run the same
// bytes in them. A template of the set is represented by one stage made from it, of an unlikely
// name.
//
// Think of a table with a column for each group of stages that make the same choices, and a row for
// each stage: in each field the stage of the row plays the choices of the column. The deployed
// templates are the fields of each stage's own column. What Prove plays and compares, column by
// column:
//
//   - every deployed template;
//   - in every column, the reference stage, the one most unlike the others. This ties the columns
//     together: all that is deployed is then what one identity makes of declared choices alone;
//   - in every column one more stage at least, if only the reference is in it: else what only the
//     reference does under its own choices would go unseen;
//   - where the whole table is no more than 16 fields, or with [Exhaustive], all of it. This is complete:
//     no branch on the identity that tells any two of the stages apart under the choices of any of them
//     is left. A larger table is filled up to 16 fields, first where a column has one region only, one
//     account only, or names that begin alike.
//
// Where the table is not filled, one kind of branch can remain: it is taken under the choices of a
// column only, and takes every identity played in that column the same way, and some other identity
// another. No deployed template would change if it were replaced by what the reference makes of it.
// [Verdict.Played] and [Verdict.Parts] say how much of the table was played.
//
// The verdict is about undeclared differences; the error, where there is one, says why there can be
// none: a [*PlayError], an [*IdentityError], a [*stages.FieldError] for an invalid set, or the
// context's.
func Prove(ctx context.Context, set stages.Set, player Player, options ...Option) (*Verdict, error) {
	if err := set.Validate(); err != nil {
		return nil, err
	}
	p := plan{player: player, set: set}
	for _, option := range options {
		option(&p)
	}
	var err error
	if p.cast, err = Cast(set); err != nil {
		return nil, err
	}
	// The walks that are still under way read what the player returned: they end before Prove does.
	defer p.judging.Wait()
	if err := p.playOwnParts(ctx); err != nil {
		return nil, err
	}
	for column, understudies := range p.understudies() {
		for _, row := range understudies {
			if err := p.play(ctx, p.cast[row].As(p.cast[p.columns[column].own[0]]), column, row); err != nil {
				return nil, err
			}
		}
		p.columns[column].judge(&p)
	}
	p.judging.Wait()
	return p.verdict()
}

// Cast is the stages that take part in a proof: those of the set, and one made from each template.
// The error is a [*stages.FieldError].
func Cast(set stages.Set) ([]stages.Stage, error) {
	var cast []stages.Stage
	for _, stage := range set {
		if stage.IsTemplate() {
			made, err := unlikely(set, stage)
			if err != nil {
				return nil, err
			}
			stage = made
		}
		cast = append(cast, stage)
	}
	return cast, nil
}

// unlikely is a stage made from a template, of a name that no code is prepared for: as long as a
// name may be, so that physical names are cut, and with hyphens, which part them otherwise.
func unlikely(set stages.Set, template stages.Stage) (stages.Stage, error) {
	prefix := strings.TrimSuffix(template.FromTemplate(), "*")
	var err error
	for _, tail := range []string{"qx7-parity-0-understudy-of-many-zz", "x9k-parity-0-understudy-of-many-zz", "q", "x"} {
		name := strings.TrimRight((prefix + tail)[:min(len(prefix+tail), stages.MaxStageName)], "-")
		var made stages.Stage
		if made, err = set.Find(name); err == nil && made.FromTemplate() == template.FromTemplate() {
			return made, nil
		}
	}
	// Other templates of the set take every name of this one, or the pattern leaves no room for a
	// name.
	return stages.Stage{}, cmp.Or(err, error(&stages.FieldError{
		Thing: fmt.Sprintf("template %q", template.FromTemplate()), Field: "pattern", Got: "shadowed by longer patterns of the set",
		Want: "a pattern that makes stages", Fix: "remove one of the templates",
	}))
}

// plan is one proof under way.
type plan struct {
	exhaustive bool
	player     Player
	set        stages.Set
	cast       []stages.Stage
	columns    []*column
	judging    sync.WaitGroup
}

// column is what was played under one group's choices.
type column struct {
	// own lists the stages of the group, by their index in the cast.
	own        []int
	choicesKey string
	// rows are the stages that have played the part, by their index in the cast, and played their
	// syntheses.
	rows   []int
	played []Played
	actors []stages.Stage

	// What the walk found.
	err         error
	differences []Difference
	ambiguous   []Difference
	reads       []DeployRead
	foreign     []ForeignAccount
	resources   []string
	digests     map[string][]string
}

// fullTable is the greatest number of syntheses for which every stage plays every part by default.
// It is enough for four stages that all choose differently; a synthesis of a usual stack takes some
// milliseconds.
const fullTable = 16

func (p *plan) playOwnParts(ctx context.Context) error {
	for row, stage := range p.cast {
		played, err := p.synthesize(ctx, stage)
		if err != nil {
			return err
		}
		at := slices.IndexFunc(p.columns, func(c *column) bool { return c.choicesKey == played.ChoicesKey })
		if at < 0 {
			at = len(p.columns)
			p.columns = append(p.columns, &column{choicesKey: played.ChoicesKey})
		}
		c := p.columns[at]
		c.own = append(c.own, row)
		c.add(row, stage, played)
	}
	return nil
}

func (p *plan) play(ctx context.Context, actor stages.Stage, column, row int) error {
	played, err := p.synthesize(ctx, actor)
	if err != nil {
		return err
	}
	p.columns[column].add(row, actor, played)
	return nil
}

func (p *plan) synthesize(ctx context.Context, actor stages.Stage) (Played, error) {
	if err := ctx.Err(); err != nil {
		return Played{}, err
	}
	played, err := p.player.Play(ctx, actor)
	if err != nil {
		return Played{}, &PlayError{Stage: actor, Err: err}
	}
	return played, nil
}

func (c *column) add(row int, actor stages.Stage, played Played) {
	c.rows = append(c.rows, row)
	c.actors = append(c.actors, actor)
	c.played = append(c.played, played)
}

// understudies says, by column, which stages of other columns play its part; see [Prove].
func (p *plan) understudies() [][]int {
	extra := make([][]int, len(p.columns))
	players := func(column int) []int { return append(slices.Clone(p.columns[column].own), extra[column]...) }
	total := len(p.cast)
	add := func(column, row int) {
		if !slices.Contains(players(column), row) {
			extra[column] = append(extra[column], row)
			total++
		}
	}
	limit := fullTable
	if p.exhaustive {
		limit = len(p.cast) * len(p.columns)
	}
	reference := p.reference()
	for column := range p.columns {
		add(column, reference)
	}
	for column := range p.columns {
		if row, exists := p.mostUnlike(players(column)); exists && len(players(column)) == 1 {
			add(column, row)
		}
	}
	for total < min(limit, len(p.cast)*len(p.columns)) {
		best, bestRow, bestNews := -1, -1, [2]int{}
		for column := range p.columns {
			already := players(column)
			row, exists := p.mostUnlike(already)
			if !exists {
				continue
			}
			// Columns that few have played come first among those that would learn as much.
			news := [2]int{unlikeness(p.cast, row, already), -len(already)}
			if best < 0 || slices.Compare(news[:], bestNews[:]) > 0 {
				best, bestRow, bestNews = column, row, news
			}
		}
		add(best, bestRow)
	}
	return extra
}

// reference is the stage that plays every part: the one that has least in common with the others,
// so that a branch on a region, an account, or the beginning of a name is most likely to part it
// from them. The first of the set, which is often the sandbox that shares its region with all,
// would be as sound for what is deployed, but sees less.
func (p *plan) reference() int {
	best, most := 0, -1
	for row := range p.cast {
		sum := 0
		for other := range p.cast {
			sum += unlikeness(p.cast, row, []int{other})
		}
		if sum > most {
			best, most = row, sum
		}
	}
	return best
}

// mostUnlike is the stage, not among those that play already, that has least in common with them.
func (p *plan) mostUnlike(already []int) (row int, exists bool) {
	most := -1
	for candidate := range p.cast {
		if slices.Contains(already, candidate) {
			continue
		}
		if news := unlikeness(p.cast, candidate, already); news > most {
			row, most, exists = candidate, news, true
		}
	}
	return row, exists
}

// unlikeness counts in what a stage differs from all of the others given: most for another region,
// since stages share those most often.
func unlikeness(cast []stages.Stage, row int, others []int) int {
	stage, weight := cast[row], 0
	for _, feature := range []struct {
		weight int
		of     func(stages.Stage) string
	}{
		{8, func(s stages.Stage) string { return s.Region }},
		{4, func(s stages.Stage) string { return s.Account }},
		{2, func(s stages.Stage) string { return s.Name[:1] }},
		{1, func(s stages.Stage) string { return s.Account[:1] }},
	} {
		mine := feature.of(stage)
		if !slices.ContainsFunc(others, func(other int) bool { return feature.of(cast[other]) == mine }) {
			weight += feature.weight
		}
	}
	return weight
}

// judge compares a column in the background, while the player is at the next one.
func (c *column) judge(p *plan) {
	p.judging.Go(func() {
		c.err = c.compare(p.set)
		c.played = nil // many templates would be held otherwise
	})
}

// The sections of a path that are not a template's.
const (
	functionsSection = "Functions"
	stackSection     = "Stack"
	choicesSection   = "Choices"
	namesSection     = "Names"
	assetsSection    = "Assets"
)

func (c *column) compare(set stages.Set) error {
	sides := make([]Side, len(c.played))
	c.digests = map[string][]string{}
	for i, played := range c.played {
		if n := len(played.Meanings); n > 0 && n != len(played.Identity) {
			return &IdentityError{
				Stage: c.actors[i], Other: c.actors[i], Reason: fmt.Sprintf("there are %d values and %d meanings", len(played.Identity), n),
			}
		}
		template, err := Parse(played.Template)
		if err != nil {
			return &PlayError{Stage: c.actors[i], Err: err}
		}
		sides[i] = Side{
			Stage: c.actors[i], Template: template, Identity: played.Identity, Positions: played.Positions,
		}
		if !slices.Contains(c.own, c.rows[i]) {
			continue
		}
		sides[i].label = c.actors[i].Name // of a stage made from a template, whose role is another's
		c.resources = append(c.resources, template.Resources()...)
		for id, digest := range played.Functions {
			c.digests[id] = append(c.digests[id], digest)
		}
	}
	deployed := make([]*deployment, len(sides))
	for i, played := range c.played {
		var err error
		if deployed[i], err = deploy(sides[i], played); err != nil {
			return err
		}
		if slices.Contains(c.own, c.rows[i]) {
			c.reads = append(c.reads, deployed[i].reads...)
			foreign, ambiguous := mentions(sides[i], deployed[i], set, played.Others)
			c.foreign, c.ambiguous = append(c.foreign, foreign...), append(c.ambiguous, ambiguous...)
		}
	}
	if len(sides) < 2 {
		return nil
	}
	lacking := c.alignIdentities(sides)
	w, err := newWalk(sides)
	if err != nil {
		return err
	}
	w.addNested(deployed)
	w.differences = lacking
	w.choices(c.played)
	indices := everyone(len(sides))
	nodes := make([]any, len(sides))
	section := func(name string, of func(int) any) {
		for i := range sides {
			nodes[i] = of(i)
		}
		w.path = nil
		if name != "" {
			w.path.down(name)
		}
		w.node(indices, nodes)
	}
	section("", func(i int) any { return sides[i].Template.root })
	w.deployed(deployed)
	section(stackSection, func(i int) any { return objectOf(c.played[i].Stack) })
	w.identity = noIdentities(len(sides)) // a digest is the same or it is not
	section(functionsSection, func(i int) any { return objectOf(c.played[i].Functions) })
	section(assetsSection, func(i int) any { return objectOf(c.played[i].Assets) })
	c.differences, c.ambiguous = w.differences, append(c.ambiguous, w.ambiguous...)
	return nil
}

// alignIdentities pairs the sides' identities up by meaning, where they are not the same ones. A
// name that not all sides have is a difference.
func (c *column) alignIdentities(sides []Side) []Difference {
	order := []Meaning{}
	values, parts := map[string][]string{}, map[string][]string{}
	alike := true
	for i, played := range c.played {
		if len(played.Meanings) != len(played.Identity) {
			return nil
		}
		alike = alike && slices.EqualFunc(played.Meanings, c.played[0].Meanings, func(a, b Meaning) bool { return a.Of == b.Of && a.Parts == b.Parts })
		sides[i].kinds = nil
		for _, meaning := range played.Meanings {
			sides[i].kinds = append(sides[i].kinds, meaning.Kind)
		}
		times := map[string]int{}
		for k, meaning := range played.Meanings {
			if times[meaning.Of]++; times[meaning.Of] > 1 {
				meaning.Of = fmt.Sprintf("%s #%d", meaning.Of, times[meaning.Of])
			}
			if values[meaning.Of] == nil {
				values[meaning.Of], parts[meaning.Of] = make([]string, len(sides)), make([]string, len(sides))
				order = append(order, meaning)
			}
			values[meaning.Of][i], parts[meaning.Of][i] = played.Identity[k], meaning.Parts
		}
	}
	if alike {
		return nil
	}
	var lacking []Difference
	for i := range sides {
		sides[i].Identity, sides[i].aligned = make([]string, len(order)), true
		sides[i].kinds = nil
		for _, meaning := range order {
			sides[i].kinds = append(sides[i].kinds, meaning.Kind)
		}
	}
	for k, meaning := range order {
		having, without := Value{JSON: []byte("true")}, Value{}
		for i, value := range values[meaning.Of] {
			sides[i].Identity[k] = value
			side := &having
			if value == "" {
				side = &without
			}
			side.Stages = append(side.Stages, sides[i].String())
		}
		at := path{{key: namesSection}, {key: meaning.Of}}
		if len(without.Stages) > 0 {
			lacking = append(lacking, Difference{Path: at.String(), At: meaning.At, Values: []Value{having, without}})
		} else if differ := valuesOf(sides, everyone(len(sides)), parts[meaning.Of]); len(differ) > 1 {
			lacking = append(lacking, Difference{Path: at.String(), At: meaning.At, Values: differ})
		}
	}
	return lacking
}

// choices lists it as a difference where an understudy did not make the choices of the stage it
// plays: the program then chooses by identity what to choose.
func (w *walk) choices(played []Played) {
	lines := make([]map[string]bool, len(played))
	alike := true
	for i, part := range played {
		alike = alike && part.ChoicesKey == played[0].ChoicesKey
		lines[i] = map[string]bool{}
		for line := range strings.Lines(part.ChoicesKey) {
			lines[i][strings.TrimSpace(line)] = true
		}
	}
	if alike {
		return
	}
	// What all have made says nothing.
	nodes := make([]any, len(played))
	for i, part := range played {
		own := []any{}
		for line := range strings.Lines(part.ChoicesKey) {
			line = strings.TrimSpace(line)
			if slices.ContainsFunc(lines, func(other map[string]bool) bool { return !other[line] }) {
				own = append(own, line)
			}
		}
		if len(own) == 0 {
			own = append(own, part.ChoicesKey) // the same choices, in another order
		}
		nodes[i] = own
	}
	identity := w.identity
	w.path, w.identity = path{{key: choicesSection}}, noIdentities(len(played))
	w.differ(everyone(len(played)), nodes)
	w.path, w.identity = nil, identity
	for _, part := range played[1:] {
		if differing := differing(played[0].Choices, part.Choices); len(differing) > 0 {
			w.differences[len(w.differences)-1].At = differing[0].At
			break
		}
	}
}

// objectOf is a map as a node.
func objectOf(values map[string]string) *object {
	o := &object{}
	for key := range values {
		o.keys = append(o.keys, key)
	}
	slices.Sort(o.keys)
	for _, key := range o.keys {
		o.values = append(o.values, values[key])
	}
	return o
}

// verdict sums up the columns.
func (p *plan) verdict() (*Verdict, error) {
	v := &Verdict{Parts: len(p.cast) * len(p.columns), SameBytes: true}
	for _, stage := range p.cast {
		v.Stages = append(v.Stages, stage.Name)
	}
	resources := map[string]bool{}
	digests := map[string]string{}
	for _, c := range p.columns {
		if c.err != nil {
			return nil, c.err
		}
		group := make([]string, len(c.own))
		for i, row := range c.own {
			group[i] = p.cast[row].Name
		}
		v.Groups = append(v.Groups, group)
		v.Played += len(c.rows)
		v.Differences = append(v.Differences, c.differences...)
		v.Foreign = append(v.Foreign, c.foreign...)
		v.Ambiguous = append(v.Ambiguous, c.ambiguous...)
		v.addReads(c.reads)
		for _, id := range c.resources {
			resources[id] = true
		}
		for id, all := range c.digests {
			for _, digest := range all {
				if known, exists := digests[id]; exists && known != digest {
					v.SameBytes = false
				}
				digests[id] = digest
			}
		}
	}
	v.Resources, v.Functions = len(resources), len(digests)
	return v, nil
}
