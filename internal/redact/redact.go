// Package redact takes credentials out of text. What other programs print, what AWS answers and what an
// error says may hold some, and it ends in terminals, in JSON, in the logs of CI. One [Redactor] per command
// knows every secret that the command has met; all that is written goes through it.
package redact

import (
	"encoding/json"
	"maps"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// Hidden stands where a secret stood.
const Hidden = "(hidden)"

// A secret shorter than shortest is a word of everyday use, such as the password of an example, which would
// be hidden wherever it stands. Of a secret of several lines, such as a private key, each line that is not
// shorter than shortestLine is one too.
const (
	shortest     = 8
	shortestLine = 20
)

// forms are how credentials are written, whoever's they are: with their name before them, as an assignment, in
// JSON, in XML, as a header or in a URL. The id of an access key is no secret, but tells with whose
// credentials something was tried; it is hidden too.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-prefixes
var forms = []form{
	{[]string{"secret", "token", "password"}, regexp.MustCompile(`(?i)((?:secret_?access_?key|secret_?key|session_?token|security[_-]?token|access_?token|refresh_?token|` +
		`id_?token|identity_?token|web_?identity_?token|client_?secret|authorization_?token|password)` +
		`\\*["']?\s*(?:[:=]|>)\s*(?:\(\*string\)\s*)?\\*["']?)[A-Za-z0-9/+=_%.~-]{8,}`)},
	{[]string{"x-amz-"}, regexp.MustCompile(`(?i)(X-Amz-(?:Signature|Security-Token|Credential)=)[^&\s"']+`)},
	{[]string{"bearer", "basic"}, regexp.MustCompile(`(?i)(\b(?:Bearer|Basic)\s+)[A-Za-z0-9/+=_.~-]{8,}`)},
	{[]string{"signature="}, regexp.MustCompile(`(\bSignature=)[0-9a-f]{16,}`)},
	{[]string{"eyj"}, regexp.MustCompile(`(\b)eyJ[A-Za-z0-9_-]{4,}\.[A-Za-z0-9_-]{4,}\.[A-Za-z0-9_-]{4,}`)}, // a JSON Web Token
	{[]string{"-----begin "}, regexp.MustCompile(`(-----BEGIN [A-Z ]*PRIVATE KEY-----)[^-]+`)},
	{[]string{"akia", "asia"}, regexp.MustCompile(`(\b)(?:AKIA|ASIA)[A-Z0-9]{12,}\b`)},
}

// form is a pattern, and words in lower case of which whatever it matches has one: most texts have none, and are not
// searched for it, which takes a hundred times as long.
type form struct {
	words   []string
	pattern *regexp.Regexp
}

// mayMatch says whether a text, which is given in lower case too, is worth a search.
func (f form) mayMatch(text, lower string) bool {
	// The long s is the one letter that patterns take for another one, and that is not changed with the case.
	return strings.Contains(text, "\u017f") || slices.ContainsFunc(f.words, func(word string) bool { return strings.Contains(lower, word) })
}

// Redactor hides the secrets that it knows, and what is written like one. The zero value knows none; nil is as
// good. It may be used by several goroutines at once.
type Redactor struct {
	mu      sync.Mutex
	known   map[string]bool
	replace *strings.Replacer // of what is known; nil where that has grown since
}

// New knows these secrets.
func New(secrets ...string) *Redactor {
	r := &Redactor{}
	r.Learn(secrets...)
	return r
}

// variables are those of this process's environment that are secret.
// https://docs.aws.amazon.com/sdkref/latest/guide/settings-reference.html
var variables = []string{
	"AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN", "AMAZON_SECRET_ACCESS_KEY", "AMAZON_SESSION_TOKEN",
	"AWS_CONTAINER_AUTHORIZATION_TOKEN",
	// GitHub's, by which a workflow gets tokens for a web identity.
	"ACTIONS_ID_TOKEN_REQUEST_TOKEN",
}

// OfEnvironment knows the secrets in the environment of this process.
func OfEnvironment() *Redactor {
	r := New()
	for _, name := range variables {
		r.Learn(os.Getenv(name))
	}
	return r
}

// Learn makes more secrets known, as they are and as they stand in a URL or in JSON.
func (r *Redactor) Learn(secrets ...string) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.known == nil {
		r.known = map[string]bool{}
	}
	for _, secret := range secrets {
		secret = strings.TrimSpace(secret)
		for line := range strings.Lines(secret) {
			if line = strings.TrimSpace(line); len(line) >= shortestLine && !strings.HasPrefix(line, "-----") {
				r.learn(line)
			}
		}
		if len(secret) >= shortest {
			r.learn(secret)
		}
	}
}

func (r *Redactor) learn(secret string) {
	if r.known[secret] {
		return
	}
	r.known[secret], r.replace = true, nil
	r.known[url.QueryEscape(secret)] = true
	if quoted, err := json.Marshal(secret); err == nil {
		r.known[string(quoted[1:len(quoted)-1])] = true
	}
}

// Text is a text without secrets.
func (r *Redactor) Text(text string) string {
	if text == "" {
		return text
	}
	if replace := r.replacer(); replace != nil {
		text = replace.Replace(text)
	}
	lower := strings.ToLower(text)
	for _, form := range forms {
		if form.mayMatch(text, lower) {
			text = form.pattern.ReplaceAllString(text, "${1}"+Hidden)
		}
	}
	return text
}

// replacer is made anew only after something was learnt.
func (r *Redactor) replacer() *strings.Replacer {
	if r == nil {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.replace == nil && len(r.known) > 0 {
		// The longest first: one secret may begin with another.
		secrets := slices.SortedFunc(maps.Keys(r.known), func(a, b string) int {
			if len(a) != len(b) {
				return len(b) - len(a)
			}
			return strings.Compare(a, b)
		})
		pairs := make([]string, 0, 2*len(secrets))
		for _, secret := range secrets {
			pairs = append(pairs, secret, Hidden)
		}
		r.replace = strings.NewReplacer(pairs...)
	}
	return r.replace
}
