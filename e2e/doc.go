// Package e2e is the end-to-end suite: the real cdk command, as npm installs it, and the real AWS SDK
// deploy the notes service to three accounts. The accounts are a rehearsal in the test's own process, or
// any endpoint that is named; README.md says how.
//
// What is not a test in here is what the suite and the demo share: a [World] of accounts, the [Program]
// that is deployed to them, and the [Child] processes that do it.
package e2e
