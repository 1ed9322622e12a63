package dynamo

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// notes has a sort key, both kinds of indexes, a time to live and a stream.
var notes = Schema{
	TableName:            "notes",
	KeySchema:            []KeyElement{{"id", "HASH"}, {"nr", "RANGE"}},
	AttributeDefinitions: []AttributeDefinition{{"id", "S"}, {"nr", "N"}, {"author", "S"}, {"title", "S"}},
	GlobalSecondaryIndexes: []Index{
		index("byAuthor", "KEYS_ONLY", nil, KeyElement{"author", "HASH"}, KeyElement{"nr", "RANGE"}),
		index("withTitle", "INCLUDE", []string{"body"}, KeyElement{"author", "HASH"}, KeyElement{"title", "RANGE"}),
	},
	LocalSecondaryIndexes: []Index{index("byTitle", "KEYS_ONLY", nil, KeyElement{"id", "HASH"}, KeyElement{"title", "RANGE"})},
	TimeToLive:            "expires",
	StreamViewType:        "NEW_AND_OLD_IMAGES",
}

// plain has a partition key only.
var plain = Schema{TableName: "plain", KeySchema: []KeyElement{{"id", "HASH"}}, AttributeDefinitions: []AttributeDefinition{{"id", "S"}}}

func index(name, projection string, attributes []string, keys ...KeyElement) Index {
	made := Index{IndexName: name, KeySchema: keys}
	made.Projection.ProjectionType, made.Projection.NonKeyAttributes = projection, attributes
	return made
}

// account is a database with its tables and its clock.
type account struct {
	Database
	t   *testing.T
	now time.Time
}

func newAccount(t *testing.T) *account {
	return &account{t: t, now: time.Date(2025, 3, 1, 0, 0, 0, 0, time.UTC)}
}

func schemas(name string) (Schema, bool) {
	switch name {
	case "notes":
		return notes, true
	case "plain":
		return plain, true
	}
	return Schema{}, false
}

// do asks, and gives the answer as JSON, or the refusal as "Code: message".
func (a *account) do(operation, request string) string {
	a.t.Helper()
	out, err := a.Do(operation, []byte(request), a.now, schemas)
	if err != nil {
		return err.Error()
	}
	text, err := json.Marshal(out)
	require.NoError(a.t, err)
	return string(text)
}

// must asks what is not refused.
func (a *account) must(operation, request string) string {
	a.t.Helper()
	out := a.do(operation, request)
	require.True(a.t, strings.HasPrefix(out, "{"), "%s %s: %s", operation, request, out)
	return out
}

// put puts an item of a table, which is written without the braces around it.
func (a *account) put(table, item string) {
	a.t.Helper()
	a.must("PutItem", fmt.Sprintf(`{"TableName": %q, "Item": {%s}}`, table, item))
}

// item is the item of plain with the id "a".
func (a *account) item() string {
	a.t.Helper()
	var got struct{ Item json.RawMessage }
	require.NoError(a.t, json.Unmarshal([]byte(a.must("GetItem", `{"TableName": "plain", "Key": {"id": {"S": "a"}}}`)), &got))
	return string(got.Item)
}

// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.UpdateExpressions.html
func TestUpdatesDoWhatAWSsPageSays(t *testing.T) {
	const item = `"id": {"S": "a"}, "n": {"N": "5"}, "l": {"L": [{"S": "x"}, {"S": "y"}, {"S": "z"}]}, "m": {"M": {"k": {"N": "1"}}}, "set": {"SS": ["p", "q"]}`
	for _, test := range []struct{ name, update, values, want string }{
		{"SET of a new attribute", "SET p = :v", `":v": {"S": "w"}`, `"p":{"S":"w"}`},
		{"SET adds", "SET n = n + :v", `":v": {"N": "1.5"}`, `"n":{"N":"6.5"}`},
		{"SET subtracts", "SET n = n - :v", `":v": {"N": "6"}`, `"n":{"N":"-1"}`},
		{"SET of a nested attribute", "SET m.k2 = :v", `":v": {"S": "w"}`, `"m":{"M":{"k":{"N":"1"},"k2":{"S":"w"}}}`},
		{"SET of a nested attribute of nothing", "SET gone.k = :v", `":v": {"S": "w"}`, "ValidationException: " + invalidPath},
		{"SET of an element", "SET l[1] = :v", `":v": {"S": "w"}`, `"l":{"L":[{"S":"x"},{"S":"w"},{"S":"z"}]}`},
		{"SET behind the end of a list appends", "SET l[9] = :v", `":v": {"S": "w"}`, `"l":{"L":[{"S":"x"},{"S":"y"},{"S":"z"},{"S":"w"}]}`},
		{"list_append", "SET l = list_append(:v, l)", `":v": {"L": [{"S": "w"}]}`, `"l":{"L":[{"S":"w"},{"S":"x"},{"S":"y"},{"S":"z"}]}`},
		{"if_not_exists of what exists", "SET n = if_not_exists(n, :v)", `":v": {"N": "9"}`, `"n":{"N":"5"}`},
		{"if_not_exists of what does not", "SET c = if_not_exists(c, :v) + :v", `":v": {"N": "9"}`, `"c":{"N":"18"}`},
		{"operands are of the item before", "SET n = n + :v, c = n", `":v": {"N": "1"}`, `"c":{"N":"5"}`},
		{"an operand that does not exist", "SET c = gone", ``, "ValidationException: " + noSuchOperand},
		{"an operand of the wrong type", "SET n = l + :v", `":v": {"N": "1"}`, "ValidationException: " + wrongType},
		{"REMOVE of elements by their old places", "REMOVE l[0], l[1]", ``, `"l":{"L":[{"S":"z"}]}`},
		{"REMOVE of what is not there", "REMOVE gone", ``, `"n":{"N":"5"}`},
		{"ADD to a number", "ADD n :v", `":v": {"N": "-2"}`, `"n":{"N":"3"}`},
		{"ADD to nothing", "ADD c :v", `":v": {"N": "3"}`, `"c":{"N":"3"}`},
		{"ADD to a set", "ADD #s :v", `":v": {"SS": ["q", "r"]}`, `"set":{"SS":["p","q","r"]}`},
		{"ADD of another type", "ADD n :v", `":v": {"SS": ["q"]}`, "ValidationException: " + wrongType},
		{"DELETE from a set", "DELETE #s :v", `":v": {"SS": ["q", "r"]}`, `"set":{"SS":["p"]}`},
		{"DELETE of the last element deletes the set", "DELETE #s :v", `":v": {"SS": ["p", "q"]}`, `"n":{"N":"5"}`},
		{"sections in any order and case", "remove n set c = :v", `":v": {"N": "1"}`, `"c":{"N":"1"}`},
		{"a sum that is too large", "SET n = n + :v", `":v": {"N": "9.9999999999999999999999999999999999999E125"}`, "ValidationException: Attempting to store more than 38 significant digits in a Number"},
	} {
		t.Run(test.name, func(t *testing.T) {
			a := newAccount(t)
			a.put("plain", item)
			request := fmt.Sprintf(`{"TableName": "plain", "Key": {"id": {"S": "a"}}, "UpdateExpression": %q, "ReturnValues": "ALL_NEW"`, test.update)
			if test.values != "" {
				request += `, "ExpressionAttributeValues": {` + test.values + `}`
			}
			if strings.Contains(test.update, "#s") {
				request += `, "ExpressionAttributeNames": {"#s": "set"}`
			}
			got := a.do("UpdateItem", request+"}")
			assert.Contains(t, got, test.want)
			if strings.HasPrefix(test.want, "Validation") {
				assert.Equal(t, test.want, got)
				want, err := readItem([]byte("{" + item + "}"))
				require.NoError(t, err)
				text, _ := json.Marshal(want)
				assert.JSONEq(t, string(text), a.item(), "a refused update changes nothing")
			}
		})
	}
}

// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.OperatorsAndFunctions.html
func TestConditionsHoldAsAWSsPageSays(t *testing.T) {
	const item = `"id": {"S": "a"}, "n": {"N": "10"}, "s": {"S": "hello"}, "b": {"B": "AQID"}, "set": {"NS": ["1", "2"]}, "l": {"L": [{"S": "x"}, {"N": "1"}]}, "t": {"BOOL": true}, "nil": {"NULL": true}, "m": {"M": {"k": {"S": "v"}}}`
	for _, test := range []struct {
		condition, values string
		want              bool
	}{
		{"n = :v", `{"N": "10.0"}`, true},
		{"n = :v", `{"S": "10"}`, false},
		{"n <> :v", `{"S": "10"}`, true},
		{"gone <> :v", `{"S": "10"}`, true},
		{"gone = :v", `{"S": "10"}`, false},
		{"n > :v", `{"N": "9"}`, true},
		{"n > :v", `{"S": "9"}`, false},
		{"NOT n > :v", `{"N": "9"}`, false},
		{"s BETWEEN :v AND :w", `{"S": "h"}, ":w": {"S": "i"}`, true},
		{"n IN (:v, :w)", `{"N": "1"}, ":w": {"N": "10"}`, true},
		{"begins_with(s, :v)", `{"S": "he"}`, true},
		{"begins_with(b, :v)", `{"B": "AQ=="}`, true},
		{"begins_with(n, :v)", `{"S": "1"}`, false},
		{"contains(s, :v)", `{"S": "ll"}`, true},
		{"contains(#set, :v)", `{"N": "2.0"}`, true},
		{"contains(#set, :v)", `{"S": "2"}`, false},
		{"contains(l, :v)", `{"N": "1"}`, true},
		{"attribute_exists(m.k) AND attribute_not_exists(m.gone) AND n = :v", `{"N": "10"}`, true},
		{"attribute_type(nil, :v)", `{"S": "NULL"}`, true},
		{"attribute_type(s, :v)", `{"S": "N"}`, false},
		{"size(s) = :v", `{"N": "5"}`, true},
		{"size(l) >= :v", `{"N": "2"}`, true},
		{"size(n) >= :v", `{"N": "0"}`, false},
		{"l[0] = :v", `{"S": "x"}`, true},
		{"l[7] = :v", `{"S": "x"}`, false},
		{"n = :v OR s = :v AND t = :v", `{"N": "10"}`, true},
		{"(n = :v OR s = :v) AND t = :v", `{"N": "10"}`, false},
		{"t = :v", `{"BOOL": true}`, true},
	} {
		t.Run(test.condition+test.values, func(t *testing.T) {
			a := newAccount(t)
			a.put("plain", item)
			request := fmt.Sprintf(`{"TableName": "plain", "Key": {"id": {"S": "a"}}, "ConditionExpression": %q, "ExpressionAttributeValues": {":v": %s}`, test.condition, test.values)
			if strings.Contains(test.condition, "#set") {
				request += `, "ExpressionAttributeNames": {"#set": "set"}`
			}
			got := a.do("DeleteItem", request+"}")
			if test.want {
				assert.Equal(t, "{}", got)
			} else {
				assert.Equal(t, "ConditionalCheckFailedException: The conditional request failed", got)
			}
		})
	}
}

// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.ExpressionAttributeNames.html
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html
func TestRefusalsAreInDynamoDBsWords(t *testing.T) {
	const key = `"TableName": "plain", "Key": {"id": {"S": "a"}}, `
	long := strings.Repeat("x", 400*1024)
	for _, test := range []struct{ name, operation, request, want string }{
		{"a table that is not there", "GetItem", `{"TableName": "none", "Key": {"id": {"S": "a"}}}`, "ResourceNotFoundException: Requested resource not found"},
		{"a key that is missing", "PutItem", `{"TableName": "plain", "Item": {"x": {"S": "a"}}}`, "ValidationException: One or more parameter values were invalid: Missing the key id in the item"},
		{"a key of another type", "PutItem", `{"TableName": "plain", "Item": {"id": {"N": "1"}}}`, "ValidationException: One or more parameter values were invalid: Type mismatch for key id expected: S actual: N"},
		{"an empty key", "PutItem", `{"TableName": "plain", "Item": {"id": {"S": ""}}}`, "ValidationException: One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value. Key: id"},
		{"a key with too much", "GetItem", `{"TableName": "plain", "Key": {"id": {"S": "a"}, "x": {"S": "b"}}}`, "ValidationException: The provided key element does not match the schema"},
		{"a long partition key", "GetItem", `{"TableName": "plain", "Key": {"id": {"S": "` + long[:2049] + `"}}}`, "ValidationException: One or more parameter values were invalid: Size of hashkey has exceeded the maximum size limit of2048 bytes"},
		{"an item of more than 400 KB", "PutItem", `{"TableName": "plain", "Item": {"id": {"S": "a"}, "x": {"S": "` + long + `"}}}`, "ValidationException: Item size has exceeded the maximum allowed size"},
		{"an index key of another type", "PutItem", `{"TableName": "notes", "Item": {"id": {"S": "a"}, "nr": {"N": "1"}, "author": {"N": "1"}}}`, "ValidationException: One or more parameter values were invalid: Type mismatch for Index Key author Expected: S Actual: N IndexName: byAuthor"},
		{"an empty set", "PutItem", `{"TableName": "plain", "Item": {"id": {"S": "a"}, "x": {"SS": []}}}`, "ValidationException: One or more parameter values were invalid: An string set  may not be empty"},
		{"a set with something twice", "PutItem", `{"TableName": "plain", "Item": {"id": {"S": "a"}, "x": {"NS": ["1", "1.0"]}}}`, "ValidationException: One or more parameter values were invalid: Input collection [1, 1.0] contains duplicates."},
		{"no number", "PutItem", `{"TableName": "plain", "Item": {"id": {"S": "a"}, "x": {"N": "one"}}}`, "ValidationException: The parameter cannot be converted to a numeric value: one"},
		{"a number of 39 digits", "PutItem", `{"TableName": "plain", "Item": {"id": {"S": "a"}, "x": {"N": "123456789012345678901234567890123456789"}}}`, "ValidationException: Attempting to store more than 38 significant digits in a Number"},
		{"a number that is too large", "PutItem", `{"TableName": "plain", "Item": {"id": {"S": "a"}, "x": {"N": "1E126"}}}`, "ValidationException: Number overflow. Attempting to store a number with magnitude larger than supported range"},
		{"a number that is too small", "PutItem", `{"TableName": "plain", "Item": {"id": {"S": "a"}, "x": {"N": "1E-131"}}}`, "ValidationException: Number underflow. Attempting to store a number with magnitude smaller than supported range"},
		{"two types", "PutItem", `{"TableName": "plain", "Item": {"id": {"S": "a", "N": "1"}}}`, "ValidationException: Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes"},
		{"a reserved word", "UpdateItem", `{` + key + `"UpdateExpression": "SET name = :v", "ExpressionAttributeValues": {":v": {"S": "x"}}}`, "ValidationException: Invalid UpdateExpression: Attribute name is a reserved keyword; reserved keyword: name"},
		{"a name that is not defined", "UpdateItem", `{` + key + `"UpdateExpression": "REMOVE #n"}`, "ValidationException: Invalid UpdateExpression: An expression attribute name used in the document path is not defined; attribute name: #n"},
		{"a value that is not defined", "UpdateItem", `{` + key + `"UpdateExpression": "SET x = :v"}`, "ValidationException: Invalid UpdateExpression: An expression attribute value used in expression is not defined; attribute value: :v"},
		{"a value that is not used", "UpdateItem", `{` + key + `"UpdateExpression": "REMOVE x", "ExpressionAttributeValues": {":v": {"S": "x"}, ":w": {"S": "x"}}}`, "ValidationException: Value provided in ExpressionAttributeValues unused in expressions: keys: {:v, :w}"},
		{"a name that is not used", "UpdateItem", `{` + key + `"UpdateExpression": "REMOVE x", "ExpressionAttributeNames": {"#n": "n"}}`, "ValidationException: Value provided in ExpressionAttributeNames unused in expressions: keys: {#n}"},
		{"names without an expression", "GetItem", `{` + key + `"ExpressionAttributeNames": {"#n": "n"}}`, "ValidationException: ExpressionAttributeNames can only be specified when using expressions"},
		{"an expression that cannot be read", "UpdateItem", `{` + key + `"UpdateExpression": "SET x y"}`, `ValidationException: Invalid UpdateExpression: Syntax error; token: "y", near: "x y"`},
		{"an expression that breaks off", "UpdateItem", `{` + key + `"UpdateExpression": "SET x ="}`, `ValidationException: Invalid UpdateExpression: Syntax error; token: "<EOF>", near: "="`},
		{"a negation that breaks off", "DeleteItem", `{` + key + `"ConditionExpression": "attribute_exists(x) AND NOT y"}`, `ValidationException: Invalid ConditionExpression: Syntax error; token: "<EOF>", near: "y"`},
		{"a type that is none", "DeleteItem", `{` + key + `"ConditionExpression": "attribute_type(x, :v)", "ExpressionAttributeValues": {":v": {"S": "X"}}}`, "ValidationException: Invalid ConditionExpression: Invalid attribute type name found; type: X, valid types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}"},
		{"the size of a number", "DeleteItem", `{` + key + `"ConditionExpression": "size(:v) = :v", "ExpressionAttributeValues": {":v": {"N": "1"}}}`, "ValidationException: Invalid ConditionExpression: Incorrect operand type for operator or function; operator or function: size, operand type: N"},
		{"the order of booleans", "DeleteItem", `{` + key + `"ConditionExpression": "x < :v", "ExpressionAttributeValues": {":v": {"BOOL": true}}}`, "ValidationException: Invalid ConditionExpression: Incorrect operand type for operator or function; operator or function: <, operand type: BOOL"},
		{"an operand and a path that are not there", "UpdateItem", `{` + key + `"UpdateExpression": "SET x.y = :v, z = gone", "ExpressionAttributeValues": {":v": {"N": "1"}}}`, "ValidationException: The provided expression refers to an attribute that does not exist in the item"},
		{"an empty expression", "UpdateItem", `{` + key + `"UpdateExpression": ""}`, "ValidationException: Invalid UpdateExpression: The expression can not be empty;"},
		{"a section twice", "UpdateItem", `{` + key + `"UpdateExpression": "REMOVE x REMOVE y"}`, `ValidationException: Invalid UpdateExpression: The "REMOVE" section can only be used once in an update expression;`},
		{"paths that overlap", "UpdateItem", `{` + key + `"UpdateExpression": "REMOVE x, x.y"}`, "ValidationException: Invalid UpdateExpression: Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [x], path two: [x, y]"},
		{"a function that is not there", "DeleteItem", `{` + key + `"ConditionExpression": "exists(x)"}`, "ValidationException: Invalid ConditionExpression: Invalid function name; function: exists"},
		{"a function in the wrong place", "DeleteItem", `{` + key + `"ConditionExpression": "if_not_exists(x, y)"}`, "ValidationException: Invalid ConditionExpression: The function is not allowed to be used this way in an expression; function: if_not_exists"},
		{"too many operands", "DeleteItem", `{` + key + `"ConditionExpression": "attribute_exists(x, y)"}`, "ValidationException: Invalid ConditionExpression: Incorrect number of operands for operator or function; operator or function: attribute_exists, number of operands: 2"},
		{"redundant parentheses", "DeleteItem", `{` + key + `"ConditionExpression": "((attribute_exists(x)))"}`, "ValidationException: Invalid ConditionExpression: The expression has redundant parentheses;"},
		{"bounds in the wrong order", "DeleteItem", `{` + key + `"ConditionExpression": "x BETWEEN :a AND :b", "ExpressionAttributeValues": {":a": {"N": "2"}, ":b": {"N": "1"}}}`, "ValidationException: Invalid ConditionExpression: The BETWEEN operator requires upper bound to be greater than or equal to lower bound; lower bound operand: AttributeValue: {N:2}, upper bound operand: AttributeValue: {N:1}"},
		{"ADD of a text", "UpdateItem", `{` + key + `"UpdateExpression": "ADD x :v", "ExpressionAttributeValues": {":v": {"S": "x"}}}`, "ValidationException: Invalid UpdateExpression: Incorrect operand type for operator or function; operator: ADD, operand type: STRING, typeSet: ALLOWED_FOR_ADD_OPERAND"},
		{"an update of a key", "UpdateItem", `{` + key + `"UpdateExpression": "REMOVE id"}`, "ValidationException: One or more parameter values were invalid: Cannot update attribute id. This attribute is part of the key"},
		{"an expression of more than 4 KB", "UpdateItem", `{` + key + `"UpdateExpression": "` + long[:4097] + `"}`, "ValidationException: Invalid UpdateExpression: Expression size has exceeded the maximum allowed size; expression size: 4097"},
		{"new values of a put", "PutItem", `{"TableName": "plain", "Item": {"id": {"S": "a"}}, "ReturnValues": "ALL_NEW"}`, "ValidationException: ReturnValues can only be ALL_OLD or NONE"},
		{"a query without the partition key", "Query", `{"TableName": "notes", "KeyConditionExpression": "nr = :v", "ExpressionAttributeValues": {":v": {"N": "1"}}}`, "ValidationException: Query condition missed key schema element: id"},
		{"a query of a range of partitions", "Query", `{"TableName": "notes", "KeyConditionExpression": "id > :v", "ExpressionAttributeValues": {":v": {"S": "1"}}}`, "ValidationException: Query key condition not supported"},
		{"a query with OR", "Query", `{"TableName": "notes", "KeyConditionExpression": "id = :v OR id = :v", "ExpressionAttributeValues": {":v": {"S": "1"}}}`, "ValidationException: Invalid operator used in KeyConditionExpression: OR"},
		{"a query by another type", "Query", `{"TableName": "notes", "KeyConditionExpression": "id = :v", "ExpressionAttributeValues": {":v": {"N": "1"}}}`, "ValidationException: One or more parameter values were invalid: Condition parameter type does not match schema type"},
		{"a filter of the key", "Query", `{"TableName": "notes", "KeyConditionExpression": "id = :v", "FilterExpression": "id = :v", "ExpressionAttributeValues": {":v": {"S": "1"}}}`, "ValidationException: Filter Expression can only contain non-primary key attributes: Primary key attribute: id"},
		{"an index that is not there", "Query", `{"TableName": "notes", "IndexName": "none", "KeyConditionExpression": "id = :v", "ExpressionAttributeValues": {":v": {"S": "1"}}}`, "ValidationException: The table does not have the specified index: none"},
		{"a consistent read of a global index", "Query", `{"TableName": "notes", "IndexName": "byAuthor", "ConsistentRead": true, "KeyConditionExpression": "author = :v", "ExpressionAttributeValues": {":v": {"S": "1"}}}`, "ValidationException: Consistent reads are not supported on global secondary indexes"},
		{"a limit of nothing", "Scan", `{"TableName": "notes", "Limit": 0}`, "ValidationException: 1 validation error detected: Value '0' at 'limit' failed to satisfy constraint: Member must have value greater than or equal to 1"},
		{"a start that is no key", "Scan", `{"TableName": "notes", "ExclusiveStartKey": {"id": {"S": "a"}}}`, "ValidationException: The provided starting key is invalid"},
		{"a legacy parameter", "Query", `{"TableName": "notes", "KeyConditions": {}}`, "NotImplemented: The rehearsal does not know the legacy parameter KeyConditions of DynamoDB. Use an expression."},
	} {
		t.Run(test.name, func(t *testing.T) { assert.Equal(t, test.want, newAccount(t).do(test.operation, test.request)) })
	}
}

// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html#HowItWorks.DataTypes.Number
func TestNumbersKeep38DigitsAndAreWrittenInOneWay(t *testing.T) {
	for text, want := range map[string]string{
		"1.0": "1", "+007": "7", "-0": "0", ".5": "0.5", "1e3": "1000", "0.00": "0",
		"12345678901234567890123456789012345678":    "12345678901234567890123456789012345678",
		"0.12345678901234567890123456789012345678":  "0.12345678901234567890123456789012345678",
		"1234567890123456789012345678901234567800":  "1234567890123456789012345678901234567800",
		"-1234567890123456789.0123456789012345678":  "-1234567890123456789.0123456789012345678",
		"9.9999999999999999999999999999999999999E5": "999999.99999999999999999999999999999999",
	} {
		got, err := readNumber(text)
		require.NoError(t, err, text)
		assert.Equal(t, want, got, text)
	}
}

// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
func TestSizesAreThoseOfAWSsPage(t *testing.T) {
	for text, want := range map[string]int{
		`{"ab": {"S": "é"}}`:                               4,
		`{"a": {"N": "123"}}`:                              1 + 1 + 2,
		`{"a": {"N": "-12300"}}`:                           1 + 1 + 2 + 1,
		`{"a": {"B": "AQID"}}`:                             1 + 3,
		`{"a": {"BOOL": true}, "b": {"NULL": true}}`:       4,
		`{"a": {"L": []}}`:                                 1 + 3,
		`{"a": {"L": [{"S": "xy"}]}}`:                      1 + 3 + 1 + 2,
		`{"a": {"M": {"k": {"S": "xy"}}}}`:                 1 + 3 + 1 + 1 + 2,
		`{"a": {"SS": ["x", "yz"]}, "b": {"NS": ["100"]}}`: 1 + 3 + 1 + 2,
	} {
		item, err := readItem([]byte(text))
		require.NoError(t, err)
		assert.Equal(t, want, item.size(), text)
	}
}

