package rehearsal

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/roadshow-go/roadshow/rehearsal/internal/cfn"
	"github.com/roadshow-go/roadshow/rehearsal/internal/execution"
)

// customRequest is what CloudFormation asks of the function behind a custom resource.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref.html
type customRequest struct {
	RequestType           string
	ServiceToken          string
	ResponseURL           string
	StackID               string `json:"StackId"`
	RequestID             string `json:"RequestId"`
	LogicalResourceID     string `json:"LogicalResourceId"`
	PhysicalResourceID    string `json:"PhysicalResourceId,omitempty"`
	ResourceType          string
	ResourceProperties    any
	OldResourceProperties any `json:",omitempty"`
}

// customResponse is the function's answer.
type customResponse struct {
	Status, Reason     string
	PhysicalResourceID string `json:"PhysicalResourceId"`
	Data               map[string]any

	tooLong bool
}

// longestResponse is how long an answer may be, in bytes.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref.html
const longestResponse = 4096

// responseURL begins the paths of the URLs that answers are put to.
const responseURL = "/cloudformation-custom-resource-response"

// answers are those that CloudFormation waits for, by the path and the query of their URLs.
type answers struct {
	mu      sync.Mutex
	waiting map[string]chan customResponse
}

// await makes a URL that one answer may be put to, and where that is handed out.
func (a *answers) await(server string, env cfn.Environment, logicalID string) (address string, answered <-chan customResponse, done func()) {
	object := url.PathEscape(env.StackID + "|" + logicalID + "|" + requestID())
	path := fmt.Sprintf("%s-%s/%s?Expires=%d&Signature=%s", responseURL, strings.ReplaceAll(env.Region, "-", ""), object, time.Now().Add(2*time.Hour).Unix(), requestID())
	channel := make(chan customResponse, 1)
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.waiting == nil {
		a.waiting = map[string]chan customResponse{}
	}
	a.waiting[path] = channel
	return server + path, channel, func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		delete(a.waiting, path)
	}
}

// put takes an answer. The URL is good for one, and its signature stands in it.
func (a *answers) put(w http.ResponseWriter, r *http.Request) {
	path := r.URL.EscapedPath() + "?" + r.URL.RawQuery
	a.mu.Lock()
	waiting, known := a.waiting[path]
	a.mu.Unlock()
	if !known || r.Method != http.MethodPut {
		http.Error(w, "<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>", http.StatusForbidden)
		return
	}
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyTime)) // the response writers of tests have no deadlines
	body, err := io.ReadAll(io.LimitReader(r.Body, longestResponse+1))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	answer := customResponse{tooLong: len(body) > longestResponse}
	if !answer.tooLong {
		if err := json.Unmarshal(body, &answer); err != nil {
			answer = customResponse{Status: "FAILED", Reason: "Invalid Response object: " + err.Error()}
		}
	}
	select {
	case waiting <- answer:
	default: // the first answer counts
	}
	w.WriteHeader(http.StatusOK)
}

// custom asks the function behind a custom resource, and gives what it has answered. Where a creation fails,
// the outcome has the id by which CloudFormation asks for the deletion of what may be there nevertheless.
func (p provisioner) custom(ctx context.Context, env cfn.Environment, ask customRequest) (cfn.Outcome, error) {
	named, limit, err := p.handler(env, &ask)
	if err != nil {
		return cfn.Outcome{}, err
	}
	// So CloudFormation calls what was never told to have an id.
	made := cfn.Outcome{PhysicalID: ask.PhysicalResourceID}
	if ask.RequestType == "Create" {
		made.PhysicalID = cfn.GeneratedName(env.StackName, ask.LogicalResourceID, stableID(requestID(), 12), 255)
	}
	answer, err := p.answer(ctx, env, &named, limit, &ask)
	if err != nil {
		return made, err
	}
	if answer.PhysicalResourceID != "" && ask.RequestType != "Delete" {
		made.PhysicalID = answer.PhysicalResourceID
	}
	switch {
	case answer.tooLong: // https://github.com/aws/aws-cdk/issues/23958
		return made, reason("Response object is too long.")
	case answer.PhysicalResourceID == "" && ask.RequestType != "Delete":
		// Also where it failed: https://github.com/aws/aws-lambda-go/issues/107
		return made, reason("Invalid PhysicalResourceId")
	case answer.Status != "SUCCESS":
		// https://github.com/awslabs/aws-video-transcriber/issues/32
		return made, reason("Received response status [%s] from custom resource. Message returned: %s (RequestId: %s)", cmp.Or(answer.Status, "FAILED"), answer.Reason, ask.RequestID)
	}
	made.Attributes = map[string]any{}
	for name, value := range answer.Data {
		made.Attributes[name] = plainText(value)
	}
	return made, nil
}

