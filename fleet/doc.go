// Package fleet looks after the accounts of a set of stages: what each of them really holds, asked from
// the services themselves. It imports the AWS SDK and not the CDK, so that a command built on it needs
// neither Node nor the program.
package fleet
