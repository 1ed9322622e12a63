// Package fleet looks after the accounts of a set of stages: what each of them really holds, asked from
// the services themselves, and what is done to all of them together: bootstrap, deploy, remove. It imports
// the AWS SDK and not the CDK. Deploying itself is always the real cdk command, on an assembly that is
// ready; see [CDK].
//
// Nothing here remembers what it did. What is to be done next is decided by what the accounts say, so
// whatever was interrupted is taken up by doing it again.
package fleet
