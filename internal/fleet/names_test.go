package fleet_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamodbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/internal/assembly"
	"github.com/roadshow-go/roadshow/internal/fleet"
	"github.com/roadshow-go/roadshow/internal/fleet/fleettest"
	"github.com/roadshow-go/roadshow/internal/messages"
	"github.com/roadshow-go/roadshow/rehearsal"
	"github.com/roadshow-go/roadshow/stages"
)

// resourcesOf is a program that makes these resources for a stage, whose ledger has a table.
func resourcesOf(t *testing.T, stage stages.Stage, resources string) fleet.Assembly {
	t.Helper()
	ready := fleet.Assembly{Dir: t.TempDir(), Document: assembly.Document{Service: "notes", Ledger: []stages.LedgerName{
		{Stage: stage.Name, Account: stage.Account, Region: stage.Region, Service: "notes", Kind: "DynamoDB table", Owner: "notes", Name: stage.Name + "-notes-notes"},
	}}}
	file := stage.Name + ".template.json"
	require.NoError(t, os.WriteFile(filepath.Join(ready.Dir, file), []byte(`{"Resources":{`+resources+`}}`), 0o600))
	ready.Document.Stages = []assembly.Synthesized{{
		Stage: assembly.Stage{Name: stage.Name, Account: stage.Account, Region: stage.Region, Tier: stage.Tier}, Role: stage.Name, File: file, StackName: stage.Name + "-notes",
	}}
	return ready
}

// preflight looks whether resources could be deployed to a stage; the cdk command fails at once.
func (a *accounts) preflight(stage stages.Stage, resources string, takeUp ...string) (findings, warnings []fleet.Finding) {
	a.T.Helper()
	_, err := fleet.Deployment{
		Fleet: a.Fleet(), CDK: fleet.CDK{Command: "false", Dir: a.T.TempDir()}, Assembly: resourcesOf(a.T, stage, resources), TakeUp: takeUp,
		Warn: func(f fleet.Finding) { warnings = append(warnings, f) }, Poll: time.Millisecond,
	}.Run(a.T.Context(), []stages.Stage{stage})
	if err != nil {
		var stopped *fleet.PreflightError
		require.ErrorAs(a.T, err, &stopped)
		findings = stopped.Findings
	}
	return findings, warnings
}

// removed deletes the stack of a stage, as its removal would.
func (a *accounts) removed(stage stages.Stage) {
	a.T.Helper()
	client, name := a.CloudFormation(stage), aws.String(stage.Name+"-notes")
	_, err := client.UpdateTerminationProtection(a.T.Context(), &cloudformation.UpdateTerminationProtectionInput{StackName: name, EnableTerminationProtection: aws.Bool(false)})
	require.NoError(a.T, err)
	_, err = client.DeleteStack(a.T.Context(), &cloudformation.DeleteStackInput{StackName: name})
	require.NoError(a.T, err)
	require.Eventually(a.T, func() bool { return !a.Exists(stage) }, time.Minute, 5*time.Millisecond)
}

// fill puts items into a table.
func (a *accounts) fill(stage stages.Stage, table string, ids ...string) {
	a.T.Helper()
	for _, id := range ids {
		_, err := dynamodb.NewFromConfig(a.Config(stage)).PutItem(a.T.Context(), &dynamodb.PutItemInput{
			TableName: &table, Item: map[string]dynamodbtypes.AttributeValue{"id": &dynamodbtypes.AttributeValueMemberS{Value: id}},
		})
		require.NoError(a.T, err)
	}
}

func tableNamed(stage stages.Stage, policy string) string {
	return `"Notes":` + fleettest.TableOf(stage, stage.Name+"-notes-notes", policy, false)
}

const group = `"Log":{"Type":"AWS::Logs::LogGroup","DeletionPolicy":"RetainExceptOnCreate","Properties":{"LogGroupName":"/notes/%"}}`

