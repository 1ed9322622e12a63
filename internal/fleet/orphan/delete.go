package orphan

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudcontrol"
	cloudcontroltypes "github.com/aws/aws-sdk-go-v2/service/cloudcontrol/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamodbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/roadshow-go/roadshow/internal/fleet"
	"github.com/roadshow-go/roadshow/internal/fleet/arn"
	"github.com/roadshow-go/roadshow/internal/fleet/owner"
	"github.com/roadshow-go/roadshow/internal/fleet/parallel"
	"github.com/roadshow-go/roadshow/internal/fleet/plan"
	"github.com/roadshow-go/roadshow/internal/fleet/stacks"
	"github.com/roadshow-go/roadshow/stages"
)

// DeletionPlan is what a deletion of orphans would do. Making one changes nothing.
type DeletionPlan struct {
	// Deletes is what is deleted, in this order within each account: what needs others, before them.
	Deletes []Orphan `json:"deletes"`
	// Keeps is what is not.
	Keeps []Kept `json:"keeps"`
	// Confirmations are the stages whose name and account must be given again, because the program does not know
	// them.
	Confirmations []fleet.Confirmation `json:"confirmations"`
}

// Kept is an orphan that is not deleted.
type Kept struct {
	Orphan
	// Reason is why it is not, and what to do.
	Reason string `json:"reason"`
}

// PlanDeletion plans the deletion of what a search has found: of the certain ones, and with likely of the
// likely ones too. Whatever is protected is kept, and so is everything in an account with a gap, in which a
// live stack may be hidden.
func PlanDeletion(f *fleet.Fleet, found []Orphan, gaps []fleet.Gap, likely bool) DeletionPlan {
	planned := DeletionPlan{Deletes: []Orphan{}, Keeps: []Kept{}, Confirmations: []fleet.Confirmation{}}
	for _, one := range found {
		if reason := keeps(f, &one, gaps, likely); reason != "" {
			planned.Keeps = append(planned.Keeps, Kept{one, reason})
			continue
		}
		planned.Deletes = append(planned.Deletes, one)
		if needed := (fleet.Confirmation{Stage: one.Stage, Account: one.Account}); !one.Known && !slices.Contains(planned.Confirmations, needed) {
			planned.Confirmations = append(planned.Confirmations, needed)
		}
	}
	planned.keepKeys()
	slices.SortStableFunc(planned.Deletes, func(a, b Orphan) int {
		return cmp.Or(cmp.Compare(a.Account, b.Account), cmp.Compare(a.Region, b.Region), cmp.Compare(a.order(), b.order()),
			cmp.Compare(a.Type, b.Type), cmp.Compare(a.Name, b.Name))
	})
	return planned
}

// keepKeys keeps the keys of stages of which anything else is kept: without its key what it holds would be lost.
func (p *DeletionPlan) keepKeys() {
	kept := slices.Clone(p.Keeps)
	p.Deletes = slices.DeleteFunc(p.Deletes, func(key Orphan) bool {
		encrypts := key.Type == arn.KeyType && slices.ContainsFunc(kept, func(one Kept) bool {
			return one.Type != arn.KeyType && one.Stage == key.Stage && one.Account == key.Account
		})
		if encrypts {
			p.Keeps = append(p.Keeps, Kept{key, "what is kept of its stage may be encrypted by it"})
		}
		return encrypts
	})
}

// order is when it is deleted: stacks first, which delete in their own order.
func (o *Orphan) order() int {
	if o.kind == nil {
		return 0
	}
	return o.kind.Order
}

