package dynamo

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Limits of transactions.
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
const (
	maxTransaction = 100
	tokenAge       = 10 * time.Minute
)

// tokenUse remembers a transaction by its ClientRequestToken.
type tokenUse struct {
	request []byte
	at      time.Time
}

func (in *input) checkTransaction() error {
	switch count := len(in.TransactItems); {
	case count == 0:
		return invalid("1 validation error detected: Value '[]' at 'transactItems' failed to satisfy constraint: Member must have length greater than or equal to 1")
	case count > maxTransaction:
		return invalidf("1 validation error detected: Value '[%d items]' at 'transactItems' failed to satisfy constraint: Member must have length less than or equal to 100", count)
	}
	return nil
}

// transactGet answers TransactGetItems.
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactGetItems.html
func (d *session) transactGet(in *input) (output, error) {
	if err := in.checkTransaction(); err != nil {
		return nil, err
	}
	responses, used := []output{}, map[string]*capacity{}
	for _, each := range in.TransactItems {
		part := &input{}
		if err := json.Unmarshal(each["Get"], part); err != nil {
			return nil, serialization(err)
		}
		t, item, parsed, err := d.read(part)
		if err != nil {
			return nil, err
		}
		response := output{}
		if item != nil {
			response["Item"] = project(item, parsed.projection)
		}
		responses = append(responses, response)
		if used[part.TableName] == nil {
			used[part.TableName] = newCapacity(t)
		}
		used[part.TableName].read("", item.size(), true, 2)
	}
	return withCapacities(output{"Responses": responses}, in, describe(used, in)), nil
}

func describe(used map[string]*capacity, in *input) []output {
	consumed := []output{}
	for _, name := range slices.Sorted(maps.Keys(used)) {
		consumed = append(consumed, used[name].description(in.ReturnConsumedCapacity))
	}
	return consumed
}

// transactWrite answers TransactWriteItems: all changes are decided on the items as they are, then all
// are made, or none.
func (d *session) transactWrite(in *input, text []byte) (output, error) {
	if err := in.checkTransaction(); err != nil {
		return nil, err
	}
	if repeated, err := d.repeated(in.ClientRequestToken, text); err != nil || repeated {
		return output{}, err
	}
	var writes []write
	reasons, canceled := make([]Reason, len(in.TransactItems)), false
	seen := map[string]bool{}
	for i, each := range in.TransactItems {
		w, err := d.transactAction(each)
		var refused *Error
		switch {
		case errors.As(err, &refused) && w.table != nil:
			canceled = true
			reasons[i] = reasonOf(refused)
		case err != nil:
			return nil, err
		default:
			reasons[i] = Reason{Code: "None"}
		}
		if w.key != nil {
			identity := w.table.schema.TableName + "|" + w.table.identity(w.key)
			if seen[identity] {
				return nil, invalid("Transaction request cannot include multiple operations on one item")
			}
			seen[identity] = true
		}
		writes = append(writes, w)
	}
	if canceled {
		return nil, canceledFor(reasons)
	}
	used := map[string]*capacity{}
	for _, w := range writes {
		name := w.table.schema.TableName
		if used[name] == nil {
			used[name] = newCapacity(w.table)
		}
		used[name].write(w, 2)
		w.commit(d.now)
	}
	if in.ClientRequestToken != "" {
		d.database.tokens[in.ClientRequestToken] = tokenUse{slices.Clone(text), d.now}
	}
	return withCapacities(output{}, in, describe(used, in)), nil
}

// transactAction decides one action. A write that has a table stands for an action whose expressions
// were read; its error is a reason to cancel.
func (d *session) transactAction(each map[string]json.RawMessage) (write, error) {
	maps.DeleteFunc(each, func(_ string, text json.RawMessage) bool { return string(text) == "null" })
	if len(each) != 1 {
		return write{}, invalid("TransactItems can only contain one of Check, Put, Update or Delete")
	}
	for operation, text := range each {
		if !slices.Contains([]string{"ConditionCheck", "Put", "Update", "Delete"}, operation) {
			break
		}
		part := &input{}
		if err := json.Unmarshal(text, part); err != nil {
			return write{}, serialization(err)
		}
		t, parsed, err := d.open(part)
		if err != nil {
			return write{}, err
		}
		w, err := decide(operation, t, part, parsed)
		w.table = t
		return w, err
	}
	return write{}, invalid("TransactItems can only contain one of Check, Put, Update or Delete")
}

// repeated says whether a transaction with this token was made already.
func (d *session) repeated(token string, text []byte) (bool, error) {
	maps.DeleteFunc(d.database.tokens, func(_ string, use tokenUse) bool { return d.now.Sub(use.at) > tokenAge })
	use, known := d.database.tokens[token]
	if token == "" || !known {
		return false, nil
	}
	if !bytes.Equal(use.request, text) {
		return false, &Error{Code: "IdempotentParameterMismatchException", Message: "The provided client request token is already in use with different request parameters"}
	}
	return true, nil
}

// reasonOf is a refusal as a reason to cancel.
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html#API_TransactWriteItems_Errors
func reasonOf(refused *Error) Reason {
	code := map[string]string{"ConditionalCheckFailedException": "ConditionalCheckFailed", "ValidationException": "ValidationError"}[refused.Code]
	if code == "" {
		code = refused.Code
	}
	return Reason{Code: code, Message: refused.Message, Item: refused.Item}
}

func canceledFor(reasons []Reason) *Error {
	codes := make([]string, 0, len(reasons))
	for _, reason := range reasons {
		codes = append(codes, reason.Code)
	}
	return &Error{
		Code:    "TransactionCanceledException",
		Message: fmt.Sprintf("Transaction cancelled, please refer cancellation reasons for specific reasons [%s]", strings.Join(codes, ", ")),
		Reasons: reasons,
	}
}
