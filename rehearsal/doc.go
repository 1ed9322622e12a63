// Package rehearsal is an AWS endpoint in memory, with as many accounts as a
// set of stages has, on which the real cdk command and the real AWS SDKs work.
//
// It listens on loopback in the caller's own process. Accounts are told apart
// by the access key that signs a request, or by the credentials of a role that
// AssumeRole gave out; signatures are checked. It is strict where a lenient
// stand-in would prove nothing: an operation it does not know answers 501 with
// its name, a resource type it does not know fails to create, and a name that
// is taken is refused in the words AWS uses.
//
// A client reaches it by its URL in AWS_ENDPOINT_URL and AWS_ENDPOINT_URL_STS
// or as the BaseEndpoint of its configuration. The cdk command also wants it in
// AWS_ENDPOINT_URL_S3_FOR_CLOUDFORMATION, an empty folder in CDK_HOME, where it
// remembers which account a key belongs to, and AWS_EC2_METADATA_DISABLED=true.
//
// One file holds one service. All of them, and CloudFormation, read and write
// one store of resources: what a stack made is what the services show. The
// rules for each type of resource are data, in rules.go.
//
// Save writes what the accounts hold, Load reads it again, or a document by hand
// that seeds them. What a service keeps besides resources is part of it by one
// line: see keep, in keep.go.
//
// Accounts have quotas, which Service Quotas shows and raises, and which refuse
// what exceeds them: see Console.SetQuota.
//
// Functions run: Invoke starts what was deployed, under the credentials of the
// function's role, and CloudWatch Logs has its lines. See Functions. Tables hold
// items: internal/dynamo answers what is asked of them, and knows no server.
//
// HTTP APIs and the URLs of functions are served on loopback. See API.
//
// What a function calls under its role is decided by policies, as AWS decides it:
// internal/policy decides, and knows no server; actions.go says which rights each
// operation needs.
//
// Custom resources are made by the functions that they name: see customresource.go. Keys of KMS encrypt
// nothing, queues hold messages in internal/queue, and what topics and buses are sent, nobody gets yet.
//
// What it does not do: decide what callers may who are no functions, except who may
// assume a role or use a key; start functions by events or by time; nested stacks and
// drift; the checks of names and properties that newer change sets make before they
// are executed.
//
// What the services refuse of a resource is in internal/rules, and the book of it,
// with a source for each refusal, in the package refusals.
package rehearsal
