package fleet

import (
	"context"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"github.com/roadshow-go/roadshow/internal/fleet/stacks"
	"github.com/roadshow-go/roadshow/stages"
)

// before is what a stage has before a deploy.
type before struct {
	// config is that of clients that read the account.
	config aws.Config
	// stack is nil where there is none, template empty where it has no resources.
	stack    *types.Stack
	template []byte
}

// looksBefore are the looks of one run. The checks before a deploy and the packing of code, which go on side by side,
// share one for each stage.
type looksBefore struct {
	mu   sync.Mutex
	each map[string]func() (before, error)
}

// deployed is what a stage has deployed, asked once in a run. The error is that of [Fleet.Reach], or a [*ServiceError] of
// CloudFormation.
func (d Deployment) deployed(ctx context.Context, stage stages.Stage, stack string) (before, error) {
	d.looks.mu.Lock()
	look := d.looks.each[stage.Name]
	if look == nil {
		look = sync.OnceValues(func() (before, error) { return d.Fleet.lookBefore(ctx, stage, stack) })
		d.looks.each[stage.Name] = look
	}
	d.looks.mu.Unlock()
	return look()
}

func (f *Fleet) lookBefore(ctx context.Context, stage stages.Stage, stack string) (there before, err error) {
	if there.config, _, err = f.Reach(ctx, stage); err != nil {
		return there, err
	}
	client := cloudformation.NewFromConfig(there.config)
	if there.stack, err = stacks.Describe(ctx, client, stack).Found(); err == nil && there.stack != nil && stacks.StateOf(*there.stack).HasResources() {
		there.template, err = stacks.Template(ctx, client, aws.ToString(there.stack.StackId))
	}
	return there, AsServiceError(stage, "CloudFormation", err)
}
