// Package refusals is the book of what AWS refuses: one row a refusal, with AWS's words, the
// source that tells of it, the smallest template that meets it, and what Roadshow does about it.
//
// It is data, to be read and reviewed as such: one file of table/ a service. A row is
//
//   - id: sqs-visibility-below-timeout     unique; it begins with the service's short name
//     kind: two resources                  one of Kinds
//     moment: create                       when AWS refuses: one of Moments
//     words: "…"                           how; what varies from call to call is left out
//     source: https://…                    AWS's page, or the report of somebody who met it
//     with: [function]                     resources of table/shared.yaml that the template needs
//     resources: {…}                       the smallest template that is refused
//     roadshow: config                     what Roadshow does about it: one of Answers
//     how: …                               in one sentence
//
// A row whose step is refused has the template that is deployed first under before, and the one
// that is then refused under resources; after one of moment cleanup the stack is updated, and what it
// leaves behind cannot be deleted. A row of moment delete deploys resources, and its stack
// cannot be deleted. What else a row may have:
//
//   - template: a whole template, where the refusal is not about resources;
//   - beside: resources of another stack of the same account, deployed first;
//   - elsewhere: resources of another stack of the same account in us-east-1, if region is another;
//   - later: resources of another stack, deployed before the stack cannot be deleted;
//   - again: the stack is deployed, deleted, and deployed again this much later ("10s");
//   - deleted: resources that a person made and deleted by hand shortly before;
//   - objects: buckets, by logical id, that hold an object before the stack is deleted;
//   - lacks: what the call is made without: [capabilities];
//   - region: where the stack is deployed; us-east-1 unless it says so;
//   - off: the account has not enabled the region;
//   - uploaded: the template is given by the URL of an object;
//   - parameters: values of the template's parameters.
//
// In a template, !Ref and the other short forms mean what they mean to CloudFormation. Two marks
// keep large templates small: !Repeat [300, x] is a string of 300 x, or a list of 300 elements if
// x is no plain string; the resource Topic[26] stands for Topic1 to Topic26. In both, # stands for
// the number.
//
// Load is strict: a row without a source, of an unknown kind, or with a field that nobody reads is
// an error. What no source tells is not in the table.
//
// Three tests keep a row true. That the rehearsal refuses it, in these words and at this moment, and
// rolls back, is tested in package rehearsal. That a program cannot make it is tested in package
// stack: for each row whose answer is config, a program with the mistake is refused with its line; for
// each other but preflight, what is wrong in the row's own template is in none that the constructs
// make. That checks of AWS's own find it too is tested here and in rehearsal/internal/cfn:
// testdata/validator.golden and testdata/schema.golden say which do for which rows.
package refusals
