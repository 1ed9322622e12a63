package dynamo

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// input is a request of any operation, or of one action of a batch or a transaction.
type input struct {
	TableName, IndexName                string
	Key, Item, ExclusiveStartKey        json.RawMessage
	ConditionExpression                 *string
	UpdateExpression                    *string
	ProjectionExpression                *string
	FilterExpression                    *string
	KeyConditionExpression              *string
	ExpressionAttributeNames            map[string]string
	ExpressionAttributeValues           map[string]json.RawMessage
	ReturnValues                        string
	ReturnValuesOnConditionCheckFailure string
	ReturnConsumedCapacity              string
	ConsistentRead                      bool
	ScanIndexForward                    *bool
	Select                              string
	Limit, Segment, TotalSegments       *int
	RequestItems                        map[string]json.RawMessage
	TransactItems                       []map[string]json.RawMessage
	ClientRequestToken                  string
	Keys                                []json.RawMessage // of a batch
	legacy
}

// legacy are the parameters from before expressions.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/LegacyConditionalParameters.html
type legacy struct {
	AttributesToGet, AttributeUpdates, ConditionalOperator, Expected, KeyConditions, QueryFilter, ScanFilter json.RawMessage
}

// given is the name of a parameter that is there; empty where none is.
func (l legacy) given() string {
	for _, each := range []struct {
		name  string
		value json.RawMessage
	}{
		{"AttributesToGet", l.AttributesToGet},
		{"AttributeUpdates", l.AttributeUpdates},
		{"ConditionalOperator", l.ConditionalOperator},
		{"Expected", l.Expected},
		{"KeyConditions", l.KeyConditions},
		{"QueryFilter", l.QueryFilter},
		{"ScanFilter", l.ScanFilter},
	} {
		if each.value != nil && string(each.value) != "null" {
			return each.name
		}
	}
	return ""
}

// tableNames are the tables that a request names.
func (in *input) tableNames() []string {
	names := []string{tableName(in.TableName)}
	for reference := range in.RequestItems {
		names = append(names, tableName(reference))
	}
	for _, each := range in.TransactItems {
		for _, text := range each {
			var part struct{ TableName string }
			if json.Unmarshal(text, &part) == nil { // else the action is refused later
				names = append(names, tableName(part.TableName))
			}
		}
	}
	return names
}

func readInput(text []byte) (*input, error) {
	in := &input{}
	if err := json.Unmarshal(text, in); err != nil {
		return nil, serialization(err)
	}
	if name := in.given(); name != "" {
		return nil, &Error{Code: "NotImplemented", Message: "The rehearsal does not know the legacy parameter " + name + " of DynamoDB. Use an expression."}
	}
	return in, in.checkEnums()
}

func (in *input) checkEnums() error {
	for _, each := range []struct {
		name, value string
		allowed     []string
	}{
		{"returnValues", in.ReturnValues, []string{"ALL_NEW", "UPDATED_OLD", "ALL_OLD", "NONE", "UPDATED_NEW"}},
		{"returnValuesOnConditionCheckFailure", in.ReturnValuesOnConditionCheckFailure, []string{"ALL_OLD", "NONE"}},
		{"returnConsumedCapacity", in.ReturnConsumedCapacity, []string{"INDEXES", "TOTAL", "NONE"}},
		{"select", in.Select, []string{"SPECIFIC_ATTRIBUTES", "COUNT", "ALL_ATTRIBUTES", "ALL_PROJECTED_ATTRIBUTES"}},
	} {
		if each.value != "" && !slices.Contains(each.allowed, each.value) {
			return invalidf("1 validation error detected: Value '%s' at '%s' failed to satisfy constraint: Member must satisfy enum value set: [%s]", each.value, each.name, strings.Join(each.allowed, ", "))
		}
	}
	if in.Limit != nil && *in.Limit < 1 {
		return invalidf("1 validation error detected: Value '%d' at 'limit' failed to satisfy constraint: Member must have value greater than or equal to 1", *in.Limit)
	}
	return nil
}

