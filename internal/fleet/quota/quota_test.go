package quota_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/roadshow-go/roadshow/internal/assembly"
	"github.com/roadshow-go/roadshow/internal/fleet"
	"github.com/roadshow-go/roadshow/internal/fleet/fleettest"
	"github.com/roadshow-go/roadshow/internal/fleet/quota"
	"github.com/roadshow-go/roadshow/internal/messages"
	"github.com/roadshow-go/roadshow/rehearsal"
	"github.com/roadshow-go/roadshow/stages"
)

type object = map[string]any

// draft is a template that is written in a test.
type draft struct{ resources, more object }

func (d draft) text(t require.TestingT) string {
	document := object{"Resources": d.resources}
	maps.Copy(document, d.more)
	text, err := json.Marshal(document)
	require.NoError(t, err)
	return string(text)
}

// with is a template of resources: id, type, properties, id, …
func with(parts ...any) draft {
	resources := object{}
	for i := 0; i+2 < len(parts); i += 3 {
		resources[parts[i].(string)] = object{"Type": parts[i+1], "Properties": parts[i+2]}
	}
	return draft{resources: resources}
}

// many is a number of resources of one type; the properties get the number.
func many(count int, kind string, properties func(i int) object) draft {
	d := with()
	for i := range count {
		d.resources[fmt.Sprintf("R%d", i)] = object{"Type": kind, "Properties": properties(i)}
	}
	return d
}

func (d draft) plus(other draft) draft {
	resources := maps.Clone(d.resources)
	maps.Copy(resources, other.resources)
	return draft{resources, d.more}
}

func none(int) object { return object{} }

func execution() object {
	return object{"ManagedPolicyArns": []any{"arn:aws:iam::aws:policy/service-role/AWSLambdaVPCAccessExecutionRole"}, "AssumeRolePolicyDocument": object{"Statement": []any{object{
		"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": object{"Service": []any{"lambda.amazonaws.com", "dax.amazonaws.com"}},
	}}}}
}

func keyed() object {
	return object{
		"BillingMode": "PAY_PER_REQUEST", "AttributeDefinitions": []any{object{"AttributeName": "id", "AttributeType": "S"}},
		"KeySchema": []any{object{"AttributeName": "id", "KeyType": "HASH"}},
	}
}

// function is a function of inline code, with its role.
func function(id string, more object) draft {
	properties := object{
		"Handler": "index.handler", "Runtime": "nodejs24.x", "Role": object{"Fn::GetAtt": []any{"Role", "Arn"}}, "Code": object{"ZipFile": "exports.handler = 0"},
	}
	maps.Copy(properties, more)
	return with("Role", "AWS::IAM::Role", execution(), id, "AWS::Lambda::Function", properties)
}

// network is a VPC with a subnet and a group.
func network() draft {
	return with("Net", "AWS::EC2::VPC", object{"CidrBlock": "10.0.0.0/16"},
		"Sub", "AWS::EC2::Subnet", object{"VpcId": object{"Ref": "Net"}, "CidrBlock": "10.0.0.0/24"},
		"Group", "AWS::EC2::SecurityGroup", object{"VpcId": object{"Ref": "Net"}, "GroupDescription": "all"})
}

func clusters(nodes ...int) draft {
	d := network().plus(with("Role", "AWS::IAM::Role", execution(), "Subnets", "AWS::DAX::SubnetGroup", object{"SubnetIds": []any{object{"Ref": "Sub"}}}))
	for i, count := range nodes {
		d.resources[fmt.Sprintf("Cluster%d", i)] = object{"Type": "AWS::DAX::Cluster", "Properties": object{
			"NodeType": "dax.t3.small", "ReplicationFactor": count, "SubnetGroupName": object{"Ref": "Subnets"}, "IAMRoleARN": object{"Fn::GetAtt": []any{"Role", "Arn"}},
		}}
	}
	return d
}

func project(environment, compute string, atOnce int) draft {
	return with("Role", "AWS::IAM::Role", execution(), "Project", "AWS::CodeBuild::Project", object{
		"Artifacts": object{"Type": "NO_ARTIFACTS"}, "Source": object{"Type": "NO_SOURCE", "BuildSpec": "version: 0.2"}, "ConcurrentBuildLimit": atOnce,
		"ServiceRole": object{"Fn::GetAtt": []any{"Role", "Arn"}}, "Environment": object{"Type": environment, "ComputeType": compute, "Image": "standard"},
	})
}

// assemble writes an assembly of templates, by stage.
func assemble(t testing.TB, templates map[stages.Stage]string) fleet.Assembly {
	made := fleet.Assembly{Dir: t.TempDir(), Document: assembly.Document{Service: "notes"}}
	for stage, text := range templates {
		file := stage.Name + ".template.json"
		require.NoError(t, os.WriteFile(filepath.Join(made.Dir, file), []byte(text), 0o600))
		made.Document.Stages = append(made.Document.Stages, assembly.Synthesized{
			Stage: assembly.Stage{Name: stage.Name, Account: stage.Account, Region: stage.Region, Tier: stage.Tier}, Role: stage.Name,
			StackName: stage.Name + "-notes", File: file,
		})
	}
	return made
}

func (a *accounts) survey(templates map[stages.Stage]string) quota.Survey {
	return quota.Survey{Fleet: a.Fleet(), Assembly: assemble(a.T, templates)}
}

// report asks for the quotas of stages, and wants every account to answer.
func (a *accounts) report(survey quota.Survey, all ...stages.Stage) *quota.Report {
	a.T.Helper()
	report, err := survey.Run(a.T.Context(), all)
	require.NoError(a.T, err)
	require.Empty(a.T, report.Gaps)
	return report
}

// place is a quota in an account.
func place(t require.TestingT, report *quota.Report, name, account string) quota.Place {
	for _, row := range report.Quotas {
		for _, one := range row.Places {
			if row.Name == name && one.Account == account {
				return one
			}
		}
	}
	require.Fail(t, "no row "+name)
	return quota.Place{}
}

// deploy makes or updates a stack from a raw template, and tells whether it is as the template says.
func (a *accounts) deploy(ctx context.Context, t require.TestingT, client *cloudformation.Client, stack, text string) (done bool, reason string) {
	body, url := &text, (*string)(nil)
	if len(text) > 51200 {
		body, url = nil, aws.String(a.upload(ctx, t, text))
	}
	named := &cloudformation.DescribeStacksInput{StackName: &stack}
	may := []types.Capability{types.CapabilityCapabilityNamedIam}
	const soon = time.Millisecond
	_, err := client.DescribeStacks(ctx, named)
	if err != nil {
		if _, err = client.CreateStack(ctx, &cloudformation.CreateStackInput{StackName: &stack, TemplateBody: body, TemplateURL: url, Capabilities: may}); err == nil {
			err = cloudformation.NewStackCreateCompleteWaiter(client, func(o *cloudformation.StackCreateCompleteWaiterOptions) {
				o.MinDelay, o.MaxDelay = soon, soon
			}).Wait(ctx, named, time.Minute)
		}
	} else {
		if _, err = client.UpdateStack(ctx, &cloudformation.UpdateStackInput{StackName: &stack, TemplateBody: body, TemplateURL: url, Capabilities: may}); err == nil {
			err = cloudformation.NewStackUpdateCompleteWaiter(client, func(o *cloudformation.StackUpdateCompleteWaiterOptions) {
				o.MinDelay, o.MaxDelay = soon, soon
			}).Wait(ctx, named, time.Minute)
		} else if strings.Contains(err.Error(), "No updates are to be performed") {
			err = nil
		}
	}
	if err == nil {
		return true, ""
	}
	return false, err.Error() + "\n" + reasons(ctx, client, stack)
}

