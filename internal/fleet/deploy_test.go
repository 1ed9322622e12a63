package fleet_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/internal/assembly"
	"github.com/roadshow-go/roadshow/internal/fleet"
	"github.com/roadshow-go/roadshow/internal/fleet/fleettest"
	"github.com/roadshow-go/roadshow/internal/fleet/parallel"
	"github.com/roadshow-go/roadshow/internal/messages"
	"github.com/roadshow-go/roadshow/rehearsal"
	"github.com/roadshow-go/roadshow/stages"
)

// standsIn is set where this binary is run as the cdk command.
const standsIn = "ROADSHOW_TEST_STANDS_IN_FOR_CDK"

func TestMain(m *testing.M) {
	if os.Getenv(standsIn) != "" {
		if err := standIn(context.Background(), os.Args[1:]); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// standIn is the cdk command as far as these tests need it, which interrupt it at each of its calls: it makes those of
// `cdk deploy` in their order. The tests in e2e run the command itself.
func standIn(ctx context.Context, arguments []string) error {
	option := func(name string) string {
		if at := slices.Index(arguments, name); at >= 0 {
			return arguments[at+1]
		}
		return ""
	}
	loaded, err := config.LoadDefaultConfig(ctx, config.WithSharedConfigProfile(option("--profile")), config.WithRegion(fleettest.Protected.Region))
	if err != nil {
		return err
	}
	client := cloudformation.NewFromConfig(loaded)
	stage := filepath.Base(option("--app"))
	stack, set, method := aws.String(stage+"-notes"), aws.String(option("--change-set-name")), option("--method")
	if method != "execute-change-set" {
		template, err := os.ReadFile(filepath.Join(option("--app"), "template.json"))
		if err != nil {
			return err
		}
		kind := types.ChangeSetTypeCreate
		if answer, err := client.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: stack}); err == nil && answer.Stacks[0].StackStatus != types.StackStatusReviewInProgress {
			kind = types.ChangeSetTypeUpdate
			live, err := client.GetTemplate(ctx, &cloudformation.GetTemplateInput{StackName: stack})
			if err != nil {
				return err
			}
			if aws.ToString(live.TemplateBody) == string(template) {
				return nil
			}
		}
		if _, err := client.CreateChangeSet(ctx, &cloudformation.CreateChangeSetInput{
			StackName: stack, ChangeSetName: set, ChangeSetType: kind, TemplateBody: aws.String(string(template)),
			Tags: tagsOf(stage, "example.com/notes"), ImportExistingResources: aws.Bool(slices.Contains(arguments, "--import-existing-resources")),
		}); err != nil {
			return err
		}
		waiter := cloudformation.NewChangeSetCreateCompleteWaiter(client, func(o *cloudformation.ChangeSetCreateCompleteWaiterOptions) {
			o.MinDelay, o.MaxDelay = 10*time.Millisecond, 50*time.Millisecond
		})
		if err := waiter.Wait(ctx, &cloudformation.DescribeChangeSetInput{StackName: stack, ChangeSetName: set}, time.Minute); err != nil {
			return err
		}
	}
	if method == "prepare-change-set" {
		return nil
	}
	if _, err := client.ExecuteChangeSet(ctx, &cloudformation.ExecuteChangeSetInput{StackName: stack, ChangeSetName: set}); err != nil {
		return err
	}
	for {
		answer, err := client.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: stack})
		if err != nil {
			return err
		}
		switch status := string(answer.Stacks[0].StackStatus); {
		case strings.HasSuffix(status, "_IN_PROGRESS"):
			if err := parallel.Wait(ctx, 10*time.Millisecond); err != nil {
				return err
			}
		case strings.Contains(status, "ROLLBACK"):
			return errors.New("the stack is " + status)
		default:
			return nil
		}
	}
}

func tagsOf(stage, program string) []types.Tag {
	return []types.Tag{fleettest.Tag("roadshow:service", "notes"), fleettest.Tag("roadshow:stage", stage), fleettest.Tag("roadshow:program", program)}
}

// logsFor is a template whose log group keeps its lines for some days.
func logsFor(stage string, days int) string {
	return fmt.Sprintf(`{"Resources":{"Log":{"Type":"AWS::Logs::LogGroup","Properties":{"LogGroupName":"/notes/%s","RetentionInDays":%d}},
		"More%d":{"Type":"AWS::Logs::LogGroup","Properties":{"LogGroupName":"/notes/%s/more%d"}}}}`, stage, days, days, stage, days)
}

