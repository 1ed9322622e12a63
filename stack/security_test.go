package stack_test

import (
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/cloudformationinclude"
	"github.com/cdklabs/cdk-nag-go/cdknag/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/stack"
	"github.com/roadshow-go/roadshow/stack/stacktest"
)

// golden is one golden template, of any service of this repository.
type golden struct {
	file  string // from this folder
	stage string
	types map[string]string // of its resources, by logical id
	body  map[string]any    // of its resources, by logical id
}

func goldens(t *testing.T) []golden {
	t.Helper()
	var all []golden
	for _, folder := range []string{"testdata", "../testdata", "../examples/*/testdata"} {
		files, err := filepath.Glob(filepath.Join(folder, "*.golden.json"))
		require.NoError(t, err)
		for _, file := range files {
			var template struct{ Resources map[string]any }
			readJSON(t, file, &template)
			g := golden{file: file, stage: strings.Split(filepath.Base(file), ".")[1], types: map[string]string{}, body: template.Resources}
			for id, resource := range template.Resources {
				g.types[id], _ = resource.(map[string]any)["Type"].(string)
			}
			all = append(all, g)
		}
	}
	require.Greater(t, len(all), 9)
	return all
}

// acknowledged are the findings that stay, each with its reason. What nothing finds any more has to go.
var acknowledged = []struct {
	rule, kind string
	id         *regexp.Regexp // of the logical id; nil is any
	stage      string         // empty is any
	reason     string
}{
	{rule: "AwsSolutions-APIG4", kind: "AWS::ApiGatewayV2::Route", id: regexp.MustCompile(`^apiAPI(GEThealth|GETnotes|GETnotesid|POSTnotes|POSTorders)[0-9A-F]{8}$`), reason: "these APIs are open to everybody: their configs ask for no authorizer"},
	{rule: "AwsSolutions-APIG4", kind: "AWS::ApiGatewayV2::Route", id: regexp.MustCompile(`^apiAPIOPTIONS`), reason: "a browser asks without credentials whether it may call: https://fetch.spec.whatwg.org/#cors-protocol-and-credentials"},
	{rule: "AwsSolutions-DDB3", kind: "AWS::DynamoDB::Table", stage: "dev", reason: "a sandbox has nothing that is worth a way back; every other tier has point-in-time recovery"},
	{rule: "AwsSolutions-IAM5", kind: "AWS::IAM::Policy", reason: "each wildcard stands in the table of wildcards, with its own reason"},
	{rule: "AwsSolutions-S1", kind: "AWS::S3::Bucket", reason: "a log of requests is a bucket of its own, and paid by the request: a bucket that needs one has AccessLog"},
	{rule: "AwsSolutions-SMG4", kind: "AWS::SecretsManager::Secret", reason: "a value that is set by hand is known to somebody else too: rotating it takes a function that tells them"},
	{rule: "AwsSolutions-SQS3", kind: "AWS::SQS::Queue", id: regexp.MustCompile(`^failedQueue|Failures[0-9A-F]{8}$`), reason: "it is where failures are kept: what stays there, somebody has to look at"},
	{rule: "AwsSolutions-VPC7", kind: "AWS::EC2::VPC", id: regexp.MustCompile(`^daxnetworkVPC`), reason: "it has no way to the internet, and its groups admit the functions that are granted DAX and nobody else"},
}

// finding is what a tool says of one resource.
type finding struct{ rule, id, text string }

// requireAcknowledged compares findings with the table.
func requireAcknowledged(t *testing.T, g golden, findings []finding, used map[int]bool) {
	t.Helper()
	for _, found := range findings {
		known := false
		for i, one := range acknowledged {
			if one.rule == found.rule && one.kind == g.types[found.id] && (one.stage == "" || one.stage == g.stage) && (one.id == nil || one.id.MatchString(found.id)) {
				known, used[i] = true, true
			}
		}
		assert.Truef(t, known, "%s: %s %s: %s (%s); correct the noun, or acknowledge it with a reason", g.file, g.types[found.id], found.id, found.text, found.rule)
	}
}

