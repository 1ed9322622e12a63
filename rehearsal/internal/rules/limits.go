package rules

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// limit is what the schema of a resource type says of one property. A path has names, and * for the
// elements of a list; ~ stands for the names of a map.
type limit struct {
	on, path string
	allows   constraint
}

// constraint gives the violations of a value in CloudFormation's words, without the path.
type constraint func(value any) []string

// Violations are what CloudFormation says of properties that the schema of their type does not
// allow. What is not known yet is passed over, since it is of no kind that a constraint knows.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/resource-type-schemas.html
func Violations(kind string, properties map[string]any) []string {
	var found []string
	for _, l := range limitsByType[kind] {
		walk(properties, "#", strings.Split(l.path, "."), func(path string, value any) {
			for _, violation := range l.allows(value) {
				found = append(found, path+": "+violation)
			}
		})
	}
	slices.Sort(found)
	return slices.Compact(found)
}

func walk(value any, path string, names []string, visit func(path string, value any)) {
	if len(names) == 0 {
		visit(path, value)
		return
	}
	switch names[0] {
	case "*":
		list, _ := value.([]any)
		for i, element := range list {
			walk(element, fmt.Sprintf("%s/%d", path, i), names[1:], visit)
		}
	default:
		members, _ := value.(map[string]any)
		if member, given := members[names[0]]; given {
			walk(member, path+"/"+names[0], names[1:], visit)
		}
	}
}

var limitsByType = func() map[string][]limit {
	made := map[string][]limit{}
	for _, l := range limits {
		made[l.on] = append(made[l.on], l)
	}
	return made
}()

// between are the limits of a number.
func between(least, most int64) constraint {
	return func(value any) []string {
		number, is := whole(value)
		switch {
		case !is:
			return nil
		case number < least:
			return []string{fmt.Sprintf("%d is not greater or equal to %d", number, least)}
		case number > most:
			return []string{fmt.Sprintf("%d is not less or equal to %d", number, most)}
		}
		return nil
	}
}

// length are the limits of a text's length, in characters.
func length(least, most int) constraint {
	return func(value any) []string {
		text, is := value.(string)
		if !is {
			return nil
		}
		switch actual := utf8.RuneCountInString(text); {
		case actual < least:
			return []string{fmt.Sprintf("expected minLength: %d, actual: %d", least, actual)}
		case actual > most:
			return []string{fmt.Sprintf("expected maxLength: %d, actual: %d", most, actual)}
		}
		return nil
	}
}

// pattern is the form of a text.
// CloudFormation does not say the pattern: https://github.com/aws-cloudformation/cloudformation-resource-schema/issues/85
func pattern(form string) constraint {
	compiled := regexp.MustCompile(form)
	return func(value any) []string {
		if text, is := value.(string); is && !compiled.MatchString(text) {
			return []string{"failed validation constraint for keyword [pattern]"}
		}
		return nil
	}
}

// oneOf are the values there are.
func oneOf(values ...string) constraint {
	return func(value any) []string {
		switch value.(type) {
		case string, bool, int64, float64:
			if !slices.Contains(values, textOf(value)) {
				return []string{"failed validation constraint for keyword [enum]"}
			}
		}
		return nil
	}
}

// items are the limits of a list's length.
func items(least, most int) constraint {
	return func(value any) []string {
		list, is := value.([]any)
		switch {
		case !is:
			return nil
		case len(list) < least:
			return []string{fmt.Sprintf("expected minimum item count: %d, found: %d", least, len(list))}
		case len(list) > most:
			return []string{fmt.Sprintf("expected maximum item count: %d, found: %d", most, len(list))}
		}
		return nil
	}
}