// deployment is one of a stage, whose logs are kept for some days.
func (a *accounts) deployment(stage stages.Stage, days int) fleet.Deployment {
	a.T.Helper()
	folder := a.T.TempDir()
	require.NoError(a.T, os.Mkdir(filepath.Join(folder, stage.Name), 0o700))
	require.NoError(a.T, os.WriteFile(filepath.Join(folder, stage.Name, "template.json"), []byte(logsFor(stage.Name, days)), 0o600))
	binary, err := os.Executable()
	require.NoError(a.T, err)
	command := filepath.Join(folder, "cdk")
	require.NoError(a.T, os.WriteFile(command, []byte("#!/bin/sh\n"+standsIn+"=1 exec '"+binary+"' \"$@\"\n"), 0o700))
	return fleet.Deployment{
		Fleet: a.Fleet(), CDK: fleet.CDK{Command: command, Dir: folder}, Poll: 100 * time.Millisecond,
		Assembly: fleet.Assembly{Dir: folder, Document: assembly.Document{Service: "notes", Program: "example.com/notes", Stages: []assembly.Synthesized{{
			Stage: assembly.Stage{Name: stage.Name, Account: stage.Account, Region: stage.Region, Tier: stage.Tier}, Role: stage.Name,
			File: stage.Name + "/template.json", StackName: stage.Name + "-notes",
		}}}},
		Approve: func(context.Context, fleet.Proposal) (bool, error) { return true, nil },
	}
}

// days is for how long the deployed logs of a stage are kept; 0 where nothing is deployed.
func (a *accounts) days(stage stages.Stage) int {
	a.T.Helper()
	answer, err := a.CloudFormation(stage).GetTemplate(a.T.Context(), &cloudformation.GetTemplateInput{StackName: aws.String(stage.Name + "-notes")})
	if err != nil {
		return 0
	}
	var days int
	at := strings.Index(aws.ToString(answer.TemplateBody), "RetentionInDays")
	if at < 0 {
		return 0
	}
	fields, err := fmt.Sscanf(aws.ToString(answer.TemplateBody)[at:], `RetentionInDays":%d`, &days)
	require.NoError(a.T, err)
	require.Equal(a.T, 1, fields)
	return days
}

// waitingSets are the names of the change sets of a stage that could be executed.
func (a *accounts) waitingSets(stage stages.Stage) (names []string) {
	a.T.Helper()
	answer, err := a.CloudFormation(stage).ListChangeSets(a.T.Context(), &cloudformation.ListChangeSetsInput{StackName: aws.String(stage.Name + "-notes")})
	if refusal, is := errors.AsType[smithy.APIError](err); is && strings.Contains(refusal.ErrorMessage(), "does not exist") {
		return nil
	}
	require.NoError(a.T, err)
	for _, one := range answer.Summaries {
		if one.ExecutionStatus == types.ExecutionStatusAvailable || strings.HasPrefix(string(one.Status), "CREATE_") && one.Status != types.ChangeSetStatusCreateComplete {
			names = append(names, aws.ToString(one.ChangeSetName))
		}
	}
	return names
}

func onlyUnix(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("/bin/sh"); err != nil {
		t.Skip("the cdk command of these tests is a script for /bin/sh, which this machine does not have")
	}
}

