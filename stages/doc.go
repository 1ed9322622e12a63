// Package stages says WHERE a program runs: the stages of an organisation, which of them a component is
// for, what its things are called there, and which one a deploy means. It is pure Go: it imports neither
// the AWS CDK nor the AWS SDK.
//
// A [Stage] is one AWS account in one region, with a name. A [Set] is all of them. The same program
// defines the same stack for every stage; where stages must differ, the difference is declared:
//
//   - a [Selector] says which stages have a component: stages.Only(Production), stages.Except(Dev);
//   - a [Pick] is a setting with another value in some stages: stages.Pick(s, 256, stages.When(Production, 1024));
//   - a [Tier] says what a stage may lose, and with it how long its data outlives its stack.
//
// Because differences are declared, they can be listed, and everything else can be proven identical:
// [Stage.As] makes one stage play another's part.
package stages