// keeps is why an orphan is not deleted; empty where it is.
func keeps(f *fleet.Fleet, one *Orphan, gaps []fleet.Gap, likely bool) string {
	switch {
	case one.Protected != "":
		return one.Protected
	case slices.ContainsFunc(gaps, func(gap fleet.Gap) bool { return gap.Account == one.Account }):
		return "its account has not answered everything; run it again when it does"
	case one.Service != f.Service:
		return "it is of service " + one.Service + "; run `roadshow orphans --delete` in that program"
	case one.Grade == owner.Unsure:
		return "it is unsure; look at it, and delete it by hand"
	case one.Grade == owner.Likely && !likely:
		return "it is only likely; write --likely, too"
	case one.stack == nil && one.kind == nil:
		return "nothing is known here of its type; delete it by hand"
	case one.stack == nil && one.kind.Hand != "":
		return "Cloud Control does not delete its type; write `" + strings.ReplaceAll(one.kind.Hand, "NAME", one.Name) + "`"
	}
	return ""
}

// Deletion deletes orphans.
type Deletion struct {
	// Fleet reaches the accounts. Required.
	Fleet *fleet.Fleet
	// Confirmations are what was typed; each that the plan names is needed. Default: nothing was.
	Confirmations []fleet.Confirmation
	// Log is told each step before and after it is done. Default: nobody is.
	Log *DeletionLog
	// Observe is told what happens. Default: nobody is.
	Observe func(fleet.Event)
	// Poll is how often what takes its time is looked at. Default: [stacks.Poll].
	Poll time.Duration
}

// MayDelete tells whether a deletion would be refused as a whole: the roles by which another account reaches a stage may
// delete stacks, and nothing else. The error has an [*OwnCredentialsError] for each such place.
func MayDelete(ctx context.Context, f *fleet.Fleet, planned DeletionPlan) error {
	var places []stages.Stage
	for _, one := range planned.Deletes {
		place := one.in()
		if one.stack == nil && !slices.ContainsFunc(places, func(known stages.Stage) bool { return known.Account == place.Account }) {
			places = append(places, place)
		}
	}
	return f.OwnCredentials(ctx, "the deletion of what is in no stack", "roadshow orphans --delete", places...)
}

// deletionsAtOnce is how many things of one account are deleted at once.
const deletionsAtOnce = 8

// Run does what a plan says, the accounts side by side. Each account is asked again who it is. Each thing is looked at
// again before it is deleted: whether a stack has it now, when it was made, its tags, its protection. What has changed
// is kept. Whatever is interrupted is taken up by a new search: what
// is deleted is not found again. The error is a [*ConfirmationError] or that of [MayDelete], and nothing was changed
// then, or that of the log or the context.
func (d Deletion) Run(ctx context.Context, planned DeletionPlan) ([]DeletionStep, error) {
	if err := MayDelete(ctx, d.Fleet, planned); err != nil {
		return nil, err
	}
	for _, needed := range planned.Confirmations {
		if !slices.Contains(d.Confirmations, needed) {
			given := fleet.Confirmation{}
			if len(d.Confirmations) > 0 {
				given = d.Confirmations[0]
			}
			return nil, &fleet.ConfirmationError{Plan: fleet.RemovalPlan{Stage: needed.Stage, Account: needed.Account}, Given: given}
		}
	}
	if d.Observe == nil {
		d.Observe = func(fleet.Event) {}
	}
	r := &deletion{Deletion: d, stays: map[string]bool{}}
	for i := range planned.Deletes {
		r.stay(&planned.Deletes[i], true)
	}
	var places [][]Orphan
	for _, one := range planned.Deletes {
		at := len(places) - 1
		if at < 0 || places[at][0].Account != one.Account || places[at][0].Region != one.Region {
			places, at = append(places, nil), at+1
		}
		places[at] = append(places[at], one)
	}
	parallel.ForEach(ctx, fleet.AccountsAtOnce, places, func(ctx context.Context, _ int, all []Orphan) { r.place(ctx, all) })
	return r.steps, errors.Join(r.failed, ctx.Err())
}

// deletion is one run.
type deletion struct {
	Deletion
	mu     sync.Mutex
	steps  []DeletionStep
	failed error           // the log's
	stays  map[string]bool // what is there still, by its key, before the keys of its stage
}

// stay remembers whether a thing is there still.
func (d *deletion) stay(one *Orphan, still bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.stays[one.Account+" "+one.Stage+" "+one.where()] = still && one.Type != arn.KeyType
}

