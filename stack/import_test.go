package stack_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/roadshow-go/roadshow/internal/messages"
	"github.com/roadshow-go/roadshow/stack"
	"github.com/roadshow-go/roadshow/stack/stacktest"
	"github.com/roadshow-go/roadshow/stages"
)

var theirs = stack.Ref{Service: "notes", ID: "saved-notes"}

func init() {
	settings = append(settings, setting{
		stage: "pr-417",
		zero:  stack.ImportConfig{},
		make: func(s *stack.Stack, config any) {
			stack.NewFunction(s, "f", code()).Allow(stack.ImportBucket(s, theirs, config.(stack.ImportConfig)).Read().Optional())
		},
		values: map[string]any{"Stages": stages.Only(production), "Fallback": true, "Key": true},
	}, setting{
		stage: "pr-417",
		zero:  stack.ImportTableConfig{},
		make: func(s *stack.Stack, config any) {
			stack.NewFunction(s, "f", code()).Allow(stack.ImportTable(s, theirs, config.(stack.ImportTableConfig)).Read().Optional())
		},
		values: map[string]any{"Stages": stages.Only(production), "Fallback": true, "Key": true, "Indexes": true},
	}, setting{
		zero: theirs,
		make: func(s *stack.Stack, config any) {
			stack.NewFunction(s, "f", code()).Allow(stack.ImportTopic(s, config.(stack.Ref), stack.ImportConfig{}).Publish())
		},
		values: map[string]any{"Service": "papers", "ID": "papers"},
	})
}

// importer is a definition that grants a function a verb of an import.
func importer(grant func(s *stack.Stack) stack.Grant) func(s *stack.Stack) {
	return func(s *stack.Stack) { stack.NewFunction(s, "get", code()).Allow(grant(s)) }
}

func TestAVerbOfAnImportGrantsWhatTheVerbOfTheComponentDoes(t *testing.T) {
	parameter := func(id string) map[string]any { return map[string]any{"Ref": id} }
	joined := func(parts ...any) map[string]any { return map[string]any{"Fn::Join": []any{"", parts}} }
	table := stack.ImportTableConfig{}
	for name, tt := range map[string]struct {
		grant    func(s *stack.Stack) stack.Grant
		kind     string
		actions  any
		variable string
		value    func(arn map[string]any) any
	}{
		"Read of a table": {
			func(s *stack.Stack) stack.Grant { return stack.ImportTable(s, theirs, table).Read() }, "table", readItems, "SAVED_NOTES_TABLE",
			func(arn map[string]any) any {
				return map[string]any{"Fn::Select": []any{1.0, map[string]any{"Fn::Split": []any{"/", arn}}}}
			},
		},
		"Write of a table": {
			func(s *stack.Stack) stack.Grant { return stack.ImportTable(s, theirs, table).Write() }, "table", writeItems, "SAVED_NOTES_TABLE", nil,
		},
		"ReadWrite of a table": {
			func(s *stack.Stack) stack.Grant { return stack.ImportTable(s, theirs, table).ReadWrite() }, "table", allItems, "SAVED_NOTES_TABLE", nil,
		},
		"Send of a queue": {
			func(s *stack.Stack) stack.Grant { return stack.ImportQueue(s, theirs, stack.ImportConfig{}).Send() }, "queue", "sqs:SendMessage", "SAVED_NOTES_QUEUE_URL",
			func(arn map[string]any) any {
				return joined("https://sqs.us-east-1.", map[string]any{"Ref": "AWS::URLSuffix"}, "/111111111111/",
					map[string]any{"Fn::Select": []any{5.0, map[string]any{"Fn::Split": []any{":", arn}}}})
			},
		},
		"Consume of a queue": {
			func(s *stack.Stack) stack.Grant { return stack.ImportQueue(s, theirs, stack.ImportConfig{}).Consume() }, "queue",
			[]any{"sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"},
			"SAVED_NOTES_QUEUE_URL", nil,
		},
		"Publish of a topic": {
			func(s *stack.Stack) stack.Grant { return stack.ImportTopic(s, theirs, stack.ImportConfig{}).Publish() }, "topic", "sns:Publish", "SAVED_NOTES_TOPIC",
			func(arn map[string]any) any { return arn },
		},
		"Invoke of a function": {
			func(s *stack.Stack) stack.Grant {
				return stack.ImportFunction(s, theirs, stack.ImportConfig{}).Invoke()
			}, "function", "lambda:InvokeFunction", "SAVED_NOTES_FUNCTION",
			func(arn map[string]any) any { return arn },
		},
		"Publish of a bus": {
			func(s *stack.Stack) stack.Grant { return stack.ImportBus(s, theirs, stack.ImportConfig{}).Publish() }, "bus", "events:PutEvents", "SAVED_NOTES_BUS",
			func(arn map[string]any) any {
				return map[string]any{"Fn::Select": []any{1.0, map[string]any{"Fn::Split": []any{"/", arn}}}}
			},
		},
		"Read of a secret": {
			func(s *stack.Stack) stack.Grant { return stack.ImportSecret(s, theirs, stack.ImportConfig{}).Read() }, "secret",
			[]any{"secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue"},
			"SAVED_NOTES_SECRET_ARN",
			func(arn map[string]any) any { return arn },
		},
		"Write of a secret": {
			func(s *stack.Stack) stack.Grant { return stack.ImportSecret(s, theirs, stack.ImportConfig{}).Write() }, "secret",
			[]any{"secretsmanager:DescribeSecret", "secretsmanager:PutSecretValue"},
			"SAVED_NOTES_SECRET_ARN", nil,
		},
		"Read of a parameter": {
			func(s *stack.Stack) stack.Grant {
				return stack.ImportParameter(s, theirs, stack.ImportConfig{}).Read()
			}, "parameter",
			[]any{"ssm:GetParameter", "ssm:GetParameters"},
			"SAVED_NOTES_PARAMETER",
			func(arn map[string]any) any {
				return map[string]any{"Fn::Select": []any{1.0, map[string]any{"Fn::Split": []any{":parameter", arn}}}}
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			template := stacktest.Synth(t, app(importer(tt.grant)), dev)
			id := imported(t, template, "/roadshow/dev/notes/saved-notes."+tt.kind)
			want := []any{allowance(tt.actions, parameter(id))}
			if tt.kind == "topic" {
				want = append(want, allowance([]any{"kms:Decrypt", "kms:GenerateDataKey"}, parameter(imported(t, template, "/roadshow/dev/notes/saved-notes.topic-key"))))
			}
			assert.Equal(t, want, rights(t, template, "get")[1:])
			fn := template.Resource(t, "AWS::Lambda::Function", "get").Properties
			assert.Equal(t, []string{tt.variable}, variables(fn))
			if tt.value != nil {
				assert.Equal(t, map[string]any{"Variables": map[string]any{tt.variable: tt.value(parameter(id))}}, fn["Environment"])
			}
		})
	}
}

func TestAVerbOfAnImportedBucketGrantsWhatTheVerbOfABucketDoes(t *testing.T) {
	for name, tt := range map[string]struct {
		verb           func(*stack.ImportedBucket) stack.Grant
		whole, objects any
		key            any
	}{
		"Read":      {(*stack.ImportedBucket).Read, "s3:ListBucket", "s3:GetObject", "kms:Decrypt"},
		"Write":     {(*stack.ImportedBucket).Write, nil, []any{"s3:AbortMultipartUpload", "s3:PutObject"}, []any{"kms:Decrypt", "kms:GenerateDataKey"}},
		"ReadWrite": {(*stack.ImportedBucket).ReadWrite, "s3:ListBucket", []any{"s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject"}, []any{"kms:Decrypt", "kms:GenerateDataKey"}},
		"Delete":    {(*stack.ImportedBucket).Delete, nil, "s3:DeleteObject", nil},
	} {
		t.Run(name, func(t *testing.T) {
			template := stacktest.Synth(t, app(importer(func(s *stack.Stack) stack.Grant {
				return tt.verb(stack.ImportBucket(s, theirs, stack.ImportConfig{Key: true}))
			})), dev)
			arn := map[string]any{"Ref": imported(t, template, "/roadshow/dev/notes/saved-notes.bucket")}
			want := []any{allowance(tt.objects, map[string]any{"Fn::Join": []any{"", []any{arn, "/*"}}})}
			if tt.whole != nil {
				want = append([]any{allowance(tt.whole, arn)}, want...)
			}
			if tt.key != nil {
				key := allowance(tt.key, map[string]any{"Ref": imported(t, template, "/roadshow/dev/notes/saved-notes.bucket-key")})
				key["Condition"] = map[string]any{"StringEquals": map[string]any{"kms:ViaService": map[string]any{"Fn::Sub": "s3.${AWS::Region}.amazonaws.com"}}}
				want = append(want, key)
			}
			assert.Equal(t, want, rights(t, template, "get")[1:])
			assert.Equal(t, map[string]any{"Variables": map[string]any{"SAVED_NOTES_BUCKET": map[string]any{
				"Fn::Select": []any{5.0, map[string]any{"Fn::Split": []any{":", arn}}},
			}}}, template.Resource(t, "AWS::Lambda::Function", "get").Properties["Environment"])
		})
	}
}

