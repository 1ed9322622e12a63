// Package execution runs Lambda functions on this machine: it is Lambda's execution environments
// and the Runtime API that they talk to, and knows no other service.
//
// Each environment is one process, which leads a process group of its own. It is started by the
// first invocation that finds no idle one (a cold start), serves one invocation at a time, and ends
// when it was idle for a while, when its function has changed, when it times out or crashes, or
// with the [Host].
//
// What differs from Lambda: the process sees this machine's files and network, with this machine's
// /tmp; its memory is not limited; it is not frozen between invocations; there are no extensions,
// no layers, no streamed responses.
//
// When this process is killed, the kernel ends the environments with it on Linux and on Windows.
// Elsewhere an environment ends as soon as it next speaks to the Runtime API, which is gone: an
// idle one at once, since it waits there.
//
// https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
package execution