// reasons are why resources of a stack failed; none where there is no stack.
func reasons(ctx context.Context, client *cloudformation.Client, stack string) string {
	var found []string
	events, err := client.DescribeStackEvents(ctx, &cloudformation.DescribeStackEventsInput{StackName: &stack})
	if err != nil {
		return ""
	}
	for _, event := range events.StackEvents {
		if strings.HasSuffix(string(event.ResourceStatus), "_FAILED") {
			found = append(found, aws.ToString(event.ResourceStatusReason))
		}
	}
	return strings.Join(found, "\n")
}

// upload puts a template into a bucket of the sandbox's account.
func (a *accounts) upload(ctx context.Context, t require.TestingT, text string) string {
	config, err := a.Env.Config(ctx, "team-dev")
	require.NoError(t, err)
	config.Region = fleettest.Sandbox.Region
	objects := s3.NewFromConfig(config, func(o *s3.Options) { o.UsePathStyle = true })
	_, _ = objects.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: aws.String("templates-of-tests")}) // it may be there
	_, err = objects.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String("templates-of-tests"), Key: aws.String("a.json"), Body: strings.NewReader(text)})
	require.NoError(t, err)
	return a.URL() + "/templates-of-tests/a.json"
}

// truth is what a row of the table is tested with: the limit, a template that fits exactly, and one that does
// not, for what the account says then.
type truth struct {
	limit       float64
	fits, short draft
	refusal     string
	// more takes some of it beside what fits. Default: fits.
	more draft
}

// truths has an entry for every row of the table.
func truths() map[string]truth {
	outputs := func(count int) draft {
		d := with("Topic", "AWS::SNS::Topic", object{})
		declared := object{}
		for i := range count {
			declared[fmt.Sprintf("O%d", i)] = object{"Value": "x"}
		}
		d.more = object{"Outputs": declared}
		return d
	}
	section := func(name string, count int, value any) draft {
		d := with("Topic", "AWS::SNS::Topic", object{})
		declared := object{}
		for i := range count {
			declared[fmt.Sprintf("P%d", i)] = value
		}
		d.more = object{name: declared}
		return d
	}
	long := func(letters int) draft {
		d := with("Topic", "AWS::SNS::Topic", object{})
		d.more = object{"Metadata": object{"Note": strings.Repeat("x", letters)}}
		return d
	}
	endpoint := func(count int) draft {
		d := network()
		for i := range count {
			d.resources[fmt.Sprintf("Endpoint%d", i)] = object{"Type": "AWS::EC2::VPCEndpoint", "Properties": object{
				"VpcId": object{"Ref": "Net"}, "VpcEndpointType": "Interface", "ServiceName": fmt.Sprintf("com.amazonaws.us-east-1.s%d", i),
				"SubnetIds": []any{object{"Ref": "Sub"}},
			}}
		}
		return d
	}
	inside := func(id string) draft { // functions with one subnet and one group share an interface
		return function(id, object{"VpcConfig": object{"SubnetIds": []any{object{"Ref": "Sub"}}, "SecurityGroupIds": []any{object{"Ref": "Group"}}}})
	}
	gateway := with("Address", "AWS::EC2::EIP", object{}, "NAT", "AWS::EC2::NatGateway", object{
		"SubnetId": object{"Ref": "Sub"}, "AllocationId": object{"Fn::GetAtt": []any{"Address", "AllocationId"}},
	})
	ready := func(count int) draft {
		return function("Fn", object{}).plus(with(
			"V", "AWS::Lambda::Version", object{"FunctionName": object{"Ref": "Fn"}},
			"Live", "AWS::Lambda::Alias", object{
				"FunctionName": object{"Ref": "Fn"}, "Name": "live", "FunctionVersion": object{"Fn::GetAtt": []any{"V", "Version"}},
				"ProvisionedConcurrencyConfig": object{"ProvisionedConcurrentExecutions": count},
			}))
	}
	rule := with("R", "AWS::Events::Rule", object{"EventBusName": "orders", "EventPattern": object{"source": []any{"a"}}})
	rules := func(count int) draft {
		d := with("Bus", "AWS::Events::EventBus", object{"Name": "orders"}, "Other", "AWS::Events::Rule", object{"EventPattern": object{"source": []any{"a"}}})
		return d.plus(many(count, "AWS::Events::Rule", func(int) object {
			return object{"EventBusName": object{"Ref": "Bus"}, "EventPattern": object{"source": []any{"a"}}}
		}))
	}
	code := func(letters int) draft {
		return function("Fn", object{"Code": object{"ZipFile": strings.Repeat("x", letters)}}).plus(with("V", "AWS::Lambda::Version", object{"FunctionName": object{"Ref": "Fn"}}))
	}
	api := func(i int) object { return object{"Name": fmt.Sprint("api-", i), "ProtocolType": "HTTP"} }
	cases := map[string]truth{
		"Lambda concurrent executions": {
			150, ready(30).plus(function("Own", object{"ReservedConcurrentExecutions": 20})), ready(31).plus(function("Own", object{"ReservedConcurrentExecutions": 20})),
			"decreases account's UnreservedConcurrentExecution below its minimum value of [100]",
			function("One", object{"ReservedConcurrentExecutions": 1}),
		},
		"Lambda function and layer storage": {2000.0 / (1 << 30), code(1000), code(1001), "Code storage limit exceeded.", draft{}},
		"DynamoDB tables":                   {2, many(2, "AWS::DynamoDB::Table", func(int) object { return keyed() }), many(3, "AWS::DynamoDB::Table", func(int) object { return keyed() }), "Subscriber limit exceeded", draft{}},
		"S3 buckets":                        {2, many(2, "AWS::S3::Bucket", none), many(3, "AWS::S3::Bucket", none), "more buckets than allowed", draft{}},
		"IAM roles":                         {1, many(1, "AWS::IAM::Role", func(int) object { return execution() }), many(2, "AWS::IAM::Role", func(int) object { return execution() }), "Cannot exceed quota for RolesPerAccount: 1", draft{}},
		"VPCs": {
			1, many(1, "AWS::EC2::VPC", func(int) object { return object{"CidrBlock": "10.0.0.0/16"} }),
			many(2, "AWS::EC2::VPC", func(int) object { return object{"CidrBlock": "10.0.0.0/16"} }), "maximum number of VPCs",
			draft{},
		},
		"Elastic IP addresses": {2, many(2, "AWS::EC2::EIP", none), many(3, "AWS::EC2::EIP", none), "maximum number of addresses", draft{}},
		"network interfaces": {
			7, endpoint(2).plus(inside("A")).plus(inside("B")).plus(gateway).plus(clusters(2, 1)),
			endpoint(3).plus(inside("A")).plus(inside("B")).plus(gateway).plus(clusters(2, 1)), "etwork",
			draft{},
		},
		"DAX nodes":                  {5, clusters(3, 2), clusters(3, 3), "maximum number of nodes for your AWS account", draft{}},
		"DAX nodes of a cluster":     {4, clusters(4, 1), clusters(5), "maximum number of nodes for a DAX cluster", draft{}},
		"EventBridge rules of a bus": {2, rules(2), rules(3), "The requested resource exceeds the maximum number allowed.", rule},
		"SNS topics":                 {2, many(2, "AWS::SNS::Topic", none), many(3, "AWS::SNS::Topic", none), "Topic limit exceeded", draft{}},
		"HTTP APIs":                  {2, many(2, "AWS::ApiGatewayV2::Api", api), many(3, "AWS::ApiGatewayV2::Api", api), "Maximum number of Apis", draft{}},
		// The stack itself is what counts: see below.
		"CloudFormation stacks":    {1, with("T", "AWS::SNS::Topic", object{}), with("T", "AWS::SNS::Topic", object{}), "Limit for stack has been exceeded", draft{}},
		"resources of a template":  {500, many(500, "AWS::SNS::Topic", none), many(501, "AWS::SNS::Topic", none), "Number of resources, 501, is greater than maximum allowed, 500", draft{}},
		"outputs of a template":    {200, outputs(200), outputs(201), "Number of outputs, 201", draft{}},
		"parameters of a template": {200, section("Parameters", 200, object{"Type": "String", "Default": "x"}), section("Parameters", 201, object{"Type": "String", "Default": "x"}), "Number of parameters, 201", draft{}},
		"mappings of a template":   {200, section("Mappings", 200, object{"a": object{"b": "c"}}), section("Mappings", 201, object{"a": object{"b": "c"}}), "Number of mappings, 201", draft{}},
	}
	shell := len(long(0).text(&testing.T{}))
	cases["length of a template"] = truth{1_000_000, long(1_000_000 - shell), long(1_000_000 - shell + 1), "", draft{}}
	for name, machine := range map[string][2]string{
		"Linux/Small": {"LINUX_CONTAINER", "BUILD_GENERAL1_SMALL"}, "Linux/Medium": {"LINUX_CONTAINER", "BUILD_GENERAL1_MEDIUM"},
		"Linux/Large": {"LINUX_CONTAINER", "BUILD_GENERAL1_LARGE"}, "Linux/XLarge": {"LINUX_CONTAINER", "BUILD_GENERAL1_XLARGE"},
		"Linux/2XLarge": {"LINUX_CONTAINER", "BUILD_GENERAL1_2XLARGE"}, "ARM/Small": {"ARM_CONTAINER", "BUILD_GENERAL1_SMALL"},
		"ARM/Medium": {"ARM_CONTAINER", "BUILD_GENERAL1_MEDIUM"}, "ARM/Large": {"ARM_CONTAINER", "BUILD_GENERAL1_LARGE"},
		"ARM/XLarge": {"ARM_CONTAINER", "BUILD_GENERAL1_XLARGE"}, "ARM/2XLarge": {"ARM_CONTAINER", "BUILD_GENERAL1_2XLARGE"},
	} {
		cases["CodeBuild builds at once, "+name] = truth{
			1, project(machine[0], machine[1], 1), project(machine[0], machine[1], 2), "cannot exceed the account-level concurrent build limit of 1", draft{},
		}
	}
	return cases
}

