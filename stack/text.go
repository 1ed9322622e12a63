package stack

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// charset is the characters that a service takes.
type charset struct {
	says    string // what an error calls them
	refuses *regexp.Regexp
}

// The sets, each as the page of its rows states it.
var (
	// groupText is what EC2 takes in the description of a group, ruleText in that of a rule.
	groupText = charset{"letters, digits, spaces and ._-:/()#,@[]+=&;{}!$*", regexp.MustCompile(`[^a-zA-Z0-9 ._\-:/()#,@\[\]+=&;{}!$*]`)}
	ruleText  = charset{"letters, digits, spaces and ._-:/()#,@[]+=;{}!$*", regexp.MustCompile(`[^a-zA-Z0-9 ._\-:/()#,@\[\]+=;{}!$*]`)}
	// latin is what IAM takes in a description.
	latin = charset{"tabs, line ends and the printable characters of Latin-1", regexp.MustCompile(`[^\t\n\r -~\x{A1}-\x{FF}]`)}
	// sid is what IAM takes as the name of a statement.
	sid = charset{"letters and digits", regexp.MustCompile(`[^A-Za-z0-9]`)}
	// tagText is what every service takes in a tag; some take more.
	tagText = charset{"letters, digits, spaces and _.:/=+-@", regexp.MustCompile(`[^\pL\pZ\pN_.:/=+\-@]`)}
	// headerName is what HTTP takes, and the star of a list for browsers.
	headerName = charset{"the characters of a header's name: letters, digits and !#$%&'*+-.^_`|~", regexp.MustCompile("[^A-Za-z0-9!#$%&'*+\\-.^_`|~]")}
	// exposedName is what S3 shows to a page; a star is none there.
	exposedName = charset{"the characters of a header's name but *: letters, digits and !#$%&'+-.^_`|~", regexp.MustCompile("[^A-Za-z0-9!#$%&'+\\-.^_`|~]")}
	groupName   = charset{"letters, digits and ._-/#", regexp.MustCompile(`[^.\-_/#A-Za-z0-9]`)}
	fileName    = charset{"letters, digits and _.-", regexp.MustCompile(`[^A-Za-z0-9_.\-]`)}
	variable    = charset{"letters, digits and underscores", regexp.MustCompile(`[^A-Za-z0-9_]`)}
	noSpace     = charset{"anything but spaces", regexp.MustCompile(`\s`)}
	pathText    = charset{"letters, digits and /_.-", regexp.MustCompile(`[^A-Za-z0-9/_.\-]`)}
)

// textRule is what one property of a resource, and the fields of configs that reach it, may hold.
type textRule struct {
	// resource is the CloudFormation type; "*" is every one. property is the path in its Properties: [] is each item
	// of a list, {} each value of a map, {key} each key.
	resource, property string
	// fields are those of configs, by type and field.
	fields []string
	// least and most are in characters, or in bytes; a text that no page limits may be as long as a template.
	least, most int
	bytes       bool
	set         charset
	// reserved is what the service keeps for itself at a text's beginning, in lower case.
	reserved string
	// docs is AWS's page that states the rule.
	docs string
}

const (
	tagging     = "https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html"
	objectKeys  = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html"
	attributes  = "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html"
	statements  = "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_sid.html"
	environment = "https://docs.aws.amazon.com/lambda/latest/api/API_Environment.html"
	cors        = "https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-cors.html"
	bucketCORS  = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/ManageCorsUsing.html"
)