// unlocked tells whether nothing is there any more that a key may encrypt.
func (d *deletion) unlocked(key *Orphan) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	for where, still := range d.stays {
		if still && strings.HasPrefix(where, key.Account+" "+key.Stage+" ") {
			return false
		}
	}
	return true
}

// note records a step; without its record nothing is done.
func (d *deletion) note(one *Orphan, state StepState, problem string) bool {
	step := DeletionStep{
		Time: time.Now().UTC(), State: state, Account: one.Account, Region: one.Region, Stage: one.Stage, Service: one.Service,
		Type: one.Type, Name: one.Name, Problem: problem,
	}
	err := d.Log.write(step, d.Fleet.Profiles.Redactor())
	d.mu.Lock()
	defer d.mu.Unlock()
	if err != nil {
		d.failed = err
		return false
	}
	if state != StepBegun {
		d.steps = append(d.steps, step)
	}
	return d.failed == nil
}

// place deletes what one region has to delete. What is refused, because something else is in its way, is
// tried again after the others, for as long as any goes.
func (d *deletion) place(ctx context.Context, all []Orphan) {
	place := all[0].in()
	config, err := d.Fleet.ReachToChange(ctx, place)
	if err != nil {
		for i := range all {
			d.note(&all[i], StepFailed, fleet.Brief(err))
		}
		return
	}
	config = fleet.Patient(config)
	total, finished := len(all), 0
	for len(all) > 0 && ctx.Err() == nil {
		problems := make([]error, len(all))
		for begin := 0; begin < len(all); {
			end := begin
			for end < len(all) && all[end].order() == all[begin].order() {
				end++
			}
			parallel.ForEach(ctx, deletionsAtOnce, all[begin:end], func(ctx context.Context, i int, one Orphan) {
				problems[begin+i] = d.one(ctx, config, &one)
			})
			begin = end
		}
		if ctx.Err() != nil {
			return // what was begun is in the log, and found again
		}
		var again []Orphan
		for i, err := range problems {
			if err != nil {
				again = append(again, all[i])
			}
		}
		finished += len(all) - len(again)
		d.Observe(fleet.Event{Stage: place, State: fleet.Running, Text: "deleting", Finished: finished, Total: total})
		if len(again) == len(all) {
			for i := range all {
				d.note(&all[i], StepFailed, fleet.Brief(problems[i]))
			}
			d.Observe(fleet.Event{Stage: place, State: fleet.Failed, Text: fmt.Sprintf("%d of %d could not be deleted", len(again), total)})
			return
		}
		all = again
	}
	kept, failed := d.tally(&place)
	switch {
	case failed != nil:
		d.Observe(fleet.Event{Stage: place, State: fleet.Failed, Text: failed.Error()})
	case kept > 0:
		d.Observe(fleet.Event{Stage: place, State: fleet.Done, Text: fmt.Sprintf("%d deleted, %d kept", total-kept, kept)})
	default:
		d.Observe(fleet.Event{Stage: place, State: fleet.Done, Text: fmt.Sprintf("%d deleted", total)})
	}
}

// tally is how many of a place were kept after all, and why nothing could be recorded any more.
func (d *deletion) tally(place *stages.Stage) (kept int, failed error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, step := range d.steps {
		if step.State == StepKept && step.Account == place.Account && step.Region == place.Region {
			kept++
		}
	}
	return kept, d.failed
}

// one deletes one thing. An error may go away when others have gone.
func (d *deletion) one(ctx context.Context, config aws.Config, one *Orphan) error {
	client := cloudformation.NewFromConfig(config)
	if one.Type == arn.KeyType && !d.unlocked(one) {
		return errors.New("what could not be deleted of its stage may be encrypted by it")
	}
	err := one.identity().Do(ctx, again(config, client, one), func(ctx context.Context) error {
		if !d.note(one, StepBegun, "") {
			return nil
		}
		if err := d.delete(ctx, config, client, one); err != nil {
			return err
		}
		d.note(one, StepDeleted, "")
		return nil
	})
	var changed *plan.ChangedError
	switch {
	case errors.As(err, &changed):
		d.note(one, StepKept, changed.What)
		return nil
	case errors.Is(err, plan.ErrGone):
		d.note(one, StepGone, "")
	case err != nil:
		return err
	}
	d.stay(one, false)
	return nil
}

