package fleet

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/costexplorer"
	"github.com/aws/aws-sdk-go-v2/service/costexplorer/types"

	"github.com/roadshow-go/roadshow/internal/fleet/parallel"
	"github.com/roadshow-go/roadshow/internal/fleet/stacks"
	"github.com/roadshow-go/roadshow/stages"
)

// CostTag is a tag of the stacks, and whether it is on the bill of an account that pays.
// https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/custom-tags.html
type CostTag struct {
	// Account is the one that pays, Key the tag's.
	Account string `json:"account"`
	Key     string `json:"key"`
	// Status is one of the constants below.
	Status CostTagStatus `json:"status"`
	// Problem is why it could not be activated; empty where it was, or was not asked to be.
	Problem string `json:"problem,omitempty"`
}

// CostTagStatus is whether a tag is on the bill.
type CostTagStatus string

// Whether a tag is on the bill.
const (
	// CostTagActive is that it is.
	CostTagActive CostTagStatus = "active"
	// CostTagInactive is that it is not, and can be activated.
	CostTagInactive CostTagStatus = "inactive"
	// CostTagUnseen is that AWS has not seen it yet on anything that was charged for, so that it cannot be activated;
	// it can up to 24 hours after the first deploy.
	CostTagUnseen CostTagStatus = "unseen"
)

// costTagKeys are the tags that every stack puts on what it makes.
var costTagKeys = []string{stacks.TagService, stacks.TagStage}

// tags asks an account that pays whether the tags are on its bill.
// https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_ListCostAllocationTags.html
func (a *costAsker) tags(ctx context.Context, client *costexplorer.Client, account string) ([]CostTag, error) {
	question := tagsQuestion(client, account)
	var kept []CostTag
	if a.kept(question, &kept, func() error {
		if len(kept) != len(costTagKeys) {
			return fmt.Errorf("it has %d tags", len(kept))
		}
		return nil
	}) {
		return kept, nil
	}
	found := map[string]CostTagStatus{}
	input := &costexplorer.ListCostAllocationTagsInput{TagKeys: costTagKeys}
	for pages := costexplorer.NewListCostAllocationTagsPaginator(client, input, func(options *costexplorer.ListCostAllocationTagsPaginatorOptions) {
		options.StopOnDuplicateToken = true
	}); pages.HasMorePages(); {
		var page *costexplorer.ListCostAllocationTagsOutput
		if err := a.request(ctx, func(ctx context.Context) (err error) {
			page, err = pages.NextPage(ctx)
			return err
		}); err != nil {
			return nil, err
		}
		for _, tag := range page.CostAllocationTags {
			status := CostTagInactive
			if tag.Status == types.CostAllocationTagStatusActive {
				status = CostTagActive
			}
			found[aws.ToString(tag.TagKey)] = status
		}
	}
	tags := make([]CostTag, len(costTagKeys))
	for i, key := range costTagKeys {
		tags[i] = CostTag{Account: account, Key: key, Status: cmp.Or(found[key], CostTagUnseen)}
	}
	a.keep(question, tags)
	return tags, nil
}

func tagsQuestion(client *costexplorer.Client, account string) costQuestion {
	return questionTo(client, account, map[string]any{"CostAllocationTags": costTagKeys})
}

// CostTags asks every account that pays for the fleet's, now and not from the cache, whether the tags of the stacks
// are on its bill. The error is a [*stages.FieldError]: of Payer, or because no account that pays can be asked.
func (c Costing) CostTags(ctx context.Context) ([]CostTag, []Gap, error) {
	c.Fresh = true
	return c.eachPayer(ctx, func(ctx context.Context, client *costexplorer.Client, account string) ([]CostTag, error) {
		return c.asker().tags(ctx, client, account)
	})
}

// ActivateTags puts those of the tags on the bill that are inactive, and returns all of them as they are then. AWS
// takes up to 24 hours, and puts them on what is charged from then on. Only the account that pays can. The error is
// as with CostTags.
// https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_UpdateCostAllocationTagsStatus.html
func (c Costing) ActivateTags(ctx context.Context, tags []CostTag) ([]CostTag, []Gap, error) {
	return c.eachPayer(ctx, func(ctx context.Context, client *costexplorer.Client, account string) ([]CostTag, error) {
		var own []CostTag
		input := &costexplorer.UpdateCostAllocationTagsStatusInput{}
		for _, tag := range tags {
			if tag.Account != account {
				continue
			}
			own = append(own, tag)
			if tag.Status == CostTagInactive {
				input.CostAllocationTagsStatus = append(input.CostAllocationTagsStatus, types.CostAllocationTagStatusEntry{
					TagKey: aws.String(tag.Key), Status: types.CostAllocationTagStatusActive,
				})
			}
		}
		if len(input.CostAllocationTagsStatus) == 0 {
			return own, nil
		}
		asker := c.asker()
		defer asker.cache.forget(tagsQuestion(client, account))
		var answer *costexplorer.UpdateCostAllocationTagsStatusOutput
		if err := asker.request(ctx, func(ctx context.Context) (err error) {
			answer, err = client.UpdateCostAllocationTagsStatus(ctx, input)
			return err
		}); err != nil {
			return own, err
		}
		for i, tag := range own {
			if tag.Status != CostTagInactive {
				continue
			}
			own[i].Status = CostTagActive
			for _, failed := range answer.Errors {
				if aws.ToString(failed.TagKey) == tag.Key {
					own[i].Status, own[i].Problem = CostTagInactive, aws.ToString(failed.Code)+": "+aws.ToString(failed.Message)
				}
			}
		}
		return own, nil
	})
}

// eachPayer does something for each account that pays, side by side.
func (c Costing) eachPayer(ctx context.Context, do func(context.Context, *costexplorer.Client, string) ([]CostTag, error)) ([]CostTag, []Gap, error) {
	found, err := c.findSources(ctx)
	if err != nil {
		return nil, nil, err
	}
	payers := slices.DeleteFunc(found.sources, func(source costSource) bool { return !source.pays })
	if len(payers) == 0 {
		return nil, nil, &stages.FieldError{
			Thing: "costs", Field: "payer", Got: "none that a profile reaches", Want: "the account that manages the organization",
			Fix: "write --payer with a profile of that account, which alone has the cost allocation tags",
		}
	}
	tags, gaps := make([][]CostTag, len(payers)), make([][]Gap, len(payers))
	parallel.ForEach(ctx, surveyAtOnce, payers, func(ctx context.Context, i int, payer costSource) {
		config, _, err := payer.fleet.reach(ctx, payer.at)
		if err == nil {
			client := costexplorer.NewFromConfig(config, func(options *costexplorer.Options) { options.RetryMaxAttempts = cmp.Or(c.Attempts, attempts) })
			tags[i], err = do(ctx, client, payer.at.Account)
		}
		if err != nil {
			gaps[i] = []Gap{{Account: payer.at.Account, Region: payer.at.Region, Service: "Cost Explorer", Problem: "cost allocation tags: " + costProblem(err)}}
		}
	})
	return slices.Concat(tags...), slices.Concat(gaps...), ctx.Err()
}
