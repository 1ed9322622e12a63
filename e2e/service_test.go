package e2e

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamodbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/e2e/inventory"
	"github.com/roadshow-go/roadshow/internal/fleet"
	"github.com/roadshow-go/roadshow/rehearsal"
	"github.com/roadshow-go/roadshow/stages"
)

// The stages of app.go.
const (
	dev        = "dev"
	staging    = "staging"
	production = "production"
)

// TestTheNotesServiceInThreeAccounts is the life of the service, in the order of its subtests.
func TestTheNotesServiceInThreeAccounts(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for _, step := range []struct {
		name string
		test func(*rig, *testing.T)
	}{
		{"three accounts are bootstrapped and deployed by profile", (*rig).deployThree},
		{"each account holds its own and none of the others'", (*rig).holdTheirOwn},
		{"each stage answers requests, and none sees another's notes", (*rig).answer},
		{"deploying again says no changes", (*rig).deployAgain},
		{"a new commit of unchanged code changes nothing", (*rig).deployNewCommit},
		{"a stage is the same bytes alone and with all", (*rig).compareAloneAndAll},
		{"what must not be deployed is refused with its reason and creates nothing", (*rig).refuse},
		{"a changed memory reaches the account by a second deploy", (*rig).changeMemory},
		{"destroy leaves nothing of dev", (*rig).destroyDev},
		{"production is protected and its table outlives it", (*rig).destroyProduction},
		{"a deploy that meets a taken name rolls back and succeeds once the name is free", (*rig).meetTakenName},
		{"a stack whose account was removed from under it is refused", (*rig).removeAccount},
		{"the endpoint was asked nothing that it does not know", (*rig).askedNothingUnknown},
	} {
		if !t.Run(step.name, func(t *testing.T) { step.test(r, t) }) {
			// Each step stands on the one before.
			return
		}
	}
}

// holdings asks a stage's account by the SDK.
func (r *rig) holdings(t *testing.T, name string) *inventory.Holdings {
	t.Helper()
	holdings, err := inventory.Read(t.Context(), r.config(t, name), r.stage(t, name), r.program.Service)
	require.NoError(t, err)
	return holdings
}

func (r *rig) deployThree(t *testing.T) {
	r.deployed(t)
	for _, stage := range r.program.Stages {
		require.Contains(t, said["bootstrap "+stage.Name], "Environment aws://"+stage.Account+"/"+stage.Region+" bootstrapped")
		output := said["deploy "+stage.Name]
		require.Contains(t, output, "roadshow: notes, stage "+stage.Name+" (account "+stage.Account+", "+stage.Region+", "+stage.Tier.String()+")")
		require.Contains(t, output, "✅  notes ("+stage.Name+"-notes)\n")
		require.Contains(t, output, "notes.ApiURL = https://")
	}
}

func (r *rig) holdTheirOwn(t *testing.T) {
	for _, stage := range r.program.Stages {
		held := r.holdings(t, stage.Name)
		protected, memory := stage.Name == production, 256
		if stage.Name == production {
			memory = 1024
		}
		require.Equal(t, stage.Name+"-notes", held.Stack.Name)
		require.Equal(t, "CREATE_COMPLETE", held.Stack.Status)
		require.Equal(t, protected, held.Stack.Protected)
		require.Equal(t, []inventory.Table{{Name: stage.Name + "-notes-notes", Status: "ACTIVE", Protected: protected}}, held.Tables)
		require.Len(t, held.APIs, 1)
		require.Equal(t, stage.Name+"-notes-api", held.APIs[0].Name)
		require.Equal(t, held.Stack.Outputs["ApiURL"], held.APIs[0].Endpoint)

		want := map[string]int{"create-note": memory, "get-note": 256, "list-notes": 256}
		if stage.Name != production {
			want["seed-notes"] = 256
		}
		got := map[string]int{}
		for _, function := range held.Functions {
			got[strings.TrimPrefix(function.Name, stage.Name+"-notes-")] = function.Memory
			require.Equal(t, stage.Name+"-notes-notes", function.Environment["NOTES_TABLE"])
			if stage.Name == production {
				require.Equal(t, held.Clusters[0].Endpoint, function.Environment["NOTES_DAX_ENDPOINT"])
				require.True(t, strings.HasPrefix(function.Environment["NOTES_DAX_ENDPOINT"], "daxs://"), "encrypted in transit")
				require.Equal(t, held.Networks[0].ID, function.Network)
			} else {
				require.NotContains(t, function.Environment, "NOTES_DAX_ENDPOINT")
				require.Empty(t, function.Network, "without DAX no function is in a network")
			}
		}
		require.Equal(t, want, got)
		if stage.Name == production {
			require.Len(t, held.Clusters, 1)
			require.Equal(t, 3, held.Clusters[0].Nodes)
			require.Len(t, held.Networks, 1)
		} else {
			require.Empty(t, held.Clusters)
			require.Empty(t, held.Networks)
		}
	}
	if r.Server == nil {
		return
	}
	// Whatever the services show: nothing in an account speaks of another stage or account.
	for _, stage := range r.program.Stages {
		all := asText(t, r.Server.Resources(stage.Account, stage.Region))
		for _, other := range r.program.Stages {
			if other.Name != stage.Name {
				require.NotContains(t, all, other.Name+"-notes")
				require.NotContains(t, all, other.Account)
			}
		}
	}
	require.Empty(t, r.Server.Resources(stranger.Account, stranger.Region))
}

