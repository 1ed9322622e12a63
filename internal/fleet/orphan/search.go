package orphan

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/resourcegroupstaggingapi"
	taggingtypes "github.com/aws/aws-sdk-go-v2/service/resourcegroupstaggingapi/types"

	"github.com/roadshow-go/roadshow/internal/fleet"
	"github.com/roadshow-go/roadshow/internal/fleet/arn"
	"github.com/roadshow-go/roadshow/internal/fleet/owner"
	"github.com/roadshow-go/roadshow/internal/fleet/parallel"
	"github.com/roadshow-go/roadshow/internal/fleet/plan"
	"github.com/roadshow-go/roadshow/internal/fleet/stacks"
	"github.com/roadshow-go/roadshow/stages"
)

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

// Run searches every place of the set, the accounts side by side. What did not answer is in the gaps, sorted:
// an account with one may hold more than was found, and nothing is deleted in it. The error is the context's.
func (s Search) Run(ctx context.Context) ([]fleet.Gap, error) {
	r := newSearch(s)
	places := placesOf(s.Fleet, s.Names)
	parallel.ForEach(ctx, fleet.AccountsAtOnce, places, func(ctx context.Context, _ int, account []stages.Stage) { r.account(ctx, account) })
	fleet.SortGaps(r.gaps)
	return r.gaps, ctx.Err()
}

// placesOf are the accounts of the set, each with its regions. Where all names are stages of the set, only
// their accounts; all regions of those, because what belongs to no region may be in a stack of another one.
func placesOf(f *fleet.Fleet, names []string) [][]stages.Stage {
	wanted := append(slices.Clone(f.Stages), f.Templates...)
	if picked, err := f.Pick(names...); err == nil && len(names) > 0 {
		wanted = slices.DeleteFunc(wanted, func(one stages.Stage) bool {
			return !slices.ContainsFunc(picked, func(stage stages.Stage) bool { return stage.Account == one.Account })
		})
	}
	var accounts [][]stages.Stage
	for _, stage := range wanted {
		stage.Name = strings.TrimSuffix(stage.Name, "*")
		at := slices.IndexFunc(accounts, func(account []stages.Stage) bool { return account[0].Account == stage.Account })
		if at < 0 {
			accounts = append(accounts, []stages.Stage{stage})
		} else if !slices.ContainsFunc(accounts[at], func(one stages.Stage) bool { return one.Region == stage.Region }) {
			accounts[at] = append(accounts[at], stage)
		}
	}
	return accounts
}

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

// patient is a configuration whose clients slow down together where an account throttles, and ask again where
// an answer broke off.
func patient(config aws.Config) aws.Config {
	config = config.Copy()
	adaptive := retry.NewAdaptiveMode(func(o *retry.AdaptiveModeOptions) {
		o.StandardOptions = append(o.StandardOptions, func(o *retry.StandardOptions) {
			o.MaxAttempts = fleet.Attempts
			o.Retryables = append(o.Retryables, retry.IsErrorRetryableFunc(func(err error) aws.Ternary {
				if errors.Is(err, io.ErrUnexpectedEOF) {
					return aws.TrueTernary
				}
				return aws.UnknownTernary
			}))
		})
	})
	config.Retryer = func() aws.Retryer { return adaptive }
	return config
}