// texts is every property that a service limits in characters or length, as far as a page of AWS's tells. The
// fields of configs are checked by it with the user's line, and every template is, so that nothing passes beside it:
// no text of ours, and none that comes by Override or from a construct of the CDK.
var texts = []textRule{
	{
		resource: "AWS::EC2::SecurityGroup", property: "GroupDescription", most: 255, set: groupText,
		docs: "https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateSecurityGroup.html",
	},
	{
		resource: "AWS::EC2::SecurityGroup", property: "SecurityGroupEgress[].Description", most: 255, set: ruleText,
		docs: "https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_IpRange.html",
	},
	{
		resource: "AWS::EC2::SecurityGroup", property: "SecurityGroupIngress[].Description", most: 255, set: ruleText,
		docs: "https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_IpRange.html",
	},
	{
		resource: "AWS::EC2::SecurityGroupEgress", property: "Description", most: 255, set: ruleText,
		docs: "https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_IpRange.html",
	},
	{
		resource: "AWS::EC2::SecurityGroupIngress", property: "Description", most: 255, set: ruleText,
		docs: "https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_UserIdGroupPair.html",
	},
	{
		resource: "AWS::Lambda::Function", property: "Description", fields: []string{"FunctionConfig.Description"}, most: 256,
		docs: "https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html",
	},
	{
		resource: "AWS::Lambda::Function", property: "Handler", fields: []string{"PrebuiltConfig.Handler"}, most: 128, set: noSpace,
		docs: "https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html",
	},
	{resource: "AWS::Lambda::Function", property: "Environment.Variables{key}", fields: []string{"FunctionConfig.Environment{key}"}, most: 4096, set: variable, docs: environment},
	{resource: "AWS::Lambda::Function", property: "Environment.Variables{}", fields: []string{"FunctionConfig.Environment"}, most: 4096, bytes: true, docs: environment},
	{
		resource: "AWS::Lambda::Version", property: "Description", most: 256,
		docs: "https://docs.aws.amazon.com/lambda/latest/api/API_PublishVersion.html",
	},
	{
		resource: "AWS::Lambda::Alias", property: "Description", most: 256,
		docs: "https://docs.aws.amazon.com/lambda/latest/api/API_CreateAlias.html",
	},
	{
		resource: "AWS::Lambda::LayerVersion", property: "Description", most: 256,
		docs: "https://docs.aws.amazon.com/lambda/latest/api/API_PublishLayerVersion.html",
	},
	{
		resource: "AWS::SNS::Topic", property: "DisplayName", fields: []string{"TopicConfig.DisplayName"}, most: 100,
		docs: "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-sns-topic.html",
	},
	{
		resource: "AWS::Events::EventBus", property: "Description", fields: []string{"BusConfig.Description"}, most: 512,
		docs: "https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_CreateEventBus.html",
	},
	{
		resource: "AWS::Events::Rule", property: "Description", most: 512,
		docs: "https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutRule.html",
	},
	{
		resource: "AWS::Events::Rule", property: "Targets[].Id", most: 64, set: fileName,
		docs: "https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_Target.html",
	},
	{
		resource: "AWS::Scheduler::Schedule", property: "Description", fields: []string{"ScheduleConfig.Description"}, most: 512,
		docs: "https://docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateSchedule.html",
	},
	{
		resource: "AWS::SecretsManager::Secret", property: "Description", fields: []string{"SecretConfig.Description"}, most: 2048,
		docs: "https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CreateSecret.html",
	},
	{
		resource: "AWS::SSM::Parameter", property: "Name", most: 1011, set: pathText,
		docs: "https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_PutParameter.html",
	},
	{
		resource: "AWS::SSM::Parameter", property: "Description", fields: []string{"ParameterConfig.Description"}, most: 1024,
		docs: "https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_PutParameter.html",
	},
	{
		resource: "AWS::SSM::Parameter", property: "Value", fields: []string{"ParameterConfig.Value"}, most: 4096, bytes: true,
		docs: "https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-advanced-parameters.html",
	},
	{
		resource: "AWS::KMS::Key", property: "Description", most: 8192,
		docs: "https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateKey.html",
	},
	{
		resource: "AWS::IAM::Role", property: "Description", most: 1000, set: latin,
		docs: "https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html",
	},
	{
		resource: "AWS::IAM::ManagedPolicy", property: "Description", most: 1000, set: latin,
		docs: "https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreatePolicy.html",
	},
	{resource: "AWS::IAM::Role", property: "AssumeRolePolicyDocument.Statement[].Sid", most: 256, set: sid, docs: statements},
	{resource: "AWS::IAM::Role", property: "Policies[].PolicyDocument.Statement[].Sid", most: 256, set: sid, docs: statements},
	{resource: "AWS::IAM::Policy", property: "PolicyDocument.Statement[].Sid", most: 256, set: sid, docs: statements},
	{resource: "AWS::IAM::ManagedPolicy", property: "PolicyDocument.Statement[].Sid", most: 256, set: sid, docs: statements},
	{
		resource: "AWS::CloudWatch::Alarm", property: "AlarmDescription", fields: []string{"AlarmConfig.Description"}, most: 1024,
		docs: "https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html",
	},
	{
		resource: "AWS::ApiGatewayV2::Api", property: "Description", fields: []string{"HTTPAPIConfig.Description"}, most: 1024,
		docs: "https://docs.aws.amazon.com/apigatewayv2/latest/api-reference/apis.html",
	},
	{resource: "AWS::ApiGatewayV2::Api", property: "CorsConfiguration.AllowHeaders[]", fields: []string{"CORSConfig.Headers"}, least: 1, set: headerName, docs: cors},
	{resource: "AWS::ApiGatewayV2::Api", property: "CorsConfiguration.ExposeHeaders[]", fields: []string{"CORSConfig.ExposedHeaders"}, least: 1, set: headerName, docs: cors},
	{
		resource: "AWS::Lambda::Url", property: "Cors.AllowHeaders[]", least: 1, most: 1024, set: headerName,
		docs: "https://docs.aws.amazon.com/lambda/latest/api/API_Cors.html",
	},
	{
		resource: "AWS::Lambda::Url", property: "Cors.AllowOrigins[]", fields: []string{"URLConfig.Origins"}, least: 1, most: 253,
		docs: "https://docs.aws.amazon.com/lambda/latest/api/API_Cors.html",
	},
	{resource: "AWS::S3::Bucket", property: "CorsConfiguration.CorsRules[].AllowedHeaders[]", fields: []string{"BucketCORSConfig.Headers"}, least: 1, set: headerName, docs: bucketCORS},
	{resource: "AWS::S3::Bucket", property: "CorsConfiguration.CorsRules[].ExposedHeaders[]", fields: []string{"BucketCORSConfig.ExposedHeaders"}, least: 1, set: exposedName, docs: bucketCORS},
	{resource: "AWS::S3::Bucket", property: "LifecycleConfiguration.Rules[].Prefix", fields: []string{"LifecycleConfig.Prefix"}, most: 1024, bytes: true, docs: objectKeys},
	{
		resource: "AWS::S3::Bucket", property: "LifecycleConfiguration.Rules[].Id", most: 255,
		docs: "https://docs.aws.amazon.com/AmazonS3/latest/API/API_LifecycleRule.html",
	},
	{resource: "AWS::S3::Bucket", property: "LoggingConfiguration.LogFilePrefix", most: 1024, bytes: true, docs: objectKeys},
	{
		resource: "AWS::Logs::LogGroup", property: "LogGroupName", least: 1, most: 512, set: groupName,
		docs: "https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_CreateLogGroup.html",
	},
	{resource: "AWS::DynamoDB::Table", property: "AttributeDefinitions[].AttributeName", least: 1, most: 255, bytes: true, docs: attributes},
	{resource: "AWS::DynamoDB::Table", property: "TimeToLiveSpecification.AttributeName", fields: []string{"TableConfig.TTL"}, most: 255, bytes: true, docs: attributes},
	{
		resource: "AWS::DynamoDB::Table", property: "GlobalSecondaryIndexes[].IndexName", least: 3, most: 255, set: fileName, docs: attributes,
	},
	{
		resource: "AWS::DynamoDB::Table", property: "LocalSecondaryIndexes[].IndexName", least: 3, most: 255, set: fileName, docs: attributes,
	},
	// Keys of indexes are stricter: a projected attribute is limited as they are, which is safe.
	{resource: "AWS::DynamoDB::Table", property: "GlobalSecondaryIndexes[].Projection.NonKeyAttributes[]", least: 1, most: 255, bytes: true, docs: attributes},
	{resource: "AWS::DynamoDB::Table", property: "LocalSecondaryIndexes[].Projection.NonKeyAttributes[]", least: 1, most: 255, bytes: true, docs: attributes},
	{resource: "*", property: "Tags[].Key", least: 1, most: 128, set: tagText, reserved: "aws:", docs: tagging},
	{resource: "*", property: "Tags[].Value", most: 256, set: tagText, docs: tagging},
	{resource: "*", property: "Tags{key}", least: 1, most: 128, set: tagText, reserved: "aws:", docs: tagging},
	{resource: "*", property: "Tags{}", most: 256, set: tagText, docs: tagging},
}