// asText is everything that resources are.
func asText(t *testing.T, resources []rehearsal.Resource) string {
	t.Helper()
	text, err := json.Marshal(resources)
	require.NoError(t, err)
	return string(text)
}

func (r *rig) deployAgain(t *testing.T) {
	r.each(t, func(t *testing.T, stage stages.Stage) {
		before := r.holdings(t, stage.Name)
		output := r.must(t, command{stage: stage.Name}, "deploy")
		require.Contains(t, output, "✅  notes ("+stage.Name+"-notes) (no changes)")
		require.Equal(t, before, r.holdings(t, stage.Name))
	})
	require.Contains(t, r.must(t, command{stage: production}, "diff", "--fail"), "There were no differences")
}

func (r *rig) deployNewCommit(t *testing.T) {
	// As if it was another commit: here, none at all. The name is an assertion that holds.
	output := r.must(t, command{stage: staging, environ: []string{"GIT_DIR=" + folder}}, "deploy", "-c", "stage=staging")
	require.Contains(t, output, "✅  notes (staging-notes) (no changes)")
}

func (r *rig) compareAloneAndAll(t *testing.T) {
	outdir := func(name string) string { return filepath.Join(r.place.Folder, "compared", name) }
	// Other people may commit to the checkout meanwhile.
	environ := func(name string) []string { return []string{"GIT_DIR=" + folder, "CDK_OUTPUT=" + outdir(name)} }
	t.Run("synthesize", func(t *testing.T) {
		t.Run("all", func(t *testing.T) {
			t.Parallel()
			r.must(t, command{environ: append(environ("all"), r.noCredentials()...)}, "synth", "--quiet", "-c", "stage=all")
		})
		for _, stage := range r.program.Stages {
			t.Run(stage.Name, func(t *testing.T) {
				t.Parallel()
				r.must(t, command{stage: stage.Name, environ: environ(stage.Name)}, "synth", "--quiet")
			})
		}
	})
	for _, stage := range r.program.Stages {
		alone, together := outdir(stage.Name), filepath.Join(outdir("all"), "assembly-"+stage.Name)
		require.Equal(t, read(t, alone, "notes.template.json"), read(t, together, "notes.template.json"))
		want, got := assetHashes(t, alone), assetHashes(t, together)
		require.Equal(t, want, got)
		functions := 4
		if stage.Name == production {
			functions = 3
		}
		require.Len(t, got, functions+1, "an asset for each function, and the template")
	}
}

func read(t *testing.T, folder, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(folder, name))
	require.NoError(t, err)
	return string(data)
}

func assetHashes(t *testing.T, folder string) []string {
	t.Helper()
	var assets struct {
		Files map[string]struct{} `json:"files"`
	}
	require.NoError(t, json.Unmarshal([]byte(read(t, folder, "notes.assets.json")), &assets))
	var hashes []string
	for hash := range assets.Files {
		hashes = append(hashes, hash)
	}
	slices.Sort(hashes)
	return hashes
}