// TestTheVerdictOnEveryRowIsTheTruth deploys what fits and what does not, row by row, into an account that
// enforces its quotas by itself.
func TestTheVerdictOnEveryRowIsTheTruth(t *testing.T) {
	a := openAccounts(t)
	console, client := a.Account(fleettest.Sandbox.Account), a.CloudFormation(fleettest.Sandbox)
	cases := truths()
	for _, row := range quota.Table() {
		t.Run(row.Name, func(t *testing.T) {
			a.T = t
			require.NoError(t, a.Load(strings.NewReader(`{"Version": 1, "Accounts": {"111111111111": {"Resources": [], "Stacks": []}}}`)))
			require.Contains(t, cases, row.Name, "a row without a test of its truth")
			one := cases[row.Name]
			if row.Code != "" {
				require.NoError(t, console.SetQuota(fleettest.Sandbox.Region, row.Service, row.Code, one.limit))
				defer func() {
					require.NoError(t, console.SetQuota(fleettest.Sandbox.Region, row.Service, row.Code, row.Default))
				}()
			}
			for _, is := range []struct {
				what string
				draft
				short bool
			}{{"what fits", one.fits, false}, {"what does not fit", one.short, true}} {
				text := is.text(t)
				if row.Name == "CloudFormation stacks" && is.short {
					done, reason := a.deploy(t.Context(), t, client, "another", text)
					require.True(t, done, reason)
				}
				got := place(t, a.report(a.survey(map[stages.Stage]string{fleettest.Sandbox: text}), fleettest.Sandbox), row.Name, fleettest.Sandbox.Account)
				verdicts := []quota.Verdict{quota.Fits, quota.Close}
				if is.short {
					verdicts = []quota.Verdict{quota.Short}
				}
				require.Contains(t, verdicts, got.Verdict, "%s: %+v", is.what, got)
				require.Equal(t, one.limit, *got.Limit)
				done, reason := a.deploy(t.Context(), t, client, fleettest.Sandbox.Name+"-notes", text)
				require.Equal(t, !is.short, done, "%s: %s", is.what, reason)
				if is.short {
					require.Contains(t, reason, one.refusal)
				}
				_, err := client.DeleteStack(t.Context(), &cloudformation.DeleteStackInput{StackName: aws.String(fleettest.Sandbox.Name + "-notes")})
				require.NoError(t, err)
			}
			if row.Each || row.Name == "CloudFormation stacks" {
				return
			}
			// What something else has taken is not there any more.
			done, reason := a.deploy(t.Context(), t, client, "another", one.fits.text(t))
			require.True(t, done, reason)
			text := one.fits.text(t)
			if one.more.resources != nil {
				text = one.more.text(t)
			}
			got := place(t, a.report(a.survey(map[stages.Stage]string{fleettest.Sandbox: text}), fleettest.Sandbox), row.Name, fleettest.Sandbox.Account)
			require.Equal(t, quota.Short, got.Verdict, "%+v", got)
			done, reason = a.deploy(t.Context(), t, client, fleettest.Sandbox.Name+"-notes", text)
			require.False(t, done)
			require.Contains(t, reason, one.refusal)
		})
	}
	require.Len(t, cases, len(quota.Table()), "a test of no row")
}