// fill puts ten notes of one id.
func (a *account) fill() {
	a.t.Helper()
	for i := range 10 {
		a.put("notes", fmt.Sprintf(`"id": {"S": "a"}, "nr": {"N": "%d"}, "author": {"S": "o%d"}, "title": {"S": "t%d"}, "body": {"S": "x"}`, i-5, i%2, 9-i))
	}
}

// ats are the sort keys of an answer's items, in their order.
func ats(t *testing.T, answer string) (ats []string, last json.RawMessage) {
	t.Helper()
	var got struct {
		Items            []map[string]map[string]any
		LastEvaluatedKey json.RawMessage
	}
	require.NoError(t, json.Unmarshal([]byte(answer), &got), answer)
	for _, item := range got.Items {
		ats = append(ats, fmt.Sprint(item["nr"]["N"]))
	}
	return ats, got.LastEvaluatedKey
}

// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Query.KeyConditionExpressions.html
func TestQueriesReadInTheOrderOfTheSortKey(t *testing.T) {
	a := newAccount(t)
	a.fill()
	for _, test := range []struct{ request, values, want string }{
		{`"KeyConditionExpression": "id = :v"`, ``, "-5 -4 -3 -2 -1 0 1 2 3 4"},
		{`"KeyConditionExpression": "id = :v", "ScanIndexForward": false`, ``, "4 3 2 1 0 -1 -2 -3 -4 -5"},
		{`"KeyConditionExpression": "id = :v AND nr > :a"`, `, ":a": {"N": "2"}`, "3 4"},
		{`"KeyConditionExpression": "nr <= :a AND id = :v"`, `, ":a": {"N": "-4"}`, "-5 -4"},
		{`"KeyConditionExpression": "id = :v AND nr BETWEEN :a AND :b"`, `, ":a": {"N": "-1.5"}, ":b": {"N": "1"}`, "-1 0 1"},
		{`"KeyConditionExpression": "id = :v AND (nr = :a)"`, `, ":a": {"N": "3"}`, "3"},
		{`"KeyConditionExpression": "id = :v", "FilterExpression": "author = :a"`, `, ":a": {"S": "o0"}`, "-5 -3 -1 1 3"},
		{`"KeyConditionExpression": "id = :v", "IndexName": "byTitle"`, ``, "4 3 2 1 0 -1 -2 -3 -4 -5"},
		{`"KeyConditionExpression": "id = :v AND begins_with(title, :a)", "IndexName": "byTitle"`, `, ":a": {"S": "t3"}`, "1"},
		{`"KeyConditionExpression": "id = :v", "Limit": 2`, ``, "-5 -4"},
	} {
		got := a.must("Query", `{"TableName": "notes", `+test.request+`, "ExpressionAttributeValues": {":v": {"S": "a"}`+test.values+`}}`)
		found, _ := ats(t, got)
		assert.Equal(t, test.want, strings.Join(found, " "), test.request)
	}
}

// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GSI.html
func TestAnIndexHasWhatItProjects(t *testing.T) {
	a := newAccount(t)
	a.fill()
	a.put("notes", `"id": {"S": "sparse"}, "nr": {"N": "0"}, "body": {"S": "x"}`)
	const query = `{"TableName": "notes", "IndexName": %q, "KeyConditionExpression": "author = :v AND %s = :w", "ExpressionAttributeValues": {":v": {"S": "o0"}, ":w": %s}%s}`
	assert.JSONEq(t, `{"Count": 1, "ScannedCount": 1, "Items": [{"id": {"S": "a"}, "nr": {"N": "1"}, "author": {"S": "o0"}}]}`,
		a.must("Query", fmt.Sprintf(query, "byAuthor", "nr", `{"N": "1"}`, "")))
	assert.JSONEq(t, `{"Count": 1, "ScannedCount": 1, "Items": [{"id": {"S": "a"}, "nr": {"N": "1"}, "author": {"S": "o0"}, "title": {"S": "t3"}, "body": {"S": "x"}}]}`,
		a.must("Query", fmt.Sprintf(query, "withTitle", "title", `{"S": "t3"}`, "")))
	assert.Equal(t, "ValidationException: One or more parameter values were invalid: Global secondary index byAuthor does not project [body]",
		a.do("Query", fmt.Sprintf(query, "byAuthor", "nr", `{"N": "1"}`, `, "ProjectionExpression": "body"`)))
	var all struct{ Count int }
	require.NoError(t, json.Unmarshal([]byte(a.must("Scan", `{"TableName": "notes", "IndexName": "byAuthor"}`)), &all))
	assert.Equal(t, 10, all.Count, "an item without the index's key is not in the index")
	// A local index fetches from the table what it does not project.
	assert.Contains(t, a.must("Query", `{"TableName": "notes", "IndexName": "byTitle", "KeyConditionExpression": "id = :v AND title = :w", "ProjectionExpression": "#t", "ExpressionAttributeNames": {"#t": "body"}, "ExpressionAttributeValues": {":v": {"S": "a"}, ":w": {"S": "t3"}}}`), `"Items":[{"body":{"S":"x"}}]`)
}

// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Query.Pagination.html
func TestAPageEndsAtOneMegabyteBeforeItIsFiltered(t *testing.T) {
	a := newAccount(t)
	for i := range 4 {
		a.put("notes", fmt.Sprintf(`"id": {"S": "a"}, "nr": {"N": "%d"}, "body": {"S": "%s"}`, i, strings.Repeat("x", 390*1024)))
	}
	got := a.must("Query", `{"TableName": "notes", "KeyConditionExpression": "id = :v", "FilterExpression": "at2 = :v", "ExpressionAttributeValues": {":v": {"S": "a"}}}`)
	assert.JSONEq(t, `{"Count": 0, "ScannedCount": 2, "Items": [], "LastEvaluatedKey": {"id": {"S": "a"}, "nr": {"N": "1"}}}`, got)
}

// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html
func TestBatchesAreHeldToTheirLimits(t *testing.T) {
	a := newAccount(t)
	puts := make([]string, 26)
	for i := range puts {
		puts[i] = fmt.Sprintf(`{"PutRequest": {"Item": {"id": {"S": "%d"}}}}`, i)
	}
	assert.Equal(t, "ValidationException: Too many items requested for the BatchWriteItem call", a.do("BatchWriteItem", `{"RequestItems": {"plain": [`+strings.Join(puts, ",")+`]}}`))
	assert.JSONEq(t, `{"UnprocessedItems": {}}`, a.do("BatchWriteItem", `{"RequestItems": {"plain": [`+strings.Join(puts[:25], ",")+`]}}`))
	assert.Equal(t, "ValidationException: Provided list of item keys contains duplicates", a.do("BatchWriteItem", `{"RequestItems": {"plain": [`+puts[0]+`,{"DeleteRequest": {"Key": {"id": {"S": "0"}}}}]}}`))
	keys := make([]string, 101)
	for i := range keys {
		keys[i] = fmt.Sprintf(`{"id": {"S": "%d"}}`, i)
	}
	assert.Equal(t, "ValidationException: Too many items requested for the BatchGetItem call", a.do("BatchGetItem", `{"RequestItems": {"plain": {"Keys": [`+strings.Join(keys, ",")+`]}}}`))
	assert.JSONEq(t, `{"Responses": {"plain": [{"id": {"S": "24"}}]}, "UnprocessedKeys": {}}`, a.do("BatchGetItem", `{"RequestItems": {"plain": {"Keys": [`+keys[24]+","+keys[25]+`]}}}`))
}

// 16 MB are the most that a batch reads; the rest is left for another one.
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html
func TestABatchLeavesWhatIsTooLarge(t *testing.T) {
	a := newAccount(t)
	var keys []string
	for i := range 50 {
		a.put("plain", fmt.Sprintf(`"id": {"S": "%d"}, "x": {"S": "%s"}`, i, strings.Repeat("x", 390*1024)))
		keys = append(keys, fmt.Sprintf(`{"id": {"S": "%d"}}`, i))
	}
	out, err := a.Do("BatchGetItem", []byte(`{"RequestItems": {"plain": {"Keys": [`+strings.Join(keys, ",")+`], "ConsistentRead": true}}}`), a.now, schemas)
	require.NoError(t, err)
	answer := out.(output)
	assert.Len(t, answer["Responses"].(output)["plain"], 42)
	left := answer["UnprocessedKeys"].(output)["plain"].(map[string]any)
	assert.Len(t, left["Keys"], 8)
	assert.Equal(t, true, left["ConsistentRead"])
}

// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
func TestATransactionChangesAllOrNothing(t *testing.T) {
	a := newAccount(t)
	a.put("plain", `"id": {"S": "a"}, "n": {"N": "1"}`)
	const failing = `{"TransactItems": [
		{"Put": {"TableName": "plain", "Item": {"id": {"S": "b"}}}},
		{"Update": {"TableName": "plain", "Key": {"id": {"S": "a"}}, "UpdateExpression": "SET n = :v", "ConditionExpression": "n = :w", "ExpressionAttributeValues": {":v": {"N": "2"}, ":w": {"N": "7"}}, "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}},
		{"Update": {"TableName": "plain", "Key": {"id": {"S": "c"}}, "UpdateExpression": "SET n = gone"}}]}`
	_, err := a.Do("TransactWriteItems", []byte(failing), a.now, schemas)
	var refused *Error
	require.True(t, errors.As(err, &refused))
	assert.Equal(t, "Transaction cancelled, please refer cancellation reasons for specific reasons [None, ConditionalCheckFailed, ValidationError]", refused.Message)
	reasons, _ := json.Marshal(refused.Reasons)
	assert.JSONEq(t, `[{"Code": "None"}, {"Code": "ConditionalCheckFailed", "Message": "The conditional request failed", "Item": {"id": {"S": "a"}, "n": {"N": "1"}}},
		{"Code": "ValidationError", "Message": "The provided expression refers to an attribute that does not exist in the item"}]`, string(reasons))
	assert.Equal(t, `{}`, a.must("GetItem", `{"TableName": "plain", "Key": {"id": {"S": "b"}}}`))

	const good = `{"ClientRequestToken": "t", "TransactItems": [
		{"Update": {"TableName": "plain", "Key": {"id": {"S": "a"}}, "UpdateExpression": "ADD n :v", "ExpressionAttributeValues": {":v": {"N": "1"}}}},
		{"ConditionCheck": {"TableName": "plain", "Key": {"id": {"S": "none"}}, "ConditionExpression": "attribute_not_exists(id)"}},
		{"Delete": {"TableName": "plain", "Key": {"id": {"S": "b"}}}}]}`
	a.must("TransactWriteItems", good)
	a.must("TransactWriteItems", good)
	assert.JSONEq(t, `{"id": {"S": "a"}, "n": {"N": "2"}}`, a.item(), "a transaction with the same token is made once")
	assert.Contains(t, a.do("TransactWriteItems", strings.Replace(good, `"1"`, `"2"`, 1)), "IdempotentParameterMismatchException")
	a.now = a.now.Add(11 * time.Minute)
	a.must("TransactWriteItems", good)
	assert.JSONEq(t, `{"id": {"S": "a"}, "n": {"N": "3"}}`, a.item(), "a token holds for ten minutes")
	assert.Equal(t, "ValidationException: Transaction request cannot include multiple operations on one item",
		a.do("TransactWriteItems", `{"TransactItems": [{"Delete": {"TableName": "plain", "Key": {"id": {"S": "b"}}}}, {"Put": {"TableName": "plain", "Item": {"id": {"S": "b"}}}}]}`))
	assert.JSONEq(t, `{"Responses": [{"Item": {"n": {"N": "3"}}}, {}]}`, a.do("TransactGetItems",
		`{"TransactItems": [{"Get": {"TableName": "plain", "Key": {"id": {"S": "a"}}, "ProjectionExpression": "n"}}, {"Get": {"TableName": "plain", "Key": {"id": {"S": "none"}}}}]}`))
}

// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/TTL.html
func TestAnItemGoesSomeTimeAfterItsTimeToLiveIsOver(t *testing.T) {
	a := newAccount(t)
	a.put("notes", fmt.Sprintf(`"id": {"S": "a"}, "nr": {"N": "1"}, "expires": {"N": "%d"}`, a.now.Add(time.Hour).Unix()))
	a.put("notes", `"id": {"S": "a"}, "nr": {"N": "2"}, "expires": {"S": "never"}`)
	a.put("notes", `"id": {"S": "a"}, "nr": {"N": "3"}, "expires": {"N": "1"}`)
	left := func() string {
		found, _ := ats(t, a.must("Query", `{"TableName": "notes", "KeyConditionExpression": "id = :v", "ExpressionAttributeValues": {":v": {"S": "a"}}}`))
		return strings.Join(found, " ")
	}
	a.now = a.now.Add(2 * time.Hour)
	assert.Equal(t, "1 2 3", left(), "DynamoDB takes its time")
	a.now = a.now.Add(48 * time.Hour)
	assert.Equal(t, "2 3", left(), "what has no number, or one of long ago, stays")
	last := a.Records("notes")[len(a.Records("notes"))-1]
	assert.Equal(t, "REMOVE", last.EventName)
	assert.True(t, last.Expired)
}

// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_Record.html
func TestAStreamRecordsEachChangeAndNoOther(t *testing.T) {
	a := newAccount(t)
	const item = `"id": {"S": "a"}, "nr": {"N": "1"}`
	a.put("notes", item)
	a.put("notes", item)
	a.put("notes", item+`, "body": {"S": "x"}`)
	a.must("DeleteItem", `{"TableName": "notes", "Key": {`+item+`}}`)
	a.must("DeleteItem", `{"TableName": "notes", "Key": {`+item+`}}`)
	var events []string
	for _, record := range a.Records("notes") {
		events = append(events, fmt.Sprintf("%s %d %d", record.EventName, len(record.Old), len(record.New)))
	}
	assert.Equal(t, []string{"INSERT 0 2", "MODIFY 2 3", "REMOVE 3 0"}, events)
}

// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_ConsumedCapacity.html
func TestCapacityIsCountedWhereItIsAskedFor(t *testing.T) {
	a := newAccount(t)
	const put = `{"TableName": "notes", "Item": {"id": {"S": "a"}, "nr": {"N": "1"}, "author": {"S": "o"}, "body": {"S": "%s"}}, "ReturnConsumedCapacity": "INDEXES"}`
	assert.JSONEq(t, `{"ConsumedCapacity": {"TableName": "notes", "CapacityUnits": 3, "Table": {"CapacityUnits": 2}, "GlobalSecondaryIndexes": {"byAuthor": {"CapacityUnits": 1}}}}`,
		a.do("PutItem", fmt.Sprintf(put, strings.Repeat("x", 1100))))
	assert.Contains(t, a.do("GetItem", `{"TableName": "notes", "Key": {"id": {"S": "a"}, "nr": {"N": "1"}}, "ReturnConsumedCapacity": "TOTAL"}`), `"ConsumedCapacity":{"CapacityUnits":0.5,"TableName":"notes"}`)
	assert.NotContains(t, a.do("GetItem", `{"TableName": "notes", "Key": {"id": {"S": "a"}, "nr": {"N": "1"}}}`), "ConsumedCapacity")
}

func TestItemsOutliveTheProcessAndAChangeOfTheSchema(t *testing.T) {
	a := newAccount(t)
	a.fill()
	saved, err := json.Marshal(a.tables["notes"])
	require.NoError(t, err)
	loaded := &Table{}
	require.NoError(t, json.Unmarshal(saved, loaded))
	require.NoError(t, loaded.Check(notes))
	assert.Error(t, loaded.Check(Schema{TableName: "notes", KeySchema: []KeyElement{{"other", "HASH"}}, AttributeDefinitions: []AttributeDefinition{{"other", "S"}}}))
	b := newAccount(t)
	b.tables = map[string]*Table{"notes": loaded}
	const query = `{"TableName": "notes", "IndexName": "byAuthor", "KeyConditionExpression": "author = :v", "ExpressionAttributeValues": {":v": {"S": "o1"}}}`
	assert.Equal(t, a.must("Query", query), b.must("Query", query))
}
