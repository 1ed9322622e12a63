package rehearsal

func cloudTrailService() *service {
	return &service{protocol: json11, operations: map[string]operation{
		"LookupEvents": reading(lookupEvents),
	}}
}

// lookupEvents finds nothing yet, as with AWS, where an event is found minutes
// after its call. The cdk command asks when a deployment has just failed, and
// does without.
// https://docs.aws.amazon.com/awscloudtrail/latest/userguide/how-cloudtrail-works.html
func lookupEvents(*request) (any, error) { return object{"Events": []object{}}, nil }