// noCredentials are variables that take all credentials away.
func (r *rig) noCredentials() []string {
	return []string{
		"AWS_CONFIG_FILE=" + os.DevNull, "AWS_SHARED_CREDENTIALS_FILE=" + os.DevNull, "AWS_EC2_METADATA_DISABLED=true",
		"AWS_ACCESS_KEY_ID=", "AWS_SECRET_ACCESS_KEY=", "AWS_SESSION_TOKEN=", "AWS_PROFILE=",
		"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI=", "AWS_CONTAINER_CREDENTIALS_FULL_URI=", "AWS_WEB_IDENTITY_TOKEN_FILE=", "AWS_ROLE_ARN=",
	}
}

func (r *rig) refuse(t *testing.T) {
	table := "\n\n" + stages.Set(r.program.Stages).Table() + "\n"
	account := func(name string) string { return r.stage(t, name).Account }
	noAccount := "\nroadshow: there are no AWS credentials, and no stage is named.\nUse --profile with a profile of one of " +
		"these accounts (is it spelled as in your AWS config?), or only read, without credentials, with -c stage=dev or -c stage=all:" + table
	refusals := []struct {
		name      string
		command   command
		arguments []string
		want      string
	}{
		{
			"the account of another stage",
			command{stage: dev},
			[]string{"-c", "stage=production"},
			"\nroadshow: stage production belongs to account " + account(production) + "; your credentials are of account " + account(dev) +
				".\nUse a profile of account " + account(production) + ", as in --profile production.\n",
		},
		{
			"a stage outside the set",
			command{stage: dev},
			[]string{"-c", "stage=pr-7"},
			"\nroadshow: The set has no stage \"pr-7\" (-c stage=pr-7).\nWrite -c stage=NAME with one of these:" + table,
		},
		{
			"all stages with the credentials of one",
			command{stage: dev},
			[]string{"-c", "stage=all"},
			"\nroadshow: -c stage=all only reads, and your credentials are of account " + account(dev) + ".\nRun it without credentials, or name the account's stage.\n",
		},
		{"no credentials and no stage", command{environ: r.noCredentials()}, nil, noAccount},
		{"a mistyped profile", command{environ: r.noCredentials()}, []string{"--profile", "prodcution"}, noAccount},
	}
	if r.Server != nil {
		refusals = append(refusals, struct {
			name      string
			command   command
			arguments []string
			want      string
		}{
			"an account of no stage",
			command{stage: stranger.Name},
			nil,
			"\nroadshow: account 999999999999 belongs to no stage of the set.\nUse a profile of one of these accounts, or add a stage:" + table,
		})
	}
	before := r.everything(t)
	calls := r.calls()
	for _, verb := range []string{"deploy"} {
		t.Run("refused", func(t *testing.T) {
			for _, refusal := range refusals {
				t.Run(refusal.name, func(t *testing.T) {
					t.Parallel()
					output, err := r.cdk(t, refusal.command, append([]string{verb}, refusal.arguments...)...)
					require.Error(t, err)
					require.Contains(t, output, refusal.want)
					require.NotContains(t, output, "--all", "deploying every stage must never be a habit")
				})
			}
		})
	}
	require.Equal(t, before, r.everything(t))
	for _, call := range r.calls()[len(calls):] {
		// The inventory after the refusals asks too, and changes nothing.
		require.False(t, strings.HasPrefix(call.Operation, "Create") || strings.HasPrefix(call.Operation, "Put"), call)
		require.NotEqual(t, "AssumeRole", call.Operation, "no role is taken for what is refused")
	}
}

// everything is what the accounts hold, as far as it can be seen.
func (r *rig) everything(t *testing.T) any {
	t.Helper()
	if r.Server == nil {
		return []*inventory.Holdings{r.holdings(t, dev), r.holdings(t, staging), r.holdings(t, production)}
	}
	all := map[string]string{}
	for _, stage := range append(slices.Clone(r.program.Stages), stranger) {
		all[stage.Account] = asText(t, r.Server.Resources(stage.Account, stage.Region))
	}
	return all
}

func (r *rig) calls() []rehearsal.Call {
	if r.Server == nil {
		return nil
	}
	return r.Server.Calls()
}

