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

	"github.com/roadshow-go/roadshow/internal/fleet/arn"
	"github.com/roadshow-go/roadshow/internal/fleet/parallel"
	"github.com/roadshow-go/roadshow/internal/fleet/stacks"
	"github.com/roadshow-go/roadshow/stages"
)

// TakenName is a name that a deploy would give to something new, and that something in the account has already.
type TakenName struct {
	// Stage is whose deploy it is, LogicalID the new resource's in its template, Component the component's path in the
	// stack; empty where no component of package stack gives the name.
	Stage     string `json:"stage"`
	LogicalID string `json:"logicalId"`
	Component string `json:"component,omitempty"`
	// Type is its CloudFormation type, Name its physical name, ARN its ARN where that is known.
	Type string `json:"type"`
	Name string `json:"name"`
	ARN  string `json:"arn,omitempty"`
	// Own tells whether it is this stage's, as far as CloudFormation's tags and the stage's tell; By is whose it is, in words.
	Own bool   `json:"own"`
	By  string `json:"by"`
	// Stack is the live stack that has it; empty where none has.
	Stack string `json:"stack,omitempty"`
	// Created is when it was made, Left when the stack that made it was deleted; nil where AWS does not say.
	Created *time.Time `json:"created,omitempty"`
	Left    *time.Time `json:"left,omitempty"`
	// Holds is what it holds, in words. Items and Bytes count it; nil where AWS does not tell cheaply. DynamoDB counts
	// the items of a table about every six hours.
	Holds string `json:"holds,omitempty"`
	Items *int64 `json:"items,omitempty"`
	Bytes *int64 `json:"bytes,omitempty"`
	// Obstacle is why the deploy cannot take it up; empty where it can.
	Obstacle string `json:"obstacle,omitempty"`
	// Changed are the properties that the program gives other values than the stack did that left it. CloudFormation
	// takes a resource up as it is.
	Changed []string `json:"changed,omitempty"`
	// FreeIn is in how many seconds the name is free again, of something that was deleted; 0 of what is there.
	FreeIn int `json:"freeInSeconds,omitempty"`

	noun string
	// proven tells that CloudFormation's own tag says that it is this stage's, which nobody else can write.
	proven bool
}

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
func (d Deployment) taken(ctx context.Context, config aws.Config, stage stages.Stage, stack *types.Stack) (all []TakenName, unseen []Finding) {
	config = config.Copy()
	config.RetryMode = aws.RetryModeAdaptive // a first deploy asks for all its names
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
	var deployed template
	if stack != nil && stacks.StateOf(*stack).HasResources() {
		answer, err := client.GetTemplate(ctx, &cloudformation.GetTemplateInput{StackName: stack.StackId, TemplateStage: types.TemplateStageOriginal})
		if err != nil {
			return nil, failed(err)
		}
		deployed, _ = readTemplate([]byte(aws.ToString(answer.TemplateBody))) // what is not JSON names nothing of ours
	}
	var ledger []stages.LedgerName
	for _, name := range d.Assembly.Document.Ledger {
		if name.Stage == stage.Name {
			ledger = append(ledger, name)
		}
	}
	wanted := newNames(program, deployed, ledger)
	found, problems := make([]*thing, len(wanted)), make([]error, len(wanted))
	looks := newLooks(config, stage)
	parallel.ForEach(ctx, namesAtOnce, wanted, func(ctx context.Context, i int, name wantedName) {
		found[i], problems[i] = looks.find(ctx, name.kind, name.name)
	})
	blind := map[string][]string{}
	for i, err := range problems {
		switch {
		case err != nil:
			key := wanted[i].noun + "\x00" + Brief(err)
			blind[key] = append(blind[key], wanted[i].name)
		case found[i] != nil:
			all = append(all, takenBy(wanted[i], *found[i], stage.Name))
		}
	}
	for _, key := range slices.Sorted(maps.Keys(blind)) {
		noun, problem, _ := strings.Cut(key, "\x00")
		unseen = append(unseen, Finding{
			Stage: stage.Name, Check: "names",
			Detail: fmt.Sprintf("it could not be seen whether something has the name of %s %s already: %s", noun, strings.Join(blind[key], ", "), problem),
			Fix:    "allow what docs/permissions.md has for `roadshow deploy`; where a name is taken, the deploy fails",
		})
	}
	d.judgeNames(ctx, config, stage, wanted, all)
	freed, err := d.deletedQueues(ctx, client, stage, one.StackName, stack, wanted, all)
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
// determined.
func (d Deployment) judgeNames(ctx context.Context, config aws.Config, stage stages.Stage, wanted []wantedName, all []TakenName) {
	for i := range all {
		all[i].Obstacle = "whose it is could not be determined"
	}
	if err := d.judgeEach(ctx, config, stage, wanted, all); err != nil {
		for i := range all {
			if all[i].By == "" && !all[i].Own {
				all[i].Obstacle += ": " + Brief(err)
			}
		}
	}
}

func (d Deployment) judgeEach(ctx context.Context, config aws.Config, stage stages.Stage, wanted []wantedName, all []TakenName) error {
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
	client := cloudformation.NewFromConfig(config)
	makers := map[string]*maker{}
	for i := range all {
		taken := &all[i]
		at := slices.IndexFunc(wanted, func(one wantedName) bool { return one.logicalID == taken.LogicalID })
		if taken.Stack, err = stacks.HolderOf(ctx, client, append(arn.Read(taken.ARN).IDs, taken.Name)...); err != nil {
			return err
		}
		own := tags[taken.ARN]
		if id := own[stacks.TagStackID]; id != "" && makers[id] == nil {
			if makers[id], err = makerOf(ctx, client, id); err != nil {
				return err
			}
		}
		made := makers[own[stacks.TagStackID]]
		taken.Own, taken.By = d.isOwn(stage, own, made)
		taken.proven = taken.Own && made != nil
		if made != nil && !made.deleted.IsZero() {
			taken.Left = &made.deleted
		}
		taken.Obstacle = obstacle(*taken, wanted[at])
		if made != nil && taken.Obstacle == "" {
			taken.Changed = made.changed(own[stacks.TagLogicalID], wanted[at])
		}
	}
	return nil
}

// maker is the stack that has made something, also a deleted one, which CloudFormation remembers for 90 days.
type maker struct {
	name    string
	deleted time.Time
	program template
}

func makerOf(ctx context.Context, client *cloudformation.Client, id string) (*maker, error) {
	found := &maker{name: id}
	if parsed, ok := arn.Parse(id); ok {
		if parts := strings.Split(parsed.Resource, "/"); len(parts) == 3 {
			found.name = parts[1]
		}
	}
	answer, err := client.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &id})
	if stacks.IsMissing(err) {
		return found, nil
	}
	if err != nil {
		return nil, err
	}
	for _, stack := range answer.Stacks {
		found.deleted = aws.ToTime(stack.DeletionTime).UTC()
	}
	text, err := client.GetTemplate(ctx, &cloudformation.GetTemplateInput{StackName: &id, TemplateStage: types.TemplateStageOriginal})
	if stacks.IsMissing(err) {
		return found, nil
	}
	if err != nil {
		return nil, err
	}
	found.program, _ = readTemplate([]byte(aws.ToString(text.TemplateBody)))
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

