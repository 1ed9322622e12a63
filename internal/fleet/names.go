package fleet

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"github.com/roadshow-go/roadshow/internal/fleet/answer"
	"github.com/roadshow-go/roadshow/internal/fleet/arn"
	"github.com/roadshow-go/roadshow/internal/fleet/owner"
	"github.com/roadshow-go/roadshow/internal/fleet/parallel"
	"github.com/roadshow-go/roadshow/internal/fleet/stacks"
	"github.com/roadshow-go/roadshow/stages"
)

// wantedName is a name that a deploy would give to something new.
type wantedName struct {
	logicalID, kind, name, policy string
	properties                    map[string]any
	// noun is what people call it, component the component's path in the stack; empty where none gives the name.
	noun, component string
}

// newNames are the names in a template that the deployed one does not give to the same resource. Names that the template
// computes are left out: no construct of package stack has any, and CloudFormation imports none. So are names within a
// parent, which is as new as they are.
func newNames(program, deployed template, ledger []stages.LedgerName) []wantedName {
	type kindAndName struct{ kind, name string }
	components := map[kindAndName]string{}
	for _, name := range ledger {
		components[kindAndName{name.Kind, name.Name}] = name.Owner
	}
	var wanted []wantedName
	for _, id := range slices.Sorted(maps.Keys(program.resources)) {
		one := program.resources[id]
		kind, name, named := stages.Named(one.kind, one.properties)
		if !named || kind.Scope == stages.ScopeNone || kind.Scope == stages.ScopeParent && one.kind != "AWS::Scheduler::Schedule" {
			continue
		}
		if before, exists := deployed.resources[id]; exists && before.kind == one.kind && before.properties[kind.Property] == name {
			continue
		}
		wanted = append(wanted, wantedName{
			logicalID: id, kind: one.kind, name: name, policy: one.policy, properties: one.properties, noun: kind.Title,
			component: components[kindAndName{kind.Title, name}],
		})
	}
	return wanted
}

// namesAtOnce is how many names of one account are looked for at once.
const namesAtOnce = 8

// taken looks for the names that a deploy would give in the stage's account. What could not be seen is in unseen: it is
// never taken for free.
func (d Deployment) taken(ctx context.Context, stage stages.Stage, there before) (all []TakenName, unseen []Finding) {
	config := Patient(there.config) // a first deploy asks for all its names
	client := cloudformation.NewFromConfig(config)
	failed := func(err error) []Finding { return []Finding{unanswered(stage, "names", err)} }
	one, _ := d.Assembly.Stage(stage.Name)
	text, err := d.Assembly.Template(one)
	if err != nil {
		return nil, failed(err)
	}
	program, err := readTemplate(text)
	if err != nil {
		return nil, failed(err)
	}
	deployed, _ := readTemplate(there.template) // what is not JSON names nothing of ours
	var ledger []stages.LedgerName
	for _, name := range d.Assembly.Document.Ledger {
		if name.Stage == stage.Name {
			ledger = append(ledger, name)
		}
	}
	wanted := newNames(program, deployed, ledger)
	found := make([]answer.Answer[thing], len(wanted))
	looks := newLooks(config, stage)
	parallel.ForEach(ctx, namesAtOnce, wanted, func(ctx context.Context, i int, name wantedName) {
		found[i] = looks.find(ctx, name.kind, name.name)
	})
	blind := map[string][]string{}
	for i, one := range found {
		if err := one.Untold(); err != nil {
			key := wanted[i].noun + "\x00" + Brief(err)
			blind[key] = append(blind[key], wanted[i].name)
		}
		if there, exists := one.Seen(); exists {
			all = append(all, takenBy(wanted[i], there, stage.Name))
		}
	}
	for _, key := range slices.Sorted(maps.Keys(blind)) {
		noun, problem, _ := strings.Cut(key, "\x00")
		unseen = append(unseen, Finding{
			Stage: stage.Name, Check: "names",
			Detail: sentence(fmt.Sprintf("It could not be seen whether something has the name of %s %s already: %s", noun, strings.Join(blind[key], ", "), problem)),
			Fix:    "Allow what docs/permissions.md has for `roadshow deploy`. Where a name is taken, the deploy fails.",
		})
	}
	gone := sync.OnceValues(func() ([]types.StackSummary, error) { return stacks.Deleted(ctx, client, one.StackName) })
	d.judgeNames(ctx, config, stage, there.stack, gone, wanted, all)
	freed, err := d.deletedQueues(ctx, client, stage, there.stack, gone, wanted, all)
	if err != nil {
		unseen = append(unseen, failed(err)...)
	}
	return append(all, freed...), unseen
}

