package gobuild

import (
	"cmp"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
)

// The two notes that say how a binary was made and not what it does.
const (
	goNote  = ".note.go.buildid"
	gnuNote = ".note.gnu.build-id"
)

// span is a range of bytes in a file.
type span struct{ from, to int64 }

// masked is an ELF binary without what identifies its making: the content of its Go and GNU
// build-id notes is zero. The notes themselves, with their names and lengths, stay, so that the
// file keeps its shape. It gives an error for what is not an ELF file, or not a whole one.
func masked(r io.ReaderAt, size int64) (io.Reader, error) {
	spans, err := notes(r, size)
	if err != nil {
		return nil, err
	}
	var parts []io.Reader
	at := int64(0)
	for _, n := range slices.SortedFunc(maps.Values(spans), func(a, b span) int { return cmp.Compare(a.from, b.from) }) {
		from, to := max(n.from, at), max(n.to, at)
		parts = append(parts, io.NewSectionReader(r, at, from-at), io.LimitReader(zeros{}, to-from))
		at = to
	}
	return io.MultiReader(append(parts, io.NewSectionReader(r, at, size-at))...), nil
}

// zeros never end.
type zeros struct{}

func (zeros) Read(b []byte) (int, error) {
	clear(b)
	return len(b), nil
}

// buildID is the content of the Go note, or "" if there is none.
func buildID(r io.ReaderAt, size int64) (string, error) {
	notes, err := notes(r, size)
	if err != nil {
		return "", err
	}
	n, ok := notes[goNote]
	if !ok {
		return "", nil
	}
	id := make([]byte, n.to-n.from)
	if _, err := r.ReadAt(id, n.from); err != nil {
		return "", fmt.Errorf("read %s: %w", goNote, err)
	}
	return string(id), nil
}

// notes finds the contents of the two notes. It reads only headers, and fails
// if any section lies outside the file: that is a file cut short.
func notes(r io.ReaderAt, size int64) (map[string]span, error) {
	f, err := elf.NewFile(r)
	if err != nil {
		return nil, fmt.Errorf("not an ELF file: %w", err)
	}
	spans := map[string]span{}
	for _, s := range f.Sections {
		if s.Type == elf.SHT_NOBITS || s.Type == elf.SHT_NULL {
			continue // takes no room in the file
		}
		if s.Offset > uint64(size) || s.FileSize > uint64(size)-s.Offset {
			return nil, fmt.Errorf("not a whole ELF file: section %s ends behind its end", s.Name)
		}
		if s.Name != goNote && s.Name != gnuNote {
			continue
		}
		if _, twice := spans[s.Name]; twice {
			return nil, fmt.Errorf("not a Go binary: two sections %s", s.Name)
		}
		at, err := content(r, f.ByteOrder, int64(s.Offset), int64(s.FileSize))
		if err != nil {
			return nil, fmt.Errorf("section %s: %w", s.Name, err)
		}
		spans[s.Name] = at
	}
	return spans, nil
}

// content is where the description of a note lies. A note is three words
// (length of the name, length of the description, type), the name, padded to
// four bytes, and the description.
func content(r io.ReaderAt, order binary.ByteOrder, from, size int64) (span, error) {
	var head [12]byte
	if size < int64(len(head)) {
		return span{}, errors.New("shorter than the head of a note")
	}
	if _, err := r.ReadAt(head[:], from); err != nil {
		return span{}, err
	}
	name := (int64(order.Uint32(head[0:])) + 3) &^ 3
	description := int64(order.Uint32(head[4:]))
	if int64(len(head))+name+description > size {
		return span{}, errors.New("its note is longer than itself")
	}
	start := from + int64(len(head)) + name
	return span{start, start + description}, nil
}