// A name that a deploy would give is looked for before anything is changed; what has it, is told with whose it is, since when,
// what it holds, and what to do. Nothing is ever told to be deleted.
func TestADeployIsNotBegunWhereANameIsTaken(t *testing.T) {
	today := time.Now().UTC().Format("2 January 2006")
	for name, tt := range map[string]struct {
		stage     stages.Stage
		before    func(a *accounts, stage stages.Stage)
		resources string // of % for the stage's name
		detail    string
		fix       string
		takeUp    bool
		own       bool
	}{
		"the stage left a table with its data when it was removed": {
			stage: fleettest.Standard,
			before: func(a *accounts, stage stages.Stage) {
				a.Deployed(stage, fleettest.TableOf(stage, "staging-notes-notes", "RetainExceptOnCreate", false))
				a.fill(stage, "staging-notes-notes", "one", "two")
				a.removed(stage)
			},
			resources: tableNamed(fleettest.Standard, "RetainExceptOnCreate"),
			detail: "DynamoDB table staging-notes-notes exists already. This stage left it when its stack was deleted on " + today +
				". It was made on " + today + ". It holds 2 items, 10 B.",
			fix: "Take it up again with `roadshow deploy --take-up staging-notes-notes`, or raise the Revision of notes, which makes a new one beside it. " +
				"`roadshow orphans staging` lists what the stage has left.",
			takeUp: true, own: true,
		},
		"a protected stage left one, too": {
			stage: fleettest.Protected,
			before: func(a *accounts, stage stages.Stage) {
				a.Deployed(stage, fleettest.TableOf(stage, "production-notes-notes", "RetainExceptOnCreate", true))
				a.removed(stage)
			},
			resources: tableNamed(fleettest.Protected, "RetainExceptOnCreate"),
			detail:    "This stage left it when its stack was deleted on " + today,
			fix:       "Take it up again with `roadshow deploy --take-up production-notes-notes`",
			takeUp:    true, own: true,
		},
		"the program has changed since": {
			stage: fleettest.Standard,
			before: func(a *accounts, stage stages.Stage) {
				a.Deployed(stage, strings.Replace(fleettest.TableOf(stage, "staging-notes-notes", "Retain", false), `"PAY_PER_REQUEST"`, `"PROVISIONED","ProvisionedThroughput":{"ReadCapacityUnits":1,"WriteCapacityUnits":1}`, 1))
				a.removed(stage)
			},
			resources: strings.Replace(tableNamed(fleettest.Standard, "Retain"), `"Notes"`, `"Table"`, 1),
			detail:    "The program has changed BillingMode, ProvisionedThroughput since, which taking it up does not apply.",
			fix:       "Take it up again with", takeUp: true, own: true,
		},
		"a deploy that was rolled back left a protected table": {
			stage: fleettest.Protected,
			before: func(a *accounts, stage stages.Stage) {
				a.Deployed(stage, "")
				a.InjectFault(rehearsal.Fault{Account: stage.Account, ResourceType: "AWS::SNS::Topic", Operation: "Create", Count: 1, Status: 400, Code: "LimitExceededException"})
				client, stack := a.CloudFormation(stage), aws.String("production-notes")
				_, err := client.UpdateStack(a.T.Context(), &cloudformation.UpdateStackInput{StackName: stack, TemplateBody: aws.String(`{"Resources":{
					"Log":{"Type":"AWS::Logs::LogGroup","Properties":{"LogGroupName":"/notes/production"}},
					"Notes":` + fleettest.TableOf(stage, "production-notes-notes", "RetainExceptOnCreate", true) + `,
					"Topic":{"Type":"AWS::SNS::Topic","DependsOn":"Notes"}}}`)})
				require.NoError(a.T, err)
				require.Eventually(a.T, func() bool {
					answer, err := client.DescribeStacks(a.T.Context(), &cloudformation.DescribeStacksInput{StackName: stack})
					return err == nil && answer.Stacks[0].StackStatus == "UPDATE_ROLLBACK_COMPLETE"
				}, time.Minute, 5*time.Millisecond)
			},
			resources: `"Log":{"Type":"AWS::Logs::LogGroup","Properties":{"LogGroupName":"/notes/production"}},` + tableNamed(fleettest.Protected, "RetainExceptOnCreate"),
			detail:    "DynamoDB table production-notes-notes exists already. It is this stage's, and in no stack. It was made on " + today + ". It holds 0 items, 0 B.",
			fix:       "Take it up again with `roadshow deploy --take-up production-notes-notes`", takeUp: true, own: true,
		},
		"another stack has it": {
			stage: fleettest.Standard,
			before: func(a *accounts, stage stages.Stage) {
				_, err := a.CloudFormation(stage).CreateStack(a.T.Context(), &cloudformation.CreateStackInput{
					StackName: aws.String("elsewhere"), TemplateBody: aws.String(`{"Resources":{"Log":{"Type":"AWS::Logs::LogGroup","Properties":{"LogGroupName":"/notes/staging"}}}}`),
				})
				require.NoError(a.T, err)
				a.Settle(stage, "elsewhere")
			},
			resources: group, detail: "log group /notes/staging exists already. Stack elsewhere has it.",
			fix: "Give it another name.",
		},
		"another program's stage made it": {
			stage: fleettest.Standard,
			before: func(a *accounts, stage stages.Stage) {
				fleettest.Table(a.T, a.Server, stage, "billing", "staging-notes-notes")
			},
			resources: strings.Replace(tableNamed(fleettest.Standard, "RetainExceptOnCreate"), "%", "staging", 1),
			detail:    `It may be somebody else's: its tags say service "billing", stage "staging".`,
			fix:       `Raise the Revision of notes, which makes a new one beside it.`,
		},
		"a log group without tags, which Lambda makes": {
			stage: fleettest.Standard,
			before: func(a *accounts, stage stages.Stage) {
				_, err := a.Account(stage.Account).Create(stage.Region, "AWS::Logs::LogGroup", map[string]any{"LogGroupName": "/notes/staging"})
				require.NoError(a.T, err)
			},
			resources: group, detail: "log group /notes/staging exists already. It has no tags, and is in no stack.",
			fix: "Take it up again with `roadshow deploy --take-up /notes/staging`, or give it another name.", takeUp: true, own: true,
		},
		"a sandbox does not keep it": {
			stage: fleettest.Sandbox,
			before: func(a *accounts, stage stages.Stage) {
				fleettest.Table(a.T, a.Server, stage, "notes", "dev-notes-notes")
			},
			resources: tableNamed(fleettest.Sandbox, "Delete"), own: true,
			detail: "DynamoDB table dev-notes-notes exists already. Its tags say that it is this stage's, and it is in no stack.",
			fix: "It cannot be taken up: the template deletes it with its stack, and CloudFormation takes up only what a template keeps. " +
				"Raise the Revision of notes, which makes a new one beside it. Or see what is to become of it with `roadshow orphans dev`.",
		},
		"a sandbox whose Override keeps it": {
			stage: fleettest.Sandbox,
			before: func(a *accounts, stage stages.Stage) {
				fleettest.Table(a.T, a.Server, stage, "notes", "dev-notes-notes")
			},
			resources: tableNamed(fleettest.Sandbox, "Retain"), own: true, takeUp: true,
			detail: "DynamoDB table dev-notes-notes exists already. Its tags say that it is this stage's, and it is in no stack.",
			fix:    "Take it up again with `roadshow deploy --take-up dev-notes-notes`",
		},
		"a queue is known by its URL": {
			stage: fleettest.Protected,
			before: func(a *accounts, stage stages.Stage) {
				_, err := a.Account(stage.Account).Create(stage.Region, "AWS::SQS::Queue", map[string]any{"QueueName": "production-notes-jobs", "Tags": fleettest.Tagged("production", "notes")})
				require.NoError(a.T, err)
			},
			resources: `"Jobs":{"Type":"AWS::SQS::Queue","DeletionPolicy":"RetainExceptOnCreate","Properties":{"QueueName":"production-notes-jobs"}}`, own: true,
			detail: "SQS queue production-notes-jobs exists already. Its tags say that it is this stage's, and it is in no stack. It holds the messages in it.",
			fix:    "It cannot be taken up: CloudFormation identifies no AWS::SQS::Queue by its name. Give it another name.",
		},
		"a secret is known by what AWS appends to its name": {
			stage: fleettest.Standard,
			before: func(a *accounts, stage stages.Stage) {
				_, err := a.Account(stage.Account).Create(stage.Region, "AWS::SecretsManager::Secret", map[string]any{"Name": "staging-notes-mail", "Tags": fleettest.Tagged("staging", "notes")})
				require.NoError(a.T, err)
			},
			resources: `"Mail":{"Type":"AWS::SecretsManager::Secret","DeletionPolicy":"RetainExceptOnCreate","Properties":{"Name":"staging-notes-mail"}}`, own: true,
			detail: "secret staging-notes-mail exists already. Its tags say that it is this stage's, and it is in no stack. It holds its value.",
			fix:    "It cannot be taken up: CloudFormation identifies no AWS::SecretsManager::Secret by its name.",
		},
	} {
		t.Run(name, func(t *testing.T) {
			a := openAccounts(t)
			a.T = t
			a.Bootstrapped(tt.stage, "CDKToolkit", "hnb659fds", 30)
			tt.before(a, tt.stage)
			writes := len(a.Writes(tt.stage.Account))
			findings, warnings := a.preflight(tt.stage, strings.ReplaceAll(tt.resources, "%", tt.stage.Name))
			require.Len(t, findings, 1, "%v", findings)
			assert.Empty(t, warnings)
			found := findings[0]
			assert.Equal(t, "names", found.Check)
			messages.Provoked(t, found.String())
			assert.Contains(t, found.Detail, tt.detail)
			assert.True(t, strings.HasPrefix(found.Fix, tt.fix), found.Fix)
			messages.Provoked(t, found.String())
			assert.NotContains(t, found.Detail+found.Fix, "delete it")
			require.NotNil(t, found.Taken)
			assert.Equal(t, []bool{tt.takeUp, tt.own}, []bool{found.Taken.Obstacle == "", found.Taken.Own})
			assert.Len(t, a.Writes(tt.stage.Account), writes, "nothing was changed")
			text, err := json.Marshal(found)
			require.NoError(t, err)
			assert.Contains(t, string(text), `"taken":{"stage":"`+tt.stage.Name+`"`)
		})
	}
}

