package stack

import (
	"fmt"

	"github.com/aws/aws-cdk-go/awscdk/v2/awsssm"
	"github.com/aws/constructs-go/constructs/v10"

	"github.com/roadshow-go/roadshow/internal/jsiiconv"
	"github.com/roadshow-go/roadshow/stages"
)

// What an exported component is called behind its id, in the path /roadshow/{stage}/{service}/{id}.{kind}
// of the parameter that holds its ARN. A reader that expects another kind finds nothing, and says so.
const (
	exportedTable     = "table"
	exportedBucket    = "bucket"
	exportedQueue     = "queue"
	exportedTopic     = "topic"
	exportedFunction  = "function"
	exportedBus       = "bus"
	exportedSecret    = "secret"
	exportedParameter = "parameter"
	// exportedKey follows the kind of what it encrypts.
	exportedKey = "-key"
)

// Export lets other services of the stage import the table, by [ImportTable]: it writes the table's ARN to
// /roadshow/{stage}/{service}/{id}.table, and that of a key of its own to {id}.table-key. Unlike an export
// of CloudFormation, nothing keeps the table from being replaced or removed. DAX is not exported.
func (t *Table) Export() *Table {
	at := stages.Caller()
	t.export(at, exportedTable, t.present, func() (constructs.Construct, *string) {
		return t.L2.Node().Scope().(constructs.Construct), t.L2.TableArn()
	})
	if t.config.Encryption != nil {
		t.export(at, exportedTable+exportedKey, t.present, func() (constructs.Construct, *string) {
			return t.L2.Node().Scope().(constructs.Construct), t.key.KeyArn()
		})
	}
	return t
}

// Export lets other services of the stage import the bucket, by [ImportBucket]: it writes the bucket's ARN
// to /roadshow/{stage}/{service}/{id}.bucket, and that of a key of its own to {id}.bucket-key.
func (b *Bucket) Export() *Bucket {
	at := stages.Caller()
	b.export(at, exportedBucket, b.present, func() (constructs.Construct, *string) {
		return b.L2.Node().Scope().(constructs.Construct), b.L2.BucketArn()
	})
	if b.config.Encryption != nil {
		b.export(at, exportedBucket+exportedKey, b.present, func() (constructs.Construct, *string) {
			return b.L2.Node().Scope().(constructs.Construct), b.key.KeyArn()
		})
	}
	return b
}

// Export lets other services of the stage import the queue, by [ImportQueue]: it writes the queue's ARN to
// /roadshow/{stage}/{service}/{id}.queue.
func (q *Queue) Export() *Queue {
	q.export(stages.Caller(), exportedQueue, q.present, func() (constructs.Construct, *string) {
		return q.L2.Node().Scope().(constructs.Construct), q.L2.QueueArn()
	})
	return q
}

// Export lets other services of the stage import the topic, by [ImportTopic]: it writes the topic's ARN to
// /roadshow/{stage}/{service}/{id}.topic, and that of the key that encrypts it to {id}.topic-key: its own, which it
// has where an alarm tells it, or AWS's, which needs no right.
func (t *Topic) Export() *Topic {
	at := stages.Caller()
	t.export(at, exportedTopic, t.present, func() (constructs.Construct, *string) { return t.siblings, t.L2.TopicArn() })
	// Whether the topic gets a key is known when everything is defined.
	t.stack.deferredChecks = append(t.stack.deferredChecks, func() {
		t.export(at, exportedTopic+exportedKey, t.present, func() (constructs.Construct, *string) { return t.siblings, t.keyARN() })
	})
	return t
}

// Export lets other services of the stage import the function, by [ImportFunction]: it writes the ARN of
// what is to be invoked to /roadshow/{stage}/{service}/{id}.function.
func (fn *Function) Export() *Function {
	fn.export(stages.Caller(), exportedFunction, fn.present, func() (constructs.Construct, *string) { return fn.siblings, fn.arn() })
	return fn
}

// Export lets other services of the stage import the bus, by [ImportBus]: it writes the bus's ARN to
// /roadshow/{stage}/{service}/{id}.bus.
func (b *Bus) Export() *Bus {
	b.export(stages.Caller(), exportedBus, b.present, func() (constructs.Construct, *string) {
		return b.L2.Node().Scope().(constructs.Construct), b.L2.EventBusArn()
	})
	return b
}

// Export lets other services of the stage import the secret, by [ImportSecret]: it writes the secret's ARN, and
// never its value, to /roadshow/{stage}/{service}/{id}.secret.
func (secret *Secret) Export() *Secret {
	secret.export(stages.Caller(), exportedSecret, secret.present, func() (constructs.Construct, *string) {
		return secret.L2.Node().Scope().(constructs.Construct), secret.L2.SecretArn()
	})
	return secret
}

// Export lets other services of the stage import the parameter, by [ImportParameter]: it writes the parameter's
// ARN, and never its value, to /roadshow/{stage}/{service}/{id}.parameter.
func (p *Parameter) Export() *Parameter {
	p.export(stages.Caller(), exportedParameter, p.present, func() (constructs.Construct, *string) { return p.scoped, p.arn() })
	return p
}

// export writes an ARN to the stage's path, where the stage has the component.
func (c component) export(at stages.Position, kind string, present bool, exported func() (constructs.Construct, *string)) {
	name := c.stack.record(c, stages.SSMParameter, c.id+"."+kind, 0)
	if !present {
		return
	}
	scope, arn := exported()
	id := "Export-" + kind
	if scope.Node().TryFindChild(jsiiconv.String(id)) != nil {
		c.fault(at, "Export", "called again", "called only once", "remove one of the two")
	}
	awsssm.NewCfnParameter(scope, jsiiconv.String(id), &awsssm.CfnParameterProps{
		Name: jsiiconv.String(name), Type: jsiiconv.String("String"), Value: arn, Description: jsiiconv.String(fmt.Sprintf("ARN of the %s %s, for other services", kind, c.id)),
	})
}