func (r *rig) changeMemory(t *testing.T) {
	changed := r.variant(t, "memory")
	others := []*inventory.Holdings{r.holdings(t, staging), r.holdings(t, production)}

	output, err := r.cdk(t, command{stage: dev, app: changed}, "diff", "--fail")
	require.Error(t, err)
	require.Contains(t, output, "MemorySize")
	output = r.must(t, command{stage: dev, app: changed}, "deploy")
	require.Contains(t, output, "✅  notes (dev-notes)\n")
	held := r.holdings(t, dev)
	require.Equal(t, "UPDATE_COMPLETE", held.Stack.Status)
	memory := map[string]int{}
	for _, function := range held.Functions {
		memory[function.Name] = function.Memory
	}
	require.Equal(t, map[string]int{
		"dev-notes-create-note": 512, "dev-notes-get-note": 256, "dev-notes-list-notes": 256, "dev-notes-seed-notes": 256,
	}, memory)
	require.Equal(t, others, []*inventory.Holdings{r.holdings(t, staging), r.holdings(t, production)})
}

func (r *rig) destroyDev(t *testing.T) {
	others := []*inventory.Holdings{r.holdings(t, staging), r.holdings(t, production)}
	output := r.must(t, command{stage: dev}, "destroy", "--force")
	require.Contains(t, output, "notes (dev-notes): destroyed")
	require.True(t, r.holdings(t, dev).Empty())
	if r.Server != nil {
		r.onlyBootstrapLeft(t, dev)
	}
	require.Equal(t, others, []*inventory.Holdings{r.holdings(t, staging), r.holdings(t, production)})
}

// onlyBootstrapLeft requires that an account holds what cdk bootstrap made, and resources of the given
// types besides.
func (r *rig) onlyBootstrapLeft(t *testing.T, name string, besides ...string) {
	t.Helper()
	stage := r.stage(t, name)
	for _, left := range r.Server.Resources(stage.Account, stage.Region) {
		require.True(t, left.Stack == "CDKToolkit" || slices.Contains(besides, left.Type), "%s %s is left", left.Type, left.PhysicalID)
	}
}

func (r *rig) destroyProduction(t *testing.T) {
	before := r.holdings(t, production)
	output, err := r.cdk(t, command{stage: production}, "destroy", "--force")
	require.Error(t, err)
	require.Contains(t, output, "Stack [production-notes] cannot be deleted while TerminationProtection is enabled")
	require.Equal(t, before, r.holdings(t, production))

	_, err = cloudformation.NewFromConfig(r.config(t, production)).UpdateTerminationProtection(t.Context(), &cloudformation.UpdateTerminationProtectionInput{
		StackName: aws.String("production-notes"), EnableTerminationProtection: aws.Bool(false),
	})
	require.NoError(t, err)
	output = r.must(t, command{stage: production}, "destroy", "--force")
	require.Contains(t, output, "notes (production-notes): destroyed")
	require.Equal(t, &inventory.Holdings{Stage: before.Stage, Service: "notes", Tables: before.Tables}, r.holdings(t, production))
	if r.Server != nil {
		r.onlyBootstrapLeft(t, production, "AWS::DynamoDB::Table", "AWS::Logs::LogGroup")
	}

	// AWS itself still keeps it, until somebody says otherwise.
	tables := dynamodb.NewFromConfig(r.config(t, production))
	_, err = tables.DeleteTable(t.Context(), &dynamodb.DeleteTableInput{TableName: &before.Tables[0].Name})
	require.ErrorContains(t, err, "deletion protection")
}

func (r *rig) meetTakenName(t *testing.T) {
	tables := dynamodb.NewFromConfig(r.config(t, dev))
	_, err := tables.CreateTable(t.Context(), &dynamodb.CreateTableInput{
		TableName: aws.String("dev-notes-notes"), BillingMode: dynamodbtypes.BillingModePayPerRequest,
		KeySchema:            []dynamodbtypes.KeySchemaElement{{AttributeName: aws.String("id"), KeyType: dynamodbtypes.KeyTypeHash}},
		AttributeDefinitions: []dynamodbtypes.AttributeDefinition{{AttributeName: aws.String("id"), AttributeType: dynamodbtypes.ScalarAttributeTypeS}},
	})
	require.NoError(t, err)
	output, err := r.cdk(t, command{stage: dev}, "deploy")
	require.Error(t, err)
	require.Contains(t, output, "dev-notes-notes")
	require.Contains(t, output, "already exists")
	held := r.holdings(t, dev)
	require.Contains(t, []string{"ROLLBACK_COMPLETE", "REVIEW_IN_PROGRESS"}, held.Stack.Status)
	require.Empty(t, held.Functions)
	require.Empty(t, held.APIs)

	_, err = tables.DeleteTable(t.Context(), &dynamodb.DeleteTableInput{TableName: aws.String("dev-notes-notes")})
	require.NoError(t, err, "what the stack did not make, its roll back did not delete")
	require.NoError(t, dynamodb.NewTableNotExistsWaiter(tables).Wait(t.Context(), &dynamodb.DescribeTableInput{TableName: aws.String("dev-notes-notes")}, r.patience))
	output = r.must(t, command{stage: dev}, "deploy")
	require.Contains(t, output, "✅  notes (dev-notes)\n")
	require.Len(t, r.holdings(t, dev).Functions, 4)
	if elsewhere() {
		r.must(t, command{stage: dev}, "destroy", "--force")
	}
}