func takenBy(wanted wantedName, found thing, stage string) TakenName {
	return TakenName{
		Stage: stage, LogicalID: wanted.logicalID, Component: wanted.component, Type: wanted.kind, Name: wanted.name, noun: wanted.noun,
		ARN: found.arn, Created: found.created, Holds: found.holds, Items: found.items, Bytes: found.bytes,
	}
}

// judgeNames finds out whose the taken names are, and which of them the deploy can take up: none of which that could not be
// determined. gone lists the deleted stacks of the stage.
func (d Deployment) judgeNames(
	ctx context.Context, config aws.Config, stage stages.Stage, stack *types.Stack, gone func() ([]types.StackSummary, error), wanted []wantedName, all []TakenName,
) {
	for i := range all {
		all[i].Obstacle = "whose it is could not be determined"
	}
	if err := d.judgeEach(ctx, config, stage, stack, gone, wanted, all); err != nil {
		for i := range all {
			if all[i].By == "" && !all[i].Own {
				all[i].Obstacle += ": " + Brief(err)
			}
		}
	}
}

func (d Deployment) judgeEach(
	ctx context.Context, config aws.Config, stage stages.Stage, stack *types.Stack, gone func() ([]types.StackSummary, error), wanted []wantedName, all []TakenName,
) error {
	if len(all) == 0 {
		return nil
	}
	var arns []string
	for _, one := range all {
		if one.ARN != "" {
			arns = append(arns, one.ARN)
		}
	}
	tags, err := stacks.TagsByARN(ctx, config, arns...)
	if err != nil {
		return err
	}
	evidence := owner.Evidence{Of: d.Fleet.maker(stage.Name), Account: stage.Account, Listed: true} // the program gives the name
	if d.TakesOver != "" {
		evidence.Of.Program = "" // the other one made it
	}
	deleted, err := gone()
	if err != nil {
		return err
	}
	if len(deleted) > 0 {
		evidence.Ended = &owner.Stack{ID: aws.ToString(deleted[0].StackId), Name: aws.ToString(deleted[0].StackName), Deleted: aws.ToTime(deleted[0].DeletionTime)}
	}
	if stack != nil && stacks.StateOf(*stack).HasResources() {
		evidence.Again = aws.ToString(stack.StackName)
	}
	client := cloudformation.NewFromConfig(config)
	makers := map[string]*maker{}
	for i := range all {
		taken := &all[i]
		at := slices.IndexFunc(wanted, func(one wantedName) bool { return one.logicalID == taken.LogicalID })
		if taken.Stack, err = stacks.HolderOf(ctx, client, append(arn.Read(taken.ARN).IDs, taken.Name)...); err != nil {
			return err
		}
		its := tags[taken.ARN]
		id := its[stacks.TagStackID]
		if id != "" && makers[id] == nil {
			if makers[id], err = makerOf(ctx, client, id); err != nil {
				return err
			}
		}
		made := makers[id]
		taken.judge(evidence, its, made)
		taken.Obstacle = obstacle(*taken, wanted[at])
		if made != nil && taken.Obstacle == "" {
			taken.Changed = made.changed(its[stacks.TagLogicalID], wanted[at])
		}
	}
	return nil
}