// TestWhatIsChangedCountsAsItIsDeployed takes random stacks from one random template to another, with random
// quotas: whatever is said to fit deploys, whatever is said not to does not.
func TestWhatIsChangedCountsAsItIsDeployed(t *testing.T) {
	a := openAccounts(t)
	console, client := a.Account(fleettest.Sandbox.Account), a.CloudFormation(fleettest.Sandbox)
	kinds := []struct {
		kind, service, code string
		properties          func(version int) object
	}{
		{"AWS::SNS::Topic", "sns", "L-61103206", func(v int) object { return object{"TopicName": fmt.Sprintf("${AWS::StackName}-%d", v)} }},
		{"AWS::DynamoDB::Table", "dynamodb", "L-F98FE922", func(v int) object {
			properties := keyed()
			properties["TableClass"] = []string{"STANDARD", "STANDARD_INFREQUENT_ACCESS"}[v%2] // changed in place
			return properties
		}},
		{"AWS::EC2::EIP", "ec2", "L-0263D0A3", func(int) object { return object{"Domain": "vpc"} }},
		{"AWS::EC2::VPC", "vpc", "L-F678F1CE", func(v int) object { return object{"CidrBlock": fmt.Sprintf("10.%d.0.0/16", v)} }},
		{"AWS::S3::Bucket", "s3", "L-DC2B2D3D", func(int) object { return object{} }},
		{"AWS::Events::Rule", "events", "L-244521F2", func(int) object { return object{"EventPattern": object{"source": []any{"a"}}} }},
	}
	template := func(rt *rapid.T, label string) draft {
		d := with("Always", "AWS::SQS::Queue", object{})
		d.more = object{"Parameters": object{"Stage": object{"Type": "String", "Default": "dev"}}, "Conditions": object{
			"Yes": object{"Fn::Equals": []any{object{"Ref": "Stage"}, "dev"}}, "No": object{"Fn::Not": []any{object{"Condition": "Yes"}}},
		}}
		for k, kind := range kinds {
			for i := range 3 {
				if !rapid.Bool().Draw(rt, fmt.Sprintf("%s %s %d", label, kind.kind, i)) {
					continue
				}
				properties := kind.properties(rapid.IntRange(0, 1).Draw(rt, label+" version"))
				if name, named := properties["TopicName"]; named {
					properties["TopicName"] = object{"Fn::Sub": fmt.Sprintf("%s-%d", name, i)}
				}
				one := object{"Type": kind.kind, "Properties": properties}
				if condition := rapid.SampledFrom([]string{"", "", "Yes", "No"}).Draw(rt, label+" condition"); condition != "" {
					one["Condition"] = condition
				}
				d.resources[fmt.Sprintf("K%dR%d", k, i)] = one
			}
		}
		return d
	}
	dir, all := t.TempDir(), a.Fleet()
	number := 0
	rapid.Check(t, func(rt *rapid.T) {
		number++
		stack := fmt.Sprintf("dev-notes-%d", number)
		require.NoError(rt, a.Load(strings.NewReader(`{"Version": 1, "Accounts": {"111111111111": {"Resources": [], "Stacks": []}}}`)))
		for _, kind := range kinds {
			require.NoError(rt, console.SetQuota(fleettest.Sandbox.Region, kind.service, kind.code, 100))
		}
		if rapid.Bool().Draw(rt, "update") {
			done, reason := a.deploy(t.Context(), rt, client, stack, template(rt, "first").text(rt))
			require.True(rt, done, reason)
		}
		for _, kind := range kinds {
			if rapid.IntRange(0, 2).Draw(rt, kind.service+" is scarce") == 0 { // of all at once nearly nothing would ever fit
				require.NoError(rt, console.SetQuota(fleettest.Sandbox.Region, kind.service, kind.code, float64(rapid.IntRange(0, 6).Draw(rt, kind.service))))
			}
		}
		next := template(rt, "next").text(rt)
		require.NoError(rt, os.WriteFile(filepath.Join(dir, "t.json"), []byte(next), 0o600))
		survey := quota.Survey{Fleet: all, Assembly: fleet.Assembly{Dir: dir, Document: assembly.Document{Service: "notes", Stages: []assembly.Synthesized{{
			Stage: assembly.Stage{Name: fleettest.Sandbox.Name, Account: fleettest.Sandbox.Account, Region: fleettest.Sandbox.Region}, Role: fleettest.Sandbox.Name, StackName: stack, File: "t.json",
		}}}}, Needed: true}
		report, err := survey.Run(t.Context(), []stages.Stage{fleettest.Sandbox})
		require.NoError(rt, err)
		require.Empty(rt, report.Gaps)
		verdicts := report.Verdicts()
		require.Zero(rt, verdicts[quota.Unknown])
		done, reason := a.deploy(t.Context(), rt, client, stack, next)
		require.Equal(rt, verdicts[quota.Short] == 0, done, "%v\n%s\n%+v", verdicts, reason, report.Quotas)
	})
}

var topics = with("A", "AWS::SNS::Topic", object{}, "B", "AWS::SNS::Topic", object{})

func TestStagesOfOneAccountAndRegionAddUp(t *testing.T) {
	a := openAccounts(t)
	require.NoError(t, a.Account(fleettest.Sandbox.Account).SetQuota(fleettest.Sandbox.Region, "sns", "L-61103206", 3))
	other := fleettest.Neighbour
	other.Region = "eu-west-1"
	buckets := topics.plus(with("Bucket", "AWS::S3::Bucket", object{}))
	survey := a.survey(map[stages.Stage]string{fleettest.Sandbox: buckets.text(t), fleettest.Neighbour: buckets.text(t)})
	alone := a.report(survey, fleettest.Sandbox)
	require.Equal(t, quota.Fits, place(t, alone, "SNS topics", fleettest.Sandbox.Account).Verdict)
	both := place(t, a.report(survey, fleettest.Sandbox, fleettest.Neighbour), "SNS topics", fleettest.Sandbox.Account)
	require.Equal(t, quota.Short, both.Verdict)
	require.Equal(t, []string{fleettest.Sandbox.Name, fleettest.Neighbour.Name}, both.Stages)
	require.Equal(t, 4.0, *both.Need)

	survey = a.survey(map[stages.Stage]string{fleettest.Sandbox: buckets.text(t), other: buckets.text(t)})
	apart := a.report(survey, fleettest.Sandbox, other)
	require.Equal(t, quota.Fits, place(t, apart, "SNS topics", fleettest.Sandbox.Account).Verdict, "regions are apart")
	global := place(t, apart, "S3 buckets", fleettest.Sandbox.Account)
	require.Equal(t, 2.0, *global.Need, "but for what is global")
	require.Equal(t, "us-east-1", global.Region)
}

func TestALimitBelowProductionsIsMarked(t *testing.T) {
	a := openAccounts(t)
	require.NoError(t, a.Account(fleettest.Sandbox.Account).SetQuota(fleettest.Sandbox.Region, "lambda", "L-B99A9384", 10))
	require.NoError(t, a.Account(fleettest.Standard.Account).SetQuota(fleettest.Standard.Region, "lambda", "L-B99A9384", 2000))
	reserving := function("Fn", object{"ReservedConcurrentExecutions": 5}).text(t)
	report := a.report(a.survey(map[stages.Stage]string{fleettest.Sandbox: reserving, fleettest.Standard: topics.text(t), fleettest.Protected: reserving}), fleettest.Sandbox, fleettest.Standard, fleettest.Protected)
	dev := place(t, report, "Lambda concurrent executions", fleettest.Sandbox.Account)
	require.True(t, dev.Lower)
	require.True(t, dev.New)
	require.Equal(t, quota.Short, dev.Verdict)
	require.Equal(t, 10.0, dev.Keeps)
	require.Contains(t, dev.Why, "a new account has 10")
	require.False(t, place(t, report, "Lambda concurrent executions", fleettest.Standard.Account).Lower)
	require.Equal(t, quota.Fits, place(t, report, "Lambda concurrent executions", fleettest.Protected.Account).Verdict)
	require.Equal(t, quota.Fits, place(t, report, "Lambda concurrent executions", fleettest.Standard.Account).Verdict, "nothing is reserved there")
}

func TestARowIsAllThatANewQuotaNeeds(t *testing.T) {
	a := openAccounts(t)
	survey := a.survey(map[stages.Stage]string{fleettest.Sandbox: topics.text(t)})
	survey.Table = append(quota.Table(), quota.Quota{
		Service: "sns", Name: "topics whose name is made up", Unit: "topics", Default: 1, Each: true, Source: "https://docs.aws.amazon.com/",
		Demand: func(t *quota.Template) []quota.Share {
			count := 0.0
			for _, one := range t.Resources {
				if one.Properties["TopicName"] == nil {
					count++
				}
			}
			return []quota.Share{{Key: "all", Least: count, Most: count}}
		},
	})
	got := place(t, a.report(survey, fleettest.Sandbox), "topics whose name is made up", fleettest.Sandbox.Account)
	require.Equal(t, quota.Short, got.Verdict)
	require.Equal(t, 2.0, *got.Need)
}