// longest is how long a text may be that no row limits: no part of a template is longer than the whole may be that is
// sent by itself. https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
const (
	longest     = 51200
	longestDocs = "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html"
)

// textOf is the row of a config's field.
func textOf(field string) *textRule {
	for i, row := range texts {
		if slices.Contains(row.fields, field) {
			return &texts[i]
		}
	}
	return nil
}

// whole is what every text has to be, whoever takes it.
var whole = textRule{docs: longestDocs}

// control is what no service takes: everything below the space but tab and line ends, and delete.
var control = regexp.MustCompile(`[\x00-\x08\x0B\x0C\x0E-\x1F\x7F]`)

// fault is that the value is no text at all, or one that the service refuses; nil where it is taken. An empty value is
// nothing given. How long a value is that the deploy fills in, nobody knows.
func (t textRule) fault(path, value string) *ConfigError {
	if value == "" {
		return nil
	}
	problem := &ConfigError{Field: path, Got: quoted(value), Docs: t.docs}
	if !utf8.ValidString(value) {
		problem.Want, problem.Fix = "text in UTF-8", "write the characters themselves, or keep bytes in a bucket"
		return problem
	}
	if found := control.FindString(value); found != "" {
		problem.Want = fmt.Sprintf("text without control characters, such as %q", found)
		problem.Fix = "remove it"
		return problem
	}
	if strings.Contains(value, "${Token[") {
		return nil
	}
	length, unit := utf8.RuneCountInString(value), "characters"
	if t.bytes {
		length, unit = len(value), "bytes"
	}
	most := t.most
	if most == 0 {
		most = longest
	}
	switch {
	case length > most:
		problem.Got, problem.Want, problem.Fix = fmt.Sprintf("%d %s", length, unit), fmt.Sprintf("at most %d", most), "shorten it"
		if t.most == 0 {
			problem.Docs = longestDocs
		}
		return problem
	case length < t.least:
		problem.Got, problem.Want, problem.Fix = fmt.Sprintf("%d %s", length, unit), fmt.Sprintf("at least %d", t.least), "write a longer one"
		return problem
	}
	if t.reserved != "" && strings.HasPrefix(strings.ToLower(value), t.reserved) {
		problem.Want, problem.Fix = fmt.Sprintf("one that does not begin with %s, which AWS keeps for itself", t.reserved), "write another"
		return problem
	}
	if t.set.refuses != nil {
		if found := t.set.refuses.FindString(value); found != "" {
			problem.Got = fmt.Sprintf("%s, with %q", problem.Got, found)
			problem.Want, problem.Fix = "made of "+t.set.says, "leave that character out"
			return problem
		}
	}
	return nil
}