func TestIndexesAndKeysOfAnImport(t *testing.T) {
	template := stacktest.Synth(t, app(func(s *stack.Stack) {
		notes := stack.ImportTable(s, theirs, stack.ImportTableConfig{Indexes: true, Key: true})
		news := stack.ImportTopic(s, stack.Ref{Service: "notes", ID: "news"}, stack.ImportConfig{})
		stack.NewFunction(s, "read", code()).Allow(notes.Read())
		stack.NewFunction(s, "write", code()).Allow(notes.Write(), news.Publish())
	}), dev)
	arn := map[string]any{"Ref": imported(t, template, "/roadshow/dev/notes/saved-notes.table")}
	key := map[string]any{"Ref": imported(t, template, "/roadshow/dev/notes/saved-notes.table-key")}
	read := rights(t, template, "read")
	assert.Contains(t, read, allowance([]any{"dynamodb:Query", "dynamodb:Scan"}, map[string]any{"Fn::Join": []any{"", []any{arn, "/index/*"}}}))
	decrypt := allowance([]any{"kms:Decrypt", "kms:DescribeKey"}, key)
	decrypt["Condition"] = map[string]any{"StringEquals": map[string]any{"kms:ViaService": map[string]any{"Fn::Sub": "dynamodb.${AWS::Region}.amazonaws.com"}}}
	assert.Contains(t, read, decrypt)
	assert.Len(t, read, 4, "logs, table, indexes, key")
	assert.Contains(t, rights(t, template, "write"), allowance([]any{"kms:Decrypt", "kms:GenerateDataKey"},
		map[string]any{"Ref": imported(t, template, "/roadshow/dev/notes/news.topic-key")}))
	assert.Len(t, rights(t, template, "write"), 5, "logs, table, key, topic, its key")
}

func TestTheEventsAndMessagesOfAnotherServiceTriggerFunctionsAndReachQueues(t *testing.T) {
	template := stacktest.Synth(t, app(func(s *stack.Stack) {
		events := stack.ImportBus(s, theirs, stack.ImportConfig{})
		news := stack.ImportTopic(s, theirs, stack.ImportConfig{})
		bill := stack.NewFunction(s, "bill", code())
		events.Triggers(bill, stack.EventPattern{Source: []string{"notes"}})
		events.Triggers(bill, stack.EventPattern{Source: []string{"papers"}})
		news.Triggers(bill, stack.TopicTriggerConfig{})
		news.Delivers(stack.NewQueue(s, "archive", stack.QueueConfig{}), stack.TopicDeliveryConfig{Raw: true})
	}), dev)
	bus := map[string]any{"Ref": imported(t, template, "/roadshow/dev/notes/saved-notes.bus")}
	topic := map[string]any{"Ref": imported(t, template, "/roadshow/dev/notes/saved-notes.topic")}
	rules := template.Resources("AWS::Events::Rule")
	assert.Len(t, rules, 2)
	for _, rule := range rules {
		assert.Equal(t, map[string]any{"Fn::Select": []any{1.0, map[string]any{"Fn::Split": []any{"/", bus}}}}, rule.Properties["EventBusName"])
	}
	protocols := []any{}
	for _, subscription := range template.Resources("AWS::SNS::Subscription") {
		assert.Equal(t, topic, subscription.Properties["TopicArn"])
		protocols = append(protocols, subscription.Properties["Protocol"])
	}
	assert.ElementsMatch(t, []any{"lambda", "sqs"}, protocols)
	sources := []any{}
	for _, permission := range template.Resources("AWS::Lambda::Permission") {
		sources = append(sources, permission.Properties["SourceArn"])
	}
	assert.Len(t, sources, 3)
	assert.Contains(t, sources, topic)
	policy := template.Resource(t, "AWS::SQS::QueuePolicy", "archiveQueue").Properties["PolicyDocument"].(map[string]any)["Statement"].([]any)
	assert.Equal(t, map[string]any{"ArnEquals": map[string]any{"aws:SourceArn": topic}}, policy[len(policy)-1].(map[string]any)["Condition"])
}