func TestEveryRowSaysWhatItIs(t *testing.T) {
	seen := map[string]bool{}
	for _, row := range quota.Table() {
		require.False(t, seen[row.Name], row.Name)
		seen[row.Name] = true
		require.NotEmpty(t, row.Service, row.Name)
		require.NotEmpty(t, row.Unit, row.Name)
		require.Regexp(t, `^https://docs\.aws\.amazon\.com/`, row.Source, row.Name)
		require.Positive(t, row.Default, row.Name)
		require.True(t, row.Each || row.Used != nil && row.API != "", row.Name)
		require.True(t, row.Code != "" || row.Advice != "", row.Name)
		require.Equal(t, row.New == 0, row.NewNote == "", row.Name)
	}
	page, err := os.ReadFile("../../../docs/quotas.md")
	require.NoError(t, err)
	for name := range seen {
		name, _, _ = strings.Cut(name, ", ") // CodeBuild's are one
		require.True(t, strings.Contains(string(page), "| "+name), "docs/quotas.md does not explain %s", name)
	}
}

func TestWhatCannotBeKnownBeforeADeployIsNotSaidToFit(t *testing.T) {
	a := openAccounts(t)
	parameters := object{"Parameters": object{
		"Count": object{"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/count"}, "Number": object{"Type": "Number", "Default": 7},
	}, "Conditions": object{"Maybe": object{"Fn::Equals": []any{object{"Ref": "Count"}, "1"}}}}
	reserving := func(value any) draft {
		d := function("Fn", object{"ReservedConcurrentExecutions": value})
		d.more = parameters
		return d
	}
	maybe := many(3, "AWS::SNS::Topic", none)
	maybe.more = parameters
	for _, one := range maybe.resources {
		one.(object)["Condition"] = "Maybe"
	}
	perhaps := func(d draft, id, property string, written any) draft { // a whole property that only SSM decides
		d.resources[id].(object)["Properties"].(object)[property] = object{"Fn::If": []any{"Maybe", written, object{"Ref": "AWS::NoValue"}}}
		d.more = parameters
		return d
	}
	warm := function("Fn", object{}).plus(with("Live", "AWS::Lambda::Alias", object{"FunctionName": object{"Ref": "Fn"}, "Name": "live", "FunctionVersion": "1"}))
	endpoint := with("E", "AWS::EC2::VPCEndpoint", object{"VpcId": "vpc-1", "ServiceName": "com.amazonaws.us-east-1.sqs", "SubnetIds": []any{"subnet-1"}})
	inside := object{"SubnetIds": []any{"subnet-1"}, "SecurityGroupIds": []any{"sg-1"}}
	crowd := many(4, "AWS::Events::Rule", func(int) object { return object{"EventBusName": "orders"} })
	for what, is := range map[string]struct {
		draft
		row     string
		verdict quota.Verdict
		need    *float64
		why     string
	}{
		"provisioned concurrency that SSM decides": {
			perhaps(warm, "Live", "ProvisionedConcurrencyConfig", object{"ProvisionedConcurrentExecutions": 2000}), "Lambda concurrent executions",
			quota.Unknown, nil, "it depends on ProvisionedConcurrencyConfig.ProvisionedConcurrentExecutions of Live",
		},
		"a network that SSM decides":            {perhaps(function("Fn", object{}), "Fn", "VpcConfig", inside), "network interfaces", quota.Unknown, nil, "it depends on VpcConfig.SubnetIds of Fn"},
		"a kind of endpoint that SSM decides":   {perhaps(endpoint, "E", "VpcEndpointType", "Interface"), "network interfaces", quota.Unknown, nil, "it depends on VpcEndpointType of E"},
		"a kind of machine that SSM decides":    {perhaps(project("", "", 1), "Project", "Environment", object{}), "CodeBuild builds at once, ARM/Small", quota.Unknown, nil, "it depends on Environment of Project"},
		"a bus that is full, and one somewhere": {crowd.plus(with("R", "AWS::Events::Rule", object{"EventBusName": object{"Fn::ImportValue": "bus"}})), "EventBridge rules of a bus", quota.Short, aws.Float64(4), ""},
		"a number that SSM knows":               {reserving(object{"Ref": "Count"}), "Lambda concurrent executions", quota.Unknown, nil, "it depends on ReservedConcurrentExecutions of Fn"},
		"a parameter with a default":            {reserving(object{"Ref": "Number"}), "Lambda concurrent executions", quota.Fits, aws.Float64(7), ""},
		"an Fn::If that SSM decides":            {reserving(object{"Fn::If": []any{"Maybe", 1, 2}}), "Lambda concurrent executions", quota.Unknown, nil, "it depends on"},
		"a property that is not there":          {reserving(object{"Ref": "AWS::NoValue"}), "Lambda concurrent executions", quota.Fits, aws.Float64(0), ""},
		"a condition, where there is room":      {maybe, "DynamoDB tables", quota.Fits, aws.Float64(0), ""},
		"a condition, where there is none":      {maybe, "SNS topics", quota.Unknown, aws.Float64(3), "it depends on condition Maybe"},
		"code that is nowhere to be seen":       {function("Fn", object{"Code": object{"S3Bucket": "b", "S3Key": "k"}}), "Lambda function and layer storage", quota.Unknown, nil, "it depends on length of Fn"},
		"a rule of a bus that is somewhere":     {with("R", "AWS::Events::Rule", object{"EventBusName": object{"Fn::ImportValue": "bus"}}), "EventBridge rules of a bus", quota.Unknown, nil, "it depends on EventBusName of R"},
	} {
		t.Run(what, func(t *testing.T) {
			a.T = t
			require.NoError(t, a.Account(fleettest.Sandbox.Account).SetQuota(fleettest.Sandbox.Region, "sns", "L-61103206", 2))
			require.NoError(t, a.Account(fleettest.Sandbox.Account).SetQuota(fleettest.Sandbox.Region, "events", "L-244521F2", 3))
			got := place(t, a.report(a.survey(map[stages.Stage]string{fleettest.Sandbox: is.text(t)}), fleettest.Sandbox), is.row, fleettest.Sandbox.Account)
			assert.Equal(t, is.verdict, got.Verdict)
			assert.Equal(t, is.need, got.Need)
			assert.Contains(t, got.Why, is.why)
		})
	}
}

// A nested stack has a template of its own, and what a transform makes is AWS's to know. Neither may fit unseen, nor
// keep a deploy from being tried.
func TestWhatATemplateDoesNotShowIsAGap(t *testing.T) {
	transformed := topics.plus(with())
	transformed.more = object{"Transform": "AWS::SecretsManager-2024-09-16"}
	for what, is := range map[string]struct {
		draft
		says   string
		stacks float64
	}{
		"a nested stack": {topics.plus(with("Inner", "AWS::CloudFormation::Stack", object{"TemplateURL": "https://s3.amazonaws.com/b/k"})), "the nested stack Inner", 2},
		"a transform":    {transformed, `the transform "AWS::SecretsManager-2024-09-16"`, 1},
	} {
		t.Run(what, func(t *testing.T) {
			a := openAccounts(t)
			require.NoError(t, a.Account(fleettest.Sandbox.Account).SetQuota(fleettest.Sandbox.Region, "sns", "L-61103206", 1))
			survey := a.survey(map[stages.Stage]string{fleettest.Sandbox: is.text(t), fleettest.Standard: topics.text(t)})
			report, err := survey.Run(t.Context(), []stages.Stage{fleettest.Sandbox, fleettest.Standard})
			require.NoError(t, err)
			require.Len(t, report.Gaps, 1)
			require.Equal(t, fleettest.Sandbox.Name, report.Gaps[0].Stage)
			messages.Provoked(t, report.Gaps[0].Problem)
			require.Contains(t, report.Gaps[0].Problem, "the template has "+is.says)
			for _, row := range report.Quotas {
				for _, one := range row.Places {
					if one.Account == fleettest.Sandbox.Account && row.Name != "SNS topics" {
						require.Equal(t, quota.Unknown, one.Verdict, row.Name)
						require.Contains(t, one.Why, "it depends on "+is.says)
					}
				}
			}
			require.Equal(t, quota.Short, place(t, report, "SNS topics", fleettest.Sandbox.Account).Verdict, "what is seen is enough to say no")
			require.Equal(t, quota.Fits, place(t, report, "IAM roles", fleettest.Standard.Account).Verdict, "the others are told")

			survey.Needed = true
			report, err = survey.Run(t.Context(), []stages.Stage{fleettest.Sandbox})
			require.NoError(t, err)
			require.Len(t, report.Gaps, 1, "before a deploy it is said once")
			require.Equal(t, is.stacks, *place(t, report, "CloudFormation stacks", fleettest.Sandbox.Account).Need)
			require.Equal(t, 1, report.Verdicts()[quota.Short])
		})
	}
}