func TestWhatWasApprovedIsExecutedAndNothingOfAnotherDeploy(t *testing.T) {
	onlyUnix(t)
	stage := fleettest.Protected
	for name, existing := range map[string]bool{"of a new stack": false, "of a stack that is there": true} {
		t.Run("two deploys at once "+name, func(t *testing.T) {
			a := openAccounts(t)
			a.Bootstrapped(stage, "CDKToolkit", "hnb659fds", 33)
			if existing {
				outcomes, err := a.deployment(stage, 3).Run(t.Context(), []stages.Stage{stage})
				require.NoError(t, err)
				messages.Provoked(t, outcomes[0].Problem)
				require.Equal(t, fleet.Done, outcomes[0].State, outcomes[0].Problem)
			}
			first, second := a.deployment(stage, 7), a.deployment(stage, 14)
			prepared, firstEnded := make(chan struct{}), make(chan struct{})
			second.Approve = func(context.Context, fleet.Proposal) (bool, error) {
				close(prepared)
				<-firstEnded
				return true, nil
			}
			var of []fleet.Outcome
			var ended sync.WaitGroup
			first.Approve = func(_ context.Context, proposal fleet.Proposal) (bool, error) {
				ended.Go(func() { of, _ = second.Run(t.Context(), []stages.Stage{stage}) })
				<-prepared
				return true, nil
			}
			outcomes, err := first.Run(t.Context(), []stages.Stage{stage})
			require.NoError(t, err)
			messages.Provoked(t, outcomes[0].Problem)
			require.Equal(t, fleet.Done, outcomes[0].State, outcomes[0].Problem)
			require.Equal(t, 7, a.days(stage), "the first's approval executes the first's change set")
			close(firstEnded)
			ended.Wait()
			require.Len(t, of, 1)
			require.Equal(t, fleet.Failed, of[0].State)
			require.ErrorAs(t, of[0].Err(), new(*fleet.ChangedError), "it was approved of a stack that is another by now")
			require.Equal(t, "Stage production was not deployed: somebody else has changed stack production-notes meanwhile, or deleted the change set.\n"+
				"Run `roadshow deploy` again, which shows the changes as they are now.", of[0].Problem)
			require.Equal(t, 7, a.days(stage))
			require.Empty(t, a.waitingSets(stage))
		})
	}
}

func TestWhatLosesDataIsAskedForInEveryTierButSandboxWhereItIsShown(t *testing.T) {
	onlyUnix(t)
	// The second template lacks a log group of the first; the third only keeps lines for longer.
	losing := func(stage stages.Stage) string { return logsFor(stage.Name, 7) }
	keeping := func(stage stages.Stage) string {
		return strings.Replace(logsFor(stage.Name, 3), `"RetentionInDays":3`, `"RetentionInDays":7`, 1)
	}
	for _, tt := range []struct {
		name         string
		stage        stages.Stage
		template     func(stages.Stage) string
		asked, shown int
		state        fleet.State
		days         int
	}{
		{"a sandbox shows what it loses", fleettest.Sandbox, losing, 0, 1, fleet.Done, 7},
		{"a standard stage asks for it", fleettest.Standard, losing, 1, 0, fleet.Declined, 3},
		{"a protected stage asks for it", fleettest.Protected, losing, 1, 0, fleet.Declined, 3},
		{"a standard stage does not ask where nothing is lost", fleettest.Standard, keeping, 0, 0, fleet.Done, 7},
		{"a protected stage asks all the same", fleettest.Protected, keeping, 1, 0, fleet.Declined, 3},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := openAccounts(t)
			a.Bootstrapped(tt.stage, "CDKToolkit", "hnb659fds", 33)
			outcomes, err := a.deployment(tt.stage, 3).Run(t.Context(), []stages.Stage{tt.stage})
			require.NoError(t, err)
			messages.Provoked(t, outcomes[0].Problem)
			require.Equal(t, fleet.Done, outcomes[0].State, outcomes[0].Problem)

			second := a.deployment(tt.stage, 7)
			require.NoError(t, os.WriteFile(filepath.Join(second.Assembly.Dir, tt.stage.Name, "template.json"), []byte(tt.template(tt.stage)), 0o600))
			var asked, shown []fleet.Proposal
			second.Approve = func(_ context.Context, proposal fleet.Proposal) (bool, error) {
				asked = append(asked, proposal)
				return false, nil
			}
			second.Show = func(proposal fleet.Proposal) { shown = append(shown, proposal) }
			outcomes, err = second.Run(t.Context(), []stages.Stage{tt.stage})
			require.NoError(t, err)
			require.Len(t, asked, tt.asked)
			require.Len(t, shown, tt.shown)
			messages.Provoked(t, outcomes[0].Problem)
			require.Equal(t, tt.state, outcomes[0].State, outcomes[0].Problem)
			require.Equal(t, tt.days, a.days(tt.stage))
			require.Empty(t, a.waitingSets(tt.stage))
		})
	}
}

// interrupter is between a deploy and AWS, and cancels the deploy at one of its calls.
type interrupter struct {
	mu        sync.Mutex
	calls     int
	asked     []string
	at        int
	when      moment
	next      chan struct{} // closed when a call after that one was answered
	interrupt context.CancelFunc
}

