package notes_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/functions/internal/notes"
	"github.com/roadshow-go/roadshow/functions/internal/notes/notestest"
)

var noon = time.Date(2026, 7, 1, 12, 0, 0, 123456789, time.FixedZone("CEST", 2*3600))

func TestANoteIsTrimmedAndItsTimeIsUTC(t *testing.T) {
	n, err := notes.New("  hello\n", noon)
	require.NoError(t, err)
	assert.Equal(t, "hello", n.Text)
	assert.Equal(t, time.Date(2026, 7, 1, 10, 0, 0, 123000000, time.UTC), n.CreatedAt)
	assert.Len(t, n.ID, 26)

	other, err := notes.New("hello", noon)
	require.NoError(t, err)
	assert.NotEqual(t, n.ID, other.ID)
}

func TestATextHasAtLeastOneAndAtMostTenThousandCharacters(t *testing.T) {
	for text, want := range map[string]string{
		"":                                     "text is empty, want at least one character",
		" \n\t":                                "text is empty, want at least one character",
		strings.Repeat("ß", notes.MaxText+1):   "text has 10001 characters, want at most 10000",
		strings.Repeat("ß", notes.MaxText):     "",
		" " + strings.Repeat("x", 10000) + " ": "",
	} {
		_, err := notes.New(text, noon)
		if want == "" {
			assert.NoError(t, err)
			continue
		}
		var p *notes.Problem
		require.ErrorAs(t, err, &p)
		assert.Equal(t, 400, p.Status)
		assert.EqualError(t, err, want)
	}
}

func TestWhatWasPutIsGot(t *testing.T) {
	store := notes.NewStore(&notestest.Table{}, "notes")
	n, err := notes.New("Ünïcödé\n\"quoted\"", noon)
	require.NoError(t, err)
	require.NoError(t, store.Put(t.Context(), n))
	got, err := store.Get(t.Context(), n.ID)
	require.NoError(t, err)
	assert.Equal(t, n, got)
}

func TestAnUnknownOrImpossibleIDIsNotFound(t *testing.T) {
	store := notes.NewStore(&notestest.Table{}, "notes")
	for _, id := range []string{"unknown", "", strings.Repeat("x", 2049), "\xff"} {
		_, err := store.Get(t.Context(), id)
		assert.ErrorIs(t, err, notes.ErrNotFound)
	}
}

func TestListReadsEveryNoteOncePageByPage(t *testing.T) {
	table := &notestest.Table{}
	store := notes.NewStore(table, "notes")
	for i := range 2*notes.PageSize + 7 {
		require.NoError(t, store.Put(t.Context(), notes.Note{ID: fmt.Sprintf("note %03d/ü", i), Text: "x", CreatedAt: noon}))
	}
	seen, sizes, next := map[string]bool{}, []int{}, ""
	for {
		page, after, err := store.List(t.Context(), next)
		require.NoError(t, err)
		sizes = append(sizes, len(page))
		for _, n := range page {
			assert.False(t, seen[n.ID], n.ID)
			seen[n.ID] = true
		}
		if next = after; next == "" {
			break
		}
	}
	assert.Equal(t, []int{25, 25, 7}, sizes)
	for _, in := range table.Scans {
		assert.True(t, *in.ConsistentRead, "or DAX answers an old list")
	}
}

func TestAnEmptyListIsNotNil(t *testing.T) {
	page, next, err := notes.NewStore(&notestest.Table{}, "notes").List(t.Context(), "")
	require.NoError(t, err)
	assert.NotNil(t, page)
	assert.Empty(t, page)
	assert.Empty(t, next)
}

func TestANextThatNoListReturnedIsAProblem(t *testing.T) {
	store := notes.NewStore(&notestest.Table{}, "notes")
	for _, next := range []string{"!", "a", base64.RawURLEncoding.EncodeToString([]byte("\xff")), base64.RawURLEncoding.EncodeToString(make([]byte, 3000))} {
		_, _, err := store.List(t.Context(), next)
		var p *notes.Problem
		require.ErrorAs(t, err, &p, next)
		assert.Equal(t, 400, p.Status)
	}
}

func TestAnItemThatIsNoNoteIsSkippedInAListAndAnErrorByItself(t *testing.T) {
	quiet(t)
	table := &notestest.Table{}
	store := notes.NewStore(table, "notes")
	s := func(v string) types.AttributeValue { return &types.AttributeValueMemberS{Value: v} }
	name := "notes"
	for _, item := range []map[string]types.AttributeValue{
		{"id": s("no text"), "createdAt": s("2026-01-01T00:00:00Z")},
		{"id": s("number"), "text": &types.AttributeValueMemberN{Value: "1"}, "createdAt": s("2026-01-01T00:00:00Z")},
		{"id": s("no time"), "text": s("x")},
		{"id": s("good"), "text": s("x"), "createdAt": s("2026-01-01T00:00:00Z")},
	} {
		_, err := table.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &name, Item: item})
		require.NoError(t, err)
	}
	page, _, err := store.List(t.Context(), "")
	require.NoError(t, err)
	require.Len(t, page, 1)
	assert.Equal(t, "good", page[0].ID)
	_, err = store.Get(t.Context(), "no text")
	assert.EqualError(t, err, "item no text: no string text")
}

func TestTheErrorsOfTheTableNameItAndKeepTheCause(t *testing.T) {
	cause := errors.New("AccessDeniedException")
	store := notes.NewStore(&notestest.Table{Err: cause}, "notes")
	_, get := store.Get(t.Context(), "x")
	_, _, list := store.List(t.Context(), "")
	for _, err := range []error{get, list, store.Put(t.Context(), notes.Note{ID: "x"})} {
		assert.ErrorIs(t, err, cause)
		assert.ErrorContains(t, err, "table notes")
	}
}

