// Package rehearsal is an AWS endpoint in memory, with as many accounts as a
// set of stages has, on which the real cdk command and the real AWS SDKs work.
//
// It listens on loopback in the caller's own process. Accounts are told apart
// by the access key that signs a request, or by the credentials of a role that
// AssumeRole gave out. It is strict where a lenient stand-in would prove
// nothing: an operation it does not know answers 501 with its name, a resource
// type it does not know fails to create, and a name that is taken is refused in
// the words AWS uses.
package rehearsal