// judge decides whose a taken name is; see [owner.Judge]. What may be somebody else's is not this stage's.
func (t *TakenName) judge(evidence owner.Evidence, tags map[string]string, made *maker) {
	evidence.Tags = tags
	if made != nil {
		evidence.Made = &made.Stack
	}
	// S3 moves the date of a bucket when it is changed: https://docs.aws.amazon.com/AmazonS3/latest/API/API_Bucket.html
	if t.Created != nil && t.Type != arn.BucketType {
		evidence.Created = *t.Created
	}
	verdict := owner.Judge(evidence)
	t.Own = verdict.Grade != owner.Unsure
	t.proven = t.Own && made != nil
	switch {
	case !t.Own:
		t.By = strings.Join(verdict.Against, "; ")
	case made != nil || owner.MakerOf(tags) != owner.Maker{}:
		t.By = "this stage"
	}
	if made != nil && !made.Deleted.IsZero() {
		t.Left = &made.Deleted
	}
}

// maker is the stack that has made something, also a deleted one, which CloudFormation remembers for 90 days.
type maker struct {
	owner.Stack
	program template
}

func makerOf(ctx context.Context, client *cloudformation.Client, id string) (*maker, error) {
	found := &maker{Stack: owner.Stack{ID: id, Name: stacks.NameOf(id)}}
	described, err := client.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &id})
	if stacks.IsMissing(err) {
		return found, nil
	}
	if err != nil {
		return nil, err
	}
	for _, stack := range described.Stacks {
		found.Live, found.Deleted, found.Tags = string(stack.StackStatus) != stacks.StatusDeleted, aws.ToTime(stack.DeletionTime).UTC(), stacks.Tags(stack.Tags)
	}
	text, err := stacks.Template(ctx, client, id)
	if stacks.IsMissing(err) {
		return found, nil
	}
	if err != nil {
		return nil, err
	}
	found.program, _ = readTemplate(text)
	return found, nil
}

