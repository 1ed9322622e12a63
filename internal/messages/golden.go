package messages

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/tools/txtar"
)

// Golden is the file, from the module's root.
const Golden = "testdata/messages.golden"

// updating is the variable that has tests write their examples into the golden instead of comparing them, as `make golden`
// sets it.
const updating = "ROADSHOW_UPDATE_MESSAGES"

// Example is a message in the golden.
type Example struct {
	// Source is the file of the form that it is an example of; By is the test that provokes it.
	Source, By string
	// Text is the message.
	Text string
}

const heading = `Every message of the product, each as a test really provokes it: errors, findings, refusals. Of a message with several
forms, such as one for each field, there is one example. What differs from run to run is in capitals.
Each is headed by the file that builds it and the test that provokes it, which fails where the message changes.
Written by ` + "`make golden`" + `; internal/repotest compares it with the source.
`

// Read reads the golden.
func Read(root string) ([]Example, error) {
	archive, err := txtar.ParseFile(filepath.Join(root, filepath.FromSlash(Golden)))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	all := make([]Example, len(archive.Files))
	for i, file := range archive.Files {
		source, by, _ := strings.Cut(file.Name, ", by ")
		all[i] = Example{Source: source, By: by, Text: strings.TrimSuffix(string(file.Data), "\n")}
	}
	return all, nil
}

func write(root string, all []Example) error {
	slices.SortFunc(all, func(a, b Example) int {
		return cmp.Or(cmp.Compare(a.Source, b.Source), cmp.Compare(a.Text, b.Text), cmp.Compare(a.By, b.By))
	})
	archive := txtar.Archive{Comment: []byte(heading)}
	for _, one := range all {
		archive.Files = append(archive.Files, txtar.File{Name: one.Source + ", by " + one.By, Data: []byte(one.Text + "\n")})
	}
	path := filepath.Join(root, filepath.FromSlash(Golden))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, txtar.Format(&archive), 0o644)
}

// T is a test, or what stands for one.
type T interface {
	Helper()
	Name() string
	Cleanup(func())
	Errorf(format string, arguments ...any)
	Failed() bool
	FailNow()
}

// started is the folder of the package that is tested, before a test has changed to another. A test's child may have begun
// anywhere, and provokes nothing.
var started, _ = os.Getwd()

// root is the module's root, and folder that of the package from there.
var root, folder = func() (root, folder string) {
	for root = started; root != filepath.Dir(root); root = filepath.Dir(root) {
		if _, err := os.Stat(filepath.Join(root, "go.mod")); err == nil {
			below, _ := filepath.Rel(root, started)
			return root, filepath.ToSlash(below)
		}
	}
	return started, "."
}()

// tests are those that run now, with what each has provoked.
var (
	mu    sync.Mutex
	tests = map[string]map[string]bool{}
)

// Provoked takes down that a test has provoked a message. When the test ends, the examples of the golden that are its own
// must be among those.
func Provoked(t T, message string) {
	t.Helper()
	if message == "" {
		return
	}
	by := folder + " " + t.Name()
	mu.Lock()
	seen, running := tests[by]
	if !running {
		seen = map[string]bool{}
		tests[by] = seen
	}
	seen[Plain(message)] = true
	mu.Unlock()
	if !running {
		t.Cleanup(func() { end(t, by) })
	}
}

func end(t T, by string) {
	mu.Lock()
	defer mu.Unlock()
	seen := tests[by]
	delete(tests, by)
	if t.Failed() {
		return
	}
	if os.Getenv(updating) != "" {
		require.NoError(t, update(by, seen))
		return
	}
	all, err := examples()
	require.NoError(t, err)
	for _, one := range all {
		if one.By == by && !seen[one.Text] {
			t.Errorf("%s has this message of the test, which does not provoke it any more (see `make golden`):\n%s", Golden, one.Text)
		}
	}
}

var examples = sync.OnceValues(func() ([]Example, error) { return Read(root) })

// EqualError is [require.EqualError] of a message.
func EqualError(t T, err error, want string, explained ...any) {
	t.Helper()
	require.EqualError(t, err, want, explained...)
	Provoked(t, err.Error())
}

// ErrorContains is [require.ErrorContains] of a message.
func ErrorContains(t T, err error, want string, explained ...any) {
	t.Helper()
	require.ErrorContains(t, err, want, explained...)
	Provoked(t, err.Error())
}

// Written takes down every message that a command has written: each begins a line, and its later lines are indented.
func Written(t T, text string) {
	t.Helper()
	var message []string
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, " \n")
		if len(message) > 0 && !strings.HasPrefix(line, "  ") {
			Provoked(t, strings.Join(message, "\n"))
			message = nil
		}
		if line != "" {
			message = append(message, line)
		}
	}
	Provoked(t, strings.Join(message, "\n"))
}

