package rehearsal

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"sort"
	"strconv"
	"strings"
)

const (
	signatureAlgorithm = "AWS4-HMAC-SHA256"
	unsignedPayload    = "UNSIGNED-PAYLOAD"
)

// signature is what a request says of its signer: Signature Version 4, in the
// Authorization header or, for a presigned URL, in the query.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
type signature struct {
	accessKey, date, region, service string
	signedHeaders                    []string
	value                            string
	token                            string // of temporary credentials
	timestamp                        string
	presigned                        bool
}

// readSignature reports false when the request is not signed at all.
func readSignature(r *http.Request) (signature, bool) {
	fields := map[string]string{}
	var sig signature
	if header, found := strings.CutPrefix(r.Header.Get("Authorization"), signatureAlgorithm+" "); found {
		for field := range strings.SplitSeq(header, ",") {
			name, value, _ := strings.Cut(strings.TrimSpace(field), "=")
			fields[name] = value
		}
		sig.token, sig.timestamp = r.Header.Get("X-Amz-Security-Token"), r.Header.Get("X-Amz-Date")
	} else if query := r.URL.Query(); query.Get("X-Amz-Algorithm") == signatureAlgorithm {
		for _, name := range []string{"Credential", "SignedHeaders", "Signature"} {
			fields[name] = query.Get("X-Amz-" + name)
		}
		sig.token, sig.timestamp, sig.presigned = query.Get("X-Amz-Security-Token"), query.Get("X-Amz-Date"), true
	} else {
		return sig, false
	}
	scope := strings.Split(fields["Credential"], "/")
	if len(scope) != 5 {
		return sig, false
	}
	sig.accessKey, sig.date, sig.region, sig.service = scope[0], scope[1], scope[2], scope[3]
	sig.signedHeaders = strings.Split(fields["SignedHeaders"], ";")
	sig.value = fields["Signature"]
	return sig, true
}

// matches recomputes the signature with the secret that the access key has.
func (sig signature) matches(r *http.Request, body []byte, secret string) bool {
	key := []byte("AWS4" + secret)
	for _, part := range []string{sig.date, sig.region, sig.service, "aws4_request"} {
		key = keyed(key, part)
	}
	scope := strings.Join([]string{sig.date, sig.region, sig.service, "aws4_request"}, "/")
	want := keyed(key, strings.Join([]string{
		signatureAlgorithm, sig.timestamp, scope, hashed([]byte(sig.canonical(r, body))),
	}, "\n"))
	return hmac.Equal([]byte(hex.EncodeToString(want)), []byte(sig.value))
}

func (sig signature) canonical(r *http.Request, body []byte) string {
	path := r.URL.EscapedPath()
	if path == "" {
		path = "/"
	}
	if sig.service != "s3" {
		// Every service but S3 signs the path encoded twice.
		segments := strings.Split(path, "/")
		for i, segment := range segments {
			segments[i] = signingEscape(segment)
		}
		path = strings.Join(segments, "/")
	}
	query := r.URL.Query()
	query.Del("X-Amz-Signature")
	if !sig.presigned {
		// A header-signed request may carry any parameter of that name.
		query = r.URL.Query()
	}
	payload := r.Header.Get("X-Amz-Content-Sha256")
	switch {
	case payload != "":
	case sig.presigned && sig.service == "s3":
		payload = unsignedPayload
	default:
		payload = hashed(body)
	}
	var headers strings.Builder
	for _, name := range sig.signedHeaders {
		value := strings.Join(r.Header.Values(name), ",")
		switch name {
		case "host":
			value = r.Host
		case "content-length":
			value = strconv.FormatInt(r.ContentLength, 10)
		}
		headers.WriteString(name + ":" + strings.Join(strings.Fields(value), " ") + "\n")
	}
	return strings.Join([]string{
		r.Method, path, canonicalQuery(query), headers.String(), strings.Join(sig.signedHeaders, ";"), payload,
	}, "\n")
}

func canonicalQuery(query url.Values) string {
	var pairs []string
	for name, values := range query {
		for _, value := range values {
			pairs = append(pairs, signingEscape(name)+"="+signingEscape(value))
		}
	}
	sort.Strings(pairs)
	return strings.Join(pairs, "&")
}

// signingEscape keeps only the unreserved characters of RFC 3986, as the
// signing rules demand; url.QueryEscape would write a space as "+".
func signingEscape(s string) string {
	return strings.ReplaceAll(url.QueryEscape(s), "+", "%20")
}

func keyed(key []byte, data string) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(data))
	return mac.Sum(nil)
}

func hashed(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}