// isOwn tells whether tags say that something is this stage's: those of CloudFormation, which nobody else can write, before
// those of the program.
func (d Deployment) isOwn(stage stages.Stage, tags map[string]string, made *maker) (own bool, by string) {
	name, _ := d.Fleet.StackName(stage)
	service, of := tags[stacks.TagService], tags[stacks.TagStage]
	foreign := (service != "" || of != "") && (service != d.Fleet.Service || of != stage.Name)
	switch {
	case foreign:
		return false, fmt.Sprintf("service %q, stage %q", service, of)
	case made != nil && made.name != name:
		return false, "stack " + made.name
	case made != nil || service != "":
		return true, "this stage"
	case len(tags) > 0:
		return false, "something else, by its tags"
	}
	return true, "" // nobody says otherwise, and it is the ledger's name
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
		return "it belongs to " + taken.By
	case !importedByName[taken.Type]:
		return "CloudFormation takes up what it can identify by its name, and no " + taken.Type
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
	ctx context.Context, client *cloudformation.Client, stage stages.Stage, stackName string, stack *types.Stack, wanted []wantedName, taken []TakenName,
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
	for pages := cloudformation.NewListStacksPaginator(client, &cloudformation.ListStacksInput{StackStatusFilter: []types.StackStatus{types.StackStatusDeleteComplete}}); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, summary := range page.StackSummaries {
			if aws.ToString(summary.StackName) == stackName && now.Sub(aws.ToTime(summary.DeletionTime)) < queueName {
				asked = append(asked, aws.ToString(summary.StackId))
			}
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
				url := aws.ToString(event.PhysicalResourceId)
				deleted[url[strings.LastIndex(url, "/")+1:]] = aws.ToTime(event.Timestamp)
			}
		}
	}
	return deleted, nil
}