// limits are what AWS's resource schemas say, as far as the constructs use the properties.
var limits = slices.Concat(
	on("AWS::Lambda::Function", map[string]constraint{
		"MemorySize":                   between(128, 32768),
		"Timeout":                      between(1, 5400),
		"EphemeralStorage.Size":        between(512, 32768),
		"ReservedConcurrentExecutions": between(0, 1<<31),
		"Description":                  length(0, 256),
		"Handler":                      both(length(0, 128), pattern(`^\S+$`)),
		"Architectures":                items(1, 1),
		"Architectures.*":              oneOf("x86_64", "arm64"),
		"TracingConfig.Mode":           oneOf("Active", "PassThrough"),
		"PackageType":                  oneOf("Image", "Zip"),
		"Role":                         pattern(`^arn:(aws[a-zA-Z-]*)?:iam::\d{12}:role/?[a-zA-Z_0-9+=,.@\-_/]+$`),
		"Layers.*":                     pattern(`^arn:[a-zA-Z0-9-]+:lambda:[a-zA-Z0-9-]*:(\d{12})?:(layer:[a-zA-Z0-9-_]+:[0-9]+|awslayer:[a-zA-Z0-9-_]+)$`),
		"LoggingConfig.LogFormat":      oneOf("Text", "JSON"),
		"LoggingConfig.LogGroup":       length(1, 512),
	}),
	on("AWS::Lambda::EventSourceMapping", map[string]constraint{
		"BatchSize":                        between(1, 10000),
		"MaximumBatchingWindowInSeconds":   between(0, 300),
		"MaximumRetryAttempts":             between(-1, 10000),
		"MaximumRecordAgeInSeconds":        between(-1, 604800),
		"ParallelizationFactor":            between(1, 10),
		"TumblingWindowInSeconds":          between(0, 900),
		"ScalingConfig.MaximumConcurrency": between(2, 1000),
		"StartingPosition":                 pattern(`(LATEST|TRIM_HORIZON|AT_TIMESTAMP)+`),
		"FunctionResponseTypes.*":          oneOf("ReportBatchItemFailures"),
		"FilterCriteria.Filters":           items(1, 20),
		"FilterCriteria.Filters.*.Pattern": length(0, 4096),
		"EventSourceArn":                   both(length(12, 1024), pattern(`arn:(aws[a-zA-Z0-9-]*):([a-zA-Z0-9\-])+:([a-z]{2}(-[a-z]+)+-\d{1})?:(\d{12})?:(.*)`)),
	}),
	on("AWS::Lambda::Permission", map[string]constraint{
		"Action":        pattern(`^(lambda:[*]|lambda:[a-zA-Z]+|[*])$`),
		"SourceAccount": pattern(`^\d{12}$`),
		"SourceArn":     pattern(`^arn:(aws[a-zA-Z0-9-]*):([a-zA-Z0-9\-])+:([a-z]{2}(-[a-z]+)+-\d{1})?:(\d{12})?:(.*)$`),
	}),
	on("AWS::Lambda::EventInvokeConfig", map[string]constraint{
		"MaximumRetryAttempts":     between(0, 2),
		"MaximumEventAgeInSeconds": between(60, 21600),
	}),
	on("AWS::Lambda::Url", map[string]constraint{
		"AuthType":            oneOf("AWS_IAM", "NONE"),
		"Cors.MaxAge":         between(0, 86400),
		"Cors.AllowMethods":   items(1, 6),
		"Cors.AllowMethods.*": oneOf("GET", "PUT", "HEAD", "POST", "PATCH", "DELETE", "*"),
		"Cors.AllowOrigins.*": length(1, 253),
	}),
	on("AWS::Lambda::Alias", map[string]constraint{
		"Name":        length(1, 128),
		"Description": length(0, 256),
	}),
	on("AWS::SQS::Queue", map[string]constraint{
		"VisibilityTimeout":             between(0, 43200),
		"DelaySeconds":                  between(0, 900),
		"MessageRetentionPeriod":        between(60, 1209600),
		"MaximumMessageSize":            between(1024, 1048576),
		"ReceiveMessageWaitTimeSeconds": between(0, 20),
		"KmsDataKeyReusePeriodSeconds":  between(60, 86400),
	}),
	on("AWS::Events::Rule", map[string]constraint{
		"Name":         both(length(1, 64), pattern(`^[\.\-_A-Za-z0-9]+$`)),
		"Description":  length(0, 512),
		"State":        oneOf("DISABLED", "ENABLED", "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"),
		"Targets.*.Id": both(length(1, 64), pattern(`^[\.\-_A-Za-z0-9]+$`)),
		"Targets.*.RetryPolicy.MaximumRetryAttempts":     between(0, 185),
		"Targets.*.RetryPolicy.MaximumEventAgeInSeconds": between(60, 86400),
	}),
	on("AWS::Events::EventBus", map[string]constraint{
		"Name":        both(length(1, 256), pattern(`^[/\.\-_A-Za-z0-9]+$`)),
		"Description": length(0, 512),
	}),
	on("AWS::Scheduler::Schedule", map[string]constraint{
		"Name":                       both(length(1, 64), pattern(`^[0-9a-zA-Z-_.]+$`)),
		"ScheduleExpressionTimezone": length(1, 50),
		"State":                      oneOf("ENABLED", "DISABLED"),
		"FlexibleTimeWindow.Mode":    oneOf("OFF", "FLEXIBLE"),
		"FlexibleTimeWindow.MaximumWindowInMinutes":   between(1, 1440),
		"Target.RetryPolicy.MaximumRetryAttempts":     between(0, 185),
		"Target.RetryPolicy.MaximumEventAgeInSeconds": between(60, 86400),
		"Target.DeadLetterConfig.Arn":                 pattern(`^arn:aws[a-z-]*:sqs:[a-z0-9\-]+:\d{12}:[a-zA-Z0-9\-_]+$`),
	}),
	on("AWS::Logs::LogGroup", map[string]constraint{
		"RetentionInDays": oneOf("1", "3", "5", "7", "14", "30", "60", "90", "120", "150", "180", "365", "400", "545", "731", "1096", "1827", "2192", "2557", "2922", "3288", "3653"),
		"KmsKeyId":        pattern(`^arn:[a-z0-9-]+:kms:[a-z0-9-]+:\d{12}:(key|alias)/.+`),
		"LogGroupClass":   oneOf("STANDARD", "INFREQUENT_ACCESS", "DELIVERY"),
	}),
	on("AWS::CloudWatch::Alarm", map[string]constraint{
		"AlarmDescription":   length(0, 1024),
		"EvaluationPeriods":  between(1, 1<<31),
		"DatapointsToAlarm":  between(1, 1<<31),
		"Period":             between(1, 1<<31),
		"Namespace":          both(length(1, 255), pattern(`^[^:]`)),
		"ComparisonOperator": oneOf("GreaterThanOrEqualToThreshold", "GreaterThanThreshold", "GreaterThanUpperThreshold", "LessThanLowerOrGreaterThanUpperThreshold", "LessThanLowerThreshold", "LessThanOrEqualToThreshold", "LessThanThreshold"),
		"Dimensions.*.Value": length(1, 1024),
		"TreatMissingData":   oneOf("breaching", "notBreaching", "ignore", "missing"),
	}),
	on("AWS::DynamoDB::Table", map[string]constraint{
		"BillingMode":                                           oneOf("PAY_PER_REQUEST", "PROVISIONED"),
		"TableClass":                                            oneOf("STANDARD", "STANDARD_INFREQUENT_ACCESS"),
		"AttributeDefinitions.*.AttributeType":                  oneOf("B", "N", "S"),
		"AttributeDefinitions.*.AttributeName":                  length(1, 255),
		"KeySchema":                                             items(1, 2),
		"GlobalSecondaryIndexes.*.IndexName":                    both(length(3, 255), pattern(`^[a-zA-Z0-9_.-]+$`)),
		"LocalSecondaryIndexes.*.IndexName":                     both(length(3, 255), pattern(`^[a-zA-Z0-9_.-]+$`)),
		"StreamSpecification.StreamViewType":                    oneOf("KEYS_ONLY", "NEW_AND_OLD_IMAGES", "NEW_IMAGE", "OLD_IMAGE"),
		"SSESpecification.SSEType":                              oneOf("KMS"),
		"OnDemandThroughput.MaxReadRequestUnits":                between(1, 1<<31),
		"OnDemandThroughput.MaxWriteRequestUnits":               between(1, 1<<31),
		"PointInTimeRecoverySpecification.RecoveryPeriodInDays": between(1, 35),
	}),
	on("AWS::IAM::Role", map[string]constraint{
		"Description":         both(length(0, 1000), pattern(`^[\x{0009}\x{000A}\x{000D}\x{0020}-\x{007E}\x{00A1}-\x{00FF}]*$`)),
		"MaxSessionDuration":  between(3600, 43200),
		"Path":                both(length(1, 512), pattern(`^/$|^/[\x21-\x7E]+/$`)),
		"ManagedPolicyArns.*": pattern(`arn:(aws[a-zA-Z-]*)?:iam::(\d{12}|aws):policy/[a-zA-Z_0-9+=,.@\-_/]+`),
	}),
	on("AWS::IAM::Policy", map[string]constraint{
		"PolicyName": both(length(1, 128), pattern(`^[\w+=,.@-]+$`)),
	}),
	on("AWS::KMS::Key", map[string]constraint{
		"PendingWindowInDays":  between(7, 30),
		"RotationPeriodInDays": between(90, 2560),
		"Description":          length(0, 8192),
	}),
	on("AWS::SecretsManager::Secret", map[string]constraint{
		"Description": length(0, 2048),
	}),
	on("AWS::SSM::Parameter", map[string]constraint{
		"Description": length(0, 1024),
		"Type":        oneOf("String", "StringList"),
		"Tier":        oneOf("Standard", "Advanced", "Intelligent-Tiering"),
	}),
	on("AWS::S3::Bucket", map[string]constraint{
		"CorsConfiguration.CorsRules.*.MaxAge":                                                            between(0, 1<<31),
		"LifecycleConfiguration.Rules.*.Id":                                                               length(0, 255),
		"LifecycleConfiguration.Rules.*.Status":                                                           oneOf("Enabled", "Disabled"),
		"LifecycleConfiguration.Rules.*.Transitions.*.StorageClass":                                       oneOf("DEEP_ARCHIVE", "GLACIER", "Glacier", "GLACIER_IR", "INTELLIGENT_TIERING", "ONEZONE_IA", "STANDARD_IA"),
		"VersioningConfiguration.Status":                                                                  oneOf("Enabled", "Suspended"),
		"OwnershipControls.Rules.*.ObjectOwnership":                                                       oneOf("ObjectWriter", "BucketOwnerPreferred", "BucketOwnerEnforced"),
		"BucketEncryption.ServerSideEncryptionConfiguration.*.ServerSideEncryptionByDefault.SSEAlgorithm": oneOf("aws:kms", "AES256", "aws:kms:dsse", "aws:fsx"),
	}),
	on("AWS::ApplicationAutoScaling::ScalingPolicy", map[string]constraint{
		"PolicyName": length(1, 256),
		"PolicyType": oneOf("TargetTrackingScaling", "StepScaling", "PredictiveScaling"),
	}),
	on("AWS::EC2::FlowLog", map[string]constraint{
		"TrafficType":        oneOf("ACCEPT", "ALL", "REJECT"),
		"LogDestinationType": oneOf("cloud-watch-logs", "s3", "kinesis-data-firehose"),
		"ResourceType":       oneOf("NetworkInterface", "Subnet", "VPC", "TransitGateway", "TransitGatewayAttachment", "RegionalNatGateway"),
	}),
	on("AWS::EC2::VPCEndpoint", map[string]constraint{
		"VpcEndpointType": oneOf("Interface", "Gateway", "GatewayLoadBalancer", "ServiceNetwork", "Resource"),
	}),
)

func on(kind string, properties map[string]constraint) []limit {
	made := make([]limit, 0, len(properties))
	for path, allows := range properties {
		made = append(made, limit{kind, path, allows})
	}
	return made
}

// both are two constraints of one property.
func both(a, b constraint) constraint {
	return func(value any) []string { return append(a(value), b(value)...) }
}