func TestEveryFindingInAGoldenIsAcknowledgedWithItsReason(t *testing.T) {
	stacktest.Synth(t, app(func(*stack.Stack) {}), dev) // the CDK's runtime is ready then
	used := map[int]bool{}
	for _, g := range goldens(t) {
		requireAcknowledged(t, g, validatorFindings(g.file), used)
		requireAcknowledged(t, g, nagFindings(t, g.file), used)
	}
	for i, one := range acknowledged {
		assert.Truef(t, used[i], "%s of %s is acknowledged, and nothing finds it", one.rule, one.kind)
	}
}

// bracketed is the rule at the end of what [stack.Findings] says.
var bracketed = regexp.MustCompile(`^(\w+)[^:]*: (.*) \[([^\]]+)\]`)

// validatorFindings are errors and warnings of AWS's own validator.
func validatorFindings(file string) []finding {
	var all []finding
	refused, warnings := stack.Findings(file, dev.Account, dev.Region)
	for _, text := range slices.Concat(refused, warnings) {
		found := finding{text: text}
		if parts := bracketed.FindStringSubmatch(text); parts != nil {
			found = finding{id: parts[1], text: parts[2], rule: parts[3]}
		}
		all = append(all, found)
	}
	return all
}

// nagFindings are those of cdk-nag's pack AwsSolutions. https://github.com/cdklabs/cdk-nag/blob/main/RULES.md
func nagFindings(t *testing.T, file string) []finding {
	t.Helper()
	outdir, yes, no := t.TempDir(), true, false
	absolute, err := filepath.Abs(file)
	require.NoError(t, err)
	cdkApp := awscdk.NewApp(&awscdk.AppProps{Outdir: &outdir})
	holder := awscdk.NewStack(cdkApp, text("Golden"), &awscdk.StackProps{
		// The template has that rule already.
		Synthesizer: awscdk.NewDefaultStackSynthesizer(&awscdk.DefaultStackSynthesizerProps{GenerateBootstrapVersionRule: &no}),
	})
	cloudformationinclude.NewCfnInclude(holder, text("Template"), &cloudformationinclude.CfnIncludeProps{TemplateFile: &absolute})
	awscdk.Aspects_Of(cdkApp).Add(cdknag.NewAwsSolutionsChecks(&cdknag.NagPackProps{
		Reports: &yes, ReportFormats: &[]cdknag.NagReportFormat{cdknag.NagReportFormat_JSON},
	}), nil)
	cdkApp.Synth(nil)

	reports, err := filepath.Glob(filepath.Join(outdir, "*NagReport.json"))
	require.NoError(t, err)
	require.Len(t, reports, 1)
	var report struct {
		Lines []struct{ RuleID, ResourceID, RuleInfo, Compliance string }
	}
	readJSON(t, reports[0], &report)
	require.NotEmpty(t, report.Lines)
	var all []finding
	for _, line := range report.Lines {
		if line.Compliance != "Compliant" {
			all = append(all, finding{rule: line.RuleID, id: line.ResourceID[strings.LastIndex(line.ResourceID, "/")+1:], text: line.RuleInfo})
		}
	}
	return all
}

// Both tools have to find what is there to be found: else the test above proves nothing.
func TestAFlawedTemplateIsFound(t *testing.T) {
	stacktest.Synth(t, app(func(*stack.Stack) {}), dev)
	flawed := filepath.Join("testdata", "flawed.template.json")
	var rules []string
	for _, found := range nagFindings(t, flawed) {
		rules = append(rules, found.rule+" "+found.id)
	}
	assert.Contains(t, rules, "AwsSolutions-S10 open")
	assert.Contains(t, rules, "AwsSolutions-IAM5 all")
	findings := validatorFindings(flawed)
	require.NotEmpty(t, findings)
	assert.Equal(t, "small", findings[0].id)
}

