// Package httpapi serves HTTP APIs as Amazon API Gateway does: routes, events of the payload
// formats 1.0 and 2.0, answers, CORS, authorizers, throttling and the access log. It knows no
// server of AWS: what runs functions, checks signatures and gives keys is handed in as an
// [Environment].
//
// What differs from API Gateway: APIs are plain HTTP on loopback, so that a request's Host is that
// of the machine, and X-Forwarded-Proto is "http"; there is no mutual TLS, so that events have no
// requestContext.authentication; there are no integrations but those with Lambda.
//
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api.html
package httpapi