func TestAQueueThatWasJustDeletedIsWaitedFor(t *testing.T) {
	a := openAccounts(t)
	stage := fleettest.Standard
	a.Bootstrapped(stage, "CDKToolkit", "hnb659fds", 30)
	queue := `{"Type":"AWS::SQS::Queue","Properties":{"QueueName":"staging-notes-jobs"}}`
	a.Deployed(stage, queue)
	a.removed(stage)
	findings, _ := a.preflight(stage, `"Jobs":`+queue)
	require.Len(t, findings, 1)
	messages.Provoked(t, findings[0].String())
	assert.Regexp(t, `^SQS queue staging-notes-jobs was deleted at [0-9:]+, and SQS keeps its name for 60 seconds\.$`, findings[0].Detail)
	assert.Regexp(t, "^Wait (60|5[0-9]) s, then run `roadshow deploy` again\\.$", findings[0].Fix)
	a.DateAhead(61 * time.Second)
	findings, _ = a.preflight(stage, `"Jobs":`+queue)
	assert.Empty(t, findings, "a minute later the name is free")
}

func TestANameThatCannotBeSeenIsNotFree(t *testing.T) {
	a := openAccounts(t)
	stage := fleettest.Standard
	a.Bootstrapped(stage, "CDKToolkit", "hnb659fds", 30)
	a.InjectFault(rehearsal.Fault{Account: stage.Account, Service: "cloudcontrolapi", Status: 400, Code: "AccessDeniedException", Message: "not you"})
	findings, warnings := a.preflight(stage, `"Bus":{"Type":"AWS::Events::EventBus","Properties":{"Name":"staging-notes-news"}}`)
	assert.Empty(t, findings)
	require.Len(t, warnings, 1)
	messages.Provoked(t, warnings[0].String())
	assert.Contains(t, warnings[0].Detail, "It could not be seen whether something has the name of event bus staging-notes-news already: ")
	messages.Provoked(t, warnings[0].String())
	assert.Contains(t, warnings[0].Detail, "not you")
}

