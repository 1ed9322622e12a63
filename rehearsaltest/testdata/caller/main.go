// Command caller is a Lambda function that makes the call which its event describes, signed by its role's
// session, and answers with the answer.
package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// call is a request: variables of the function stand in its URL and its body as $NAME.
type call struct {
	Service, Target, Method, URL, ContentType, Body string
	// Variables stand before those of the function.
	Variables map[string]string
}

type answer struct {
	Status int
	Body   string
}

func main() {
	lambda.Start(func(ctx context.Context, c call) (answer, error) {
		if c.Service == "" { // what another function or an API wants of it
			return answer{Status: http.StatusOK}, nil
		}
		expand := func(text string) string {
			return os.Expand(text, func(name string) string {
				if value, given := c.Variables[name]; given {
					return value
				}
				return os.Getenv(name)
			})
		}
		url, body := expand(c.URL), expand(c.Body)
		if !strings.HasPrefix(url, "http") {
			url = os.Getenv("AWS_ENDPOINT_URL") + url
		}
		request, err := http.NewRequestWithContext(ctx, c.Method, url, strings.NewReader(body))
		if err != nil {
			return answer{}, err
		}
		request.Header.Set("Content-Type", c.ContentType)
		if c.Target != "" {
			request.Header.Set("X-Amz-Target", c.Target)
		}
		sum := sha256.Sum256([]byte(body))
		request.Header.Set("X-Amz-Content-Sha256", hex.EncodeToString(sum[:]))
		who := aws.Credentials{
			AccessKeyID: os.Getenv("AWS_ACCESS_KEY_ID"), SecretAccessKey: os.Getenv("AWS_SECRET_ACCESS_KEY"), SessionToken: os.Getenv("AWS_SESSION_TOKEN"),
		}
		if err := v4.NewSigner().SignHTTP(ctx, who, request, hex.EncodeToString(sum[:]), c.Service, os.Getenv("AWS_REGION"), time.Now()); err != nil {
			return answer{}, err
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return answer{}, err
		}
		defer response.Body.Close()
		content, err := io.ReadAll(response.Body)
		return answer{response.StatusCode, string(content)}, err
	})
}
