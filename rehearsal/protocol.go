package rehearsal

import (
	"encoding/json"
	"encoding/xml"
	"hash/crc32"
	"maps"
	"net/http"
	"net/url"
	"sort"
	"strconv"
	"strings"
	"time"
)

// operation answers one kind of request: with a value that the protocol
// writes, or with nil when it has written the answer itself.
type operation func(*request, http.ResponseWriter) (any, error)

// reading makes an operation of a function that only needs the request.
func reading(f func(*request) (any, error)) operation {
	return func(r *request, _ http.ResponseWriter) (any, error) { return f(r) }
}

// service is one AWS API: how it is spoken to and what it can do.
type service struct {
	protocol protocol
	// namespace is the XML namespace of answers, or the version that a JSON
	// service puts before the operation in X-Amz-Target.
	namespace  string
	operations map[string]operation
	// payload is the REST operation whose body is a document of the user's own, and holds no parameters.
	payload string
	// routes name the operation of a REST request.
	routes []route
	// name finds the operation where neither a parameter, a header nor the
	// routes do.
	name func(*request) string
}

// route is a REST operation: "GET /2015-03-31/functions/{FunctionName}".
type route struct{ pattern, operation string }

type protocol int

const (
	queryXML protocol = iota
	ec2XML
	json10
	json11
	restJSON
	restXML
)

// identify reads the request's operation and its parameters.
func (svc *service) identify(r *request) (operation, error) {
	var err error
	switch {
	case svc.name != nil:
		r.form = r.http.URL.Query()
		r.operation = svc.name(r)
	case svc.protocol == queryXML || svc.protocol == ec2XML:
		if r.form, err = url.ParseQuery(string(r.body)); err != nil {
			return nil, refuse(http.StatusBadRequest, "MalformedQueryString", "%v", err)
		}
		for name, values := range r.http.URL.Query() {
			r.form[name] = append(r.form[name], values...)
		}
		r.operation = r.form.Get("Action")
	case svc.protocol == restJSON:
		r.form = r.http.URL.Query()
		svc.follow(r)
		if svc.payload == "" || svc.payload != r.operation {
			r.input, err = decodeJSON(r.body)
		}
	default:
		target := r.http.Header.Get("X-Amz-Target")
		r.operation = target[strings.LastIndex(target, ".")+1:]
		r.input, err = decodeJSON(r.body)
	}
	if err != nil {
		return nil, err
	}
	if r.operation == "" {
		r.operation = r.http.Method + " " + r.http.URL.Path
	}
	return svc.operations[r.operation], nil
}

// follow names the operation by the routes.
func (svc *service) follow(r *request) {
	got := strings.Split(strings.Trim(r.http.URL.EscapedPath(), "/"), "/")
next:
	for _, rt := range svc.routes {
		method, pattern, _ := strings.Cut(rt.pattern, " ")
		want := strings.Split(strings.Trim(pattern, "/"), "/")
		if method != r.http.Method || len(want) != len(got) {
			continue
		}
		path := map[string]string{}
		for i, segment := range want {
			if name, isName := strings.CutPrefix(segment, "{"); isName {
				value, err := url.PathUnescape(got[i])
				if err != nil {
					continue next
				}
				path[strings.TrimSuffix(name, "}")] = value
			} else if segment != got[i] {
				continue next
			}
		}
		r.operation, r.path = rt.operation, path
		return
	}
}

// unknownService is how a request of no service is refused: in the shape that
// its own protocol most likely reads.
func unknownService(r *request) *service {
	switch {
	case r.http.Header.Get("X-Amz-Target") != "":
		return &service{protocol: json11}
	case strings.HasPrefix(r.http.Header.Get("Content-Type"), "application/x-www-form-urlencoded"):
		return &service{protocol: queryXML}
	default:
		return &service{protocol: restJSON}
	}
}

// reword gives a refusal of credentials the code that the protocol's services
// use for it.
func (p protocol) reword(err *apiError) *apiError {
	codes := map[protocol]map[string]string{
		json10:  {"InvalidClientTokenId": "UnrecognizedClientException", "ExpiredToken": "ExpiredTokenException"},
		json11:  {"InvalidClientTokenId": "UnrecognizedClientException", "ExpiredToken": "ExpiredTokenException"},
		restXML: {"InvalidClientTokenId": "InvalidAccessKeyId"},
		ec2XML:  {"InvalidClientTokenId": "AuthFailure"},
	}
	codes[restJSON] = codes[json11]
	if code, found := codes[p][err.Code]; found {
		return refuse(err.Status, code, "%s", err.Message)
	}
	return err
}

func (p protocol) contentType() string {
	return map[protocol]string{
		queryXML: "text/xml", ec2XML: "text/xml;charset=UTF-8", restXML: "application/xml",
		json10: "application/x-amz-json-1.0", json11: "application/x-amz-json-1.1", restJSON: "application/json",
	}[p]
}

