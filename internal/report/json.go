package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/roadshow-go/roadshow/internal/redact"
)

// JSON writes data as indented JSON. Every string in it, a name of a field as well as a value, is without what the redactor
// hides, and control characters are escaped, also those that JSON lets pass.
func JSON(out io.Writer, redactor *redact.Redactor, data any) error {
	return write(out, redactor, data, "  ")
}

// JSONLine is [JSON] on one line.
func JSONLine(out io.Writer, redactor *redact.Redactor, data any) error {
	return write(out, redactor, data, "")
}

func write(out io.Writer, redactor *redact.Redactor, data any, indent string) error {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", indent)
	if err := encoder.Encode(data); err != nil {
		return err
	}
	_, err := out.Write(clean(redactor, text.Bytes()))
	return err
}

// clean goes through the strings of JSON.
func clean(redactor *redact.Redactor, text []byte) []byte {
	var out bytes.Buffer
	for len(text) > 0 {
		begin := bytes.IndexByte(text, '"')
		if begin < 0 {
			break
		}
		end := begin + 1
		for text[end] != '"' {
			if text[end] == '\\' {
				end++
			}
			end++
		}
		out.Write(text[:begin])
		out.WriteString(cleanString(redactor, text[begin:end+1]))
		text = text[end+1:]
	}
	out.Write(text)
	return out.Bytes()
}

// cleanString is one string of JSON, in its quotes.
func cleanString(redactor *redact.Redactor, quoted []byte) string {
	value := string(quoted[1 : len(quoted)-1])
	if strings.ContainsRune(value, '\\') && json.Unmarshal(quoted, &value) != nil {
		return string(quoted)
	}
	clean := redactor.Text(value)
	if clean != value {
		var again bytes.Buffer
		encoder := json.NewEncoder(&again)
		encoder.SetEscapeHTML(false)
		if encoder.Encode(clean) == nil {
			quoted = bytes.TrimSpace(again.Bytes())
		}
	}
	text := string(quoted)
	if isPlain(text) || !strings.ContainsFunc(text, obeyed) {
		return text
	}
	var out strings.Builder
	for _, letter := range text {
		if obeyed(letter) {
			fmt.Fprintf(&out, `\u%04x`, letter)
			continue
		}
		out.WriteRune(letter)
	}
	return out.String()
}
