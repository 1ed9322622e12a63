// Package parity proves that the stages of a program are identical, and says where they are not. It
// is pure Go over CloudFormation templates: it imports neither the AWS CDK nor the AWS SDK, and
// does not care how a template came to be.
//
// Templates are equal but for identity when one skeleton makes them all: a template in which some
// pieces of some strings are left open for a stage's name, its account, its region or one of its
// physical names, such that filling in each stage's own values gives each stage's own template.
// [Compare] decides that for any number of templates at once, and lists the places where no
// skeleton exists.
//
// There are no placeholders. A constant MODE=prod in a stage called prod is no difference from
// MODE=prod in a stage called dev, because the same characters are the same characters; and it
// hides nothing, because what one stage's value is matched with is the other stage's value of the
// same meaning, whole.
//
// [Prove] asks a [Player] for templates, of stages as they are and of understudies
// ([stages.Stage.As]: one stage's identity playing another's choices), and compares all that were
// made under the same choices. What then still differs was not declared.
//
// # What the walk cannot see
//
// Two templates that a skeleton makes are taken for equal even where the program got there by a
// branch: in two stages, `if name == "dev" { mode = "dev" } else { mode = "production" }` and
// `mode = name` are the same. Every further stage that is compared narrows this down, since the skeleton
// must fit all.
//
// The shorter an identity, the more it fits: of a stage called a, any single letter a may be its
// name, but only where each other stage has its own name in that very place, and the rest still
// matches.
//
// A constant that is another stage's table, written out, is the same text in every stage and no
// difference. Where it names the account as well, [ForeignAccounts] finds it.
//
// A name that is derived from identity (upper case, a prefix, a hash, base64) is a difference,
// unless it is itself in the list of identities: put it into the ledger.
package parity