func (p protocol) succeed(w http.ResponseWriter, r *request, svc *service, result any) {
	w.Header().Set("Content-Type", p.contentType())
	switch p {
	case json10, json11, restJSON:
		writeJSON(w, http.StatusOK, result)
	case ec2XML:
		x := newXML("item")
		x.open(r.operation+"Response", svc.namespace)
		x.element("requestId", requestID())
		x.members(result.(object))
		x.close(r.operation + "Response")
		x.write(w, http.StatusOK)
	case queryXML:
		x := newXML("member")
		x.open(r.operation+"Response", svc.namespace)
		x.element(r.operation+"Result", result)
		x.element("ResponseMetadata", object{"RequestId": requestID()})
		x.close(r.operation + "Response")
		x.write(w, http.StatusOK)
	case restXML:
		x := newXML("member")
		switch root := result.(type) {
		case document:
			x.open(root.name, svc.namespace)
			x.members(root.content)
			x.close(root.name)
		case leaf:
			x.open(root.name, svc.namespace)
			_ = xml.EscapeText(x, []byte(root.content))
			x.close(root.name)
		}
		x.write(w, http.StatusOK)
	}
}

func (p protocol) fail(w http.ResponseWriter, r *request, svc *service, err *apiError) {
	w.Header().Set("Content-Type", p.contentType())
	switch p {
	case json10, json11, restJSON:
		w.Header().Set("X-Amzn-Errortype", err.Code)
		if err.queryCode != "" {
			w.Header().Set("X-Amzn-Query-Error", err.queryCode+";Sender")
		}
		answer := object{"__type": err.Code, "message": err.Message}
		maps.Copy(answer, err.members)
		writeJSON(w, err.Status, answer)
	case ec2XML:
		x := newXML("item")
		x.open("Response", "")
		x.element("Errors", object{"Error": object{"Code": err.Code, "Message": err.Message}})
		x.element("RequestID", requestID())
		x.close("Response")
		x.write(w, err.Status)
	case queryXML:
		blame := "Sender"
		if err.Status >= http.StatusInternalServerError {
			blame = "Receiver"
		}
		x := newXML("member")
		x.open("ErrorResponse", svc.namespace)
		x.element("Error", object{"Type": blame, "Code": err.Code, "Message": err.Message})
		x.element("RequestId", requestID())
		x.close("ErrorResponse")
		x.write(w, err.Status)
	case restXML:
		if r.http.Method == http.MethodHead {
			w.WriteHeader(err.Status)
			return
		}
		x := newXML("member")
		x.open("Error", "")
		x.members(object{"Code": err.Code, "Message": err.Message, "RequestId": requestID()})
		x.close("Error")
		x.write(w, err.Status)
	}
}

func writeJSON(w http.ResponseWriter, status int, value any) {
	body, err := json.Marshal(value)
	if err != nil {
		status, body = http.StatusInternalServerError, []byte(`{"__type":"InternalFailure","message":"the answer cannot be written"}`)
	}
	if w.Header().Get("Content-Type") == json10.contentType() {
		// The SDKs check it in the answers of DynamoDB.
		// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.LowLevelAPI.html
		w.Header().Set("X-Amz-Crc32", strconv.FormatUint(uint64(crc32.ChecksumIEEE(body)), 10))
	}
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

// document is an answer of REST XML, whose root element has a name of its own.
type document struct {
	name    string
	content object
}

// leaf is an answer of REST XML that is one element with text.
type leaf struct{ name, content string }

// flat is a list whose items repeat the list's own element, without one around.
type flat []object

// xmlWriter writes objects as elements; keys sorted, so that answers are equal
// from run to run.
type xmlWriter struct {
	strings.Builder
	item string // element of a list's item
}

func newXML(item string) *xmlWriter {
	x := &xmlWriter{item: item}
	x.WriteString(xml.Header)
	return x
}

func (x *xmlWriter) open(name, namespace string) {
	x.WriteString("<" + name)
	if namespace != "" {
		x.WriteString(` xmlns="` + namespace + `"`)
	}
	x.WriteString(">")
}

func (x *xmlWriter) close(name string) { x.WriteString("</" + name + ">") }

func (x *xmlWriter) members(content object) {
	names := make([]string, 0, len(content))
	for name := range content {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		x.element(name, content[name])
	}
}

func (x *xmlWriter) element(name string, value any) {
	switch v := value.(type) {
	case nil:
		return
	case flat:
		for _, item := range v {
			x.element(name, item)
		}
		return
	}
	x.open(name, "")
	switch v := value.(type) {
	case object:
		x.members(v)
	case []object:
		for _, item := range v {
			x.element(x.item, item)
		}
	case []any:
		for _, item := range v {
			x.element(x.item, item)
		}
	case []string:
		for _, item := range v {
			x.element(x.item, item)
		}
	case string:
		// The builder cannot fail.
		_ = xml.EscapeText(x, []byte(v))
	case time.Time:
		x.WriteString(v.UTC().Format("2006-01-02T15:04:05.000Z"))
	case float64:
		x.WriteString(strconv.FormatFloat(v, 'f', -1, 64))
	default:
		_ = xml.EscapeText(x, []byte(textOf(v)))
	}
	x.close(name)
}

func (x *xmlWriter) write(w http.ResponseWriter, status int) {
	w.WriteHeader(status)
	_, _ = w.Write([]byte(x.String()))
}

// epoch is a time as the JSON protocols write it.
func epoch(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }
