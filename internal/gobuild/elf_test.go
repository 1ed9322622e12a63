package gobuild

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"io"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/internal/messages"
)

// section is one of a small ELF file made by hand.
type section struct {
	name string
	data []byte
}

// file makes a 64-bit ELF file: header, the sections' data, their names, their
// headers.
func file(sections ...section) []byte {
	order := binary.LittleEndian
	names := []byte{0}
	var headers []elf.Section64
	headers = append(headers, elf.Section64{})
	body := make([]byte, 64)
	add := func(name string, kind elf.SectionType, data []byte) {
		headers = append(headers, elf.Section64{Name: uint32(len(names)), Type: uint32(kind), Off: uint64(len(body)), Size: uint64(len(data))})
		names = append(append(names, name...), 0)
		body = append(body, data...)
	}
	for _, s := range sections {
		add(s.name, elf.SHT_NOTE, s.data)
	}
	// Its own name is in it, so it is added by hand.
	at := len(names)
	names = append(names, ".shstrtab\x00"...)
	headers = append(headers, elf.Section64{Name: uint32(at), Type: uint32(elf.SHT_STRTAB), Off: uint64(len(body)), Size: uint64(len(names))})
	body = append(body, names...)

	h := elf.Header64{
		Type: uint16(elf.ET_EXEC), Machine: uint16(elf.EM_AARCH64), Version: 1, Ehsize: 64,
		Shoff: uint64(len(body)), Shentsize: 64, Shnum: uint16(len(headers)), Shstrndx: uint16(len(headers) - 1),
	}
	copy(h.Ident[:], "\x7fELF\x02\x01\x01")
	var head, tail bytes.Buffer
	_ = binary.Write(&head, order, h)
	for _, s := range headers {
		_ = binary.Write(&tail, order, s)
	}
	copy(body, head.Bytes())
	return append(body, tail.Bytes()...)
}

// aNote is a note section with one note.
func aNote(owner, description string) []byte {
	b := binary.LittleEndian.AppendUint32(nil, uint32(len(owner)))
	b = binary.LittleEndian.AppendUint32(b, uint32(len(description)))
	b = binary.LittleEndian.AppendUint32(b, 4)
	b = append(b, owner...)
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	b = append(b, description...)
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	return b
}

// mask reads a whole masked binary.
func mask(b []byte) ([]byte, error) {
	r, err := masked(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}

func TestMaskZeroesTheTwoBuildIdsAndNothingElse(t *testing.T) {
	t.Parallel()
	made := func(goID, gnuID string) []byte {
		return file(section{".text", []byte("code")}, section{goNote, aNote("Go\x00\x00", goID)}, section{gnuNote, aNote("GNU\x00", gnuID)}, section{".data", []byte("GNU\x00abc")})
	}
	got := made("an/id/of-go", "01234567")
	id, err := buildID(bytes.NewReader(got), int64(len(got)))
	require.NoError(t, err)
	assert.Equal(t, "an/id/of-go", id)

	got, err = mask(got)
	require.NoError(t, err)
	assert.Equal(t, made("\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00", "\x00\x00\x00\x00\x00\x00\x00\x00"), got)
	again, err := mask(got)
	require.NoError(t, err)
	assert.Equal(t, got, again, "twice is as good as once")
}

func TestMaskLeavesABinaryWithoutNotesAsItIs(t *testing.T) {
	t.Parallel()
	got := file(section{".text", []byte("code")})
	got, err := mask(got)
	require.NoError(t, err)
	assert.Equal(t, file(section{".text", []byte("code")}), got)
	id, err := buildID(bytes.NewReader(got), int64(len(got)))
	require.NoError(t, err)
	assert.Empty(t, id)
}

func TestMaskRefusesWhatIsNotAWholeBinary(t *testing.T) {
	t.Parallel()
	whole := file(section{goNote, aNote("Go\x00\x00", "id")}, section{".text", []byte("code")})
	long := aNote("Go\x00\x00", "id")
	binary.LittleEndian.PutUint32(long[4:], 1<<31)
	name := aNote("Go\x00\x00", "id")
	binary.LittleEndian.PutUint32(name, 0xffffffff)
	outside := bytes.Clone(whole)
	// The size in the first section's header.
	binary.LittleEndian.PutUint64(outside[binary.LittleEndian.Uint64(outside[40:])+64+32:], 1<<40)
	tests := map[string][]byte{
		"nothing":                               nil,
		"a script":                              []byte("#!/bin/sh\n"),
		"a binary cut short":                    whole[:len(whole)-64],
		"a header only":                         whole[:64],
		"a section behind the end":              outside,
		"a note without a head":                 file(section{goNote, []byte("short")}),
		"a description longer than its section": file(section{goNote, long}),
		"a name longer than its section":        file(section{gnuNote, name}),
		"two sections of one name":              file(section{goNote, aNote("Go\x00\x00", "a")}, section{goNote, aNote("Go\x00\x00", "b")}),
	}
	for name, b := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := mask(b)
			require.Error(t, err)
			messages.Provoked(t, err.Error())
		})
	}
}

func FuzzMask(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte("\x7fELF"))
	f.Add(file(section{".text", []byte("code")}, section{goNote, aNote("Go\x00\x00", "an/id")}, section{gnuNote, aNote("GNU\x00", "0123")}))
	f.Add(file(section{goNote, []byte("short")}))
	f.Fuzz(func(t *testing.T, b []byte) {
		once, err := mask(b)
		if err != nil {
			return
		}
		assert.Len(t, once, len(b))
		if again, err := mask(once); err == nil {
			assert.Equal(t, once, again, "masking twice is masking once")
		}
	})
}
