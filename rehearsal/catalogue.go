package rehearsal

// catalogue is every service of the endpoint, by the name that signs for it.
func catalogue() map[string]*service {
	return map[string]*service{
		"sts":             stsService(),
		"s3":              s3Service(),
		"ssm":             ssmService(),
		"secretsmanager":  secretsManagerService(),
		"cloudformation":  cloudFormationService(),
		"iam":             iamService(),
		"lambda":          lambdaService(),
		"dynamodb":        dynamoDBService(),
		"dax":             daxService(),
		"apigateway":      apiGatewayV2Service(),
		"ec2":             ec2Service(),
		"logs":            logsService(),
		"ecr":             ecrService(),
		"cloudtrail":      cloudTrailService(),
		"tagging":         taggingService(),
		"cloudcontrolapi": cloudControlService(),
		"servicequotas":   serviceQuotasService(),
		"events":          eventsService(),
		"sns":             snsService(),
		"ce":              costExplorerService(),
		"organizations":   organizationsService(),
		"kms":             kmsService(),
		"sqs":             sqsService(),
	}
}