// quiet keeps the log of a test to itself and returns it.
func quiet(t *testing.T) *bytes.Buffer {
	t.Helper()
	var log bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewJSONHandler(&log, nil)))
	t.Cleanup(func() { slog.SetDefault(before) })
	return &log
}

func TestErrorsBecomeStatusesAndOnlyTheLogKnowsTheCause(t *testing.T) {
	store := notes.NewStore(&notestest.Table{}, "notes")
	tests := map[string]struct {
		err    error
		status int
		body   string
		level  string
	}{
		"a problem":                 {&notes.Problem{Status: 413, Message: "too long"}, 413, `{"message":"too long"}`, "INFO"},
		"a problem, wrapped":        {fmt.Errorf("x: %w", &notes.Problem{Status: 400, Message: "bad"}), 400, `{"message":"bad"}`, "INFO"},
		"a note that is not there":  {fmt.Errorf("x: %w", notes.ErrNotFound), 404, `{"message":"there is no such note"}`, "INFO"},
		"anything else is a secret": {errors.New("arn:aws:dynamodb:secret"), 500, `{"message":"something went wrong here; it was logged"}`, "ERROR"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			log := quiet(t)
			r := notes.Answer(t.Context(), func(context.Context, *notes.Store, notes.Request) (notes.Response, error) {
				return notes.Response{StatusCode: 200, Body: "half made"}, tt.err
			}, store, notes.Request{RouteKey: "GET /notes"})
			assert.Equal(t, tt.status, r.StatusCode)
			assert.Equal(t, tt.body, r.Body)
			assert.Equal(t, "application/json", r.Headers["content-type"])
			var line map[string]any
			require.NoError(t, json.Unmarshal(log.Bytes(), &line))
			assert.Equal(t, tt.level, line["level"])
			assert.Equal(t, "GET /notes", line["route"])
			assert.Equal(t, tt.err.Error(), line["error"])
		})
	}
}

func TestATableThatDoesNotAnswerIsA503BeforeLambdaEndsTheFunction(t *testing.T) {
	quiet(t)
	store := notes.NewStore(&notestest.Table{Hang: true}, "notes")
	ctx, cancel := context.WithTimeout(t.Context(), 350*time.Millisecond)
	defer cancel()
	r := notes.Answer(ctx, func(ctx context.Context, s *notes.Store, _ notes.Request) (notes.Response, error) {
		_, err := s.Get(ctx, "x")
		return notes.Response{}, err
	}, store, notes.Request{})
	assert.Equal(t, 503, r.StatusCode)
	assert.NoError(t, ctx.Err(), "there was time left")
}

func TestABodyIsOneJSONObjectWithKnownFields(t *testing.T) {
	tests := map[string]struct {
		body   string
		base64 bool
		status int
		want   string
	}{
		"an object":                {`{"text":"x"}`, false, 0, ""},
		"an object in base64":      {base64.StdEncoding.EncodeToString([]byte(`{"text":"x"}`)), true, 0, ""},
		"an object with space":     {" \n{\"text\":\"x\"}\n", false, 0, ""},
		"nothing":                  {"", false, 400, "the body is empty, want one JSON object"},
		"not JSON":                 {"text=x", false, 400, "the body is not a JSON object"},
		"a string":                 {`"x"`, false, 400, "the body is not a JSON object"},
		"null":                     {`null`, false, 400, "the body is not a JSON object"},
		"half an object":           {`{"text":`, false, 400, "unexpected EOF"},
		"two objects":              {`{"text":"x"}{}`, false, 400, "goes on behind its object"},
		"a field of another type":  {`{"text":7}`, false, 400, "text is of type number"},
		"a field that is not here": {`{"txt":"x"}`, false, 400, `unknown field "txt"`},
		"not UTF-8":                {"{\"text\":\"\xff\"}", false, 400, "not UTF-8"},
		"not base64":               {"{", true, 400, "not base64 as announced"},
		"too long":                 {`{"text":"` + strings.Repeat("x", notes.MaxBody) + `"}`, false, 413, "want at most 131072 bytes"},
		"too long in base64":       {base64.StdEncoding.EncodeToString(bytes.Repeat([]byte(" "), notes.MaxBody+9)), true, 413, "want at most 131072 bytes"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var into struct {
				Text string `json:"text"`
			}
			err := notes.ReadJSON(notes.Request{Body: tt.body, IsBase64Encoded: tt.base64}, &into)
			if tt.status == 0 {
				require.NoError(t, err)
				assert.Equal(t, "x", into.Text)
				return
			}
			var p *notes.Problem
			require.ErrorAs(t, err, &p)
			assert.Equal(t, tt.status, p.Status)
			assert.Contains(t, err.Error(), tt.want)
		})
	}
}

func TestTheLongestNoteFitsIntoABodyHoweverItIsEscaped(t *testing.T) {
	body := `{"text":"` + strings.Repeat(`\u00fc`, notes.MaxText) + `"}`
	assert.Less(t, len(body), notes.MaxBody)
	body = `{"text":"` + strings.Repeat(`\ud83d\ude00`, notes.MaxText) + `"}`
	assert.Less(t, len(body), notes.MaxBody)
}

// What a function carries is what it downloads at every cold start.
func TestNoFunctionCarriesTheCDK(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", "-tags=lambda.norpc", "../../...").Output()
	require.NoError(t, err)
	deps := strings.Fields(string(out))
	require.Contains(t, deps, "github.com/roadshow-go/roadshow/functions/internal/notes")
	for _, d := range deps {
		for _, banned := range []string{"jsii", "awscdk", "/constructs", "roadshow/stack", "roadshow/stages", "net/rpc"} {
			assert.NotContains(t, d, banned)
		}
	}
}
