package orphan

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"github.com/roadshow-go/roadshow/internal/fleet"
	"github.com/roadshow-go/roadshow/internal/fleet/arn"
	"github.com/roadshow-go/roadshow/internal/fleet/owner"
	"github.com/roadshow-go/roadshow/internal/fleet/parallel"
	"github.com/roadshow-go/roadshow/internal/fleet/stacks"
	"github.com/roadshow-go/roadshow/stages"
)

// HoldingKind is what sort of thing an account holds.
type HoldingKind string

// What an account may hold of ours.
const (
	// HoldsStack is a stack of a stage, of any service.
	HoldsStack HoldingKind = "stack"
	// HoldsBootstrap is what `cdk bootstrap` has made.
	HoldsBootstrap HoldingKind = "bootstrap"
	// HoldsOrphan is what a stage has left behind; see [Orphan].
	HoldsOrphan HoldingKind = "orphan"
)

// Holding is something of ours that an account holds.
type Holding struct {
	// Kind is what sort of thing, Type its CloudFormation type, Name its physical name.
	Kind HoldingKind `json:"kind"`
	Type string      `json:"type,omitempty"`
	Name string      `json:"name"`
	// Account and Region are where it is, Stage and Service whose.
	Account string `json:"account"`
	Region  string `json:"region"`
	Stage   string `json:"stage,omitempty"`
	Service string `json:"service,omitempty"`
	// Status is CloudFormation's, of a stack. Grade is how sure it is that it is ours, Why the evidence: see
	// [owner.Judge] and [owner.JudgeStack].
	Status string      `json:"status,omitempty"`
	Grade  owner.Grade `json:"grade"`
	Why    string      `json:"why"`
	// Blocks is what stands in the way of its removal; empty where nothing is known to.
	Blocks string `json:"blocks,omitempty"`
	// Costs is how it is billed while it is there, Loses what its removal loses, both in words.
	Costs string `json:"costs"`
	Loses string `json:"loses"`
	// Next is what to do.
	Next string `json:"next"`
}

// AccountSearch looks for all that one account holds of ours, in every region: those of the set, and every
// other that is enabled. It changes nothing.
type AccountSearch struct {
	// Fleet reaches the account, which may be none of the set's. Required.
	Fleet *fleet.Fleet
	// Account is its id. Required.
	Account string
	// Ledger has the names of the service. Default: none.
	Ledger []stages.LedgerName
	// Found is told each thing, one at a time. Required.
	Found func(Holding)
	// Observe is told how far each region is. Default: nobody is.
	Observe func(fleet.Event)
}

// somewhere is the region that is asked which regions there are.
const somewhere = "us-east-1"

// Run searches the account. What did not answer is in the gaps, sorted. The error is a [*NoProfileError], an
// [*AccountError], a [*ServiceError] or the context's: nothing is known of the account then.
func (s AccountSearch) Run(ctx context.Context) ([]fleet.Gap, error) {
	h := &accountSearch{AccountSearch: s}
	h.search = newSearch(Search{Fleet: s.Fleet, Ledger: s.Ledger, Observe: s.Observe, Found: h.orphan})
	places, err := h.regions(ctx)
	if err != nil {
		return nil, err
	}
	grounds := make([]*stackIndex, len(places))
	parallel.ForEach(ctx, regionsAtOnce, places, func(ctx context.Context, i int, place stages.Stage) {
		h.search.Observe(fleet.Event{Stage: place, State: fleet.Running, Text: "reading the stacks of " + place.Region})
		config, _, err := s.Fleet.Reach(ctx, place)
		if err == nil {
			grounds[i], err = newStackIndex(ctx, s.Fleet, place, fleet.Patient(config))
			err = fleet.AsServiceError(place, "CloudFormation", err)
		}
		if err != nil {
			grounds[i] = nil
			h.search.gap(place, serviceOf(err), err)
			h.search.Observe(fleet.Event{Stage: place, State: fleet.Failed, Text: fleet.Brief(err)})
		}
	})
	all := slices.DeleteFunc(grounds, func(g *stackIndex) bool { return g == nil })
	parallel.ForEach(ctx, regionsAtOnce, all, func(ctx context.Context, _ int, g *stackIndex) {
		g.alone = len(all) < len(places)
		h.search.gap(g.place, "CloudFormation", h.stacks(ctx, g))
		h.search.gap(g.place, "S3", h.bootstrapBuckets(ctx, g))
		h.search.place(ctx, g, all)
		h.search.Observe(fleet.Event{Stage: g.place, State: fleet.Done, Text: g.place.Region + " searched"})
	})
	for i := range h.search.gaps {
		if gap := &h.search.gaps[i]; gap.Stage == gap.Region {
			gap.Stage = "" // no stage's
		}
	}
	fleet.SortGaps(h.search.gaps)
	return h.search.gaps, ctx.Err()
}

