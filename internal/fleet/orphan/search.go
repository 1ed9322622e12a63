package orphan

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
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
	wanted := f.All()
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

// account searches one account: first all stacks of all its regions, then whatever they do not have.
func (r *search) account(ctx context.Context, places []stages.Stage) {
	var all []*stackIndex
	for _, place := range places {
		r.Observe(fleet.Event{Stage: place, State: fleet.Running, Text: "reading the stacks of " + place.Account + " " + place.Region})
		config, _, err := r.Fleet.Reach(ctx, place)
		if err == nil {
			var g *stackIndex
			if g, err = newStackIndex(ctx, r.Fleet, place, fleet.Patient(config)); err == nil {
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
		if err := g.remember(ctx, s); err != nil {
			r.gap(g.place, "CloudFormation", err)
			one.doubt("the tags of stack " + s.Name + " could not be asked for")
		}
	}
	verdict := owner.Judge(*e)
	one.Grade, one.Why = verdict.Grade, verdict.Why
	if !one.Known && one.Service == r.Fleet.Service {
		one.Why += "; the set has no such stage here"
	}
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
		one.Created = fleet.Moment(stack.created)
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
		if described, err := stacks.Describe(ctx, g.client, stack.id).Found(); err != nil {
			r.gap(g.place, "CloudFormation", err)
			one.protect("whether it is protected is not known")
		} else if described != nil {
			if aws.ToBool(described.EnableTerminationProtection) {
				one.protect("its termination protection is on")
			}
			*one.stack = stacks.Identity(*described)
			tags := stacks.Tags(described.Tags)
			// What waits for its first change set has nothing yet, and maybe not even tags.
			waits := stack.status == stacks.StatusReview && one.Known && owner.MakerOf(tags).Relation(one.evidence.Of) == owner.Bare
			if doubt := owner.JudgeStack(stack.name, tags, one.evidence.Of).Doubt(); doubt != "" && !waits {
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