// account searches one account: first all stacks of all its regions, then whatever they do not have.
func (r *search) account(ctx context.Context, places []stages.Stage) {
	var all []*stackIndex
	for _, place := range places {
		r.Observe(fleet.Event{Stage: place, State: fleet.Running, Text: "reading the stacks of " + place.Account + " " + place.Region})
		config, _, err := r.Fleet.Reach(ctx, place)
		if err == nil {
			var g *stackIndex
			if g, err = newStackIndex(ctx, r.Fleet, place, patient(config)); err == nil {
				all = append(all, g)
				continue
			}
			err = fleet.AsServiceError(place, "CloudFormation", err)
		}
		r.Observe(fleet.Event{Stage: place, State: fleet.Failed, Text: fleet.Brief(err)})
		r.gap(place, serviceOf(err), err)
	}
	for _, g := range all {
		if ctx.Err() != nil {
			return
		}
		g.alone = len(all) < len(places)
		found := r.place(ctx, g, all)
		r.Observe(fleet.Event{Stage: g.place, State: fleet.Done, Text: fmt.Sprintf("%d found in %s %s", found, g.place.Account, g.place.Region)})
	}
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

// place finds the orphans of one region and tells them.
func (r *search) place(ctx context.Context, g *stackIndex, all []*stackIndex) int {
	b := &pending{rows: map[string]*Orphan{}, mentionedStages: map[string]bool{}}
	say := func(text string) { r.Observe(fleet.Event{Stage: g.place, State: fleet.Running, Text: text}) }
	say("looking at failed stacks")
	r.failedStacks(ctx, g, b)
	say("looking at deleted stacks")
	r.gap(g.place, "CloudFormation", r.retained(ctx, g, all, b))
	say("looking at tags")
	r.gap(g.place, "Resource Groups Tagging API", r.tagged(ctx, g, all, b))
	say("looking for names of the ledger")
	r.named(ctx, g, all, b)

	rows := make([]*Orphan, 0, len(b.order))
	for _, key := range b.order {
		if one := b.rows[key]; r.wanted(one) {
			rows = append(rows, one)
		}
	}
	say("looking at what was found")
	rows = r.examineAll(ctx, g, rows)
	if ctx.Err() != nil {
		return 0
	}
	// Somebody may have deployed meanwhile: what was made after the stacks were read is no orphan.
	if len(rows) > 0 {
		if err := g.read(ctx, r.Fleet); err != nil {
			r.gap(g.place, "CloudFormation", err)
			return 0
		}
	}
	told, known := 0, map[string]bool{}
	for _, one := range rows {
		// Two ids may have been of one thing.
		if known[one.where()] || one.stack == nil && (r.held(one, g, all) || r.underWay(one, g)) || one.stack != nil && !r.still(one, g) {
			continue
		}
		told, known[one.where()] = told+1, true
		r.mu.Lock()
		r.Found(*one)
		r.mu.Unlock()
	}
	return told
}

// examineAll looks at each row, and judges it. What is gone is left out.
func (r *search) examineAll(ctx context.Context, g *stackIndex, rows []*Orphan) []*Orphan {
	gone := make([]bool, len(rows))
	parallel.ForEach(ctx, factsAtOnce, rows, func(ctx context.Context, i int, one *Orphan) { gone[i] = !r.examine(ctx, g, one) })
	var there []*Orphan
	for i, one := range rows {
		if !gone[i] {
			there = append(there, one)
		}
	}
	r.gap(g.place, "Resource Groups Tagging API", r.readTags(ctx, g, there))
	listed := r.ledgerOf(g.place)
	for _, one := range there {
		r.judge(ctx, g, one, listed)
	}
	return there
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

// judge hands the evidence to the one place that decides.
func (r *search) judge(ctx context.Context, g *stackIndex, one *Orphan, listed map[string]string) {
	if one.stack != nil {
		return // which was judged by its status
	}
	e := &one.evidence
	e.Tags, e.Listed = one.Tags, listed[one.Type+one.Name] == one.Stage || one.label != "" && listed[one.Type+one.label] == one.Stage
	if one.Created != nil {
		e.Created = *one.Created
	}
	if maker := one.Tags[stacks.TagStackID]; maker != "" {
		e.Made = g.known(maker)
	}
	e.Ended = g.ended(one.Stage, one.Service, r.Fleet.Service)
	if again := r.stackOf(one, g); again != nil {
		e.Again = again.name
	}
	for _, s := range []*owner.Stack{e.Made, e.Left} {
		if s == nil || s.Tags != nil {
			continue
		}
		tags, err := g.tagsOf(ctx, s.ID)
		if err != nil {
			r.gap(g.place, "CloudFormation", err)
			one.doubt("the tags of stack " + s.Name + " could not be asked for")
		}
		s.Tags = tags
	}
	verdict := owner.Judge(*e)
	one.Grade, one.Why = verdict.Grade, verdict.Why
	if !one.Known && one.Service == r.Fleet.Service {
		one.Why += "; the set has no such stage here"
	}
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

// failedStacks finds the stacks of the service that are of no use any more.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html
func (r *search) failedStacks(ctx context.Context, g *stackIndex, b *pending) {
	for _, stack := range g.live {
		if stack.stage == "" || stack.busy() {
			continue
		}
		one := r.orphan(g, stack.stage, r.Fleet.Service)
		one.Type, one.Name, one.ARN, one.region = stacks.Type, stack.name, stack.id, g.place.Region
		one.stack = &plan.Identity{ID: stack.id, Status: stack.status}
		one.Created = moment(stack.created)
		switch stack.status {
		case stacks.StatusFailedCreate, "ROLLBACK_FAILED", "DELETE_FAILED":
			one.Grade, one.Why = owner.Certain, "it is "+stack.status+": it can only be deleted"
		case "CREATE_FAILED":
			one.Grade, one.Why = owner.Likely, "it is "+stack.status+": it was not rolled back; another deploy goes on from there"
		case stacks.StatusReview:
			if r.now().Sub(stack.created) < reviewTime {
				continue
			}
			one.Grade, one.Why = owner.Likely, "it is "+stack.status+" for more than a day: its first change set was never executed"
		default:
			if one.Known {
				continue
			}
			one.Grade, one.Why = owner.Likely, "it is "+stack.status+", and the set has no stage "+stack.stage+" here"
		}
		one.Loses = fmt.Sprintf("its %d resources, but for what stays by policy", stack.resources)
		if stack.resources == 0 {
			one.Loses = "nothing"
		} else if stack.stateful > 0 {
			one.Loses += fmt.Sprintf("; %d of them hold data", stack.stateful)
		}
		if described, err := stacks.Describe(ctx, g.client, stack.id); err != nil {
			r.gap(g.place, "CloudFormation", err)
			one.protect("whether it is protected is not known")
		} else if described != nil {
			if aws.ToBool(described.EnableTerminationProtection) {
				one.protect("its termination protection is on")
			}
			*one.stack = stacks.Identity(*described)
			said := owner.MakerOf(stacks.Tags(described.Tags))
			// What waits for its first change set has nothing yet, and maybe not even tags.
			waits := stack.status == stacks.StatusReview && one.Known && said.Relation(one.evidence.Of) == owner.Bare
			if doubt := said.Doubt(one.evidence.Of); doubt != "" && !waits {
				one.Grade, one.Why = owner.Unsure, one.Why+"; "+doubt
			}
		}
		b.add(one)
	}
}

// retained finds what deleted stacks of the service have left by policy, whether it has tags or not.
func (r *search) retained(ctx context.Context, g *stackIndex, all []*stackIndex, b *pending) error {
	// There may be thousands, where each branch has a stage.
	lefts, failed := make([][]types.StackResourceSummary, len(g.deleted)), make([]error, len(g.deleted))
	parallel.ForEach(ctx, stacksAtOnce, g.deleted, func(ctx context.Context, i int, stack *stackSummary) {
		lefts[i], failed[i] = g.retained(ctx, stack)
	})
	for i, stack := range g.deleted {
		left, err := lefts[i], cmp.Or(failed[i], ctx.Err())
		if err != nil {
			return err
		}
		for _, resource := range left {
			one := r.orphan(g, stack.stage, r.Fleet.Service)
			one.readPhysical(aws.ToString(resource.ResourceType), aws.ToString(resource.PhysicalResourceId))
			one.evidence.Left = stack.owner()
			r.placeless(one)
			if !r.held(one, g, all) && !r.underWay(one, g) {
				b.add(one)
			}
		}
	}
	return nil
}

// placeless doubts what belongs to no region where only some regions were asked: a stack of another one may have it.
func (r *search) placeless(one *Orphan) {
	if one.region == "" && !r.everywhere {
		one.doubt("it belongs to no region, and only those of the set were asked whether a stack has it")
	}
}

// tagged finds what carries our tags and is in no live stack, page by page.
// https://docs.aws.amazon.com/resourcegroupstagging/latest/APIReference/API_GetResources.html
func (r *search) tagged(ctx context.Context, g *stackIndex, all []*stackIndex, b *pending) error {
	pages := resourcegroupstaggingapi.NewGetResourcesPaginator(resourcegroupstaggingapi.NewFromConfig(g.config), &resourcegroupstaggingapi.GetResourcesInput{
		ResourcesPerPage: aws.Int32(100), TagFilters: []taggingtypes.TagFilter{{Key: aws.String(stacks.TagService)}, {Key: aws.String(stacks.TagStage)}},
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, mapping := range page.ResourceTagMappingList {
			if one, is := r.claimed(g, all, aws.ToString(mapping.ResourceARN), stacks.ResourceTags(mapping.Tags)); is {
				b.add(one)
				b.mentionedStages[one.Stage] = b.mentionedStages[one.Stage] || one.Service == r.Fleet.Service
			}
		}
	}
	return nil
}

// claimed is the row of a thing with our tags; false where it is no orphan, or another program knows better.
func (r *search) claimed(g *stackIndex, all []*stackIndex, text string, tags map[string]string) (*Orphan, bool) {
	parsed, _ := arn.Parse(text)
	if arn.PartOfAnother(parsed.Service, parsed.Resource) {
		return nil, false
	}
	one := r.orphan(g, tags[stacks.TagStage], tags[stacks.TagService])
	one.readARN(text)
	one.tagged, one.Tags = true, tags
	if parsed.Service == "s3" {
		one.region = g.place.Region // its ARN has none, and yet it is of one
	}
	maker := tags[stacks.TagStackID]
	if one.region == "" {
		// What belongs to no region is of the stack that it names, or nobody can tell.
		if stack, ok := arn.Parse(maker); !ok || stack.Region != g.place.Region {
			return nil, false
		}
	}
	if _, err := (&fleet.Fleet{Service: one.Service}).StackName(stages.Stage{Name: one.Stage}); err != nil {
		return nil, false // the tags are somebody else's
	}
	if r.held(one, g, all) || r.underWay(one, g) {
		return nil, false
	}
	made, stack := g.stack(maker), r.stackOf(one, g)
	// What is replicated to this region carries the tags of where it comes from.
	if from, ok := arn.Parse(maker); ok && from.Region != g.place.Region {
		at := slices.IndexFunc(all, func(other *stackIndex) bool { return other.place.Region == from.Region })
		if at < 0 || all[at].stack(maker) != nil {
			return nil, false
		}
	}
	switch {
	case made != nil && (made.busy() || g.holds(logical(maker, tags[stacks.TagLogicalID])) && one.kind == nil):
		return nil, false
	case (made != nil || stack != nil) && one.Service != r.Fleet.Service:
		return nil, false // its own program knows better
	}
	elsewhere := slices.ContainsFunc(all, func(other *stackIndex) bool { return other != g && r.stackOf(one, other) != nil })
	if elsewhere && stack == nil && made == nil {
		one.doubt("the stage's stack is in another region")
	}
	if one.kind == nil {
		one.doubt("its type is not known here")
	}
	r.placeless(one)
	return one, true
}

func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
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