// wildcards are those that an allowance may have, each with its reason. An allowance is the type of the
// resource it stands in, its actions and its resources, in which a reference is "…".
var wildcards = []struct {
	kind     string
	actions  []string // it may have these
	resource *regexp.Regexp
	reason   string
}{
	{
		"AWS::IAM::Policy",
		[]string{
			"ec2:AssignPrivateIpAddresses", "ec2:CreateNetworkInterface", "ec2:DeleteNetworkInterface",
			"ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets", "ec2:UnassignPrivateIpAddresses",
		},
		regexp.MustCompile(`^\*$`), "Lambda places a function in a network by them; AWS offers no narrower resource",
	},
	{"AWS::IAM::Policy", []string{"xray:PutTelemetryRecords", "xray:PutTraceSegments"}, regexp.MustCompile(`^\*$`), "a trace has no resource"},
	{"AWS::IAM::Policy", []string{"dynamodb:Query", "dynamodb:Scan"}, regexp.MustCompile(`^…/index/\*$`), "the indexes of the one table that is granted"},
	{
		"AWS::IAM::Policy",
		[]string{"s3:AbortMultipartUpload", "s3:DeleteObject", "s3:GetObject", "s3:PutObject"},
		regexp.MustCompile(`^…/\*$`), "the objects of the one bucket that is granted; their keys are the handler's",
	},
	{
		"AWS::IAM::Policy",
		[]string{"execute-api:Invoke"},
		regexp.MustCompile(`^arn:aws:execute-api:[a-z0-9-]+:\d{12}:…/\$default/(\*|[A-Z]+)/`), "the one route that is granted: of ANY method, or with a part of the path that the caller chooses",
	},
	{"AWS::KMS::Key", []string{"kms:*"}, regexp.MustCompile(`^\*$`), "the account keeps its hold of the key: one without that is lost; in a key's policy * is the key"},
	{"AWS::KMS::Key", []string{"kms:Decrypt", "kms:GenerateDataKey"}, regexp.MustCompile(`^\*$`), "in a key's policy * is the key"},
	{"AWS::S3::BucketPolicy", []string{"s3:PutObject"}, regexp.MustCompile(`^…/[a-z-]+/\*$`), "AWS's log delivery writes below one prefix of the one bucket"},
	{"AWS::EC2::VPCEndpoint", []string{"dynamodb:Query", "dynamodb:Scan"}, regexp.MustCompile(`^…/index/\*$`), "what the roles in the network have of one table's indexes"},
	{
		"AWS::EC2::VPCEndpoint",
		[]string{"s3:AbortMultipartUpload", "s3:DeleteObject", "s3:GetObject", "s3:PutObject"},
		regexp.MustCompile(`^…/\*$`), "what the roles in the network have of one bucket's objects",
	},
}

// reason is the index of what allows a wildcard; -1 where nothing does.
func reason(kind string, st permission, resource string) int {
	for i, allowed := range wildcards {
		beyond := slices.ContainsFunc(st.actions, func(action string) bool { return !slices.Contains(allowed.actions, action) })
		if allowed.kind == kind && allowed.resource.MatchString(resource) && !beyond {
			return i
		}
	}
	return -1
}

func TestNoAllowanceHasAWildcardBeyondWhatHasAReason(t *testing.T) {
	used := map[int]bool{}
	for _, g := range goldens(t) {
		for _, id := range slices.Sorted(maps.Keys(g.body)) {
			for _, st := range allowances(g.body[id]) {
				for _, resource := range st.resources {
					if !strings.Contains(resource, "*") && !strings.Contains(strings.Join(st.actions, " "), "*") {
						continue
					}
					at := reason(g.types[id], st, resource)
					used[at] = true
					assert.GreaterOrEqualf(t, at, 0, "%s: %s %s allows %v on %s; narrow it, or give it a reason", g.file, g.types[id], id, st.actions, resource)
				}
				if st.everybody {
					assert.Equal(t, "AWS::EC2::VPCEndpoint", g.types[id], "%s: %s allows everybody", g.file, id)
				}
			}
		}
	}
	for i, one := range wildcards {
		assert.Truef(t, used[i], "%v on %s has a reason, and no golden has it", one.actions, one.resource)
	}
}

