package orphan

import (
	"context"
	"hash/maphash"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"github.com/roadshow-go/roadshow/internal/fleet"
	"github.com/roadshow-go/roadshow/internal/fleet/owner"
	"github.com/roadshow-go/roadshow/internal/fleet/parallel"
	"github.com/roadshow-go/roadshow/internal/fleet/stacks"
	"github.com/roadshow-go/roadshow/stages"
)

// stackSummary is a stack, as the list of all stacks has it.
type stackSummary struct {
	id, name, status          string
	created, changed, deleted time.Time
	// stage is whose it is where its name is one of the service's; empty else.
	stage string
	// resources counts what it has, stateful what of that holds data, hourly what is billed by the hour.
	resources, stateful, hourly int
}

// owner is the stack as evidence.
func (s *stackSummary) owner() *owner.Stack {
	return &owner.Stack{ID: s.id, Name: s.name, Live: s.status != stacks.StatusDeleted, Deleted: s.deleted}
}

func (s *stackSummary) busy() bool {
	return stacks.IsChanging(s.status)
}

// stackIndex is what the live stacks of one region of an account have. All of them count, whoever deployed
// them: what one of them has is nobody's orphan.
type stackIndex struct {
	place  stages.Stage
	config aws.Config
	client *cloudformation.Client
	alone  bool // another region of the account has not answered

	// Other regions of the account are searched meanwhile, and look here.
	mu              sync.RWMutex
	live            map[string]*stackSummary // by id
	named           map[string]*stackSummary // the live ones by name
	deleted         []*stackSummary          // those of the service, the latest first; CloudFormation forgets them after 90 days
	mentionedStages map[string]bool          // the stages that any of those stacks are of
	has             map[uint64]struct{}
	asked           map[string]owner.Stack // the stacks that were asked for their tags, by id
}

// stack is a live stack, by its id; nil where there is none.
func (g *stackIndex) stack(id string) *stackSummary {
	g.mu.RLock()
	defer g.mu.RUnlock()
	return g.live[id]
}

// stackNamed is a live stack, by its name; nil where there is none.
func (g *stackIndex) stackNamed(name string) *stackSummary {
	g.mu.RLock()
	defer g.mu.RUnlock()
	return g.named[name]
}

// known is what is known of a stack by its id, also of one that CloudFormation has forgotten.
func (g *stackIndex) known(id string) *owner.Stack {
	if live := g.stack(id); live != nil {
		return live.owner()
	}
	g.mu.RLock()
	defer g.mu.RUnlock()
	for _, gone := range g.deleted {
		if gone.id == id {
			return gone.owner()
		}
	}
	return &owner.Stack{ID: id, Name: stacks.NameOf(id)}
}

// ended is the stack of a stage that was deleted last; nil where none is known.
func (g *stackIndex) ended(stage, service, ours string) *owner.Stack {
	g.mu.RLock()
	defer g.mu.RUnlock()
	for _, gone := range g.deleted { // the latest first
		if gone.stage == stage && service == ours {
			return gone.owner()
		}
	}
	return nil
}

// remember fills in the tags of a stack and when it was deleted, which CloudFormation tells for 90 days after that.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStacks.html
func (g *stackIndex) remember(ctx context.Context, s *owner.Stack) error {
	if s == nil || s.Tags != nil {
		return nil
	}
	g.mu.RLock()
	said, known := g.asked[s.ID]
	g.mu.RUnlock()
	if !known {
		described, err := g.client.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &s.ID})
		if err != nil && !stacks.IsMissing(err) {
			return err
		}
		if err == nil && len(described.Stacks) > 0 {
			said = owner.Stack{Tags: stacks.Tags(described.Stacks[0].Tags), Deleted: aws.ToTime(described.Stacks[0].DeletionTime)}
		}
		g.mu.Lock()
		defer g.mu.Unlock()
		if g.asked == nil {
			g.asked = map[string]owner.Stack{}
		}
		g.asked[s.ID] = said
	}
	if s.Tags = said.Tags; s.Deleted.IsZero() && !s.Live {
		s.Deleted = said.Deleted
	}
	return nil
}

// seed is of the hashes that stand for ids. Two ids that meet in one hide an orphan, and never make one.
var seed = maphash.MakeSeed()

func (g *stackIndex) add(id string) {
	if id != "" {
		g.has[maphash.String(seed, id)] = struct{}{}
	}
}

// holds tells whether a live stack has one of these ids.
func (g *stackIndex) holds(ids ...string) bool {
	g.mu.RLock()
	defer g.mu.RUnlock()
	for _, id := range ids {
		if _, found := g.has[maphash.String(seed, id)]; found && id != "" {
			return true
		}
	}
	return false
}

