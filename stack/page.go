package stack

import (
	"reflect"
	"regexp"
	"strings"
)

// pages are AWS's, by config and field, for the rules that a config's own validate knows. A field below one that is
// named here has its page. A rule of Roadshow's own has none.
var pages = map[string]string{
	"AlarmConfig.Periods": "https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html",
	"AlarmConfig.Actions": "https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html",
	"AlarmConfig.Topic":   "https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/AlarmThatSendsEmail.html",

	"BucketConfig.AccessLog":  "https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-server-access-logging.html",
	"BucketConfig.CORS":       bucketCORS,
	"BucketConfig.Encryption": "https://docs.aws.amazon.com/kms/latest/developerguide/concepts.html",
	"BucketConfig.Lifecycle":  lifecyclePage,

	"BucketTriggerConfig.Events": "https://docs.aws.amazon.com/AmazonS3/latest/userguide/EventBridge.html",

	"EventPattern.pattern": "https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutRule.html",

	"FunctionConfig.Architecture":           "https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html",
	"FunctionConfig.Environment":            "https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html",
	"FunctionConfig.Layers":                 "https://docs.aws.amazon.com/lambda/latest/dg/adding-layers.html",
	"FunctionConfig.Prebuilt.Handler":       "https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html",
	"FunctionConfig.Prebuilt.Runtime":       "https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html",
	"FunctionConfig.ProvisionedConcurrency": "https://docs.aws.amazon.com/lambda/latest/dg/provisioned-concurrency.html",
	"FunctionConfig.URL":                    "https://docs.aws.amazon.com/lambda/latest/api/API_Cors.html",

	"HTTPAPIConfig.CORS":     cors,
	"HTTPAPIConfig.Domain":   "https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-custom-domain-names.html",
	"HTTPAPIConfig.Throttle": "https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-throttling.html",
	"RouteConfig.Throttle":   "https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-throttling.html",

	"JWTAuthorizerConfig.Audience":   tokenPage,
	"JWTAuthorizerConfig.Issuer":     tokenPage,
	"JWTAuthorizerConfig.Source":     tokenPage,
	"LambdaAuthorizerConfig.Sources": "https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-lambda-authorizer.html",

	"NetworkConfig.CIDR":               "https://docs.aws.amazon.com/vpc/latest/userguide/vpc-cidr-blocks.html",
	"NetworkConfig.Endpoints":          endpointsPage,
	"NetworkConfig.EndpointZones":      "https://docs.aws.amazon.com/vpc/latest/privatelink/create-interface-endpoint.html",
	"NetworkConfig.Existing":           "https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html",
	"NetworkConfig.Existing.Endpoints": endpointsPage,
	"NetworkConfig.Ports":              "https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_IpPermission.html",
	"NetworkConfig.ZoneNames":          zonesPage,

	"QueueConfig.DeduplicateByContent":     "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_CreateQueue.html",
	"QueueTriggerConfig.BatchSize":         queueTriggerPage,
	"QueueTriggerConfig.Filters":           "https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html",
	"QueueTriggerConfig.MaxConcurrency":    queueTriggerPage,
	"QueueTriggerConfig.VisibilityTimeout": queueTriggerPage,
	"QueueTriggerConfig.Window":            queueTriggerPage,

	"ScheduleConfig.Cron": "https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html",
	"ScheduleConfig.Once": "https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html",
	"ScheduleConfig.Rate": "https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html",
	"ScheduleConfig.Zone": "https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html",

	"StreamConfig.Filters": "https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html",
	"StreamConfig.Start":   "https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html",

	"TableConfig.DAX":                            "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/DAX.sizing-guide.html",
	"TableConfig.Encryption":                     "https://docs.aws.amazon.com/kms/latest/developerguide/concepts.html",
	"TableConfig.GlobalIndexes and LocalIndexes": "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html",
	"TableConfig.GlobalIndexes":                  "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html",
	"TableConfig.LocalIndexes":                   "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html",
	"TableConfig.MaxRequests":                    "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/on-demand-capacity-mode-max-throughput.html",
	"TableConfig.PartitionKey":                   attributes,
	"TableConfig.Provisioned":                    "https://docs.aws.amazon.com/autoscaling/application/APIReference/API_RegisterScalableTarget.html",
	"TableConfig.SortKey":                        "https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_CreateTable.html",
	"TableConfig.Stream":                         "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-dynamodb-table.html",

	"TopicConfig.DeduplicateByContent": "https://docs.aws.amazon.com/sns/latest/api/API_CreateTopic.html",
	"TopicTriggerConfig.topic":         orderedTopicPage,
}

const (
	endpointsPage    = "https://docs.aws.amazon.com/vpc/latest/privatelink/aws-services-privatelink-support.html"
	internetPage     = "https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc-internet.html"
	mappingPage      = "https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html"
	orderedTopicPage = "https://docs.aws.amazon.com/sns/latest/dg/sns-fifo-topics.html"
	queueTriggerPage = "https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html"
	routesPage       = "https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html"
	tokenPage        = "https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-jwt-authorizer.html"
	zonesPage        = "https://docs.aws.amazon.com/global-infrastructure/latest/regions/aws-availability-zones.html"
)

// position is where a field stands in a list or a map.
var position = regexp.MustCompile(`\[[^\]]*\]`)

// pageOf is AWS's page on a field of a config; empty where there is none.
func pageOf(config any, field string) string {
	return pageAt(reflect.TypeOf(config).Name() + "." + position.ReplaceAllString(field, ""))
}

// pageAt is AWS's page on a field, written with its config.
func pageAt(path string) string {
	for path != "" {
		if page, known := pages[path]; known {
			return page
		}
		path = path[:max(strings.LastIndex(path, "."), 0)]
	}
	return ""
}
