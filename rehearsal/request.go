package rehearsal

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// object is a JSON object, and the content of an XML element.
type object = map[string]any

// caller is who signed a request.
type caller struct {
	account, arn, userID string
	role                 string // ARN of the role, for an assumed one
}

// request is one call whose signature was read and whose operation is known.
type request struct {
	http    *http.Request
	server  *Server
	store   *store
	caller  caller
	account string
	region  string
	service string
	// operation is the API's name of what is asked.
	operation string
	body      []byte
	// form holds the parameters of the query protocols, input those of the JSON
	// ones, path those that a REST route takes out of the path.
	form  url.Values
	input object
	path  map[string]string
	// rights are what a function's call needed, as far as it was decided.
	rights []Right
}

// text is a scalar parameter of whichever protocol the request speaks.
func (r *request) text(name string) string {
	if value, found := r.path[name]; found {
		return value
	}
	if r.form.Has(name) {
		return r.form.Get(name)
	}
	return textOf(r.input[name])
}

// flag is a boolean parameter, false when absent.
func (r *request) flag(name string) bool { return r.text(name) == "true" }

// texts is a list of scalars: Name.member.1 or Name.1 in the query protocols,
// an array in the JSON ones.
func (r *request) texts(name string) []string {
	var out []string
	if list, isList := r.input[name].([]any); isList {
		for _, item := range list {
			out = append(out, textOf(item))
		}
		return out
	}
	for _, prefix := range []string{name + ".member.", name + "."} {
		for i := 1; r.form.Has(fmt.Sprint(prefix, i)); i++ {
			out = append(out, r.form.Get(fmt.Sprint(prefix, i)))
		}
	}
	return out
}

// structs is a list of flat structures of the query protocols, such as
// Parameters.member.1.ParameterKey, as one map for each member.
func (r *request) structs(name string) []map[string]string {
	var out []map[string]string
	for i := 1; ; i++ {
		member := map[string]string{}
		for _, prefix := range []string{fmt.Sprint(name, ".member.", i, "."), fmt.Sprint(name, ".", i, ".")} {
			for key, values := range r.form {
				if field, found := strings.CutPrefix(key, prefix); found {
					member[field] = values[0]
				}
			}
		}
		if len(member) == 0 {
			return out
		}
		out = append(out, member)
	}
}

// ServeHTTP answers one request of an AWS client.
func (s *Server) ServeHTTP(w http.ResponseWriter, hr *http.Request) {
	if strings.HasPrefix(hr.URL.Path, responseURL) {
		s.answers.put(w, hr)
		return
	}
	done := s.begin()
	r := &request{http: hr, server: s, store: s.store, service: "unknown", operation: "unknown"}
	out := &answer{ResponseWriter: w, status: http.StatusOK}
	defer func() {
		done(Call{Account: r.account, Role: r.caller.role, Region: r.region, Service: r.service, Operation: r.operation, Status: out.status, Rights: r.rights})
	}()
	out.Header().Set("X-Amzn-Requestid", requestID())
	out.Header().Set("X-Amz-Request-Id", out.Header().Get("X-Amzn-Requestid"))
	out.Header().Set("Date", time.Now().UTC().Format(http.TimeFormat))
	svc, result, err := s.answer(r, out)
	if svc == nil {
		svc = unknownService(r)
	}
	if err != nil {
		svc.protocol.fail(out, r, svc, asAPIError(err))
		return
	}
	if result != nil {
		svc.protocol.succeed(out, r, svc, result)
	}
}

// answer does everything between reading the request and writing the answer.
// A nil result with a nil error means that the operation wrote it itself.
func (s *Server) answer(r *request, w http.ResponseWriter) (*service, any, error) {
	sig, signed := readSignature(r.http)
	if !signed {
		return nil, nil, refuse(http.StatusForbidden, "MissingAuthenticationToken", "Request is missing Authentication Token")
	}
	r.region, r.service = sig.region, sig.service
	svc := s.services[sig.service]
	if svc == nil {
		svc = unknownService(r)
	}
	// The body is read only once the access key, and a signature that can be checked without it, are valid.
	secret, who, err := s.recognize(sig, r, svc)
	if err != nil {
		return svc, nil, err
	}
	if r.body, err = readBody(w, r); err != nil {
		return svc, nil, err
	}
	operation, err := svc.identify(r)
	if err != nil {
		return svc, nil, err
	}
	if err := verify(sig, r, secret); err != nil {
		return svc, nil, err
	}
	r.caller = who
	r.account = r.caller.account
	if fault := s.fault(target{r.account, r.region, r.service, r.operation, ""}); fault != nil {
		if refusal := fault.strike(r.http.Context()); refusal != nil {
			return svc, nil, refusal
		}
		if broken, is := w.(*answer); is {
			broken.breakOff = fault.BreakOff
		}
	}
	if operation == nil {
		return svc, nil, refuse(http.StatusNotImplemented, "NotImplemented", "the rehearsal does not know the operation %s of %s", r.operation, r.service)
	}
	s.store.working.RLock()
	defer s.store.working.RUnlock()
	if err := r.authorize(); err != nil {
		return svc, nil, err
	}
	result, err := operation(r, w)
	return svc, result, err
}

// recognize finds the caller by its access key, and checks the signature as far as that needs no body.
// The codes differ by protocol; clients recognise all of them.
// https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html
func (s *Server) recognize(sig signature, r *request, svc *service) (secret string, who caller, err error) {
	secret, who, refusal := s.credentials(sig)
	if refusal == nil && (s.store.isClosed(who.account) || s.isOff(who.account, sig.region)) {
		refusal = unknownKey()
	}
	if refusal != nil {
		return "", caller{}, svc.protocol.reword(refusal)
	}
	if r.http.Header.Get("X-Amz-Content-Sha256") != "" && !sig.matches(r.http, nil, secret) {
		return "", caller{}, wrongSignature()
	}
	return secret, who, nil
}

