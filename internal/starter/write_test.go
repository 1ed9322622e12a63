package starter

import (
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/internal/messages"
)

func notes(dir string) Service {
	return Service{Name: "notes", Region: "us-east-1", Dir: dir, Version: "v0.1.0"}
}

func put(t *testing.T, text string, path ...string) string {
	t.Helper()
	file := filepath.Join(path...)
	require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	return file
}

func TestFilesThatExistAreListedAndNothingIsWritten(t *testing.T) {
	dir := t.TempDir()
	put(t, "mine", dir, "README.md")
	put(t, "mine", dir, "functions", "hello", "main.go")
	require.NoError(t, os.Symlink("nowhere", filepath.Join(dir, "cdk.json")))
	before := everyFile(t, dir)

	_, err := notes(dir).Write()
	exist, listed := errors.AsType[*ExistError](err)
	require.True(t, listed, err)
	assert.Equal(t, []string{"README.md", "cdk.json", "functions/hello/main.go"}, exist.Files)
	messages.EqualError(t, err, "Folder "+dir+" has README.md, cdk.json, functions/hello/main.go already, so nothing was written.\n"+
		"Move that away, or write --dir with another folder.")
	assert.Equal(t, before, everyFile(t, dir))
}

func TestAFileInPlaceOfAFolderIsListed(t *testing.T) {
	dir := t.TempDir()
	put(t, "mine", dir, "functions")
	_, err := notes(dir).Write()
	exist, listed := errors.AsType[*ExistError](err)
	require.True(t, listed, err)
	assert.Equal(t, []string{"functions"}, exist.Files)
	assert.Equal(t, []string{"functions"}, everyFile(t, dir))
}

func TestAFolderThatIsNoneIsRefused(t *testing.T) {
	file := put(t, "mine", t.TempDir(), "notes")
	for _, dir := range []string{file, filepath.Join(file, "below")} {
		_, err := notes(dir).Write()
		messages.EqualError(t, err, "folder "+dir+": kind is a file, or below one; it must be a folder, or nothing yet.\nWrite --dir with another one.")
	}
}

func TestALinkDoesNotLeadOutOfTheFolder(t *testing.T) {
	dir, outside := t.TempDir(), t.TempDir()
	require.NoError(t, os.Symlink(outside, filepath.Join(dir, "functions")))
	_, err := notes(dir).Write()
	require.Error(t, err)
	assert.Empty(t, everyFile(t, outside))
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Len(t, entries, 1, "only the link is there")
}

func TestWhatWasMadeIsRemovedWhereTheRestCannotBe(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	err := write(dir, []file{{"one/two/three", nil}, {"one/two", nil}})
	require.Error(t, err)
	assert.NoDirExists(t, filepath.Dir(dir))
}

// Whoever loses takes back only its own.
func TestOfTwoAtTheSameTimeOneWritesAll(t *testing.T) {
	dir := t.TempDir()
	var both sync.WaitGroup
	errs := make([]error, 2)
	for i := range errs {
		both.Go(func() { _, errs[i] = notes(dir).Write() })
	}
	both.Wait()
	assert.True(t, (errs[0] == nil) != (errs[1] == nil), "%v", errs)
	assert.Len(t, everyFile(t, dir), 9)
}