// differing is what differs from run to run, or from machine to machine.
var differing = []struct {
	pattern *regexp.Regexp
	stands  string
}{
	{regexp.MustCompile(regexp.QuoteMeta(strings.TrimRight(os.TempDir(), "/")) + `/[^\s:;)("'` + "`" + `]*/`), "/FOLDER/"},
	{regexp.MustCompile(`\broadshow-([a-z]+)-\d+`), "roadshow-$1-ID"},
	{regexp.MustCompile(`\.roadshow/scripts-\w+`), ".roadshow/scripts"},
	{regexp.MustCompile(`(\.go):\d+(:\d+)?`), "$1:LINE"},
	{regexp.MustCompile(`127\.0\.0\.1:\d+`), "127.0.0.1:PORT"},
	{regexp.MustCompile(`\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?( ?UTC| ?Z|[+-]\d\d:\d\d)?`), "TIME"},
	{regexp.MustCompile(`\b\d{4}-\d\d-\d\d\b|\b\d{1,2} (January|February|March|April|May|June|July|August|September|October|November|December)( \d{4})?\b`), "DAY"},
	{regexp.MustCompile(`\b\d\d:\d\d:\d\d\b`), "TIME"},
	{regexp.MustCompile(`\b\d+(\.\d+)?(ms|µs| ?s)\b`), "SECONDS"},
	{regexp.MustCompile(`\b[0-9a-f]{40,64}\b`), "DIGEST"},
	{regexp.MustCompile(`\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b`), "UUID"},
	{regexp.MustCompile(`roadshow-[a-z2-7]{26}`), "roadshow-NAME"},
	{regexp.MustCompile(`\bgo ?1\.\d+\.\d+`), "go VERSION"},
	{regexp.MustCompile(`(RequestID|request id|Request ID):? [\w-]+`), "$1: ID"},
}

// Plain is a message without what differs from run to run.
func Plain(message string) string {
	message = strings.ReplaceAll(strings.TrimSpace(message), root, "CHECKOUT")
	for _, one := range differing {
		message = one.pattern.ReplaceAllString(message, one.stands)
	}
	return message
}

// longest is how long an example may be, in bytes.
const longest = 1200

// built remembers which form builds which message.
var (
	forms = sync.OnceValues(func() ([]Form, error) { return Forms(root) })
	built = map[string]map[int]bool{}
)

func builds(all []Form, message string) map[int]bool {
	if known, is := built[message]; is {
		return known
	}
	found := map[int]bool{}
	for i, form := range all {
		if form.Builds(message) {
			found[i] = true
		}
	}
	built[message] = found
	return found
}

// update writes a test's examples into the golden: those that it has still, and one for each form that has none yet.
func update(by string, seen map[string]bool) error {
	unlock, err := lock()
	if err != nil {
		return err
	}
	defer unlock()
	all, err := forms()
	if err != nil {
		return err
	}
	before, err := Read(root)
	if err != nil {
		return err
	}
	kept := slices.DeleteFunc(slices.Clone(before), func(one Example) bool {
		return one.By == by && !seen[one.Text] || len(builds(all, one.Text)) == 0
	})
	has := map[int]bool{}
	for _, one := range kept {
		for form := range builds(all, one.Text) {
			has[form] = true
		}
	}
	messages := slices.SortedFunc(maps.Keys(seen), func(a, b string) int { return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b)) })
	for _, message := range messages {
		if len(message) > longest {
			continue
		}
		found := builds(all, message)
		for form := range all {
			if found[form] && !has[form] {
				kept = append(kept, Example{Source: all[form].File, By: by, Text: message})
				for form := range found {
					has[form] = true
				}
				break
			}
		}
	}
	if slices.Equal(before, kept) {
		return nil
	}
	return write(root, kept)
}

// lock keeps the packages that are tested side by side from writing the golden at once.
func lock() (unlock func(), err error) {
	path := filepath.Join(root, filepath.FromSlash(Golden)+".lock")
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if err = os.Mkdir(path, 0o755); err == nil {
			return func() { os.Remove(path) }, nil
		}
		if !errors.Is(err, fs.ErrExist) {
			return nil, err
		}
	}
	return nil, fmt.Errorf("%s stands there for a minute; remove it: %w", path, err)
}

// Unprovoked reads the list of forms that no test provokes yet.
func Unprovoked(root string) ([]string, error) {
	text, err := os.ReadFile(filepath.Join(root, "testdata", "messages.unprovoked"))
	if err != nil {
		return nil, err
	}
	var all []string
	for line := range bytes.Lines(text) {
		if line = bytes.TrimSpace(line); len(line) > 0 && line[0] != '#' {
			all = append(all, string(line))
		}
	}
	return all, nil
}