func TestWhatAnAbsentImportWouldTriggerIsNotMade(t *testing.T) {
	absent := stack.ImportConfig{Stages: stages.Except(dev)}
	template := stacktest.Synth(t, app(func(s *stack.Stack) {
		bill := stack.NewFunction(s, "bill", code())
		stack.ImportBus(s, theirs, absent).Triggers(bill, stack.EventPattern{Source: []string{"notes"}})
		news := stack.ImportTopic(s, theirs, absent)
		news.Triggers(bill, stack.TopicTriggerConfig{})
		news.Delivers(stack.NewQueue(s, "archive", stack.QueueConfig{}), stack.TopicDeliveryConfig{})
	}), dev)
	for _, kind := range []string{"AWS::Events::Rule", "AWS::SNS::Subscription", "AWS::Lambda::Permission"} {
		assert.Empty(t, template.Resources(kind))
	}
}

func TestATopicOfAnotherServiceTriggersAFunctionOnce(t *testing.T) {
	err := refusal(t, dev, func(s *stack.Stack) {
		news, bill := stack.ImportTopic(s, theirs, stack.ImportConfig{}), stack.NewFunction(s, "bill", code())
		news.Triggers(bill, stack.TopicTriggerConfig{})
		news.Triggers(bill, stack.TopicTriggerConfig{})
	})
	assert.Equal(t, `stack/import_test.go:LINE: topic "saved-notes" of service "notes": function is function "bill" again (first at stack/import_test.go:LINE); `+
		`it must be there only once. Remove one of the two.`, withoutLines(err.Error()))
}

func TestAnImportReadsItsOwnStagesPathUnderTheSameID(t *testing.T) {
	define := importer(func(s *stack.Stack) stack.Grant {
		return stack.ImportTable(s, theirs, stack.ImportTableConfig{}).Read()
	})
	id := imported(t, stacktest.Synth(t, app(define), dev), "/roadshow/dev/notes/saved-notes.table")
	assert.Equal(t, id, imported(t, stacktest.Synth(t, app(define), production), "/roadshow/production/notes/saved-notes.table"))
}

func TestAnEphemeralStageReadsItsTemplatesPathWhereAskedTo(t *testing.T) {
	everywhere := append(stages.Set{dev.Template("pr-*")}, set...)
	pr, err := everywhere.Find("pr-417")
	assert.NoError(t, err)
	for fallback, paths := range map[bool]map[stages.Stage]string{
		false: {pr: "pr-417", dev: "dev", production: "production"},
		true:  {pr: "dev", dev: "dev", production: "production"},
	} {
		define := importer(func(s *stack.Stack) stack.Grant {
			return stack.ImportTable(s, theirs, stack.ImportTableConfig{Fallback: fallback}).Read()
		})
		for stage, want := range paths {
			template := stacktest.Synth(t, stack.App{Service: "shop", Stages: everywhere, Define: define}, stage)
			imported(t, template, "/roadshow/"+want+"/notes/saved-notes.table")
		}
	}
}

func TestWhatAnEphemeralStageReadsOfItsTemplateIsNoDifference(t *testing.T) {
	requireIdentical(t, stack.App{
		Service: "shop", Stages: append(stages.Set{dev.Template("pr-*")}, set...), Define: importer(func(s *stack.Stack) stack.Grant {
			return stack.ImportTable(s, theirs, stack.ImportTableConfig{Fallback: true, Key: true}).Read()
		}),
	})
}

