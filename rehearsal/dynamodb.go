package rehearsal

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/roadshow-go/roadshow/rehearsal/internal/dynamo"
)

func dynamoDBService() *service {
	operations := map[string]operation{
		"ListTables":                reading(listTables),
		"DescribeTable":             reading(describeTable),
		"CreateTable":               reading(createTable),
		"UpdateTable":               reading(updateTable),
		"DeleteTable":               reading(deleteTable),
		"DescribeContinuousBackups": reading(describeContinuousBackups),
		"DescribeTimeToLive":        reading(describeTimeToLive),
		"ListTagsOfResource":        reading(listTagsOfResource),
	}
	for _, name := range dynamo.Operations {
		operations[name] = reading(itemOperation)
	}
	return &service{protocol: json10, operations: operations}
}

// tableTypes are the two types that make a table. Both share the names.
var tableTypes = []string{"AWS::DynamoDB::Table", "AWS::DynamoDB::GlobalTable"}

// table reads a name or an ARN.
func (r *request) table(parameter string) (Resource, error) {
	name := r.text(parameter)
	name = name[strings.LastIndex(name, "/")+1:]
	for _, kind := range tableTypes {
		if t, found := r.store.find(r.at(), kind, name); found {
			return t, nil
		}
	}
	return Resource{}, refuse(http.StatusBadRequest, "ResourceNotFoundException", "Requested resource not found: Table: %s not found", name)
}

func listTables(r *request) (any, error) {
	names := []string{}
	for _, kind := range tableTypes {
		for _, t := range r.store.list(r.at(), kind) {
			names = append(names, t.Name)
		}
	}
	slices.Sort(names)
	most := 100
	if n, err := strconv.Atoi(r.text("Limit")); err == nil && n > 0 && n < most {
		most = n
	}
	if after := r.text("ExclusiveStartTableName"); after != "" {
		names = slices.DeleteFunc(names, func(name string) bool { return name <= after })
	}
	if len(names) > most {
		return object{"TableNames": names[:most], "LastEvaluatedTableName": names[most-1]}, nil
	}
	return object{"TableNames": names}, nil
}

// tableOf is a table as DynamoDB shows it.
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TableDescription.html
func tableOf(t *Resource) object {
	protected := t.text("DeletionProtectionEnabled") == "true"
	out := object{
		"TableName": t.Name, "TableStatus": "ACTIVE", "TableArn": t.attribute("Arn"), "TableId": derived(t.seed, hexDigits, 32),
		"CreationDateTime": epoch(t.Created), "ItemCount": 0, "TableSizeBytes": 0, "KeySchema": t.Properties["KeySchema"],
		"AttributeDefinitions": t.Properties["AttributeDefinitions"], "DeletionProtectionEnabled": protected,
		"ProvisionedThroughput": object{"ReadCapacityUnits": 0, "WriteCapacityUnits": 0, "NumberOfDecreasesToday": 0},
	}
	if throughput, given := t.Properties["ProvisionedThroughput"]; given {
		out["ProvisionedThroughput"] = throughput
	}
	if t.text("BillingMode") == "PAY_PER_REQUEST" {
		out["BillingModeSummary"] = object{"BillingMode": "PAY_PER_REQUEST"}
	}
	if class := t.text("TableClass"); class != "" {
		out["TableClassSummary"] = object{"TableClass": class}
	}
	if stream, given := t.Properties["StreamSpecification"].(object); given {
		out["StreamSpecification"] = object{"StreamEnabled": true, "StreamViewType": stream["StreamViewType"]}
		out["LatestStreamArn"] = t.attribute("StreamArn")
		_, out["LatestStreamLabel"], _ = strings.Cut(t.attribute("StreamArn"), "/stream/")
	}
	if sse, given := t.Properties["SSESpecification"].(object); given && textOf(sse["SSEEnabled"]) == "true" {
		out["SSEDescription"] = object{"Status": "ENABLED", "SSEType": orElse(textOf(sse["SSEType"]), "KMS")}
	}
	for _, kind := range []string{"GlobalSecondaryIndexes", "LocalSecondaryIndexes"} {
		var indexes []object
		for _, each := range listOf(t.Properties[kind]) {
			index, _ := each.(object)
			name := textOf(index["IndexName"])
			indexes = append(indexes, object{
				"IndexName": name, "KeySchema": index["KeySchema"], "Projection": index["Projection"], "IndexStatus": "ACTIVE",
				"IndexArn": t.attribute("Arn") + "/index/" + name,
			})
		}
		if indexes != nil {
			out[kind] = indexes
		}
	}
	return out
}