func TestAHiddenParameterDecidesNothing(t *testing.T) {
	a := openAccounts(t)
	d := many(2, "AWS::SNS::Topic", none)
	for _, one := range d.resources {
		one.(object)["Condition"] = "Many"
	}
	d = d.plus(with("Always", "AWS::SQS::Queue", object{}))
	d.more = object{
		"Parameters": object{"Secret": object{"Type": "String", "NoEcho": true, "Default": "many"}},
		"Conditions": object{"Many": object{"Fn::Equals": []any{object{"Ref": "Secret"}, "many"}}},
	}
	survey := a.survey(map[stages.Stage]string{fleettest.Sandbox: d.text(t)})
	require.Equal(t, 2.0, *place(t, a.report(survey, fleettest.Sandbox), "SNS topics", fleettest.Sandbox.Account).Need, "nothing is deployed: it has its default")
	first := with("Always", "AWS::SQS::Queue", object{})
	first.more = d.more
	done, reason := a.deploy(t.Context(), t, a.CloudFormation(fleettest.Sandbox), "dev-notes", first.text(t))
	require.True(t, done, reason)
	require.NoError(t, a.Account(fleettest.Sandbox.Account).SetQuota(fleettest.Sandbox.Region, "sns", "L-61103206", 1))
	got := place(t, a.report(survey, fleettest.Sandbox), "SNS topics", fleettest.Sandbox.Account)
	require.Equal(t, quota.Unknown, got.Verdict, "CloudFormation tells ****, which is not its value")
	require.Contains(t, got.Why, "condition Many")
}

func TestThePackageOfAFunctionIsFoundAmongTheAssets(t *testing.T) {
	a := openAccounts(t)
	survey := a.survey(map[stages.Stage]string{fleettest.Sandbox: function("Fn", object{"Code": object{"S3Bucket": "b", "S3Key": "k.zip"}}).text(t)})
	code := filepath.Join(survey.Assembly.Dir, "code")
	require.NoError(t, os.MkdirAll(code, 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(code, "bootstrap"), make([]byte, 3<<20), 0o600))
	assets := `{"files": {"k": {"source": {"path": "code", "packaging": "zip"}, "destinations": {"d": {"objectKey": "k.zip"}}}}}`
	require.NoError(t, os.WriteFile(filepath.Join(survey.Assembly.Dir, "dev.assets.json"), []byte(assets), 0o600))
	storage := func(limit float64) quota.Place {
		require.NoError(t, a.Account(fleettest.Sandbox.Account).SetQuota(fleettest.Sandbox.Region, "lambda", "L-2ACBD22F", limit/(1<<30)))
		return place(t, a.report(survey, fleettest.Sandbox), "Lambda function and layer storage", fleettest.Sandbox.Account)
	}
	require.Equal(t, quota.Fits, storage(10<<20).Verdict)
	require.Equal(t, quota.Unknown, storage(1<<20).Verdict, "it may be packed to less")
	require.Equal(t, quota.Short, storage(1<<10).Verdict, "but not to that")
}

func TestAChangeOfWhatIsDeployedCountsItsIncrease(t *testing.T) {
	a := openAccounts(t)
	client := a.CloudFormation(fleettest.Sandbox)
	first := function("Fn", object{"ReservedConcurrentExecutions": 30})
	done, reason := a.deploy(t.Context(), t, client, "dev-notes", first.text(t))
	require.True(t, done, reason)
	for want, next := range map[float64]draft{
		0:  first,
		5:  function("Fn", object{"ReservedConcurrentExecutions": 35}),
		35: function("Fn", object{"ReservedConcurrentExecutions": 35, "FunctionName": "another"}), // a new one, before the old is deleted
	} {
		got := place(t, a.report(a.survey(map[stages.Stage]string{fleettest.Sandbox: next.text(t)}), fleettest.Sandbox), "Lambda concurrent executions", fleettest.Sandbox.Account)
		require.Equal(t, want, *got.Need)
		require.Equal(t, 30.0, *got.Used)
	}
	less := function("Fn", object{"ReservedConcurrentExecutions": 3})
	require.Zero(t, *place(t, a.report(a.survey(map[stages.Stage]string{fleettest.Sandbox: less.text(t)}), fleettest.Sandbox), "Lambda concurrent executions", fleettest.Sandbox.Account).Need)
}

// What is provisioned moves into a reservation that is new, and with a function that is replaced it is needed twice.
func TestProvisionedConcurrencyFollowsItsFunction(t *testing.T) {
	ready := func(provisioned int, more object) draft {
		return function("Fn", more).plus(with("V", "AWS::Lambda::Version", object{"FunctionName": object{"Ref": "Fn"}}, "Live", "AWS::Lambda::Alias", object{
			"FunctionName": object{"Ref": "Fn"}, "Name": "live", "FunctionVersion": object{"Fn::GetAtt": []any{"V", "Version"}},
			"ProvisionedConcurrencyConfig": object{"ProvisionedConcurrentExecutions": provisioned},
		}))
	}
	reserved := func(count int) object { return object{"ReservedConcurrentExecutions": count} }
	for what, is := range map[string]struct {
		now, next draft
		need      float64
		verdict   quota.Verdict
	}{
		"a reservation for it":           {ready(30, nil), ready(30, reserved(40)), 10, quota.Close},
		"a reservation that is too much": {ready(30, nil), ready(30, reserved(51)), 21, quota.Short},
		"no reservation any more":        {ready(30, reserved(40)), ready(30, nil), 0, quota.Close},
		"as it was":                      {ready(30, reserved(40)), ready(30, reserved(40)), 0, quota.Close},
		"another function of 20":         {ready(20, object{"FunctionName": "one"}), ready(20, object{"FunctionName": "two"}), 20, quota.Close},
		"another function of 30":         {ready(30, object{"FunctionName": "one"}), ready(30, object{"FunctionName": "two"}), 30, quota.Short},
	} {
		t.Run(what, func(t *testing.T) {
			a := openAccounts(t)
			client := a.CloudFormation(fleettest.Sandbox)
			require.NoError(t, a.Account(fleettest.Sandbox.Account).SetQuota(fleettest.Sandbox.Region, "lambda", "L-B99A9384", 150)) // 50 of them to reserve
			done, reason := a.deploy(t.Context(), t, client, "dev-notes", is.now.text(t))
			require.True(t, done, reason)
			got := place(t, a.report(a.survey(map[stages.Stage]string{fleettest.Sandbox: is.next.text(t)}), fleettest.Sandbox), "Lambda concurrent executions", fleettest.Sandbox.Account)
			assert.Equal(t, is.need, *got.Need)
			assert.Equal(t, is.verdict, got.Verdict)
			done, reason = a.deploy(t.Context(), t, client, "dev-notes", is.next.text(t))
			assert.Equal(t, is.verdict != quota.Short, done, reason)
		})
	}
}