// again is the second look at a thing, before it is deleted.
func again(config aws.Config, client *cloudformation.Client, one *Orphan) plan.Look {
	return func(ctx context.Context) (*plan.Identity, error) {
		if one.stack != nil {
			now, err := stacks.Look(client, one.stack.ID)(ctx)
			if now != nil && strings.HasPrefix(now.Status, "DELETE_") {
				return one.stack, nil // a deletion that has failed, or that goes on, is what was wanted
			}
			return now, err
		}
		name, err := stacks.HolderOf(ctx, client, one.physicalIDs()...)
		if err != nil {
			return nil, err
		}
		if name != "" {
			return nil, &plan.ChangedError{What: "stack " + name + " has it now"}
		}
		now := *one
		now.Created, now.Protected, now.SwitchesOff = nil, "", ""
		_, there := facts(ctx, config, &now)
		if there.IsAbsent() || there.Untold() != nil {
			return nil, there.Untold()
		}
		if one.Type == arn.KeyType {
			user := keyUser(ctx, config, &now)
			if err := user.Untold(); err != nil {
				return nil, err
			}
			if by, used := user.Seen(); used {
				return nil, &plan.ChangedError{What: by + " is encrypted by it"}
			}
		}
		switch {
		case now.Protected != "" || now.SwitchesOff != one.SwitchesOff:
			return nil, &plan.ChangedError{What: "its deletion protection was switched"}
		}
		if one.ARN != "" {
			tags, err := stacks.TagsByARN(ctx, config, one.ARN)
			if err != nil {
				return nil, err
			}
			now.Tags = tags[one.ARN]
		}
		identity := now.identity()
		return &identity, nil
	}
}

func (d *deletion) delete(ctx context.Context, config aws.Config, client *cloudformation.Client, one *Orphan) error {
	switch {
	case one.stack != nil:
		return stacks.Delete(ctx, client, one.stack.ID, d.Poll, func(status string) {
			d.Observe(fleet.Event{Stage: one.in(), State: fleet.Running, Text: one.Name + " " + strings.ToLower(strings.ReplaceAll(status, "_", " "))})
		})
	case one.Type == arn.TableType:
		return deleteTable(ctx, dynamodb.NewFromConfig(config), one.Name, one.SwitchesOff != "")
	case one.Type == arn.BucketType:
		if err := emptyBucket(ctx, s3.NewFromConfig(config), one); err != nil {
			return err
		}
	}
	return d.control(ctx, cloudcontrol.NewFromConfig(config), one)
}

// mostTries is how often a deletion is asked for while another one of the same thing is under way.
const mostTries = 100