func TestAnAbsentImport(t *testing.T) {
	absent := stack.ImportTableConfig{Stages: stages.Except(dev)}
	err := refusal(t, dev, importer(func(s *stack.Stack) stack.Grant { return stack.ImportTable(s, theirs, absent).Read() }))
	assert.Equal(t, `stack/import_test.go:LINE: function "get": Access is Read of table "saved-notes" of service "notes", which some stage that has the function does not have; `+
		`it must be a component of every stage of the function. Give both the same Stages, or write .Read().Optional().`, withoutLines(err.Error()))
	template := stacktest.Synth(t, app(importer(func(s *stack.Stack) stack.Grant {
		notes := stack.ImportTable(s, theirs, absent)
		assert.False(t, notes.Present())
		assert.Empty(t, notes.ARN())
		return notes.Read().Optional()
	})), dev)
	assert.Len(t, template.Body["Parameters"], 1, "the bootstrap's version")
}

func TestAnImportIsWithinReachOrRefused(t *testing.T) {
	err := refusal(t, dev, func(s *stack.Stack) {
		fn := code()
		fn.Network = stack.NewNetwork(s, "main", stack.NetworkConfig{})
		fn.Access = []stack.Grant{stack.ImportQueue(s, theirs, stack.ImportConfig{}).Send()}
		stack.NewFunction(s, "get", fn)
	})
	messages.ErrorContains(t, err, `Access is SQS of queue "saved-notes" of service "notes", while network "main"`)
}

func TestWrongImportsAreRefused(t *testing.T) {
	for name, tt := range map[string]struct {
		ref  stack.Ref
		want string
	}{
		"no service":   {stack.Ref{ID: "notes"}, `import of table "notes" of service "": Ref.Service is ""; it must be a lower-case DNS label of at most 32 characters. Write Service: "notes", as in its stack.App.`},
		"no id":        {stack.Ref{Service: "notes"}, `import of table "" of service "notes": Ref.ID is ""; it must be lower-case letters, digits and single hyphens, at most 64. Write ID: "notes", as in its service.`},
		"this service": {stack.Ref{Service: "shop", ID: "notes"}, `import of table "notes" of service "shop": Ref.Service is "shop", this service; it must be another service. Use what stack.New… returned.`},
	} {
		t.Run(name, func(t *testing.T) {
			err := refusal(t, dev, func(s *stack.Stack) { stack.ImportTable(s, tt.ref, stack.ImportTableConfig{}) })
			assert.Equal(t, `stack/import_test.go:LINE: `+tt.want, withoutLines(err.Error()))
		})
	}
	t.Run("the key of what has none", func(t *testing.T) {
		err := refusal(t, dev, func(s *stack.Stack) { stack.ImportBus(s, theirs, stack.ImportConfig{Key: true}) })
		assert.Equal(t, `stack/import_test.go:LINE: bus "saved-notes" of service "notes": Key is true; it must be left out but for tables and buckets: `+
			`a topic's key always comes with it, and nothing else has one of its own. Leave it out.`, withoutLines(err.Error()))
	})
	t.Run("one component twice", func(t *testing.T) {
		err := refusal(t, dev, func(s *stack.Stack) {
			stack.ImportTable(s, theirs, stack.ImportTableConfig{})
			stack.ImportTable(s, theirs, stack.ImportTableConfig{})
		})
		assert.Equal(t, `stack/import_test.go:LINE: table "saved-notes" of service "notes": Ref is imported again (first at stack/import_test.go:LINE); `+
			`it must be imported only once. Keep what the first import returned.`, withoutLines(err.Error()))
	})
}

// imported is the name of the template's parameter that is read from a path.
func imported(t *testing.T, template *stacktest.Template, path string) string {
	t.Helper()
	for id, parameter := range template.Body["Parameters"].(map[string]any) {
		if parameter.(map[string]any)["Default"] == path {
			assert.Equal(t, "AWS::SSM::Parameter::Value<String>", parameter.(map[string]any)["Type"])
			return id
		}
	}
	assert.Failf(t, "no parameter", "reads %s", path)
	return ""
}
