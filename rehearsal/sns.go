package rehearsal

func snsService() *service {
	return &service{
		protocol: queryXML, namespace: "http://sns.amazonaws.com/doc/2010-03-31/",
		operations: map[string]operation{"ListTopics": reading(listTopics)},
	}
}

// listTopics lists a hundred topics a page.
// https://docs.aws.amazon.com/sns/latest/api/API_ListTopics.html
func listTopics(r *request) (any, error) {
	topics := []object{}
	for _, topic := range r.store.list(r.at(), "AWS::SNS::Topic") {
		topics = append(topics, object{"TopicArn": topic.PhysicalID})
	}
	topics, next, err := page(r, topics, 100)
	return object{"Topics": topics, "NextToken": orNil(next)}, err
}
