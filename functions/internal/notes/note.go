// Package notes is what the functions of the notes service share: the note, the
// table it is kept in, and how an HTTP API is answered.
//
// The package is part of every function's binary, so it imports what runs in
// Lambda and nothing of what deploys it.
package notes

import (
	"crypto/rand"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// MaxText is the length of the longest note, in characters. A character takes
// up to four bytes, and a DynamoDB item 400 KB, so there is room.
const MaxText = 10_000

// Note is a text that somebody wrote.
type Note struct {
	// ID names the note: 26 letters and digits, made by New.
	ID string `json:"id"`

	// Text is what was written: at least one character that is not a space,
	// at most MaxText.
	Text string `json:"text"`

	// CreatedAt is when, in UTC, to the millisecond.
	CreatedAt time.Time `json:"createdAt"`
}

// New makes a note with an ID of its own. It gives a *Problem if the text is
// empty or too long.
func New(text string, now time.Time) (Note, error) {
	text = strings.TrimSpace(text)
	if text == "" {
		return Note{}, &Problem{Status: 400, Message: "text is empty, want at least one character"}
	}
	if n := utf8.RuneCountInString(text); n > MaxText {
		return Note{}, &Problem{Status: 400, Message: fmt.Sprintf("text has %d characters, want at most %d", n, MaxText)}
	}
	return Note{ID: rand.Text(), Text: text, CreatedAt: now.UTC().Truncate(time.Millisecond)}, nil
}

// Problem is a fault of the one who asks. Its message is for them to read, so it
// holds nothing that they may not know.
type Problem struct {
	Status  int    // the HTTP status, 400 to 499
	Message string // what is wrong, and what is wanted
}

// Error gives the message.
func (p *Problem) Error() string { return p.Message }
