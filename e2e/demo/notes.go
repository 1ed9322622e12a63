package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/roadshow-go/roadshow/internal/rehearse"
)

// use posts a note to the API of each stage, and reads it back there and nowhere else.
func (d *demo) use(ctx context.Context) error {
	all, err := d.world.Summarize(d.program.Document)
	if err != nil {
		return err
	}
	for _, one := range all {
		if len(one.APIs) != 1 {
			return fmt.Errorf("stage %s has %d HTTP APIs; the demo uses the one of the notes service", one.Stage, len(one.APIs))
		}
		var note struct{ ID, Text string }
		err := d.progress.step("POST "+one.APIs[0].URL+"/notes", "and read back in "+one.Stage+" alone", func(io.Writer) error {
			status, body, err := ask(ctx, http.MethodPost, one.APIs[0].URL+"/notes", `{"text":"of `+one.Stage+`"}`)
			if err != nil {
				return err
			}
			if status != http.StatusCreated {
				return fmt.Errorf("POST /notes in stage %s was answered with %d instead of %d: %s", one.Stage, status, http.StatusCreated, body)
			}
			if err := json.Unmarshal(body, &note); err != nil {
				return err
			}
			for _, other := range all {
				want := http.StatusNotFound
				if other.Stage == one.Stage {
					want = http.StatusOK
				}
				status, body, err := ask(ctx, http.MethodGet, other.APIs[0].URL+"/notes/"+note.ID, "")
				if err != nil {
					return err
				}
				if status != want {
					return fmt.Errorf("GET /notes/%s in stage %s was answered with %d instead of %d: %s", note.ID, other.Stage, status, want, body)
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return d.deny(ctx, all[0])
}

// deny gives get-note the code of create-note, and has it write: it has a role of its own.
func (d *demo) deny(ctx context.Context, stage rehearse.Summary) error {
	config, err := d.world.Config(ctx, stage.Stage)
	if err != nil {
		return err
	}
	client := lambda.NewFromConfig(config)
	prefix := stage.Stage + "-" + d.program.Service + "-"
	said := ""
	err = d.progress.step("get-note with create-note's code", "in "+stage.Stage+", under its own role", func(io.Writer) error {
		input := &lambda.UpdateFunctionCodeInput{FunctionName: aws.String(prefix + "get-note")}
		for _, one := range d.world.Server.Resources(stage.Account, stage.Region) {
			if one.Type == "AWS::Lambda::Function" && one.Name == prefix+"create-note" {
				code, _ := one.Properties["Code"].(map[string]any)
				input.S3Bucket, input.S3Key = aws.String(fmt.Sprint(code["S3Bucket"])), aws.String(fmt.Sprint(code["S3Key"]))
			}
		}
		if _, err := client.UpdateFunctionCode(ctx, input); err != nil {
			return err
		}
		event := `{"version":"2.0","routeKey":"POST /notes","body":"{\"text\":\"not mine\"}","requestContext":{"http":{"method":"POST","path":"/notes"}}}`
		if _, err := client.Invoke(ctx, &lambda.InvokeInput{FunctionName: input.FunctionName, Payload: []byte(event)}); err != nil {
			return err
		}
		select {
		case denied := <-d.denied:
			said = d.world.Explain(d.program.Document, denied)
			return nil
		default:
			return errors.New("no call of get-note was denied, though its role may only read")
		}
	})
	if err == nil {
		d.progress.line("  " + bad.Render(said))
	}
	return err
}

// ask sends a request and reads the answer.
func ask(ctx context.Context, method, url, body string) (int, []byte, error) {
	request, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, nil, err
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	return response.StatusCode, bytes.TrimSpace(content), err
}