// finding says what stands in the way of a deploy, and what to do about it.
func (t TakenName) finding() Finding {
	found := Finding{Stage: t.Stage, Check: "names", Taken: &t}
	if t.FreeIn > 0 {
		found.Detail = fmt.Sprintf("%s %s was deleted at %s; SQS keeps its name for 60 seconds", t.noun, t.Name, t.Left.UTC().Format(time.TimeOnly))
		found.Fix = fmt.Sprintf("wait %d s, then run `roadshow deploy` again", t.FreeIn)
		return found
	}
	var facts []string
	switch {
	case t.Stack != "":
		facts = append(facts, "stack "+t.Stack+" has it")
	case t.Own && t.Left != nil:
		facts = append(facts, "this stage left it when its stack was deleted on "+day(*t.Left))
	case t.proven:
		facts = append(facts, "it is this stage's, and in no stack")
	case t.Own && t.By != "":
		facts = append(facts, "its tags say that it is this stage's, and it is in no stack")
	case t.Own:
		facts = append(facts, "it has no tags, and is in no stack")
	case t.By != "":
		facts = append(facts, "it belongs to "+t.By)
	default:
		facts = append(facts, t.Obstacle)
	}
	if t.Created != nil {
		facts = append(facts, "it was made on "+day(*t.Created))
	}
	if t.Holds != "" {
		facts = append(facts, "it holds "+t.Holds)
	}
	if t.Obstacle == "" && len(t.Changed) > 0 {
		facts = append(facts, "the program has changed "+strings.Join(t.Changed, ", ")+" since, which taking it up does not apply")
	}
	found.Detail = fmt.Sprintf("%s %s exists already: %s", t.noun, t.Name, strings.Join(facts, "; "))
	another := "give it another name"
	if t.Component != "" {
		another = "raise the Revision of " + t.Component + ", which makes a new one beside it"
	}
	switch {
	case t.Obstacle == "":
		found.Fix = fmt.Sprintf("take it up again with `roadshow deploy --take-up %s`, or %s; `roadshow orphans %s` lists what the stage has left", t.Name, another, t.Stage)
	case t.Stack == "" && !t.Own && t.By == "":
		found.Fix = "allow what docs/permissions.md has for `roadshow deploy`, then run it again; or " + another
	case t.Stack != "" || !t.Own:
		found.Fix = "it cannot be taken up: " + t.Obstacle + "; " + another
	default:
		found.Fix = fmt.Sprintf("it cannot be taken up: %s; %s, or see what is to become of it: `roadshow orphans %s`", t.Obstacle, another, t.Stage)
	}
	return found
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
				Check: "names", Detail: "there is nothing to take up under the name " + name,
				Fix: "leave out --take-up " + name + ", or write a name that the preflight says is taken",
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
var errImports = errors.New("the change set was withdrawn, and nothing was changed; run `roadshow deploy` again, which says what has the names now")

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
			return fmt.Errorf("CloudFormation would take up %s %s, which was not named: %w", change.Type, change.PhysicalID, errImports)
		}
		delete(wanted, change.LogicalID)
	}
	for _, one := range named {
		if wanted[one.LogicalID] {
			return fmt.Errorf("CloudFormation would not take up %s %s, and would fail to make it: %w", one.noun, one.Name, errImports)
		}
	}
	return nil
}
