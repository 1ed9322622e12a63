// Package stages says WHERE a program runs: the stages of an organisation, which of them a component is
// for, what its things are called there, and which one a deploy means. It is pure Go: it imports neither
// the AWS CDK nor the AWS SDK.
//
// # The idea
//
// A team runs its program more than once: for development, for rehearsal, for its users. Each run has an
// AWS account of its own, so that a mistake in one cannot reach another. The AWS CDK turns a program that
// names its infrastructure (a table here, a function there) into a CloudFormation template, and
// CloudFormation makes an account look like the template. This package knows the accounts, and makes one
// program serve all of them.
//
// A [Stage] is one AWS account in one region, with a name. A [Set] is all of them:
//
//	var (
//		Dev        = stages.Stage{Name: "dev", Account: "111111111111", Region: "us-east-1", Tier: stages.Sandbox}
//		Production = stages.Stage{Name: "production", Account: "333333333333", Region: "us-east-1", Tier: stages.Protected}
//		All        = stages.Set{Dev, Production}
//	)
//
// # What may differ
//
// The same program defines the same stack for every stage; where stages must differ, the difference is
// declared:
//
//   - a [Selector] says which stages have a component: stages.Only(Production), stages.Except(Dev);
//   - a [Pick] is a setting with another value in some stages: stages.Pick(s, 256, stages.When(Production, 1024));
//   - a [Tier] says what a stage may lose, and with it how long its data outlives its stack.
//
// Because differences are declared, they can be listed ([Choices]), and everything else can be proven
// identical: [Stage.As] makes one stage play another's part.
//
// A shared construct cannot know an application's stages, so it selects by tier. The code that defines
// the stack needs no stage's name, tier or account: what it would ask them for is one of the three above,
// or a physical name.
//
// # Names
//
// [Kind.Name] builds {stage}-{service}-{name} within AWS's rules for each kind of thing; two different
// things never share a name. [Kinds] lists the rules, each with the AWS page that states it. The [Ledger]
// holds every name of every stage, and finds those that would meet.
//
// # Which stage a deploy means
//
// `cdk deploy --profile production` tells the program only the account of the profile, so the account
// selects the stage, and a name that is given too is an assertion that is checked: [Set.Select].
//
// # Stages that come and go
//
// [Stage.Template] is a family of stages in one account: a pull request or a branch becomes a stage of its
// own, with a time to live. [Set.With] says what a stage would add before its account exists.
package stages