// regionsAtOnce is how many regions of one account are asked at once.
const regionsAtOnce = 8

// accountSearch is one run.
type accountSearch struct {
	AccountSearch
	search *search
	mu     sync.Mutex
}

func (h *accountSearch) tell(one Holding) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.Found(one)
}

// regions are those of the set, and those that are enabled. A stage's place has its name, any other the
// region's.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeRegions.html
func (h *accountSearch) regions(ctx context.Context) ([]stages.Stage, error) {
	var places []stages.Stage
	add := func(name, region string) {
		if !slices.ContainsFunc(places, func(place stages.Stage) bool { return place.Region == region }) {
			places = append(places, stages.Stage{Name: name, Account: h.Account, Region: region})
		}
	}
	for _, stage := range h.Fleet.All() {
		if stage.Account == h.Account {
			add(strings.TrimSuffix(stage.Name, "*"), stage.Region)
		}
	}
	place := stages.Stage{Name: somewhere, Account: h.Account, Region: somewhere}
	if len(places) > 0 {
		place = places[0]
	}
	config, _, err := h.Fleet.Reach(ctx, place)
	if err != nil {
		return nil, err
	}
	answer, err := ec2.NewFromConfig(fleet.Patient(config)).DescribeRegions(ctx, &ec2.DescribeRegionsInput{})
	if err != nil {
		h.search.gap(place, "EC2", err)
		add(place.Name, place.Region)
		return places, ctx.Err()
	}
	h.search.everywhere = true
	for _, region := range answer.Regions {
		add(aws.ToString(region.RegionName), aws.ToString(region.RegionName))
	}
	return places, nil
}

// stacks tells the stacks of any service, and the bootstraps.
func (h *accountSearch) stacks(ctx context.Context, g *stackIndex) error {
	for stack, err := range stacks.All(ctx, g.client) {
		if err != nil {
			return err
		}
		if one, ours := h.stack(g, stack); ours {
			h.tell(one)
		}
	}
	return nil
}

func (h *accountSearch) stack(g *stackIndex, stack types.Stack) (Holding, bool) {
	tags := stacks.Tags(stack.Tags)
	one := Holding{
		Kind: HoldsStack, Type: stacks.Type, Name: aws.ToString(stack.StackName), Account: g.place.Account, Region: g.place.Region,
		Stage: tags[stacks.TagStage], Service: tags[stacks.TagService], Status: string(stack.StackStatus), Costs: "by use", Loses: "nothing",
	}
	if stage, named := h.Fleet.StageOfStack(one.Name); named && one.Service == "" {
		one.Stage, one.Service = stage, h.Fleet.Service
	}
	verdict := owner.JudgeStack(one.Name, tags, h.search.orphan(g, one.Stage, one.Service).evidence.Of)
	one.Grade, one.Why = verdict.Grade, verdict.Why
	if aws.ToBool(stack.EnableTerminationProtection) {
		one.Blocks = "its termination protection is on"
	} else if strings.HasSuffix(one.Status, "_FAILED") {
		one.Blocks = "it is " + one.Status
	}
	if standing := g.stack(aws.ToString(stack.StackId)); standing != nil && standing.resources > 0 {
		one.Loses = fmt.Sprintf("its %d resources, but for what stays by policy", standing.resources)
		if standing.stateful > 0 {
			one.Loses += fmt.Sprintf("; %d of them hold data", standing.stateful)
		}
		if standing.hourly > 0 {
			one.Costs = fmt.Sprintf("by use, and %d of its resources by the hour", standing.hourly)
		}
	}
	switch {
	case stack.ParentId != nil: // goes with its parent
		return one, false
	case fleet.IsBootstrapStack(stack):
		one.Kind, one.Grade, one.Why = HoldsBootstrap, owner.Certain, "it says which version of the bootstrap it is"
		if !fleet.HasBootstrapVersion(stack) {
			one.Grade, one.Why = owner.Unsure, "only its name says that it is a bootstrap, and anybody can choose that"
		}
		one.Loses = "the way to deploy to this region, and the assets of what is deployed"
		one.Next = "when no other stack is left here: `aws cloudformation delete-stack --region " + one.Region + " --stack-name " + one.Name + "`; its bucket stays"
	case one.Service == "":
		return one, false
	case !hasName(one): // which no verb would find
		one.Next = "`aws cloudformation delete-stack --region " + one.Region + " --stack-name " + one.Name + "`"
	default:
		command := "roadshow remove " + one.Stage
		if _, known := h.Fleet.KnownIn(g.place, one.Stage); !known || one.Service != h.Fleet.Service {
			command += " --account " + one.Account + " --region " + one.Region
		}
		one.Next = "`" + command + "`"
		if one.Service != h.Fleet.Service {
			one.Next = "in the program of service " + one.Service + ": " + one.Next
		}
	}
	one.doubted()
	return one, true
}

