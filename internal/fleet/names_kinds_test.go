package fleet

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/stages"
)

// A table and a queue may have one name, and then belong to two components.
func TestANewNameIsOfTheComponentThatGivesItToThatKind(t *testing.T) {
	program, err := readTemplate([]byte(`{"Resources":{
		"Jobs":{"Type":"AWS::SQS::Queue","Properties":{"QueueName":"dev-notes-jobs"}},
		"Ordered":{"Type":"AWS::SQS::Queue","Properties":{"QueueName":"dev-notes-jobs.fifo"}},
		"Table":{"Type":"AWS::DynamoDB::Table","Properties":{"TableName":"dev-notes-jobs"}},
		"Raw":{"Type":"AWS::SNS::Topic","Properties":{"TopicName":"dev-notes-jobs"}}}}`))
	require.NoError(t, err)
	got := map[string][2]string{}
	for _, wanted := range newNames(program, template{}, []stages.LedgerName{
		{Kind: "SQS queue", Owner: "jobs", Name: "dev-notes-jobs"},
		{Kind: "SQS FIFO queue", Owner: "ordered", Name: "dev-notes-jobs.fifo"},
		{Kind: "DynamoDB table", Owner: "table", Name: "dev-notes-jobs"},
	}) {
		got[wanted.logicalID] = [2]string{wanted.noun, wanted.component}
	}
	assert.Equal(t, map[string][2]string{
		"Jobs": {"SQS queue", "jobs"}, "Ordered": {"SQS FIFO queue", "ordered"}, "Table": {"DynamoDB table", "table"}, "Raw": {"SNS topic", ""},
	}, got)
}