func (r *rig) removeAccount(t *testing.T) {
	r.onlyRehearsed(t, "a real account is not closed by a test")
	stage := r.stage(t, staging)
	before := r.everything(t)
	r.Server.Account(stage.Account).CloseAccount()
	t.Run("refused", func(t *testing.T) {
		for _, verb := range []string{"deploy", "diff", "destroy"} {
			t.Run(verb, func(t *testing.T) {
				t.Parallel()
				arguments := []string{verb}
				if verb == "destroy" {
					arguments = append(arguments, "--force")
				}
				output, err := r.cdk(t, command{stage: staging}, arguments...)
				require.Error(t, err)
				require.Contains(t, output, "The security token included in the request is invalid")
			})
		}
	})
	require.Equal(t, before, r.everything(t))
	_, err := inventory.Read(t.Context(), r.config(t, staging), stage, r.program.Service)
	var failed *fleet.ServiceError
	require.ErrorAs(t, err, &failed)
	require.Equal(t, "STS", failed.Service)
}

func (r *rig) askedNothingUnknown(t *testing.T) {
	r.onlyRehearsed(t, "it counts the rehearsal's calls")
	for _, call := range r.calls() {
		require.NotEqual(t, 501, call.Status, call)
	}
}

// A stage that keeps its data keeps it when the stack is deleted, and not when its first deploy fails:
// else nothing could be deployed again.
func TestADeployThatFailsHalfWayLeavesNothingAndTheNextOneSucceeds(t *testing.T) {
	if elsewhere() {
		t.Skip("on the rehearsal only: AWS makes no fault to order")
	}
	t.Parallel()
	r := newRig(t)
	r.bootstrap(t)
	lift := r.Server.InjectFault(rehearsal.Fault{
		Account: r.stage(t, staging).Account, ResourceType: "AWS::ApiGatewayV2::Route", Operation: "Create",
		Status: 429, Code: "TooManyRequestsException", Message: "the routes are sold out",
	})
	output, err := r.cdk(t, command{stage: staging}, "deploy")
	require.Error(t, err)
	require.Contains(t, output, "the routes are sold out")
	r.onlyBootstrapLeft(t, staging)
	require.Equal(t, "ROLLBACK_COMPLETE", r.holdings(t, staging).Stack.Status)

	lift()
	output = r.must(t, command{stage: staging}, "deploy")
	require.Contains(t, output, "✅  notes (staging-notes)\n")
	held := r.holdings(t, staging)
	require.Equal(t, "CREATE_COMPLETE", held.Stack.Status)
	require.Len(t, held.Tables, 1)
}

func TestNothingCanLeaveTheMachine(t *testing.T) {
	if notAlone != nil {
		t.Skipf("this run is not where only loopback exists: %v. Its children still find no proxy and no endpoint but the rehearsal's", notAlone)
	}
	requireOnlyLoopback(t)
}

func TestAChildThatIsNotWaitedForIsEnded(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	started := make(chan struct{})
	go func() {
		<-started
		cancel()
	}()
	// The shell says its word, and would then live for an hour; so would what it started in the background.
	_, err := Run(ctx, Child{
		Command: []string{"sh", "-c", "sleep 3600 & echo started; sleep 3600"}, Dir: t.TempDir(),
		Environ: append(os.Environ(), "ROADSHOW_E2E_SLEEPER="+t.Name()), Also: &closer{when: started},
	})
	require.ErrorIs(t, err, context.Canceled)
	var failed *ChildError
	require.ErrorAs(t, err, &failed)
	require.Equal(t, "started\n", failed.Output)
}

// closer closes a channel at the first thing written.
type closer struct{ when chan struct{} }

func (c *closer) Write(text []byte) (int, error) {
	if c.when != nil {
		close(c.when)
		c.when = nil
	}
	return len(text), nil
}