func TestWhatNobodyKnowsWhoseItIsIsNotTakenUp(t *testing.T) {
	for _, operation := range []string{"GetResources", "DescribeStackResources"} {
		a := openAccounts(t)
		stage := fleettest.Standard
		a.Bootstrapped(stage, "CDKToolkit", "hnb659fds", 30)
		fleettest.Table(t, a.Server, stage, "notes", "staging-notes-notes")
		a.InjectFault(rehearsal.Fault{Account: stage.Account, Operation: operation, Status: 400, Code: "AccessDeniedException", Message: "not you"})
		findings, _ := a.preflight(stage, tableNamed(stage, "RetainExceptOnCreate"), "staging-notes-notes")
		require.Len(t, findings, 1)
		messages.Provoked(t, findings[0].String())
		assert.Contains(t, findings[0].Detail, "DynamoDB table staging-notes-notes exists already. Whose it is could not be determined: ")
		messages.Provoked(t, findings[0].String())
		assert.Contains(t, findings[0].Detail, "not you")
		assert.NotEmpty(t, findings[0].Taken.Obstacle)
	}
}

func TestWhatIsTakenUpIsNamedAsItIsCalled(t *testing.T) {
	a := openAccounts(t)
	stage := fleettest.Standard
	a.Bootstrapped(stage, "CDKToolkit", "hnb659fds", 30)
	findings, _ := a.preflight(stage, tableNamed(stage, "RetainExceptOnCreate"), "staging-notes-note")
	require.Len(t, findings, 1)
	assert.Equal(t, "There is nothing to take up under the name staging-notes-note.", findings[0].Detail)
}