func TestWhatRefersToSomethingReplacedIsReplaced(t *testing.T) {
	inside := network().plus(with("Address", "AWS::EC2::EIP", object{}, "NAT", "AWS::EC2::NatGateway", object{
		"SubnetId": object{"Ref": "Sub"}, "AllocationId": object{"Fn::GetAtt": []any{"Address", "AllocationId"}},
	}, "Endpoint", "AWS::EC2::VPCEndpoint", object{
		"VpcId": object{"Ref": "Net"}, "VpcEndpointType": "Interface", "ServiceName": "com.amazonaws.us-east-1.sqs", "SubnetIds": []any{object{"Ref": "Sub"}},
	}))
	elsewhere := inside.plus(with("Net", "AWS::EC2::VPC", object{"CidrBlock": "10.1.0.0/16"}, "Sub", "AWS::EC2::Subnet", object{"VpcId": object{"Ref": "Net"}, "CidrBlock": "10.1.0.0/24"}))
	a := openAccounts(t)
	client := a.CloudFormation(fleettest.Sandbox)
	done, reason := a.deploy(t.Context(), t, client, "dev-notes", inside.text(t))
	require.True(t, done, reason)
	for limit, verdict := range map[float64]quota.Verdict{3: quota.Short, 4: quota.Close} {
		require.NoError(t, a.Account(fleettest.Sandbox.Account).SetQuota(fleettest.Sandbox.Region, "vpc", "L-DF5E4CA3", limit))
		got := place(t, a.report(a.survey(map[stages.Stage]string{fleettest.Sandbox: elsewhere.text(t)}), fleettest.Sandbox), "network interfaces", fleettest.Sandbox.Account)
		require.Equal(t, []any{2.0, 2.0, verdict}, []any{*got.Need, *got.Used, got.Verdict})
	}
	same := place(t, a.report(a.survey(map[stages.Stage]string{fleettest.Sandbox: inside.text(t)}), fleettest.Sandbox), "network interfaces", fleettest.Sandbox.Account)
	require.Zero(t, *same.Need)
	require.NoError(t, a.Account(fleettest.Sandbox.Account).SetQuota(fleettest.Sandbox.Region, "vpc", "L-DF5E4CA3", 3))
	done, _ = a.deploy(t.Context(), t, client, "dev-notes", elsewhere.text(t))
	require.False(t, done)
	require.NoError(t, a.Account(fleettest.Sandbox.Account).SetQuota(fleettest.Sandbox.Region, "vpc", "L-DF5E4CA3", 4))
	done, reason = a.deploy(t.Context(), t, client, "dev-notes", elsewhere.text(t))
	require.True(t, done, reason)
}

func TestARuleIsAddedToTheBusThatTheStackHas(t *testing.T) {
	a := openAccounts(t)
	rules := func(count int) string {
		return with("Bus", "AWS::Events::EventBus", object{"Name": "orders"}).plus(many(count, "AWS::Events::Rule", func(int) object {
			return object{"EventBusName": object{"Ref": "Bus"}, "EventPattern": object{"source": []any{"a"}}}
		})).text(t)
	}
	require.NoError(t, a.Account(fleettest.Sandbox.Account).SetQuota(fleettest.Sandbox.Region, "events", "L-244521F2", 2))
	done, reason := a.deploy(t.Context(), t, a.CloudFormation(fleettest.Sandbox), "dev-notes", rules(2))
	require.True(t, done, reason)
	got := place(t, a.report(a.survey(map[stages.Stage]string{fleettest.Sandbox: rules(3)}), fleettest.Sandbox), "EventBridge rules of a bus", fleettest.Sandbox.Account)
	require.Equal(t, quota.Short, got.Verdict)
	require.Equal(t, []any{"orders", 1.0, 2.0}, []any{got.Subject, *got.Need, *got.Used})
}

func TestAStackThatIsHalfMadeHasHalfOfIt(t *testing.T) {
	a := openAccounts(t)
	client := a.CloudFormation(fleettest.Sandbox)
	require.NoError(t, a.Account(fleettest.Sandbox.Account).SetQuota(fleettest.Sandbox.Region, "dynamodb", "L-F98FE922", 0))
	text := topics.plus(with("T", "AWS::DynamoDB::Table", func() object {
		table := keyed()
		table["Tags"] = []any{object{"Key": "after", "Value": object{"Ref": "A"}}, object{"Key": "and", "Value": object{"Ref": "B"}}}
		return table
	}())).text(t)
	_, err := client.CreateStack(t.Context(), &cloudformation.CreateStackInput{StackName: aws.String("dev-notes"), TemplateBody: &text, DisableRollback: aws.Bool(true)})
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		got, err := client.DescribeStacks(t.Context(), &cloudformation.DescribeStacksInput{StackName: aws.String("dev-notes")})
		require.NoError(t, err)
		return got.Stacks[0].StackStatus == types.StackStatusCreateFailed
	}, 10*time.Second, time.Millisecond)
	report := a.report(a.survey(map[stages.Stage]string{fleettest.Sandbox: text}), fleettest.Sandbox)
	require.Zero(t, *place(t, report, "SNS topics", fleettest.Sandbox.Account).Need)
	require.Equal(t, 1.0, *place(t, report, "DynamoDB tables", fleettest.Sandbox.Account).Need)
	require.Equal(t, quota.Short, place(t, report, "DynamoDB tables", fleettest.Sandbox.Account).Verdict)
}

func TestAnIncreaseIsAskedForOnceAndRemembered(t *testing.T) {
	a := openAccounts(t)
	console := a.Account(fleettest.Sandbox.Account)
	require.NoError(t, console.SetQuota(fleettest.Sandbox.Region, "lambda", "L-B99A9384", 10))
	require.NoError(t, console.SetQuota(fleettest.Sandbox.Region, "apigateway", "L-AA0FF27B", 1))
	apis := many(2, "AWS::ApiGatewayV2::Api", func(i int) object { return object{"Name": fmt.Sprint(i), "ProtocolType": "HTTP"} })
	survey := a.survey(map[stages.Stage]string{fleettest.Sandbox: apis.plus(function("Fn", object{"ReservedConcurrentExecutions": 5})).text(t)})
	report := a.report(survey, fleettest.Sandbox)
	increases := survey.Increases(report)
	require.Len(t, increases, 2)
	require.Equal(t, "Lambda concurrent executions", increases[0].Name)
	require.Equal(t, 1000.0, increases[0].Desired)
	require.Equal(t, "AWS's default", increases[0].Why)
	require.True(t, increases[0].Askable())
	require.False(t, increases[1].Askable())
	require.Contains(t, increases[1].Link, "support.console.aws.amazon.com", "AWS takes no request for HTTP APIs")
	large := a.survey(map[stages.Stage]string{fleettest.Sandbox: clusters(12).text(t)})
	never := large.Increases(a.report(large, fleettest.Sandbox))
	require.Len(t, never, 1)
	require.Equal(t, "DAX nodes of a cluster", never[0].Name)
	require.Empty(t, never[0].Link, "no support case makes a cluster larger")
	require.Contains(t, never[0].Advice, "take larger nodes")
	require.Empty(t, console.QuotaRequests(), "showing asks for nothing")

	asked := survey.Request(t.Context(), increases)
	require.Equal(t, "PENDING", asked[0].Request.Status)
	require.Len(t, console.QuotaRequests(), 1)
	again := a.report(survey, fleettest.Sandbox)
	open := place(t, again, "Lambda concurrent executions", fleettest.Sandbox.Account)
	require.Equal(t, asked[0].Request, open.Request, "the account remembers")
	require.False(t, survey.Increases(again)[0].Askable())
	require.Equal(t, asked[0].Request.ID, survey.Request(t.Context(), increases)[0].Request.ID, "nor is it asked twice by somebody who has not looked")
	require.Len(t, console.QuotaRequests(), 1)

	require.NoError(t, console.DecideQuotaRequest(open.Request.ID, true))
	granted := place(t, a.report(survey, fleettest.Sandbox), "Lambda concurrent executions", fleettest.Sandbox.Account)
	require.Equal(t, quota.Fits, granted.Verdict)
	require.Nil(t, granted.Request)
}