// expressions are a request's, parsed.
type expressions struct {
	condition, filter, key *condition
	projection             []path
	update                 []action
}

// parse reads all expressions of a request, and refuses placeholders that none of them uses.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.ExpressionAttributeNames.html
func (in *input) parse() (expressions, error) {
	var out expressions
	given, err := in.placeholders()
	if err != nil {
		return out, err
	}
	if in.UpdateExpression != nil {
		if out.update, err = parse("UpdateExpression", *in.UpdateExpression, given, (*parser).update); err != nil {
			return out, err
		}
	}
	if in.ConditionExpression != nil {
		if out.condition, err = parse("ConditionExpression", *in.ConditionExpression, given, (*parser).conditionExpression); err != nil {
			return out, err
		}
	}
	if in.ProjectionExpression != nil {
		if out.projection, err = parse("ProjectionExpression", *in.ProjectionExpression, given, (*parser).projection); err != nil {
			return out, err
		}
	}
	if in.FilterExpression != nil {
		if out.filter, err = parse("FilterExpression", *in.FilterExpression, given, (*parser).conditionExpression); err != nil {
			return out, err
		}
	}
	if in.KeyConditionExpression != nil {
		if out.key, err = parse("KeyConditionExpression", *in.KeyConditionExpression, given, (*parser).conditionExpression); err != nil {
			return out, err
		}
	}
	if unused := missing(in.ExpressionAttributeNames, given.usedNames); unused != "" {
		return out, invalid("Value provided in ExpressionAttributeNames unused in expressions: keys: {" + unused + "}")
	}
	if unused := missing(in.ExpressionAttributeValues, given.usedValues); unused != "" {
		return out, invalid("Value provided in ExpressionAttributeValues unused in expressions: keys: {" + unused + "}")
	}
	return out, nil
}

func missing[V any](given map[string]V, used map[string]bool) string {
	var unused []string
	for _, name := range slices.Sorted(maps.Keys(given)) {
		if !used[name] {
			unused = append(unused, name)
		}
	}
	return strings.Join(unused, ", ")
}

func (in *input) placeholders() (*placeholders, error) {
	expressed := in.ConditionExpression != nil || in.UpdateExpression != nil || in.FilterExpression != nil || in.KeyConditionExpression != nil
	switch {
	case in.ExpressionAttributeNames != nil && !expressed && in.ProjectionExpression == nil:
		return nil, invalid("ExpressionAttributeNames can only be specified when using expressions")
	case in.ExpressionAttributeValues != nil && !expressed:
		return nil, invalid("ExpressionAttributeValues can only be specified when using expressions")
	case in.ExpressionAttributeNames != nil && len(in.ExpressionAttributeNames) == 0:
		return nil, invalid("ExpressionAttributeNames must not be empty")
	case in.ExpressionAttributeValues != nil && len(in.ExpressionAttributeValues) == 0:
		return nil, invalid("ExpressionAttributeValues must not be empty")
	}
	given := &placeholders{
		names: in.ExpressionAttributeNames, values: map[string]Value{}, usedNames: map[string]bool{}, usedValues: map[string]bool{},
	}
	for name := range in.ExpressionAttributeNames {
		if !isPlaceholder(name, '#') {
			return nil, invalidf("ExpressionAttributeNames contains invalid key: Syntax error; key: %q", name)
		}
	}
	for name, text := range in.ExpressionAttributeValues {
		if !isPlaceholder(name, ':') {
			return nil, invalidf("ExpressionAttributeValues contains invalid key: Syntax error; key: %q", name)
		}
		value, err := readValue(text, 0)
		if err != nil {
			return nil, invalidf("ExpressionAttributeValues contains invalid value: %s for key %s", err.(*Error).Message, name)
		}
		given.values[name] = value
	}
	return given, nil
}

func isPlaceholder(name string, sign byte) bool {
	if len(name) < 2 || name[0] != sign {
		return false
	}
	for i := 1; i < len(name); i++ {
		if !isWord(name[i]) {
			return false
		}
	}
	return true
}
