// Package jsonfile reads documents of JSON from files that others have written, and says where in a file something is
// wrong.
package jsonfile

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"strconv"
	"strings"
	"unicode"
)

// Error says what is wrong with a document.
type Error struct {
	// File is the document, At the place in it: "line 3, column 7", or a path of names such as set[2].account.
	File, At string
	// Reason goes on from the place: "is 12, and an account has 12 digits". Fix is an order; empty where the reason says
	// enough.
	Reason, Fix string
	// Err is the cause, if there is one.
	Err error
}

// Error is a sentence, and one that says what to do.
func (e *Error) Error() string {
	text := e.File
	if e.At != "" {
		text += ", " + e.At
	}
	text += ": " + e.Reason + "."
	if e.Fix != "" {
		text += " " + e.Fix + "."
	}
	return text
}

// Unwrap is the cause.
func (e *Error) Unwrap() error { return e.Err }

// Read reads the one value that a file holds, of any length. A byte order mark before it is left out. The error is an [*Error], or
// that of opening the file.
func Read(path string, into any) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	in := bufio.NewReader(file)
	mark := 0
	if begin, _ := in.Peek(3); bytes.Equal(begin, []byte("\ufeff")) {
		mark, _ = in.Discard(3)
	}
	decoder := json.NewDecoder(in)
	err = decoder.Decode(into)
	if err == nil {
		if _, more := decoder.Token(); !errors.Is(more, io.EOF) {
			return &Error{File: path, At: placeOf(path, decoder.InputOffset()+int64(mark)), Reason: "something stands behind the end of the document", Fix: "Remove it"}
		}
		return control(path, into)
	}
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	e := &Error{File: path, Reason: "it is not JSON (" + err.Error() + ")", Err: err}
	switch {
	case errors.As(err, &syntax):
		e.At = placeOf(path, syntax.Offset+int64(mark))
	case errors.As(err, &kind):
		e.At = placeOf(path, kind.Offset+int64(mark))
		e.Reason = fmt.Sprintf("%s is %s, and has to be %s", orDocument(kind.Field), withArticle(kind.Value), nameOf(kind.Type))
	case errors.Is(err, io.EOF):
		e.Reason = "it is empty"
	case errors.Is(err, io.ErrUnexpectedEOF):
		e.Reason = "it ends in the middle"
	}
	return e
}

func orDocument(field string) string {
	if field == "" {
		return "the document"
	}
	return field
}

func withArticle(noun string) string {
	if strings.ContainsAny(noun[:1], "aeiou") {
		return "an " + noun
	}
	return "a " + noun
}

// nameOf is JSON's word for a type of Go.
func nameOf(kind reflect.Type) string {
	switch kind.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.String:
		return "a string"
	case reflect.Slice, reflect.Array:
		return "a list"
	case reflect.Map, reflect.Struct, reflect.Pointer:
		return "an object"
	}
	return "a number"
}

// placeOf is the line and column of a byte.
func placeOf(path string, offset int64) string {
	file, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer file.Close()
	line, column := 1, 1
	in := bufio.NewReader(io.LimitReader(file, offset-1))
	for {
		letter, size, err := in.ReadRune()
		switch {
		case err != nil || size == 0:
			return fmt.Sprintf("line %d, column %d", line, column)
		case letter == '\n':
			line, column = line+1, 1
		default:
			column++
		}
	}
}

// control refuses control characters in any string of a value, but for line breaks and tabs: no document of ours has a reason
// for one, and a terminal would obey it.
func control(path string, value any) error {
	at, text := find(reflect.ValueOf(value))
	if text == "" {
		return nil
	}
	return &Error{File: path, At: strings.TrimPrefix(at, "."), Reason: fmt.Sprintf("%q has a control character", text), Fix: "Remove it"}
}

// find is the first string with a control character, and the way to it from a value, such as .set[2].account; both empty
// where there is none.
func find(value reflect.Value) (at, text string) {
	switch value.Kind() {
	case reflect.String:
		if strings.ContainsFunc(value.String(), func(letter rune) bool { return unicode.IsControl(letter) && letter != '\n' && letter != '\t' }) {
			return "", value.String()
		}
	case reflect.Pointer, reflect.Interface:
		if !value.IsNil() {
			return find(value.Elem())
		}
	case reflect.Slice, reflect.Array:
		if value.Type().Elem().Kind() == reflect.Uint8 {
			return "", "" // bytes, or JSON that whoever reads it checks
		}
		for i := range value.Len() {
			if at, text := find(value.Index(i)); text != "" {
				return "[" + strconv.Itoa(i) + "]" + at, text
			}
		}
	case reflect.Map:
		for _, key := range value.MapKeys() {
			if _, text := find(key); text != "" {
				return "[" + strconv.Quote(text) + "]", text
			}
			if at, text := find(value.MapIndex(key)); text != "" {
				return fmt.Sprintf(".%v%s", key.Interface(), at), text
			}
		}
	case reflect.Struct:
		for i := range value.NumField() {
			field := value.Type().Field(i)
			if !field.IsExported() {
				continue
			}
			if at, text := find(value.Field(i)); text != "" {
				return stepOf(field) + at, text
			}
		}
	}
	return "", ""
}

// stepOf is how JSON names a field: nothing for one whose own fields stand in its place.
func stepOf(field reflect.StructField) string {
	name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
	switch {
	case field.Anonymous:
		return ""
	case name == "":
		return "." + field.Name
	}
	return "." + name
}