// logical is the key of a resource in its stack's template.
func logical(stack, id string) string { return stack + "\x00" + id }

// stacksAtOnce is how many stacks of one account are read at once. AWS allows an account some ten requests
// a second, and the SDK waits where that is too many.
const stacksAtOnce = 4

// newStackIndex reads all stacks of a place. It must be whole: without one stack nothing can be called an orphan.
func newStackIndex(ctx context.Context, f *fleet.Fleet, place stages.Stage, config aws.Config) (*stackIndex, error) {
	g := &stackIndex{place: place, config: config, client: cloudformation.NewFromConfig(config), has: map[uint64]struct{}{}}
	return g, g.read(ctx, f)
}

// read lists the stacks, and reads the resources of those that are new or have changed since it last did.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ListStacks.html
func (g *stackIndex) read(ctx context.Context, f *fleet.Fleet) error {
	live, named, heard := map[string]*stackSummary{}, map[string]*stackSummary{}, map[string]bool{}
	var deleted, unread []*stackSummary
	for pages := cloudformation.NewListStacksPaginator(g.client, nil); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, summary := range page.StackSummaries {
			one := &stackSummary{
				id: aws.ToString(summary.StackId), name: aws.ToString(summary.StackName), status: string(summary.StackStatus),
				created: aws.ToTime(summary.CreationTime), changed: aws.ToTime(summary.LastUpdatedTime), deleted: aws.ToTime(summary.DeletionTime),
			}
			if one.stage, _ = f.StageOfStack(one.name); one.stage != "" {
				heard[one.stage] = true
			}
			if one.status == stacks.StatusDeleted {
				if one.stage != "" {
					deleted = append(deleted, one)
				}
				continue
			}
			live[one.id], named[one.name] = one, one
			old, known := g.live[one.id]
			if known && old.status == one.status && old.changed.Equal(one.changed) && !one.busy() {
				one.resources, one.stateful, one.hourly = old.resources, old.stateful, old.hourly
				continue
			}
			if one.status != stacks.StatusReview { // has nothing yet
				unread = append(unread, one)
			}
		}
	}
	failed := make([]error, len(unread))
	parallel.ForEach(ctx, stacksAtOnce, unread, func(ctx context.Context, i int, one *stackSummary) {
		failed[i] = g.readStack(ctx, one)
	})
	for _, err := range append(failed, ctx.Err()) {
		if err != nil {
			return err
		}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.live, g.named, g.deleted, g.mentionedStages = live, named, deleted, heard
	return nil
}

// hourly are the types that are billed for each hour that they are there, used or not.
var hourly = map[string]bool{
	"AWS::DAX::Cluster": true, "AWS::EC2::NatGateway": true, "AWS::EC2::VPCEndpoint": true, "AWS::EC2::EIP": true, "AWS::EC2::Instance": true,
	"AWS::ElasticLoadBalancingV2::LoadBalancer": true, "AWS::RDS::DBInstance": true, "AWS::RDS::DBCluster": true,
	"AWS::ElastiCache::ReplicationGroup": true, "AWS::ElastiCache::CacheCluster": true, "AWS::Kinesis::Stream": true,
	"AWS::OpenSearchService::Domain": true, "AWS::EKS::Cluster": true,
}

// readStack adds what a stack has. What an update is only about to delete, it has still.
func (g *stackIndex) readStack(ctx context.Context, one *stackSummary) error {
	var has []types.StackResourceSummary
	for resource, err := range stacks.Resources(ctx, g.client, one.id) {
		if stacks.IsMissing(err) {
			break // deleted, and forgotten, since the list was made
		}
		if err != nil {
			return err
		}
		if resource.ResourceStatus != types.ResourceStatusDeleteComplete {
			has = append(has, resource)
		}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, resource := range has {
		one.resources++
		if stacks.IsStateful(aws.ToString(resource.ResourceType)) {
			one.stateful++
		}
		if hourly[aws.ToString(resource.ResourceType)] {
			one.hourly++
		}
		g.add(aws.ToString(resource.PhysicalResourceId))
		g.add(logical(one.id, aws.ToString(resource.LogicalResourceId)))
	}
	return nil
}

// retained is what a deleted stack has left by policy.
func (g *stackIndex) retained(ctx context.Context, one *stackSummary) ([]types.StackResourceSummary, error) {
	var left []types.StackResourceSummary
	for resource, err := range stacks.Resources(ctx, g.client, one.id) {
		if stacks.IsMissing(err) {
			return left, nil
		}
		if err != nil {
			return left, err
		}
		if resource.ResourceStatus == types.ResourceStatusDeleteSkipped && aws.ToString(resource.PhysicalResourceId) != "" {
			left = append(left, resource)
		}
	}
	return left, nil
}