// control has Cloud Control delete a thing, and waits for it.
// https://docs.aws.amazon.com/cloudcontrolapi/latest/userguide/resource-operations-delete.html
func (d *deletion) control(ctx context.Context, client *cloudcontrol.Client, one *Orphan) error {
	var begun *cloudcontrol.DeleteResourceOutput
	for tries := 1; begun == nil; tries++ {
		answer, err := client.DeleteResource(ctx, &cloudcontrol.DeleteResourceInput{TypeName: &one.Type, Identifier: &one.ids[0]})
		_, underWay := errors.AsType[*cloudcontroltypes.ConcurrentOperationException](err)
		_, gone := errors.AsType[*cloudcontroltypes.ResourceNotFoundException](err)
		switch {
		case gone:
			return plan.ErrGone
		case underWay && tries < mostTries: // of a run that was interrupted, as a rule
			if err := parallel.Wait(ctx, cmp.Or(d.Poll, stacks.Poll)); err != nil {
				return err
			}
		case err != nil:
			return err
		default:
			begun = answer
		}
	}
	event := begun.ProgressEvent
	for {
		switch event.OperationStatus {
		case cloudcontroltypes.OperationStatusSuccess:
			return nil
		case cloudcontroltypes.OperationStatusFailed, cloudcontroltypes.OperationStatusCancelComplete:
			if event.ErrorCode == cloudcontroltypes.HandlerErrorCodeNotFound {
				return plan.ErrGone
			}
			return fmt.Errorf("%s: %s", event.ErrorCode, aws.ToString(event.StatusMessage))
		}
		answer, err := client.GetResourceRequestStatus(ctx, &cloudcontrol.GetResourceRequestStatusInput{RequestToken: event.RequestToken})
		if err != nil {
			return err
		}
		event = answer.ProgressEvent
		if event.OperationStatus == cloudcontroltypes.OperationStatusInProgress || event.OperationStatus == cloudcontroltypes.OperationStatusPending {
			if err := parallel.Wait(ctx, cmp.Or(d.Poll, stacks.Poll)); err != nil {
				return err
			}
		}
	}
}

// deleteTable deletes a table; unguard switches its deletion protection off for that.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/WorkingWithTables.Basics.html#WorkingWithTables.Basics.DeletionProtection
func deleteTable(ctx context.Context, client *dynamodb.Client, name string, unguard bool) error {
	remove := func(ctx context.Context) error {
		_, err := client.DeleteTable(ctx, &dynamodb.DeleteTableInput{TableName: &name})
		return orGone(err)
	}
	if !unguard {
		return remove(ctx)
	}
	return plan.Guard{
		Set: func(ctx context.Context, on bool) error {
			_, err := client.UpdateTable(ctx, &dynamodb.UpdateTableInput{TableName: &name, DeletionProtectionEnabled: &on})
			return orGone(err)
		},
		Holds: func(ctx context.Context) bool {
			answer, err := client.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &name})
			return errors.Is(orGone(err), plan.ErrGone) || err == nil && (aws.ToBool(answer.Table.DeletionProtectionEnabled) || answer.Table.TableStatus == dynamodbtypes.TableStatusDeleting)
		},
		Name: "deletion protection", Command: "aws dynamodb update-table --deletion-protection-enabled --table-name " + name,
	}.Off(ctx, remove)
}

// orGone is [plan.ErrGone] for DynamoDB's answer that there is no such table.
func orGone(err error) error {
	if _, gone := errors.AsType[*dynamodbtypes.ResourceNotFoundException](err); gone {
		return plan.ErrGone
	}
	return err
}

// emptyBucket deletes every version and every delete marker of a bucket, a page at a time: at most 1000, as
// many as one request may delete. Each list begins anew: what is before it is gone.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html
func emptyBucket(ctx context.Context, client *s3.Client, one *Orphan) error {
	for {
		page, err := client.ListObjectVersions(ctx, &s3.ListObjectVersionsInput{Bucket: &one.Name, ExpectedBucketOwner: &one.Account, MaxKeys: aws.Int32(1000)})
		if err != nil {
			return err
		}
		var all []s3types.ObjectIdentifier
		for _, version := range page.Versions {
			all = append(all, s3types.ObjectIdentifier{Key: version.Key, VersionId: version.VersionId})
		}
		for _, marker := range page.DeleteMarkers {
			all = append(all, s3types.ObjectIdentifier{Key: marker.Key, VersionId: marker.VersionId})
		}
		if len(all) == 0 {
			return nil
		}
		answer, err := client.DeleteObjects(ctx, &s3.DeleteObjectsInput{
			Bucket: &one.Name, ExpectedBucketOwner: &one.Account, Delete: &s3types.Delete{Objects: all, Quiet: aws.Bool(true)},
		})
		if err != nil {
			return err
		}
		for _, refused := range answer.Errors {
			return fmt.Errorf("%s: object %s: %s", aws.ToString(refused.Code), aws.ToString(refused.Key), aws.ToString(refused.Message))
		}
	}
}
