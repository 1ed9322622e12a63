package orphan

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/roadshow-go/roadshow/internal/fleet"
	"github.com/roadshow-go/roadshow/internal/fleet/owner"
	"github.com/roadshow-go/roadshow/internal/fleet/stacks"
	"github.com/roadshow-go/roadshow/stages"
)

// search is one run.
type search struct {
	Search
	names map[string]bool
	// everywhere tells that every enabled region of the account is searched, and not only those of the set.
	everywhere bool

	mu   sync.Mutex
	gaps []fleet.Gap
}

func newSearch(s Search) *search {
	r := &search{Search: s, names: map[string]bool{}}
	if r.Observe == nil {
		r.Observe = func(fleet.Event) {}
	}
	for _, name := range s.Names {
		r.names[name] = true
	}
	return r
}

// now is the time by which ages are told.
func (r *search) now() time.Time {
	if r.Now.IsZero() {
		return r.Fleet.Now()
	}
	return r.Now
}

func (r *search) gap(place stages.Stage, service string, err error) {
	if err == nil || ctxEnded(err) {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.gaps = append(r.gaps, fleet.GapOf(place, service, err))
}

// pending are a place's orphans, until all is known about them.
type pending struct {
	rows            map[string]*Orphan
	order           []string
	mentionedStages map[string]bool // the stages of the service that tags tell of
}

// add makes one row of all that is known about one thing. Whose it is, its own tags say before anything else: somebody may
// have taken it over, and not told CloudFormation.
func (b *pending) add(one *Orphan) {
	key := one.where()
	old, known := b.rows[key]
	switch {
	case !known:
		b.rows[key], b.order = one, append(b.order, key)
	case one.tagged && !old.tagged:
		one.merge(old)
		b.rows[key] = one
	default:
		old.merge(one)
	}
}

// readTags asks for the tags of the rows that were not found by them, so many at a time that one failure leaves the others.
func (r *search) readTags(ctx context.Context, g *stackIndex, rows []*Orphan) error {
	byARN := map[string]*Orphan{}
	for _, one := range rows {
		if one.Tags == nil && one.stack == nil && one.ARN != "" {
			byARN[one.ARN] = one
		}
	}
	for some := range slices.Chunk(slices.Sorted(maps.Keys(byARN)), 100) {
		tags, err := stacks.TagsByARN(ctx, g.config, some...)
		for _, text := range some {
			if byARN[text].Tags = tags[text]; err != nil {
				byARN[text].doubt("its tags could not be asked for")
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (r *search) wanted(one *Orphan) bool { return len(r.names) == 0 || r.names[one.Stage] }

// held tells whether a live stack has it; of what belongs to no region, a stack in any region of the account,
// and so it may where one of them has not answered.
func (r *search) held(one *Orphan, g *stackIndex, all []*stackIndex) bool {
	keys := one.keys()
	if one.region == "" {
		return g.alone || slices.ContainsFunc(all, func(other *stackIndex) bool { return other.holds(keys...) })
	}
	return g.holds(keys...)
}

// underWay tells whether the stack of its stage is being changed: what it has is not settled then.
func (r *search) underWay(one *Orphan, g *stackIndex) bool {
	stack := r.stackOf(one, g)
	return stack != nil && stack.busy()
}

// stackOf is the live stack of a row's stage and service; nil where there is none.
func (r *search) stackOf(one *Orphan, g *stackIndex) *stackSummary {
	name, err := (&fleet.Fleet{Service: one.Service}).StackName(stages.Stage{Name: one.Stage})
	if err != nil {
		return nil
	}
	return g.stackNamed(name)
}

// still tells whether a stack's row holds after the stacks were read again.
func (r *search) still(one *Orphan, g *stackIndex) bool {
	stack := g.stack(one.stack.ID)
	return stack != nil && !stack.busy() && stack.status == one.stack.Status
}

// orphan begins a row.
func (r *search) orphan(g *stackIndex, stage, service string) *Orphan {
	known, is := r.Fleet.KnownIn(g.place, stage)
	one := &Orphan{Account: g.place.Account, Region: g.place.Region, Stage: stage, Service: service, Known: is, tier: known.Tier}
	one.evidence = owner.Evidence{Of: owner.Maker{Service: service, Stage: stage}, Account: g.place.Account}
	if service == r.Fleet.Service {
		one.evidence.Of.Program = r.Fleet.Program
	}
	if r.Fleet.Protects(g.place, stage) {
		one.Protected = "stage " + stage + " is protected"
	}
	return one
}

// placeless doubts what belongs to no region where only some regions were asked: a stack of another one may have it.
func (r *search) placeless(one *Orphan) {
	if one.region == "" && !r.everywhere {
		one.doubt("it belongs to no region, and only those of the set were asked whether a stack has it")
	}
}

// ctxEnded tells an interruption from an answer.
func ctxEnded(err error) bool {
	return errors.Is(err, context.Canceled)
}

// serviceOf is the service that an error came from.
func serviceOf(err error) string {
	if failed, is := errors.AsType[*fleet.ServiceError](err); is {
		return failed.Service
	}
	return "STS"
}

// Search looks for what stages have left behind. It changes nothing.
type Search struct {
	// Fleet reaches the accounts. Required.
	Fleet *fleet.Fleet
	// Ledger has the names of the service. Default: none, and then nothing is found by its name.
	Ledger []stages.LedgerName
	// Names are the stages whose orphans are wanted, also ones that the set does not have any more.
	// Default: all.
	Names []string
	// Found is told each orphan, one at a time, as soon as its place is searched. Required.
	Found func(Orphan)
	// Observe is told how far each place is. Default: nobody is.
	Observe func(fleet.Event)
	// Now is the time by which ages are told. Default: that of AWS's answers.
	Now time.Time
}

// reviewTime is how long a stack may wait for its first change set to be executed before it is thought
// forgotten.
const reviewTime = 24 * time.Hour
