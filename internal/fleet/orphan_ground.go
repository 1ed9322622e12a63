package fleet

import (
	"context"
	"hash/maphash"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"github.com/roadshow-go/roadshow/internal/fleet/parallel"
	"github.com/roadshow-go/roadshow/internal/fleet/stacks"
	"github.com/roadshow-go/roadshow/stages"
)

// standing is a stack, as the list of all stacks has it.
type standing struct {
	id, name, status          string
	created, changed, deleted time.Time
	// stage is whose it is where its name is one of the service's; empty else.
	stage string
	// resources counts what it has, stateful what of that holds data, hourly what is billed by the hour.
	resources, stateful, hourly int
}

func (s *standing) busy() bool {
	return stacks.IsChanging(s.status)
}

// ground is what the live stacks of one region of an account have. All of them count, whoever deployed
// them: what one of them has is nobody's orphan.
type ground struct {
	place  stages.Stage
	config aws.Config
	client *cloudformation.Client
	alone  bool // another region of the account has not answered

	// Other regions of the account are searched meanwhile, and look here.
	mu      sync.RWMutex
	live    map[string]*standing // by id
	named   map[string]*standing // the live ones by name
	deleted []*standing          // those of the service, the latest first; CloudFormation forgets them after 90 days
	heard   map[string]bool      // the stages that any of those stacks are of
	has     map[uint64]struct{}
}

// stack is a live stack, by its id; nil where there is none.
func (g *ground) stack(id string) *standing {
	g.mu.RLock()
	defer g.mu.RUnlock()
	return g.live[id]
}

// stackNamed is a live stack, by its name; nil where there is none.
func (g *ground) stackNamed(name string) *standing {
	g.mu.RLock()
	defer g.mu.RUnlock()
	return g.named[name]
}

// seed is of the hashes that stand for ids. Two ids that meet in one hide an orphan, and never make one.
var seed = maphash.MakeSeed()

func (g *ground) add(id string) {
	if id != "" {
		g.has[maphash.String(seed, id)] = struct{}{}
	}
}

// holds tells whether a live stack has one of these ids.
func (g *ground) holds(ids ...string) bool {
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

// groundOf reads all stacks of a place. It must be whole: without one stack nothing can be called an orphan.
func (f *Fleet) groundOf(ctx context.Context, place stages.Stage, config aws.Config) (*ground, error) {
	g := &ground{place: place, config: config, client: cloudformation.NewFromConfig(config), has: map[uint64]struct{}{}}
	return g, g.read(ctx, f)
}

// read lists the stacks, and reads the resources of those that are new or have changed since it last did.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ListStacks.html
func (g *ground) read(ctx context.Context, f *Fleet) error {
	live, named, heard := map[string]*standing{}, map[string]*standing{}, map[string]bool{}
	var deleted, unread []*standing
	for pages := cloudformation.NewListStacksPaginator(g.client, nil); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, summary := range page.StackSummaries {
			one := &standing{
				id: aws.ToString(summary.StackId), name: aws.ToString(summary.StackName), status: string(summary.StackStatus),
				created: aws.ToTime(summary.CreationTime), changed: aws.ToTime(summary.LastUpdatedTime), deleted: aws.ToTime(summary.DeletionTime),
			}
			if one.stage, _ = f.stageOfStack(one.name); one.stage != "" {
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
	parallel.ForEach(ctx, stacksAtOnce, unread, func(ctx context.Context, i int, one *standing) {
		failed[i] = g.readStack(ctx, one)
	})
	for _, err := range append(failed, ctx.Err()) {
		if err != nil {
			return err
		}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.live, g.named, g.deleted, g.heard = live, named, deleted, heard
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
func (g *ground) readStack(ctx context.Context, one *standing) error {
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
func (g *ground) retained(ctx context.Context, one *standing) ([]types.StackResourceSummary, error) {
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

// stageOfStack is the stage whose stack of the service has a name. A name is believed where the stage gives
// it back: see [stages.Kind.Name].
func (f *Fleet) stageOfStack(name string) (string, bool) {
	// A name that could be read in two ways ends in a hash.
	for _, plain := range []string{name, name[:max(0, strings.LastIndex(name, "-"))]} {
		stage, fits := strings.CutSuffix(plain, "-"+f.Service)
		if !fits {
			continue
		}
		if made, err := f.stackName(stages.Stage{Name: stage}); err == nil && made == name {
			return stage, true
		}
	}
	return "", false
}

// protects tells whether a stage of this name is protected, wherever it is: one that has moved to another place, or
// whose tags were copied there, is not to be lost either.
func (f *Fleet) protects(place stages.Stage, name string) bool {
	if stage, known := f.knownIn(place, name); known {
		return stage.Tier == stages.Protected
	}
	return slices.ContainsFunc(append(slices.Clone(f.Stages), f.Templates...), func(one stages.Stage) bool {
		prefix, template := strings.CutSuffix(one.Name, "*")
		return one.Tier == stages.Protected && (one.Name == name || template && strings.HasPrefix(name, prefix))
	})
}

// knownIn is the stage of this name that the program has in a place, or that a template of it makes there.
func (f *Fleet) knownIn(place stages.Stage, name string) (stages.Stage, bool) {
	for _, stage := range f.Stages {
		if stage.Name == name && stage.Account == place.Account && stage.Region == place.Region {
			return stage, true
		}
	}
	stage := stages.Stage{Name: name, Account: place.Account, Region: place.Region}
	template, fits := f.templateOf(stage)
	stage.Tier = template.Tier
	return stage, fits
}