// handler finds the function behind a custom resource, and how long CloudFormation waits for it.
func (p provisioner) handler(env cfn.Environment, ask *customRequest) (named deployed, limit time.Duration, err error) {
	properties, _ := ask.ResourceProperties.(object)
	ask.ServiceToken, ask.RequestID, ask.StackID = textOf(properties["ServiceToken"]), requestID(), env.StackID
	if strings.Contains(ask.ServiceToken, ":sns:") {
		return named, 0, fmt.Errorf("the rehearsal does not ask topics for custom resources, so that %s of type %s cannot be made", ask.LogicalResourceID, ask.ResourceType)
	}
	reference := readFunction(place{env.Account, env.Region}, ask.ServiceToken)
	if reference.region != env.Region {
		return named, 0, reason("Invalid service token.")
	}
	if named, err = p.store.resolve(reference, rand.Float64()); err != nil {
		return named, 0, serviceFailure("AWSLambda", err)
	}
	limit = time.Hour
	if given := textOf(properties["ServiceTimeout"]); given != "" {
		seconds, err := strconv.Atoi(given)
		if err != nil || seconds < 1 || seconds > 3600 {
			return named, 0, reason("Properties validation failed for resource %s with message:\n#/ServiceTimeout: %s is not from 1 to 3600", ask.LogicalResourceID, given)
		}
		limit = time.Duration(seconds) * time.Second
	}
	return named, limit, nil
}

// answer invokes the function, and waits for its answer for as long as CloudFormation does. A function that
// fails, so that nobody is left who would answer, ends the wait at once.
func (p provisioner) answer(ctx context.Context, env cfn.Environment, named *deployed, limit time.Duration, ask *customRequest) (customResponse, error) {
	address, answered, done := p.server.answers.await(p.server.URL(), env, ask.LogicalResourceID)
	defer done()
	ask.ResponseURL = address
	payload, err := json.Marshal(ask)
	if err != nil {
		return customResponse{}, err
	}
	ended := make(chan error, 1)
	runner := p.server.runner
	runner.events.Go(func() {
		result, err := runner.invoke(runner.ctx, named, execution.Invocation{Payload: payload, RequestID: requestID()})
		if err == nil && result.FunctionError != "" {
			err = errSilent
		}
		ended <- err
	})
	until := p.store.now().Add(limit)
	ticker := time.NewTicker(pollEvery)
	defer ticker.Stop()
	for {
		select {
		case answer := <-answered:
			return answer, nil
		case err := <-ended:
			ended = nil
			if err == nil {
				break // somebody else may answer later
			}
			select {
			case answer := <-answered: // before it failed
				return answer, nil
			default:
			}
			if !errors.Is(err, errSilent) {
				return customResponse{}, err
			}
			return customResponse{}, silent(ask.RequestID)
		case <-ticker.C:
			if !p.store.now().Before(until) {
				return customResponse{}, silent(ask.RequestID)
			}
		case <-ctx.Done():
			return customResponse{}, errors.New("the rehearsal is closed")
		}
	}
}

// errSilent is that a function has failed.
var errSilent = errors.New("the function failed")

// silent is the failure of a custom resource that nobody has answered for.
// https://github.com/aws-samples/aws-security-reference-architecture-examples/issues/162
func silent(request string) error {
	return reason("CloudFormation did not receive a response from your Custom Resource. Please check your logs for requestId [%s]. "+
		"If you are using the Python cfn-response module, you may need to update your Lambda function code so that CloudFormation can attach the updated version.", request)
}

// plainText makes texts of all scalars: a function gets no others, and CloudFormation gives no others on.
// https://github.com/aws/aws-cdk/issues/4688
func plainText(value any) any {
	switch v := value.(type) {
	case nil:
		return nil
	case object:
		made := object{}
		for name, each := range v {
			made[name] = plainText(each)
		}
		return made
	case []any:
		made := make([]any, len(v))
		for i, each := range v {
			made[i] = plainText(each)
		}
		return made
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return textOf(value)
}

func (p provisioner) createCustom(ctx context.Context, env cfn.Environment, desired cfn.Request) (cfn.Outcome, error) {
	return p.custom(ctx, env, customRequest{
		RequestType: "Create", ResourceType: desired.Type, LogicalResourceID: desired.LogicalID, ResourceProperties: plainText(desired.Properties),
	})
}

// updateCustom asks for a change. An answer with another physical id is a replacement: CloudFormation asks for
// the deletion of the one before when all else is done.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-cloudformation-customresource.html
func (p provisioner) updateCustom(ctx context.Context, env cfn.Environment, current cfn.Resource, desired cfn.Request) (cfn.Outcome, error) {
	if !reflect.DeepEqual(current.Properties["ServiceToken"], desired.Properties["ServiceToken"]) {
		return cfn.Outcome{}, reason("Modifying service token is not allowed.")
	}
	return p.custom(ctx, env, customRequest{
		RequestType: "Update", ResourceType: desired.Type, LogicalResourceID: desired.LogicalID, PhysicalResourceID: current.PhysicalID,
		ResourceProperties: plainText(desired.Properties), OldResourceProperties: plainText(current.Properties),
	})
}

func (p provisioner) deleteCustom(ctx context.Context, env cfn.Environment, current cfn.Resource) error {
	_, err := p.custom(ctx, env, customRequest{
		RequestType: "Delete", ResourceType: current.Type, LogicalResourceID: current.LogicalID, PhysicalResourceID: current.PhysicalID,
		ResourceProperties: plainText(current.Properties),
	})
	return err
}
