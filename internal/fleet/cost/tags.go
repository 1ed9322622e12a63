package cost

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/costexplorer"
	"github.com/aws/aws-sdk-go-v2/service/costexplorer/types"

	"github.com/roadshow-go/roadshow/internal/fleet"
	"github.com/roadshow-go/roadshow/internal/fleet/parallel"
	"github.com/roadshow-go/roadshow/internal/fleet/stacks"
)

// Tag is a tag of the stacks, and whether it is on the bill of an account that pays.
// https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/custom-tags.html
type Tag struct {
	// Account is the one that pays, Key the tag's.
	Account string `json:"account"`
	Key     string `json:"key"`
	// Status is one of the constants below.
	Status TagStatus `json:"status"`
	// Problem is why it could not be activated; empty where it was, or was not asked to be.
	Problem string `json:"problem,omitempty"`
}

// TagStatus is whether a tag is on the bill.
type TagStatus string

// Whether a tag is on the bill.
const (
	// TagActive means the tag is on the bill.
	TagActive TagStatus = "active"
	// TagInactive means the tag is not on the bill, and can be activated.
	TagInactive TagStatus = "inactive"
	// TagUnseen means AWS does not list the tag yet, because nothing with it was charged for; it cannot be activated;
	// it can up to 24 hours after the first deploy.
	TagUnseen TagStatus = "unseen"
)

// tagKeys are the tags that every stack puts on what it makes.
var tagKeys = []string{stacks.TagService, stacks.TagStage}

// tags asks an account that pays whether the tags are on its bill.
// https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_ListCostAllocationTags.html
func (a *asker) tags(ctx context.Context, client *costexplorer.Client, account string) ([]Tag, error) {
	question := tagsQuestion(client, account)
	var kept []Tag
	if a.kept(question, &kept, func() error {
		if len(kept) != len(tagKeys) {
			return fmt.Errorf("it has %d tags", len(kept))
		}
		return nil
	}) {
		return kept, nil
	}
	found := map[string]TagStatus{}
	input := &costexplorer.ListCostAllocationTagsInput{TagKeys: tagKeys}
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
			status := TagInactive
			if tag.Status == types.CostAllocationTagStatusActive {
				status = TagActive
			}
			found[aws.ToString(tag.TagKey)] = status
		}
	}
	tags := make([]Tag, len(tagKeys))
	for i, key := range tagKeys {
		tags[i] = Tag{Account: account, Key: key, Status: cmp.Or(found[key], TagUnseen)}
	}
	a.keep(question, tags)
	return tags, nil
}

func tagsQuestion(client *costexplorer.Client, account string) cacheKey {
	return questionTo(client, account, map[string]any{"CostAllocationTags": tagKeys})
}

// CostTags asks every account that pays for the fleet's, now and not from the cache, whether the tags of the stacks
// are on its bill. The error is a [*stages.FieldError]: of Payer, or because no account that pays can be asked.
func (c Explorer) Tags(ctx context.Context) ([]Tag, []fleet.Gap, error) {
	c.Fresh = true
	return c.eachPayer(ctx, func(ctx context.Context, client *costexplorer.Client, account string) ([]Tag, error) {
		return c.asker().tags(ctx, client, account)
	})
}

// ActivateTags puts those of the tags on the bill that are inactive, and returns all of them as they are then. AWS
// takes up to 24 hours, and puts them on what is charged from then on. Only the account that pays can. The error is
// as with CostTags.
// https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_UpdateCostAllocationTagsStatus.html
func (c Explorer) ActivateTags(ctx context.Context, tags []Tag) ([]Tag, []fleet.Gap, error) {
	return c.eachPayer(ctx, func(ctx context.Context, client *costexplorer.Client, account string) ([]Tag, error) {
		var own []Tag
		input := &costexplorer.UpdateCostAllocationTagsStatusInput{}
		for _, tag := range tags {
			if tag.Account != account {
				continue
			}
			own = append(own, tag)
			if tag.Status == TagInactive {
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
			if tag.Status != TagInactive {
				continue
			}
			own[i].Status = TagActive
			for _, failed := range answer.Errors {
				if aws.ToString(failed.TagKey) == tag.Key {
					own[i].Status, own[i].Problem = TagInactive, aws.ToString(failed.Code)+": "+aws.ToString(failed.Message)
				}
			}
		}
		return own, nil
	})
}

// eachPayer does something for each account that pays, side by side.
func (c Explorer) eachPayer(ctx context.Context, do func(context.Context, *costexplorer.Client, string) ([]Tag, error)) ([]Tag, []fleet.Gap, error) {
	found, err := c.findSources(ctx)
	if err != nil {
		return nil, nil, err
	}
	payers := slices.DeleteFunc(found.sources, func(source credentialSource) bool { return !source.pays })
	if len(payers) == 0 {
		return nil, nil, &PayerError{}
	}
	tags, gaps := make([][]Tag, len(payers)), make([][]fleet.Gap, len(payers))
	parallel.ForEach(ctx, fleet.AccountsAtOnce, payers, func(ctx context.Context, i int, payer credentialSource) {
		config, _, err := payer.fleet.Reach(ctx, payer.at)
		if err == nil {
			client := costexplorer.NewFromConfig(config, func(options *costexplorer.Options) { options.RetryMaxAttempts = cmp.Or(c.Attempts, fleet.Attempts) })
			tags[i], err = do(ctx, client, payer.at.Account)
		}
		if err != nil {
			gaps[i] = []fleet.Gap{{Account: payer.at.Account, Region: payer.at.Region, Service: "Cost Explorer", Problem: "cost allocation tags: " + problemOf(err)}}
		}
	})
	return slices.Concat(tags...), slices.Concat(gaps...), ctx.Err()
}
