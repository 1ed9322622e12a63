package dynamo

import "fmt"

// Error is a refusal in DynamoDB's words.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html
type Error struct {
	// Code is such as "ValidationException"; Message is DynamoDB's sentence.
	Code, Message string
	// Item is the item that did not meet a condition, where the request asked for it.
	Item Item
	// Reasons are those of a transaction that was canceled, one for each of its actions.
	Reasons []Reason
}

// Reason says why an action canceled a transaction; Code is "None" for those that did not.
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_CancellationReason.html
type Reason struct {
	Code    string
	Message string `json:",omitempty"`
	Item    Item   `json:",omitempty"`
}

// Error says code and message.
func (e *Error) Error() string { return e.Code + ": " + e.Message }

func invalid(message string) *Error { return &Error{Code: "ValidationException", Message: message} }

func invalidf(format string, args ...any) *Error { return invalid(fmt.Sprintf(format, args...)) }

func serialization(err error) *Error {
	return &Error{Code: "SerializationException", Message: err.Error()}
}

func conditionFailed(item Item) *Error {
	return &Error{Code: "ConditionalCheckFailedException", Message: "The conditional request failed", Item: item}
}
