package awsconfig

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"unicode"
)

// Place is a line of a file; a Line of 0 is the whole of it.
type Place struct {
	File string
	Line int
}

// String is "FILE:LINE".
func (p Place) String() string {
	if p.Line == 0 {
		return p.File
	}
	return fmt.Sprintf("%s:%d", p.File, p.Line)
}

// Problem is something of a file that no AWS tool takes. It never quotes the line, which may hold a secret.
type Problem struct {
	At   Place
	Text string
}

// String is "FILE:LINE: what is wrong".
func (p Problem) String() string { return p.At.String() + ": " + p.Text }

// What the cdk command takes for a section of a kind and a name; and where a comment begins. A name of other letters is
// none of its profiles. (parseIni of @smithy/core, in the bundle of aws-cdk.)
var (
	kindAndName  = regexp.MustCompile(`^([\w-]+)\s(["'])?([\w\-@+.%:/]+)(["'])?$`)
	beginComment = regexp.MustCompile(`(^|\s)[;#]`)
)

// Sections have these kinds.
const (
	kindProfile  = "profile"
	kindSession  = "sso-session"
	kindServices = "services"
)

// scanner reads one file.
type scanner struct {
	files       *Files
	credentials bool // of the two files
	at          Place
	section     *Profile // nil between sections, and in one that is of no use
	ignored     bool     // a section that some tool may read, and we do not
	parent      string   // the setting that others are nested in
}

// errUTF16 is what Windows' own tools make of a redirected output.
var errUTF16 = errors.New("it is UTF-16, where AWS's tools read UTF-8; save it as UTF-8")

// scan reads a file line by line, each of any length.
func (f *Files) scan(path string, credentials bool, file io.Reader) error {
	s := &scanner{files: f, credentials: credentials, at: Place{File: path}}
	lines := bufio.NewReader(file)
	for {
		line, err := lines.ReadBytes('\n')
		if s.at.Line++; s.at.Line == 1 {
			if bytes.HasPrefix(line, []byte("\xff\xfe")) || bytes.HasPrefix(line, []byte("\xfe\xff")) {
				return errUTF16
			}
			line = bytes.TrimPrefix(line, []byte("\ufeff"))
		}
		s.line(strings.TrimRight(string(line), "\r\n"))
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (s *scanner) problem(text string) {
	s.files.Problems = append(s.files.Problems, Problem{At: s.at, Text: text})
}

func (s *scanner) line(whole string) {
	text := whole
	if strings.ContainsAny(text, ";#") {
		if at := beginComment.FindStringIndex(text); at != nil {
			text = text[:at[0]]
		}
	}
	text = strings.TrimSpace(text)
	switch {
	case text == "":
	case strings.ContainsFunc(text, func(letter rune) bool { return unicode.IsControl(letter) && letter != '\t' }):
		s.problem("the line has a control character; write the line anew")
	case text[0] == '[' && text[len(text)-1] == ']':
		s.begin(text[1 : len(text)-1])
	case text[0] == '[':
		s.section, s.ignored = nil, true
		s.problem(`the line begins a section that no "]" ends; write the "]"`)
	default:
		s.setting(whole, text)
	}
}

// begin begins a section.
func (s *scanner) begin(header string) {
	s.section, s.ignored, s.parent = nil, false, ""
	// The cdk command's own reading: no blank before, one between, and a name of its letters.
	found := kindAndName.FindStringSubmatch(header)
	plain := found != nil && found[2] == found[4]
	asWritten := header
	header = strings.TrimSpace(header)
	kind, rest, two := strings.Cut(header, " ")
	if at := strings.IndexFunc(header, unicode.IsSpace); at >= 0 {
		kind, rest, two = header[:at], header[at+1:], true
	}
	name := unquoted(strings.TrimSpace(rest))
	switch {
	case s.credentials && two && kind == kindProfile:
		s.ignored = true
		s.problem(`the section is none that AWS's tools read in this file: its name begins with "profile "; leave that out`)
	case s.credentials:
		// A name of two words is one of a kind that nobody knows, for the cdk command; of three it is a name again.
		s.section = s.add(s.files.profiles, unquoted(header), !plain && asWritten == unquoted(header))
	case header == "default":
		s.section = s.add(s.files.profiles, header, asWritten == header)
	case (two || header == kindProfile || header == kindSession || header == kindServices) && name == "":
		s.ignored = true
		s.problem("the section has no name; write one")
	case two && kind == kindProfile:
		s.section = s.add(s.files.profiles, name, plain)
	case two && kind == kindSession:
		s.section = s.add(s.files.sessions, name, plain)
	case two && kind == kindServices:
		s.section = s.add(s.files.services, name, plain)
	case two || header == "plugins" || header == "preview":
		s.ignored = true // of the aws command
	default:
		s.ignored = true
		s.problem(`the section is none that AWS's tools read in this file: a profile's begins with "profile "; write that before its name`)
	}
}

// unquoted is a name without the quotes around it.
func unquoted(name string) string {
	for _, quote := range []string{`"`, "'"} {
		if len(name) >= 2 && strings.HasPrefix(name, quote) && strings.HasSuffix(name, quote) {
			return name[1 : len(name)-1]
		}
	}
	return name
}

// add is a section, which may have been begun before, in this file or in the other one.
func (s *scanner) add(all map[string]*Profile, name string, forCDK bool) *Profile {
	found := all[name]
	if found == nil {
		found = &Profile{Name: name, Settings: map[string]Setting{}, At: s.at}
		all[name] = found
	}
	found.ForCDK = found.ForCDK || forCDK
	return found
}

func (s *scanner) setting(whole, text string) {
	name, value, found := strings.Cut(text, "=")
	name, value = strings.ToLower(strings.TrimSpace(name)), strings.TrimSpace(value)
	switch {
	case s.ignored:
	case !found || name == "":
		s.problem(`the line is no setting, which is NAME = VALUE; correct it`)
	case s.section == nil:
		s.problem("the setting stands before any section; move it below one")
	case value == "":
		s.parent = name
	default:
		if s.parent != "" && strings.TrimLeft(whole, " \t") != whole {
			name = s.parent + "." + name
		} else {
			s.parent = ""
		}
		s.section.Settings[name] = Setting{Value: value, At: s.at}
	}
}