// changed are the properties of a resource that its maker's template has otherwise.
func (m *maker) changed(logicalID string, wanted wantedName) (names []string) {
	before, known := m.program.resources[logicalID]
	if !known || before.kind != wanted.kind {
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(wanted.properties)) {
		old, _ := json.Marshal(before.properties[name])
		now, _ := json.Marshal(wanted.properties[name])
		if string(old) != string(now) && name != "Tags" {
			names = append(names, name)
		}
	}
	for name := range before.properties {
		if _, stays := wanted.properties[name]; !stays && name != "Tags" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// importedByName are the types that CloudFormation takes up by the name in a template: it imports them, and identifies them
// by a property that the template gives. A queue, a topic and a secret it identifies by what AWS gives them.
//
//   - https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/import-resources-automatically.html
//   - https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/resource-import-supported-resources.html
var importedByName = map[string]bool{
	arn.TableType: true, arn.BucketType: true, arn.LogGroupType: true, "AWS::CloudWatch::Alarm": true, "AWS::Events::EventBus": true,
	"AWS::KMS::Alias": true, "AWS::Lambda::Function": true, "AWS::SSM::Parameter": true, "AWS::Scheduler::Schedule": true,
}

// obstacle is why a deploy cannot take something up; empty where it can.
func obstacle(taken TakenName, wanted wantedName) string {
	switch {
	case taken.Stack != "":
		return "stack " + taken.Stack + " has it"
	case !taken.Own:
		return "it may be somebody else's: " + taken.By
	case !importedByName[taken.Type]:
		return "CloudFormation identifies no " + taken.Type + " by its name"
	case wanted.policy != "Retain" && wanted.policy != "RetainExceptOnCreate":
		return "the template deletes it with its stack, and CloudFormation takes up only what a template keeps"
	}
	return ""
}

// queueName is how long the name of a deleted queue is taken.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_DeleteQueue.html
const queueName = 60 * time.Second

// deletedQueues are queues that are wanted and that the stage's stack, or one of that name which is gone, has deleted within
// the minute in which their names are taken. SQS tells it to nobody who asks for the queue; CloudFormation's events do.
func (d Deployment) deletedQueues(
	ctx context.Context, client *cloudformation.Client, stage stages.Stage, stack *types.Stack, gone func() ([]types.StackSummary, error), wanted []wantedName, taken []TakenName,
) ([]TakenName, error) {
	queues := map[string]wantedName{}
	for _, one := range wanted {
		if one.kind == "AWS::SQS::Queue" && !slices.ContainsFunc(taken, func(t TakenName) bool { return t.LogicalID == one.logicalID }) {
			queues[one.name] = one
		}
	}
	if len(queues) == 0 {
		return nil, nil
	}
	now := d.Fleet.Now()
	var asked []string
	if stack != nil {
		asked = append(asked, aws.ToString(stack.StackId))
	}
	deleted, err := gone()
	if err != nil {
		return nil, err
	}
	for _, summary := range deleted {
		if now.Sub(aws.ToTime(summary.DeletionTime)) < queueName {
			asked = append(asked, aws.ToString(summary.StackId))
		}
	}
	var freed []TakenName
	for _, id := range asked {
		deleted, err := queuesDeletedSince(ctx, client, id, now.Add(-queueName))
		if err != nil {
			return nil, err
		}
		for name, at := range deleted {
			if one, is := queues[name]; is {
				left := min(int((queueName-now.Sub(at)).Seconds())+1, int(queueName.Seconds()))
				freed = append(freed, TakenName{
					Stage: stage.Name, LogicalID: one.logicalID, Component: one.component, Type: one.kind, Name: name, noun: one.noun,
					Own: true, By: "this stage", Left: &at, FreeIn: left, Obstacle: "it was deleted, and its name is taken for a minute",
				})
				delete(queues, name)
			}
		}
	}
	slices.SortFunc(freed, func(a, b TakenName) int { return cmp.Compare(a.Name, b.Name) })
	return freed, nil
}

// queuesDeletedSince are the queues that a stack has deleted since then, by name.
func queuesDeletedSince(ctx context.Context, client *cloudformation.Client, stack string, since time.Time) (map[string]time.Time, error) {
	deleted := map[string]time.Time{}
	for pages := cloudformation.NewDescribeStackEventsPaginator(client, &cloudformation.DescribeStackEventsInput{StackName: &stack}); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, event := range page.StackEvents { // the newest first
			if aws.ToTime(event.Timestamp).Before(since) {
				return deleted, nil
			}
			if aws.ToString(event.ResourceType) == "AWS::SQS::Queue" && event.ResourceStatus == types.ResourceStatusDeleteComplete {
				deleted[arn.QueueName(aws.ToString(event.PhysicalResourceId))] = aws.ToTime(event.Timestamp)
			}
		}
	}
	return deleted, nil
}

// finding says what stands in the way of a deploy, and what to do about it.
func (t TakenName) finding() Finding {
	found := Finding{Stage: t.Stage, Check: "names", Taken: &t}
	if t.FreeIn > 0 {
		found.Detail = fmt.Sprintf("%s %s was deleted at %s, and SQS keeps its name for 60 seconds.", t.noun, t.Name, t.Left.UTC().Format(time.TimeOnly))
		found.Fix = fmt.Sprintf("Wait %d s, then run `roadshow deploy` again.", t.FreeIn)
		return found
	}
	facts := []string{t.noun + " " + t.Name + " exists already.", t.whose()}
	if t.Created != nil {
		facts = append(facts, "It was made on "+day(*t.Created)+".")
	}
	if t.Holds != "" {
		facts = append(facts, "It holds "+t.Holds+".")
	}
	if t.Obstacle == "" && len(t.Changed) > 0 {
		facts = append(facts, "The program has changed "+strings.Join(t.Changed, ", ")+" since, which taking it up does not apply.")
	}
	found.Detail = strings.Join(facts, " ")
	another := "give it another name"
	if t.Component != "" {
		another = "raise the Revision of " + t.Component + ", which makes a new one beside it"
	}
	switch {
	case t.Obstacle == "":
		found.Fix = fmt.Sprintf("Take it up again with `roadshow deploy --take-up %s`, or %s. `roadshow orphans %s` lists what the stage has left.", t.Name, another, t.Stage)
	case t.Stack == "" && !t.Own && t.By == "":
		found.Fix = "Allow what docs/permissions.md has for `roadshow deploy`, and run it again, or " + another + "."
	case t.Stack != "" || !t.Own:
		found.Fix = sentence(another)
	default:
		found.Fix = fmt.Sprintf("It cannot be taken up: %s. %s Or see what is to become of it with `roadshow orphans %s`.", t.Obstacle, sentence(another), t.Stage)
	}
	return found
}

// whose says whose it is, in a sentence.
func (t TakenName) whose() string {
	switch {
	case t.Stack != "":
		return "Stack " + t.Stack + " has it."
	case t.Own && t.Left != nil:
		return "This stage left it when its stack was deleted on " + day(*t.Left) + "."
	case t.proven:
		return "It is this stage's, and in no stack."
	case t.Own && t.By != "":
		return "Its tags say that it is this stage's, and it is in no stack."
	case t.Own:
		return "It has no tags, and is in no stack."
	}
	return sentence(t.Obstacle) // it may be somebody else's, or nobody knows
}

func day(at time.Time) string { return at.UTC().Format("2 January 2006") }

// takeUps are what a run takes up again, by stage and logical id. Its stages are looked at side by side.
type takeUps struct {
	mu    sync.Mutex
	rows  map[string][]TakenName
	asked map[string]bool // what was named, and whether it was found
}

// newTakeUps remembers what was named: physical names, or stages, of which all is meant that CloudFormation says is theirs.
func newTakeUps(names []string) *takeUps {
	t := &takeUps{rows: map[string][]TakenName{}, asked: map[string]bool{}}
	for _, name := range names {
		t.asked[name] = false
	}
	return t
}

// sort takes the names that were asked for and can be taken up, and returns the findings of the others.
func (t *takeUps) sort(all []TakenName) (findings []Finding) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, one := range all {
		_, named := t.asked[one.Name]
		_, whole := t.asked[one.Stage]
		whole = whole && one.proven
		if named {
			t.asked[one.Name] = true
		}
		if one.Obstacle == "" && (named || whole) {
			if whole {
				t.asked[one.Stage] = true
			}
			t.rows[one.Stage] = append(t.rows[one.Stage], one)
			continue
		}
		findings = append(findings, one.finding())
	}
	return findings
}

