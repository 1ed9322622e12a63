package main

import (
	"testing"

	"github.com/aws/aws-lambda-go/events"
)

func TestTheGreetingIsOfWhomTheQueryNames(t *testing.T) {
	for name, want := range map[string]string{
		"":    `{"message":"Hello, world!"}`,
		"Ada": `{"message":"Hello, Ada!"}`,
	} {
		response, err := hello(t.Context(), events.APIGatewayV2HTTPRequest{QueryStringParameters: map[string]string{"name": name}})
		if err != nil || response.StatusCode != 200 || response.Body != want {
			t.Errorf("name %q: got %d %s (%v), want 200 %s", name, response.StatusCode, response.Body, err, want)
		}
	}
}