// quoted is a value for a message: quoted, and cut to what can be read.
func quoted(value string) string {
	const readable = 120
	runes := 0
	for at := range value {
		if runes++; runes > readable {
			return fmt.Sprintf("%s… (%d bytes)", strings.TrimSuffix(strconv.Quote(value[:at]), `"`)+`"`, len(value))
		}
	}
	return strconv.Quote(value)
}

// secrets are values that look like nothing but what they are. Each prefix is its issuer's own.
var secrets = []struct {
	what    string
	pattern *regexp.Regexp
}{
	{"a key of Stripe", regexp.MustCompile(`\b[rs]k_(live|test)_[0-9A-Za-z]{8,}`)},
	{"an access key of AWS", regexp.MustCompile(`\b(AKIA|ASIA)[0-9A-Z]{16}\b`)},
	{"a private key", regexp.MustCompile(`-----BEGIN ([A-Z0-9]+ )*PRIVATE KEY( BLOCK)?-----`)},
	{"a token of GitHub", regexp.MustCompile(`\b(gh[pousr]_[0-9A-Za-z]{36}|github_pat_[0-9A-Za-z_]{60,})`)},
	{"a token of GitLab", regexp.MustCompile(`\bglpat-[0-9A-Za-z_-]{20,}`)},
	{"a token of Slack", regexp.MustCompile(`\bxox[abposr]-[0-9A-Za-z-]{10,}`)},
	{"a key of Google", regexp.MustCompile(`\bAIza[0-9A-Za-z_-]{35}`)},
	{"a key of SendGrid", regexp.MustCompile(`\bSG\.[0-9A-Za-z_-]{16,}\.[0-9A-Za-z_-]{16,}`)},
	{"a token of npm", regexp.MustCompile(`\bnpm_[0-9A-Za-z]{36}`)},
}

// secretFault is that a value is a secret, which would stand in the template for everybody to read. The message does
// not repeat it.
func secretFault(path, value string) *ConfigError {
	for _, secret := range secrets {
		if secret.pattern.MatchString(value) {
			return &ConfigError{
				Field: path, Got: secret.what + ", which everybody could read in the template", Want: "kept out of it",
				Fix: `make it with stack.NewSecret(s, "api-key", stack.SecretConfig{}), set its value by the command in the stack's outputs, ` +
					"and give the function Access: []stack.Grant{secret.Read()}",
				Docs: "https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html",
			}
		}
	}
	return nil
}