// verify checks the rest of the signature, when the body is there.
func verify(sig signature, r *request, secret string) error {
	switch payload := r.http.Header.Get("X-Amz-Content-Sha256"); {
	case payload == "" && !sig.matches(r.http, r.body, secret):
		return wrongSignature()
	case len(payload) == 64 && payload != hashed(r.body):
		return refuse(http.StatusBadRequest, "XAmzContentSHA256Mismatch", "The provided 'x-amz-content-sha256' header does not match what was computed.")
	}
	return nil
}

func wrongSignature() error {
	return refuse(http.StatusForbidden, "SignatureDoesNotMatch", "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.")
}

// Limits of bodies, in bytes: above AWS's own, which the operations refuse in their words. S3 takes more,
// 5 GB at once; here all of it is held in memory.
// https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
var bodyLimits = map[string]int64{"s3": 1 << 30, "lambda": 80 << 20}

const (
	bodyLimit = 17 << 20
	// bodyTime is how long a body may take.
	bodyTime = time.Minute
)

// readBody reads a body that is not too large, and does not take too long. It holds nobody else up.
func readBody(w http.ResponseWriter, r *request) ([]byte, error) {
	limit := int64(bodyLimit)
	if own, found := bodyLimits[r.service]; found {
		limit = own
	}
	deadline := http.NewResponseController(w)
	_ = deadline.SetReadDeadline(time.Now().Add(bodyTime)) // the response writers of tests have no deadlines
	body, err := io.ReadAll(http.MaxBytesReader(w, r.http.Body, limit))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, refuse(http.StatusRequestEntityTooLarge, "RequestEntityTooLargeException", "The request has more than %d bytes, which is more than %s takes.", limit, r.service)
	case err != nil:
		return nil, refuse(http.StatusBadRequest, "RequestTimeout", "the request's body broke off: %v", err)
	}
	_ = deadline.SetReadDeadline(time.Time{})
	return body, nil
}

// isOff tells whether an account has not enabled a region, where no access key of it is known.
// https://github.com/remotion-dev/github-unwrapped-2022/issues/34
func (s *Server) isOff(id, region string) bool {
	for _, account := range s.accounts {
		if account.ID == id {
			return slices.Contains(account.RegionsOff, region)
		}
	}
	return false
}

func unknownKey() *apiError {
	return refuse(http.StatusForbidden, "InvalidClientTokenId", "The security token included in the request is invalid.")
}

func (s *Server) credentials(sig signature) (secret string, who caller, refusal *apiError) {
	if account, found := s.accounts[sig.accessKey]; found && sig.token == "" {
		return account.SecretAccessKey, caller{
			account: account.ID,
			arn:     "arn:aws:iam::" + account.ID + ":user/" + account.UserName,
			userID:  "AIDA" + stableID(account.ID+account.UserName, 17),
		}, nil
	}
	return s.sessions.credentials(sig)
}

// answer remembers the status for the record of calls, and may break off.
type answer struct {
	http.ResponseWriter
	status   int
	breakOff bool
}

// Write writes the answer, or half of it before the connection is closed.
func (a *answer) Write(body []byte) (int, error) {
	if !a.breakOff {
		return a.ResponseWriter.Write(body)
	}
	_, _ = a.ResponseWriter.Write(body[:len(body)/2])
	_ = http.NewResponseController(a.ResponseWriter).Flush()
	panic(http.ErrAbortHandler)
}

// Unwrap gives the writer below to http.ResponseController.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// WriteHeader notes the status and passes it on.
func (a *answer) WriteHeader(status int) {
	a.status = status
	a.ResponseWriter.WriteHeader(status)
}

// apiError is a refusal in the shape that AWS gives it.
type apiError struct {
	Status  int
	Code    string
	Message string
	// members are what the error has besides, in the JSON protocols.
	members object
	// queryCode is the code that SQS had before it spoke JSON, which clients still read.
	queryCode string
}

// Error says code and message.
func (e *apiError) Error() string { return e.Code + ": " + e.Message }

func refuse(status int, code, format string, args ...any) *apiError {
	return &apiError{Status: status, Code: code, Message: fmt.Sprintf(format, args...)}
}

func asAPIError(err error) *apiError {
	if refusal, ok := errors.AsType[*apiError](err); ok {
		return refusal
	}
	return refuse(http.StatusInternalServerError, "InternalFailure", "%v", err)
}

// decodeJSON reads a body that may be empty.
func decodeJSON(body []byte) (object, error) {
	input := object{}
	if len(bytes.TrimSpace(body)) == 0 {
		return input, nil
	}
	if err := json.Unmarshal(body, &input); err != nil {
		return nil, refuse(http.StatusBadRequest, "SerializationException", "%v", err)
	}
	return input, nil
}

// textOf writes a scalar as the query protocols would.
func textOf(value any) string {
	switch v := value.(type) {
	case nil:
		return ""
	case string:
		return v
	default:
		return fmt.Sprint(v)
	}
}

// listOf makes a list of what policies write as one value or as several.
func listOf(value any) []any {
	switch v := value.(type) {
	case nil:
		return nil
	case []any:
		return v
	default:
		return []any{v}
	}
}

// knows refuses parameters of which nothing is known.
func (r *request) knows(names ...string) error {
	for name := range r.input {
		if !slices.Contains(names, name) {
			return refuse(http.StatusNotImplemented, "NotImplemented", "the rehearsal does not know the parameter %s of %s %s", name, r.service, r.operation)
		}
	}
	return nil
}
