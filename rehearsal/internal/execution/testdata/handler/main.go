// Command handler is the function that the tests of this package run.
package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

type request struct {
	Do, Text, URL string
	Count         int
}

type answer struct {
	PID                 int
	ID, ARN, Text       string
	Deadline            int64
	Trace, Client, Name string
	Environment         []string
}

func main() {
	switch os.Getenv("INIT") {
	case "exit":
		fmt.Println("no table is set")
		os.Exit(4)
	case "panic":
		panic("no table is set")
	case "hang":
		select {}
	}
	lambda.Start(handle)
}

func handle(ctx context.Context, r request) (answer, error) {
	out := answer{PID: os.Getpid(), Text: r.Text}
	switch r.Do {
	case "context":
		lc, _ := lambdacontext.FromContext(ctx)
		deadline, _ := ctx.Deadline()
		out.ID, out.ARN, out.Deadline = lc.AwsRequestID, lc.InvokedFunctionArn, deadline.UnixMilli()
		out.Trace, _ = ctx.Value("x-amzn-trace-id").(string)
		out.Client, out.Name = lc.ClientContext.Client.AppTitle, lambdacontext.FunctionName
	case "environment":
		out.Environment = os.Environ()
	case "error":
		return out, errors.New(r.Text)
	case "panic":
		panic(r.Text)
	case "exit":
		os.Exit(r.Count)
	case "hang":
		fmt.Println("waiting", os.Getpid())
		select {}
	case "large":
		out.Text = strings.Repeat("x", r.Count)
	case "print":
		for i := range r.Count {
			fmt.Println(r.Text, i)
		}
		fmt.Print("no end")
	case "get":
		response, err := http.Get(r.URL)
		if err != nil {
			return out, err
		}
		_ = response.Body.Close()
	case "spawn":
		process := exec.Command("/bin/sleep", "1000")
		if err := process.Start(); err != nil {
			return out, err
		}
		out.PID = process.Process.Pid
	}
	return out, nil
}