// moment is when a call is interrupted, seen from AWS.
type moment string

const (
	before  moment = "before it was answered"
	after   moment = "when it was answered"
	arrives moment = "and it arrives late, when the next call was answered" // of the first CreateChangeSet
)

// stand puts it there.
func (i *interrupter) stand(a *accounts) {
	a.T.Helper()
	target, err := url.Parse(a.URL())
	require.NoError(a.T, err)
	proxy := httputil.NewSingleHostReverseProxy(target)
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		i.mu.Lock()
		i.calls++
		form, _ := url.ParseQuery(string(body))
		i.asked = append(i.asked, form.Get("Action"))
		if i.when == arrives && i.at == 0 && form.Get("Action") == "CreateChangeSet" {
			i.at = i.calls
		}
		now := i.calls == i.at
		i.mu.Unlock()
		// What was sent arrives, even where nobody waits for the answer any more.
		request := r.Clone(context.WithoutCancel(r.Context()))
		request.Body = io.NopCloser(bytes.NewReader(body))
		if now && i.when != after {
			i.interrupt()
			<-r.Context().Done()
		}
		if now && i.when == arrives {
			<-i.next
		}
		answer := httptest.NewRecorder() // w tells the proxy that nobody waits
		proxy.ServeHTTP(answer, request)
		maps.Copy(w.Header(), answer.Header())
		w.WriteHeader(answer.Code)
		_, _ = w.Write(answer.Body.Bytes())
		if now && i.when == after {
			i.interrupt()
			<-r.Context().Done()
		}
		i.mu.Lock()
		if i.at > 0 && i.calls == i.at+1 && !now {
			close(i.next)
		}
		i.mu.Unlock()
	}))
	a.T.Cleanup(front.Close)
	for _, variable := range []string{"AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_STS"} {
		a.T.Setenv(variable, front.URL)
	}
}

func TestADeployThatIsInterruptedAtAnyCallLeavesNoChangeSetWaiting(t *testing.T) {
	onlyUnix(t)
	for _, stage := range []stages.Stage{fleettest.Sandbox, fleettest.Protected} {
		// All calls of one that nobody interrupts: before the first change set is asked for, none can wait.
		var all interrupter
		first := 0
		t.Run(stage.Tier.String(), func(t *testing.T) {
			a := openAccounts(t)
			a.Bootstrapped(stage, "CDKToolkit", "hnb659fds", 33)
			all.stand(a)
			outcomes, err := a.deployment(stage, 7).Run(t.Context(), []stages.Stage{stage})
			require.NoError(t, err)
			messages.Provoked(t, outcomes[0].Problem)
			require.Equal(t, fleet.Done, outcomes[0].State, outcomes[0].Problem)
			first = slices.Index(all.asked, "CreateChangeSet") + 1
			require.Positive(t, first)
		})
		for at := first; at <= all.calls; at++ {
			for _, when := range []moment{before, after, arrives} {
				if when == arrives && at != first {
					continue
				}
				t.Run(fmt.Sprintf("%s, call %d (%s), %s", stage.Tier, at, all.asked[at-1], when), func(t *testing.T) {
					a := openAccounts(t)
					a.Bootstrapped(stage, "CDKToolkit", "hnb659fds", 33)
					ctx, interrupt := context.WithCancel(t.Context())
					defer interrupt()
					between := &interrupter{at: at, when: when, next: make(chan struct{}), interrupt: interrupt}
					deployment := a.deployment(stage, 7)
					if when == arrives { // of a stack that is there: one that is new is deleted with its change sets
						_, err := a.deployment(stage, 3).Run(t.Context(), []stages.Stage{stage})
						require.NoError(t, err)
						deployment.Poll, between.at = 500*time.Millisecond, 0 // in which it arrives
					}
					between.stand(a)
					outcomes, err := deployment.Run(ctx, []stages.Stage{stage})
					require.NoError(t, err)
					require.NotEqual(t, fleet.Done, outcomes[0].State)
					require.Empty(t, a.waitingSets(stage), outcomes[0].Problem)
					answer, err := a.CloudFormation(stage).DescribeStacks(t.Context(), nil)
					require.NoError(t, err)
					for _, stack := range answer.Stacks {
						require.NotEqual(t, types.StackStatusReviewInProgress, stack.StackStatus, "an empty stack")
					}

					outcomes, err = a.deployment(stage, 7).Run(t.Context(), []stages.Stage{stage})
					require.NoError(t, err)
					require.True(t, fleet.Succeeded(outcomes), outcomes[0].Problem)
					require.Equal(t, 7, a.days(stage), "the next one goes on")
				})
			}
		}
	}
}

