package parity

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/stages"
)

// large is the template and the identity of a stage with fifty functions, each with what the CDK
// makes with one: a role, a policy, a log group, a permission, a route, an alarm and a version.
func large(tb testing.TB, stage stages.Stage) ([]byte, []string) {
	tb.Helper()
	identity := []string{stage.Name, stage.Account, stage.Region, stage.Name + "-shop"}
	resources := map[string]any{}
	add := func(id, kind string, properties map[string]any) string {
		resources[id] = map[string]any{"Type": kind, "Properties": properties}
		return id
	}
	tags := []any{map[string]any{"Key": "service", "Value": "shop"}, map[string]any{"Key": "stage", "Value": stage.Name}}
	att := func(id, attribute string) any { return map[string]any{"Fn::GetAtt": []any{id, attribute}} }
	for i := range 50 {
		name := fmt.Sprintf("%s-shop-order-function-%d", stage.Name, i)
		identity = append(identity, name, "/aws/lambda/"+name)
		id := fmt.Sprintf("orderfunction%dA1B2C3D4", i)
		role := add(id+"ServiceRole", "AWS::IAM::Role", map[string]any{
			"AssumeRolePolicyDocument": map[string]any{"Version": "2012-10-17", "Statement": []any{map[string]any{
				"Action": "sts:AssumeRole", "Effect": "Allow", "Principal": map[string]any{"Service": "lambda.amazonaws.com"},
				"Condition": map[string]any{"StringEquals": map[string]any{"aws:SourceAccount": stage.Account}},
			}}},
			"RoleName": name, "Tags": tags,
		})
		add(id+"Policy", "AWS::IAM::Policy", map[string]any{
			"PolicyName": id, "Roles": []any{map[string]any{"Ref": role}},
			"PolicyDocument": map[string]any{"Version": "2012-10-17", "Statement": []any{
				map[string]any{
					"Action": []any{"dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query", "dynamodb:UpdateItem"}, "Effect": "Allow",
					"Resource": []any{
						fmt.Sprintf("arn:aws:dynamodb:%s:%s:table/%s", stage.Region, stage.Account, name),
						fmt.Sprintf("arn:aws:dynamodb:%s:%s:table/%s/index/*", stage.Region, stage.Account, name),
					},
				},
				map[string]any{"Action": []any{"logs:CreateLogStream", "logs:PutLogEvents"}, "Effect": "Allow", "Resource": att(id+"Logs", "Arn")},
			}},
		})
		add(id+"Logs", "AWS::Logs::LogGroup", map[string]any{"LogGroupName": "/aws/lambda/" + name, "RetentionInDays": 30, "Tags": tags})
		add(id, "AWS::Lambda::Function", map[string]any{
			"FunctionName": name, "MemorySize": 256, "Timeout": 10, "Runtime": "provided.al2023", "Handler": "bootstrap", "Architectures": []any{"arm64"},
			"Role": att(role, "Arn"), "Tags": tags,
			"Code": map[string]any{"S3Bucket": fmt.Sprintf("cdk-hnb659fds-assets-%s-%s", stage.Account, stage.Region), "S3Key": fmt.Sprintf("%064x.zip", i)},
			"Environment": map[string]any{"Variables": map[string]any{
				"STAGE": stage.Name, "TABLE": name, "QUEUE": fmt.Sprintf("https://sqs.%s.amazonaws.com/%s/%s", stage.Region, stage.Account, name), "LEVEL": "info",
			}},
		})
		add(id+"Permission", "AWS::Lambda::Permission", map[string]any{
			"Action": "lambda:InvokeFunction", "FunctionName": att(id, "Arn"), "Principal": "apigateway.amazonaws.com",
			"SourceArn": fmt.Sprintf("arn:aws:execute-api:%s:%s:api/*/*/orders/%d", stage.Region, stage.Account, i),
		})
		add(id+"Route", "AWS::ApiGatewayV2::Route", map[string]any{
			"ApiId": map[string]any{"Ref": "api"}, "RouteKey": fmt.Sprintf("GET /orders/%d", i),
			"Target": map[string]any{"Fn::Join": []any{"", []any{"integrations/", map[string]any{"Ref": id}}}},
		})
		add(id+"Alarm", "AWS::CloudWatch::Alarm", map[string]any{
			"AlarmName": name, "Threshold": 1, "EvaluationPeriods": 3, "Namespace": "AWS/Lambda", "MetricName": "Errors",
			"Dimensions": []any{map[string]any{"Name": "FunctionName", "Value": map[string]any{"Ref": id}}},
		})
		add(fmt.Sprintf("%sCurrentVersion%032x", id, len(stage.Name)*1000+i), "AWS::Lambda::Version", map[string]any{"FunctionName": map[string]any{"Ref": id}})
	}
	text, err := json.MarshalIndent(map[string]any{"Resources": resources}, "", " ")
	require.NoError(tb, err)
	return text, identity
}

func TestALargeTemplateIsEqualButForIdentity(t *testing.T) {
	var sides []Side
	for _, stage := range []stages.Stage{dev, production, named("a")} {
		text, identity := large(t, stage)
		template, err := Parse(text)
		require.NoError(t, err)
		sides = append(sides, Side{Stage: stage, Template: template, Identity: identity})
	}
	differences, err := Compare(sides...)
	require.NoError(t, err)
	require.Empty(t, differences)
}

// Parsing and comparing two templates of fifty functions each.
func BenchmarkCompareFiftyFunctions(b *testing.B) {
	template, oneIdentity := large(b, dev)
	other, otherIdentity := large(b, production)
	b.Logf("%d kB each", len(template)/1000)
	b.Run("parse", func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(int64(len(template)))
		for b.Loop() {
			_, err := Parse(template)
			require.NoError(b, err)
		}
	})
	first, err := Parse(template)
	require.NoError(b, err)
	second, err := Parse(other)
	require.NoError(b, err)
	b.Run("compare", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			differences, err := Compare(Side{Stage: dev, Template: first, Identity: oneIdentity}, Side{Stage: production, Template: second, Identity: otherIdentity})
			require.NoError(b, err)
			require.Empty(b, differences)
		}
	})
}

// What a proof costs besides the syntheses: twenty stages of fifty functions, in one group and in
// twenty.
func BenchmarkProveTwentyStages(b *testing.B) {
	for name, groups := range map[string]int{"one group": 1, "twenty groups": 20} {
		b.Run(name, func(b *testing.B) {
			set := manyStages(20, func(int) stages.Tier { return stages.Standard })
			synthesized := map[string]Played{}
			for _, stage := range set {
				var part Played
				part.Template, part.Identity = large(b, stage)
				synthesized[stage.Name] = part
			}
			player := PlayerFunc(func(_ context.Context, stage stages.Stage) (Played, error) {
				part := synthesized[stage.Name]
				if groups > 1 {
					part.ChoicesKey = stage.Role()
				}
				return part, nil
			})
			b.ReportAllocs()
			for b.Loop() {
				verdict, err := Prove(b.Context(), set, player)
				require.NoError(b, err)
				require.True(b, verdict.Identical())
			}
		})
	}
}
