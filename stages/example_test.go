package stages_test

import (
	"errors"
	"fmt"
	"time"

	"github.com/roadshow-go/roadshow/stages"
)

func ExampleStage() {
	stage := stages.Stage{
		Name: "staging", Account: "222222222222", Region: "eu-west-1",
		PermissionsBoundary: "team/limit", // every role gets this policy of the account as its limit
		Qualifier:           "team1",      // the account was prepared by: cdk bootstrap --qualifier team1
	}
	fmt.Println(stage, stage.Tier, stage.BootstrapQualifier())
	// Output: staging standard team1
}

func ExampleSet() {
	set := stages.Set{dev, staging, production, dev.Template("pr-*")}
	fmt.Println(set.Validate())
	fmt.Println(set.Table())
	// Output:
	// <nil>
	//   STAGE       ACCOUNT       REGION     TIER
	//   dev         111111111111  us-east-1  sandbox
	//   staging     222222222222  us-east-1  standard
	//   production  333333333333  us-east-1  protected
	//   pr-*        111111111111  us-east-1  sandbox
}

func ExampleSet_Select() {
	set := stages.Set{dev, staging, production}
	selected, err := set.Select(stages.Request{Account: "222222222222"})
	fmt.Println(selected, err)

	_, err = set.Select(stages.Request{Account: "111111111111", Name: "production"})
	var wrong *stages.WrongAccountError
	fmt.Println(errors.As(err, &wrong), err)
	// Output:
	// [staging] <nil>
	// true stage production belongs to account 333333333333; your credentials are of account 111111111111.
	// Use a profile of account 333333333333, as in --profile production.
}

func ExampleSet_Resolve() {
	set := stages.Set{dev, dev.Template("dev-*")}
	stage, note, _ := set.Resolve("dev-feature/ABC")
	fmt.Println(stage.Name, stage.Account)
	fmt.Println(note)
	// Output:
	// dev-feature-abc-nmfrbc0mfl 111111111111
	// stage dev-feature-abc-nmfrbc0mfl: made of "dev-feature/ABC", which is no lower-case DNS label of at most 32 characters
}

func ExampleSet_With() {
	set := stages.Set{dev, production}
	// The ledger and the choices are those of a synthesis of any stage of the set.
	ledger := stages.NewLedger(set, "notes")
	ledger.Record(stages.Entry{Kind: stages.S3Bucket, Owner: "files", Name: "files"})
	choices := stages.NewChoices(set, dev)
	choices.Includes("cache", stages.Only(stages.Protected), stages.Caller())

	canary := set.With(stages.Stage{Name: "canary", Region: "eu-west-1", Tier: stages.Protected})
	addition, err := canary.Adds(ledger, choices)
	fmt.Println(addition.Names[0].Name, err)
	fmt.Println(addition.Choices[1].Of, addition.Choices[1].Outcome)
	// Output:
	// canary-notes-files-000000000000-eu-west-1-an <nil>
	// cache in
}

func ExampleStage_As() {
	understudy := production.As(dev)
	fmt.Println(understudy, understudy.Account, understudy.Tier)
	fmt.Println(stages.Selects(stages.Only(dev), understudy), stages.Selects(stages.Only(production), understudy))
	// Output:
	// production as dev 333333333333 sandbox
	// true false
}

func ExampleStage_Template() {
	set := stages.Set{dev, production, dev.Template("pr-*").ExpiresAfter(72 * time.Hour)}
	stage, err := set.Find("pr-417")
	fmt.Println(stage.Name, stage.Account, stage.Role(), stage.TimeToLive(), err)

	lastUpdate := time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)
	expiry, _ := stage.Expiry(lastUpdate)
	fmt.Println(expiry)
	// Output:
	// pr-417 111111111111 dev 72h0m0s <nil>
	// 2026-01-05 12:00:00 +0000 UTC
}