// hasName tells whether a stack has the name of its stage.
func hasName(one Holding) bool {
	name, err := (&fleet.Fleet{Service: one.Service}).StackName(stages.Stage{Name: one.Stage})
	return err == nil && name == one.Name
}

// doubted says of what may be somebody else's that it must be looked at first.
func (h *Holding) doubted() {
	if h.Grade == owner.Unsure {
		h.Next = "find out whose it is, since it is unsure (" + h.Why + "); if it is yours: " + h.Next
	}
}

// bootstrapBucket is the name of a bootstrap's bucket, which stays when its stack is deleted: its qualifier, account and
// region. https://docs.aws.amazon.com/cdk/v2/guide/bootstrapping-customizing.html
var bootstrapBucket = regexp.MustCompile(`^cdk-([a-z0-9]+)-assets-([0-9]{12})-([a-z0-9-]+)$`)

func (h *accountSearch) bootstrapBuckets(ctx context.Context, g *stackIndex) error {
	return listBuckets(ctx, g, func(page []candidate) error {
		var left []candidate
		var arns []string
		for _, bucket := range page {
			if bootstrapBucket.MatchString(bucket.name) && !g.holds(bucket.name) {
				left, arns = append(left, bucket), append(arns, bucket.arn)
			}
		}
		tags, err := stacks.TagsByARN(ctx, g.config, arns...)
		h.search.gap(g.place, "Resource Groups Tagging API", err)
		for _, bucket := range left {
			verdict, err := bucketVerdict(ctx, g, bucket, tags[bucket.arn], err)
			h.search.gap(g.place, "CloudFormation", err)
			one := Holding{
				Kind: HoldsBootstrap, Type: arn.BucketType, Name: bucket.name, Account: g.place.Account, Region: g.place.Region,
				Grade: verdict.Grade, Why: verdict.Why, Costs: "by what it stores", Loses: "the assets of what was deployed",
				Next: "empty it, its older versions too, and delete it: `aws s3 rb --force s3://" + bucket.name + "` leaves the older versions",
			}
			one.doubted()
			h.tell(one)
		}
		return nil
	})
}

// bucketVerdict decides whether a bucket that no stack has is a bootstrap's, by the stack that made it. S3 may move its date,
// which so is no evidence. untagged is why its tags are not known.
func bucketVerdict(ctx context.Context, g *stackIndex, bucket candidate, tags map[string]string, untagged error) (owner.Verdict, error) {
	parts := bootstrapBucket.FindStringSubmatch(bucket.name)
	evidence := owner.Evidence{Bootstrap: fleet.BootstrapStackName(parts[1]), Account: g.place.Account, Tags: tags}
	if parts[2] != g.place.Account || parts[3] != g.place.Region {
		evidence.Doubts = append(evidence.Doubts, "its name is of account "+parts[2]+" and "+parts[3])
	}
	if untagged != nil {
		evidence.Doubts = append(evidence.Doubts, "its tags could not be asked for")
	}
	var failed error
	if maker := tags[stacks.TagStackID]; maker != "" {
		evidence.Made = g.known(maker)
		if failed = g.remember(ctx, evidence.Made); failed != nil {
			evidence.Doubts = append(evidence.Doubts, "the tags of stack "+evidence.Made.Name+" could not be asked for")
		}
	}
	return owner.Judge(evidence), failed
}

// orphan tells what a search has found, but for stacks, which are told already.
func (h *accountSearch) orphan(one Orphan) {
	if one.stack != nil {
		return
	}
	holding := Holding{
		Kind: HoldsOrphan, Type: one.Type, Name: one.Name, Account: one.Account, Region: one.Region, Stage: one.Stage, Service: one.Service,
		Grade: one.Grade, Why: one.Why, Blocks: one.Protected, Costs: "by use", Loses: one.Loses,
	}
	switch {
	case hourly[one.Type]:
		holding.Costs = "by the hour"
	case stacks.IsStateful(one.Type):
		holding.Costs = "by what it stores"
	}
	reason := keeps(h.Fleet, &one, nil, true)
	placed := slices.ContainsFunc(h.Fleet.All(), func(stage stages.Stage) bool {
		return stage.Account == one.Account && stage.Region == one.Region
	})
	switch {
	case one.Protected != "":
		holding.Next = "look at it, and delete it by hand when nobody wants it any more"
	case reason != "":
		holding.Next = reason
	case !placed:
		holding.Next = "no stage of the set is here: delete it by hand"
	default:
		holding.Next = "`roadshow orphans " + one.Stage + " --delete"
		if one.Grade == owner.Likely {
			holding.Next += " --likely"
		}
		holding.Next += "`"
	}
	h.tell(holding)
}
