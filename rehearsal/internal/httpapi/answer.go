package httpapi

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
)

// answer is what a function wants the client to have.
type answer struct {
	status  int
	header  http.Header
	content []byte
}

// errAnswer says that an answer has not the format that API Gateway reads.
var errAnswer = errors.New("the function's answer has not the format of its payload version")

// readAnswer reads what a function has returned.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
func readAnswer(format string, payload []byte) (answer, error) {
	var members map[string]json.RawMessage
	isObject := json.Unmarshal(payload, &members) == nil && members != nil
	_, hasStatus := members["statusCode"]
	if format != "1.0" && !hasStatus {
		return inferred(payload)
	}
	if !isObject || !hasStatus {
		return answer{}, errAnswer
	}
	out := answer{header: http.Header{}}
	var told struct {
		StatusCode        json.Number
		Headers           map[string]any
		MultiValueHeaders map[string][]any
		Cookies           []string
		Body              *string
		IsBase64Encoded   bool
	}
	decoder := json.NewDecoder(bytes.NewReader(payload))
	decoder.UseNumber()
	if err := decoder.Decode(&told); err != nil {
		return answer{}, fmt.Errorf("%w: %w", errAnswer, err)
	}
	status, err := strconv.Atoi(told.StatusCode.String())
	if err != nil || status < 100 || status > 599 {
		return answer{}, errAnswer
	}
	out.status = status
	for name, value := range told.Headers {
		if value != nil {
			out.header.Set(name, fmt.Sprint(value))
		}
	}
	if format == "1.0" {
		for name, values := range told.MultiValueHeaders {
			out.header.Del(name)
			for _, value := range values {
				out.header.Add(name, fmt.Sprint(value))
			}
		}
	} else {
		for _, cookie := range told.Cookies {
			out.header.Add("Set-Cookie", cookie)
		}
	}
	if told.Body != nil {
		out.content = []byte(*told.Body)
		if told.IsBase64Encoded {
			if out.content, err = base64.StdEncoding.DecodeString(*told.Body); err != nil {
				return answer{}, fmt.Errorf("%w: %w", errAnswer, err)
			}
		}
	}
	if out.header.Get("Content-Type") == "" {
		out.header.Set("Content-Type", "text/plain;charset=UTF-8")
	}
	return out, nil
}

// inferred is the answer of the format 2.0 without a status: the JSON itself, of a text what it
// says.
func inferred(payload []byte) (answer, error) {
	if !json.Valid(payload) {
		return answer{}, errAnswer
	}
	content := payload
	var text string
	if json.Unmarshal(payload, &text) == nil && bytes.HasPrefix(bytes.TrimSpace(payload), []byte(`"`)) {
		content = []byte(text)
	}
	return answer{status: http.StatusOK, header: http.Header{"Content-Type": {"application/json"}}, content: content}, nil
}

func itoa(n int) string { return strconv.Itoa(n) }