func TestANameThatTheStackHasIsNotTaken(t *testing.T) {
	a := openAccounts(t)
	stage := fleettest.Standard
	a.Bootstrapped(stage, "CDKToolkit", "hnb659fds", 30)
	a.Deployed(stage, fleettest.TableOf(stage, "staging-notes-notes", "RetainExceptOnCreate", false))
	same := strings.Replace(tableNamed(stage, "RetainExceptOnCreate"), `"Notes"`, `"Table"`, 1)
	findings, _ := a.preflight(stage, same)
	assert.Empty(t, findings)
	findings, _ = a.preflight(stage, tableNamed(stage, "RetainExceptOnCreate"))
	require.Len(t, findings, 1, "under another id it would be made before the old one is deleted")
	messages.Provoked(t, findings[0].String())
	assert.Contains(t, findings[0].Detail, "Stack staging-notes has it.")
}

// A sandbox keeps nothing, unless an Override gives what it makes another policy. The real cdk command goes round in the
// two other tiers: e2e/fleet, TestTheLifeOfAFleet.
func TestWhatAnOverrideKeepsInASandboxIsToldAndTakenUpAgainWithItsData(t *testing.T) {
	onlyUnix(t)
	a, stage := openAccounts(t), fleettest.Sandbox
	a.Bootstrapped(stage, "CDKToolkit", "hnb659fds", 33)
	deployment := func(takeUp ...string) fleet.Deployment {
		made := a.deployment(stage, 7)
		made.TakeUp = takeUp
		template := `{"Resources":{` + tableNamed(stage, "Retain") + `}}`
		require.NoError(t, os.WriteFile(filepath.Join(made.CDK.Dir, stage.Name, "template.json"), []byte(template), 0o600))
		return made
	}
	run := func(takeUp ...string) {
		t.Helper()
		outcomes, err := deployment(takeUp...).Run(t.Context(), []stages.Stage{stage})
		require.NoError(t, err)
		require.Equal(t, fleet.Done, outcomes[0].State, outcomes[0].Problem)
	}
	run()
	a.fill(stage, "dev-notes-notes", "kept")
	f := a.Fleet()
	f.Program = "example.com/notes"
	planned, err := f.PlanRemoval(t.Context(), stage, true)
	require.NoError(t, err)
	require.Equal(t, "dev-notes-notes", planned.Stays[0].PhysicalID)
	removed, err := fleet.Removal{Fleet: f, Poll: time.Millisecond}.Run(t.Context(), planned)
	require.NoError(t, err)
	require.Equal(t, fleet.Done, removed.State, removed.Problem)

	_, err = deployment().Run(t.Context(), []stages.Stage{stage})
	var stopped *fleet.PreflightError
	require.ErrorAs(t, err, &stopped)
	require.Contains(t, stopped.Error(), "DynamoDB table dev-notes-notes exists already. This stage left it when its stack was deleted on")
	require.Contains(t, stopped.Error(), "It holds 1 item, ")
	require.Contains(t, stopped.Error(), "Take it up again with `roadshow deploy --take-up dev-notes-notes`")

	run("dev-notes-notes")
	all, err := dynamodb.NewFromConfig(a.Config(stage)).Scan(t.Context(), &dynamodb.ScanInput{TableName: aws.String("dev-notes-notes")})
	require.NoError(t, err)
	require.Len(t, all.Items, 1, "the data is there")
	require.Equal(t, "kept", all.Items[0]["id"].(*dynamodbtypes.AttributeValueMemberS).Value)
}