func ExampleTier() {
	// A shared construct selects by tier: it cannot know an application's stages.
	guard := stages.Only(stages.Protected)
	for _, stage := range []stages.Stage{dev, staging, production} {
		fmt.Println(stage, stage.Tier, stages.Selects(guard, stage))
	}
	// Output:
	// dev sandbox false
	// staging standard false
	// production protected true
}

func ExampleOnly() {
	cache := stages.Only(production)
	fmt.Println(cache, stages.Selects(cache, dev), stages.Selects(cache, production))
	// Output: stages.Only(production) false true
}

func ExampleExcept() {
	seed := stages.Except(stages.Protected)
	fmt.Println(seed, stages.Selects(seed, dev), stages.Selects(seed, production))
	// Output: stages.Except(protected) true false
}

// In a program, the first argument of Pick is the *stack.Stack that is being defined.
func ExamplePick() {
	for _, stage := range []stages.Stage{dev, production} {
		s := stages.NewChoices(stages.Set{dev, production}, stage)
		memory := stages.Pick(s, 256, stages.When(production, 1024))
		fmt.Println(stage, memory)
	}
	// Output:
	// dev 256
	// production 1024
}

func ExampleChoices() {
	choices := stages.NewChoices(stages.Set{dev, production}, dev)
	choices.Includes("cache", stages.Only(production), stages.Position{File: "app.go", Line: 21})
	for _, one := range choices.Made() {
		fmt.Println(one.Kind, one.Of, one.Declaration, one.Outcome)
	}
	// Output:
	// tier  Stage.Tier sandbox
	// selector cache stages.Only(production) out
}

func ExampleKind_Name() {
	for _, part := range []stages.Part{
		{Stage: "dev", Service: "notes", Name: "create-note"},
		{Stage: "dev", Service: "notes", Name: "create-note", Revision: 2},
		{Stage: "dev-alice", Service: "notes", Name: "create-note"}, // the stage holds a hyphen
	} {
		fmt.Println(stages.LambdaFunction.Name(part))
	}
	fmt.Println(stages.DAXCluster.Name(production.Part("notes", "notes", 0))) // 20 characters at most
	fmt.Println(stages.S3Bucket.Name(dev.Part("notes", "files", 0)))
	fmt.Println(stages.SSMParameter.Name(dev.Part("notes", "table", 0)))
	// Output:
	// dev-notes-create-note <nil>
	// dev-notes-create-note-r2 <nil>
	// dev-alice--notes--create-note <nil>
	// productio-t64mz9mf6l <nil>
	// dev-notes-files-111111111111-us-east-1-an <nil>
	// /roadshow/dev/notes/table <nil>
}

func ExampleKinds() {
	for _, kind := range stages.Kinds() {
		if kind.FoldsCase {
			fmt.Println(kind.Title, kind.Max, kind.Scope)
		}
	}
	// Output:
	// DAX cluster 20 region
	// DAX parameter group 63 region
	// DAX subnet group 63 region
	// IAM policy 128 account
	// IAM role 64 account
	// security group 255 parent
}

func ExampleLabel() {
	fmt.Println(stages.Label("fix-417", 32))
	fmt.Println(stages.Label("feature/ABC", 32))
	// Output:
	// fix-417 false
	// feature-abc-43s4mlslss true
}

func ExampleLedger() {
	ledger := stages.NewLedger(stages.Set{dev, production}, "notes")
	ledger.Record(stages.Entry{Kind: stages.DynamoDBTable, Owner: "items", Name: "items", At: stages.Position{File: "app.go", Line: 20}})
	fmt.Println(ledger.Check())
	ledger.Record(stages.Entry{Kind: stages.DynamoDBTable, Owner: "archive", Name: "items", At: stages.Position{File: "app.go", Line: 31}})
	fmt.Println(ledger.Check())
	// Output:
	// <nil>
	// archive: name is "dev-notes-items" in stage dev, which items (app.go:20, stage dev) has already (app.go:31).
	// Rename one of the two.
}