func describeTable(r *request) (any, error) {
	t, err := r.table("TableName")
	if err != nil {
		return nil, err
	}
	described := tableOf(&t)
	items, bytes := r.store.database(r.at()).Size(t.Name, schemaOf(&t))
	described["ItemCount"], described["TableSizeBytes"] = items, bytes
	return object{"Table": described}, nil
}

// createTable takes what the CloudFormation type takes under the same names.
func createTable(r *request) (any, error) {
	properties := object{}
	for name, value := range r.input {
		properties[name] = value
	}
	delete(properties, "SSESpecification")
	if sse, given := r.input["SSESpecification"].(object); given {
		properties["SSESpecification"] = object{"SSEEnabled": sse["Enabled"], "SSEType": sse["SSEType"]}
	}
	made := &Resource{
		Account: r.account, Region: r.region, Type: tableTypes[0], Name: r.text("TableName"), Properties: properties, seed: requestID(),
	}
	if _, err := r.table("TableName"); err == nil {
		return nil, refuse(http.StatusBadRequest, "ResourceInUseException", "Table already exists: %s", made.Name)
	}
	if err := r.store.create(made); err != nil {
		if exceeded, ok := errors.AsType[*overQuota](err); ok {
			return nil, exceeded.refusal()
		}
		return nil, refuse(http.StatusBadRequest, "ValidationException", "%v", err)
	}
	return object{"TableDescription": tableOf(made)}, nil
}

// updateTable switches deletion protection, and nothing else.
func updateTable(r *request) (any, error) {
	if err := r.knows("TableName", "DeletionProtectionEnabled"); err != nil {
		return nil, err
	}
	t, err := r.table("TableName")
	if err != nil {
		return nil, err
	}
	t.Properties["DeletionProtectionEnabled"] = r.flag("DeletionProtectionEnabled")
	changed, err := r.store.change(r.at(), t.Type, t.PhysicalID, t.Properties)
	if err != nil {
		return nil, refuse(http.StatusBadRequest, "ValidationException", "%v", err)
	}
	return object{"TableDescription": tableOf(&changed)}, nil
}

func deleteTable(r *request) (any, error) {
	t, err := r.table("TableName")
	if err != nil {
		return nil, err
	}
	if err := r.store.remove(r.at(), t.Type, t.PhysicalID); err != nil {
		return nil, refuse(http.StatusBadRequest, "ValidationException", "%v", err)
	}
	description := tableOf(&t)
	description["TableStatus"] = "DELETING"
	return object{"TableDescription": description}, nil
}

func describeContinuousBackups(r *request) (any, error) {
	t, err := r.table("TableName")
	if err != nil {
		return nil, err
	}
	status := "DISABLED"
	recovery, _ := t.Properties["PointInTimeRecoverySpecification"].(object)
	if textOf(recovery["PointInTimeRecoveryEnabled"]) == "true" {
		status = "ENABLED"
	}
	return object{"ContinuousBackupsDescription": object{
		"ContinuousBackupsStatus": "ENABLED", "PointInTimeRecoveryDescription": object{"PointInTimeRecoveryStatus": status},
	}}, nil
}

func describeTimeToLive(r *request) (any, error) {
	t, err := r.table("TableName")
	if err != nil {
		return nil, err
	}
	ttl, _ := t.Properties["TimeToLiveSpecification"].(object)
	if textOf(ttl["Enabled"]) != "true" {
		return object{"TimeToLiveDescription": object{"TimeToLiveStatus": "DISABLED"}}, nil
	}
	return object{"TimeToLiveDescription": object{"TimeToLiveStatus": "ENABLED", "AttributeName": ttl["AttributeName"]}}, nil
}

func listTagsOfResource(r *request) (any, error) {
	t, err := r.table("ResourceArn")
	if err != nil {
		return nil, err
	}
	return object{"Tags": tagList(&t)}, nil
}