// unknown are the names that were asked for, and that nothing has.
func (t *takeUps) unknown() (findings []Finding) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, name := range slices.Sorted(maps.Keys(t.asked)) {
		if !t.asked[name] {
			findings = append(findings, Finding{
				Check: "names", Detail: "There is nothing to take up under the name " + name + ".",
				Fix: "Leave out --take-up " + name + ", or write a name that is said to be taken.",
			})
		}
	}
	return findings
}

// of is what is taken up in a stage.
func (t *takeUps) of(stage string) []TakenName {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.rows[stage]
}

// errImports says that CloudFormation would import something else than what was named.
var errImports = errors.New("The change set was withdrawn, and nothing was changed.\nRun `roadshow deploy` again, which says what has the names now.")

// checkImports compares what a change set imports with what was named: the flag of the command imports whatever exists.
func checkImports(proposal *Proposal, named []TakenName) error {
	wanted := map[string]bool{}
	for _, one := range named {
		wanted[one.LogicalID] = true
	}
	for _, change := range proposal.Changes {
		if change.Action != string(types.ChangeActionImport) {
			continue
		}
		if !wanted[change.LogicalID] {
			return fmt.Errorf("CloudFormation would take up %s %s, which was not named. %w", change.Type, change.PhysicalID, errImports)
		}
		delete(wanted, change.LogicalID)
	}
	for _, one := range named {
		if wanted[one.LogicalID] {
			return fmt.Errorf("CloudFormation would not take up %s %s, and would fail to make it. %w", one.noun, one.Name, errImports)
		}
	}
	return nil
}