// permission is one statement that allows.
type permission struct {
	actions, resources []string
	everybody          bool
}

// allowances finds the statements in a resource, wherever they stand.
func allowances(in any) []permission {
	var all []permission
	switch value := in.(type) {
	case []any:
		for _, one := range value {
			all = append(all, allowances(one)...)
		}
	case map[string]any:
		if value["Effect"] == "Allow" {
			st := permission{actions: flat(value["Action"]), resources: flat(value["Resource"]), everybody: slices.Contains(flat(value["Principal"]), "*")}
			if value["NotAction"] != nil || value["NotResource"] != nil {
				st.actions = append(st.actions, "*")
			}
			if principal, ok := value["Principal"].(map[string]any); ok {
				st.everybody = slices.Contains(flat(principal["AWS"]), "*")
			}
			return append(all, st)
		}
		for _, key := range slices.Sorted(maps.Keys(value)) {
			all = append(all, allowances(value[key])...)
		}
	}
	return all
}

// flat is one text or a list of them, references as "…".
func flat(value any) []string {
	switch value := value.(type) {
	case nil:
		return nil
	case string:
		return []string{value}
	case []any:
		var all []string
		for _, one := range value {
			all = append(all, flat(one)...)
		}
		return all
	case map[string]any:
		if join, ok := value["Fn::Join"].([]any); ok {
			return []string{strings.Join(flat(join[1]), fmt.Sprint(join[0]))}
		}
	}
	return []string{"…"}
}

// encrypted says, for each type that keeps data and is not always encrypted by AWS, which property tells.
var encrypted = map[string]func(properties map[string]any) bool{
	"AWS::DAX::Cluster": func(p map[string]any) bool {
		return at(p, "SSESpecification", "SSEEnabled") == true && p["ClusterEndpointEncryptionType"] == "TLS"
	},
	"AWS::DynamoDB::Table": func(p map[string]any) bool { return at(p, "SSESpecification", "SSEEnabled") == true },
	"AWS::S3::Bucket": func(p map[string]any) bool {
		return at(p, "BucketEncryption", "ServerSideEncryptionConfiguration") != nil
	},
	"AWS::SNS::Topic": func(p map[string]any) bool { return p["KmsMasterKeyId"] != nil },
	"AWS::SQS::Queue": func(p map[string]any) bool { return p["SqsManagedSseEnabled"] == true || p["KmsMasterKeyId"] != nil },
}

// at is a value some way down; nil where there is none.
func at(properties map[string]any, path ...string) any {
	var value any = properties
	for _, name := range path {
		below, _ := value.(map[string]any)
		value = below[name]
	}
	return value
}

func TestWhatKeepsDataIsEncryptedAndNoBucketIsPublic(t *testing.T) {
	seen := map[string]bool{}
	for _, g := range goldens(t) {
		for id, kind := range g.types {
			properties, _ := g.body[id].(map[string]any)["Properties"].(map[string]any)
			if is, keeps := encrypted[kind]; keeps {
				seen[kind] = true
				assert.Truef(t, is(properties), "%s: %s %s is not encrypted", g.file, kind, id)
			}
			if kind == "AWS::S3::Bucket" {
				assert.Equal(t, map[string]any{
					"BlockPublicAcls": true, "BlockPublicPolicy": true, "IgnorePublicAcls": true, "RestrictPublicBuckets": true,
				}, properties["PublicAccessBlockConfiguration"], "%s: %s", g.file, id)
			}
		}
	}
	assert.Len(t, seen, len(encrypted), "each type stands in a golden")
}