func TestWhatAnAccountDoesNotAnswerIsAGapAndNeverFits(t *testing.T) {
	full := topics.plus(function("Fn", object{"ReservedConcurrentExecutions": 5})).text(t)
	throttled := rehearsal.Fault{Status: 400, Code: "TooManyRequestsException", Message: "Rate exceeded"}
	for what, is := range map[string]struct {
		fault   rehearsal.Fault
		service string
		unknown []string // rows
		problem string
	}{
		"one API is denied": {
			rehearsal.Fault{Service: "sns", Operation: "ListTopics", Status: 403, Code: "AuthorizationError", Message: "not you"},
			"SNS",
			[]string{"SNS topics"},
			"AuthorizationError: not you",
		},
		"one service's quotas are denied": {
			rehearsal.Fault{Service: "servicequotas", Operation: "ListServiceQuotas", Status: 400, Code: "AccessDeniedException", Message: "not you"},
			"Service Quotas",
			[]string{"SNS topics", "IAM roles", "Lambda concurrent executions"},
			"AccessDeniedException: not you",
		},
		"throttled without end": {
			rehearsal.Fault{Service: "servicequotas", Operation: "ListServiceQuotas", Status: throttled.Status, Code: throttled.Code, Message: throttled.Message},
			"Service Quotas",
			[]string{"SNS topics"},
			"",
		},
		"the token has expired": {
			rehearsal.Fault{Service: "sts", Operation: "GetCallerIdentity", Status: 403, Code: "ExpiredToken", Message: "The security token included in the request is expired"},
			"STS",
			[]string{"SNS topics", "IAM roles", "Lambda concurrent executions"},
			"ExpiredToken",
		},
		"a region that is off": {
			rehearsal.Fault{Region: fleettest.Standard.Region, Status: 403, Code: "InvalidClientTokenId", Message: "The security token included in the request is invalid"},
			"STS",
			[]string{"SNS topics"},
			"InvalidClientTokenId",
		},
		"a page that is too slow": {
			rehearsal.Fault{Service: "servicequotas", Operation: "ListServiceQuotas", After: 1, Delay: time.Minute},
			"Service Quotas",
			[]string{"SNS topics"},
			"deadline",
		},
		"a page that breaks off": {
			rehearsal.Fault{Service: "sns", Operation: "ListTopics", After: 1, BreakOff: true},
			"SNS",
			[]string{"SNS topics"},
			"",
		},
		"what is deployed is denied": {
			rehearsal.Fault{Service: "cloudformation", Operation: "DescribeStacks", Status: 403, Code: "AccessDenied", Message: "not you"},
			"CloudFormation",
			[]string{"CloudFormation stacks"},
			"AccessDenied: not you",
		},
	} {
		t.Run(what, func(t *testing.T) {
			a := openAccounts(t)
			for i := range 101 { // two pages
				_, err := a.Account(fleettest.Standard.Account).Create(fleettest.Standard.Region, "AWS::SNS::Topic", object{"TopicName": fmt.Sprint("topic-", i)})
				require.NoError(t, err)
			}
			survey := a.survey(map[stages.Stage]string{fleettest.Sandbox: full, fleettest.Standard: full, fleettest.Protected: full})
			survey.Patience = 4 * time.Second
			is.fault.Account = fleettest.Standard.Account
			a.InjectFault(is.fault)
			report, err := survey.Run(t.Context(), []stages.Stage{fleettest.Sandbox, fleettest.Standard, fleettest.Protected})
			require.NoError(t, err)
			require.NotEmpty(t, report.Gaps)
			for _, gap := range report.Gaps {
				require.Equal(t, fleettest.Standard.Account, gap.Account)
				if gap.Service == is.service {
					messages.Provoked(t, gap.Problem)
					require.Contains(t, gap.Problem, is.problem)
				}
			}
			require.True(t, slices.ContainsFunc(report.Gaps, func(gap fleet.Gap) bool { return gap.Service == is.service }), report.Gaps)
			for _, row := range is.unknown {
				require.Equal(t, quota.Unknown, place(t, report, row, fleettest.Standard.Account).Verdict, row)
				require.Equal(t, quota.Fits, place(t, report, row, fleettest.Sandbox.Account).Verdict, "the others are told")
				require.Equal(t, quota.Fits, place(t, report, row, fleettest.Protected.Account).Verdict, "the others are told")
			}
		})
	}
}

func TestAnAccountThatThrottlesAWhileIsAskedAgain(t *testing.T) {
	a := openAccounts(t)
	a.InjectFault(rehearsal.Fault{Service: "servicequotas", Count: 2, Status: 400, Code: "TooManyRequestsException", Message: "Rate exceeded"})
	report := a.report(a.survey(map[stages.Stage]string{fleettest.Sandbox: topics.text(t)}), fleettest.Sandbox)
	require.Zero(t, report.Verdicts()[quota.Unknown])
}

func TestAServiceThatARegionDoesNotHaveIsNoGap(t *testing.T) {
	a := openAccounts(t)
	survey := a.survey(map[stages.Stage]string{fleettest.Sandbox: topics.text(t)})
	survey.Table = slices.DeleteFunc(quota.Table(), func(row quota.Quota) bool { return row.Service != "sns" && row.Service != "dax" })
	for i := range survey.Table {
		if survey.Table[i].Service == "dax" {
			survey.Table[i].Service = "elsewhere" // Service Quotas answers for such a one as for a name that is none
		}
	}
	report := a.report(survey, fleettest.Sandbox)
	got := place(t, report, "DAX nodes", fleettest.Sandbox.Account)
	require.Equal(t, quota.Unknown, got.Verdict)
	require.Equal(t, "Service Quotas has no such quota in us-east-1", got.Why)
	require.Zero(t, report.Verdicts()[quota.Unknown], "of which nothing is needed")
	for _, call := range a.Calls() {
		require.NotEqual(t, "dax", call.Service)
	}
}

func TestEachServiceIsAskedOnceForItsQuotas(t *testing.T) {
	a := openAccounts(t)
	a.report(a.survey(map[stages.Stage]string{fleettest.Sandbox: topics.text(t), fleettest.Neighbour: topics.text(t)}), fleettest.Sandbox, fleettest.Neighbour)
	services := map[string]bool{}
	for _, row := range quota.Table() {
		services[row.Service] = true
	}
	count := map[string]int{}
	for _, call := range a.Calls() {
		count[call.Operation]++
	}
	require.Equal(t, len(services), count["ListServiceQuotas"], "two stages of one account and region, and every row")
	require.Equal(t, 1, count["ListAWSDefaultServiceQuotas"], "only where an applied value is missing")
	require.Zero(t, count["GetServiceQuota"])

	before := len(a.Calls())
	survey := a.survey(map[stages.Stage]string{fleettest.Sandbox: topics.text(t)})
	survey.Needed = true
	a.report(survey, fleettest.Sandbox)
	var asked []string
	for _, call := range a.Calls()[before:] {
		if call.Operation == "ListServiceQuotas" {
			asked = append(asked, call.Service)
		}
	}
	require.Len(t, asked, 2, "before a deploy only what it needs: SNS and CloudFormation")
}