func TestTheChangeSetOfAKilledDeployIsDeletedByALaterOneAndThatOfALivingOneIsNamed(t *testing.T) {
	onlyUnix(t)
	stage := fleettest.Protected
	a := openAccounts(t)
	a.Bootstrapped(stage, "CDKToolkit", "hnb659fds", 33)
	_, err := a.deployment(stage, 3).Run(t.Context(), []stages.Stage{stage})
	require.NoError(t, err)
	for name, program := range map[string]string{"roadshow-killed": "example.com/notes", "roadshow-of-another": "example.com/other", "by-hand": "example.com/notes"} {
		_, err := a.CloudFormation(stage).CreateChangeSet(t.Context(), &cloudformation.CreateChangeSetInput{
			StackName: aws.String("production-notes"), ChangeSetName: aws.String(name), TemplateBody: aws.String(logsFor("production", 5)), Tags: tagsOf("production", program),
		})
		require.NoError(t, err)
	}
	require.Eventually(t, func() bool { return len(a.waitingSets(stage)) == 3 }, time.Minute, time.Millisecond)
	declined := func() (warnings []string) {
		deployment := a.deployment(stage, 7)
		deployment.Approve = nil
		deployment.Warn = func(finding fleet.Finding) { warnings = append(warnings, finding.String()) }
		outcomes, err := deployment.Run(t.Context(), []stages.Stage{stage})
		require.NoError(t, err)
		messages.Provoked(t, outcomes[0].Problem)
		require.Equal(t, fleet.Declined, outcomes[0].State, outcomes[0].Problem)
		return warnings
	}

	warnings := declined()
	require.Len(t, warnings, 1)
	require.Regexp(t, `Change set roadshow-killed of stack production-notes waits since .* UTC\. Another .roadshow deploy. waits for its approval, or was killed`, warnings[0])
	require.ElementsMatch(t, []string{"roadshow-killed", "roadshow-of-another", "by-hand"}, a.waitingSets(stage))

	a.DateAhead(2 * time.Hour)
	warnings = declined()
	require.Len(t, warnings, 1)
	require.Contains(t, warnings[0], "The `roadshow deploy` that made it was killed, so it was deleted now.")
	require.ElementsMatch(t, []string{"roadshow-of-another", "by-hand"}, a.waitingSets(stage))
}

func TestTheErrorOfADeployIsItsOwnAndNoneOfAnEarlierOne(t *testing.T) {
	onlyUnix(t)
	stage := fleettest.Sandbox
	a := openAccounts(t)
	a.Bootstrapped(stage, "CDKToolkit", "hnb659fds", 33)
	run := func(days int) fleet.Outcome {
		outcomes, err := a.deployment(stage, days).Run(t.Context(), []stages.Stage{stage})
		require.NoError(t, err)
		return outcomes[0]
	}
	require.Equal(t, fleet.Done, run(3).State)
	broken := func(message string) {
		a.InjectFault(rehearsal.Fault{ResourceType: "AWS::Logs::LogGroup", Operation: "Create", Count: 1, Code: "LimitExceededException", Message: message})
	}
	broken("the first failure")
	require.Contains(t, run(5).Problem, "the first failure")
	broken("the second failure")
	second := run(7).Problem
	require.Contains(t, second, "the second failure")
	require.NotContains(t, second, "the first failure")

	// One that changes nothing has no status of the stack to tell, which an earlier one has brought it to.
	remove := a.InjectFault(rehearsal.Fault{Service: "cloudformation", Operation: "CreateChangeSet", Status: 403, Code: "AccessDenied", Message: "not you"})
	third := run(14).Problem
	remove()
	require.Contains(t, third, "Stage dev was not deployed: stack dev-notes was not changed.")
	require.Contains(t, third, "not you")
	require.NotContains(t, third, "ROLLBACK")
}