func ExampleCollisions() {
	// Two services, perhaps of two programs, as their assemblies list them.
	role := stages.LedgerName{Account: "111111111111", Stage: "dev", Kind: "IAM role", Scope: stages.ScopeAccount, Owner: "a", Name: "deployer"}
	other := role
	other.Owner, other.Name = "b", "Deployer"
	fmt.Println(len(stages.Collisions([]stages.LedgerName{role, other})), "collision: IAM takes two cases for one")
	// Output: 1 collision: IAM takes two cases for one
}

func ExampleFieldError() {
	bad := dev
	bad.Region = "us-east1"
	err := stages.Set{bad}.Validate()
	var field *stages.FieldError
	fmt.Println(errors.As(err, &field), err)
	// Output:
	// true stage "dev": Region is "us-east1"; it must be the code of an AWS region.
	// Write Region: "us-east-1".
}

func ExampleCollisionError() {
	ledger := stages.NewLedger(stages.Set{dev}, "notes")
	ledger.Record(stages.Entry{Kind: stages.Alarm, Owner: "late", Name: "late"})
	ledger.Record(stages.Entry{Kind: stages.CompositeAlarm, Owner: "bad", Name: "late"})
	var collision *stages.CollisionError
	fmt.Println(errors.As(ledger.Check(), &collision), collision.One.Owner, collision.Other.Owner)
	// Output: true late bad
}

func ExampleWrongAccountError() {
	fmt.Println(&stages.WrongAccountError{Stage: production, Account: "111111111111"})
	// Output:
	// stage production belongs to account 333333333333; your credentials are of account 111111111111.
	// Use a profile of account 333333333333, as in --profile production.
}

func ExampleUnknownAccountError() {
	fmt.Println(&stages.UnknownAccountError{Account: "444444444444", Set: stages.Set{dev}})
	// Output:
	// account 444444444444 belongs to no stage of the set.
	// Use a profile of one of these accounts, or add a stage:
	//
	//   STAGE  ACCOUNT       REGION     TIER
	//   dev    111111111111  us-east-1  sandbox
}

func ExampleAmbiguousAccountError() {
	west := stages.Stage{Name: "dev-west", Account: dev.Account, Region: "us-west-2"}
	fmt.Println(&stages.AmbiguousAccountError{Account: dev.Account, Stages: stages.Set{dev, west}})
	// Output:
	// account 111111111111 belongs to several stages: dev, dev-west.
	// Name the one you mean, as in -c stage=dev:
	//
	//   STAGE     ACCOUNT       REGION     TIER
	//   dev       111111111111  us-east-1  sandbox
	//   dev-west  111111111111  us-west-2  standard
}

func ExampleUnknownStageError() {
	fmt.Println(&stages.UnknownStageError{Name: "qa", Set: stages.Set{dev}})
	// Output:
	// The set has no stage "qa" (-c stage=qa).
	// Write -c stage=NAME with one of these:
	//
	//   STAGE  ACCOUNT       REGION     TIER
	//   dev    111111111111  us-east-1  sandbox
}

func ExampleNoAccountError() {
	fmt.Println(&stages.NoAccountError{Set: stages.Set{dev}})
	// Output:
	// there are no AWS credentials, and no stage is named.
	// Use --profile with a profile of one of these accounts (is it spelled as in your AWS config?), or only read, without credentials, with -c stage=dev or -c stage=all:
	//
	//   STAGE  ACCOUNT       REGION     TIER
	//   dev    111111111111  us-east-1  sandbox
}

func ExampleDeployFromError() {
	fmt.Println(&stages.DeployFromError{Account: "999999999999", Set: stages.Set{dev}})
	// Output:
	// account 999999999999 deploys to other accounts, and no stage is named.
	// Write -c stage=NAME with a name of these:
	//
	//   STAGE  ACCOUNT       REGION     TIER
	//   dev    111111111111  us-east-1  sandbox
}

func ExampleAllWithAccountError() {
	fmt.Println(&stages.AllWithAccountError{Account: "111111111111"})
	// Output:
	// -c stage=all only reads, and your credentials are of account 111111111111.
	// Run it without credentials, or name the account's stage.
}
