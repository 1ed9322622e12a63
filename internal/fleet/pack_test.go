package fleet

import (
	"archive/zip"
	"context"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/internal/messages"
)

func TestAFolderIsPackedWholeAndAlwaysAlike(t *testing.T) {
	folder, out := t.TempDir(), t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(folder, "part"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(folder, "bootstrap"), []byte("program"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(folder, "part", "data"), []byte("data"), 0o644))

	first, second := filepath.Join(out, "first", "a.zip"), filepath.Join(out, "second.zip")
	require.NoError(t, packFolder(t.Context(), folder, first))
	require.NoError(t, os.Chtimes(filepath.Join(folder, "bootstrap"), time.Now(), time.Now().Add(time.Hour)))
	require.NoError(t, packFolder(t.Context(), folder, second))
	one, err := os.ReadFile(first)
	require.NoError(t, err)
	two, err := os.ReadFile(second)
	require.NoError(t, err)
	require.Equal(t, one, two, "times do not count")

	archive, err := zip.OpenReader(first)
	require.NoError(t, err)
	defer archive.Close()
	held := map[string]string{}
	for _, file := range archive.File {
		content, err := file.Open()
		require.NoError(t, err)
		text, err := io.ReadAll(content)
		require.NoError(t, err)
		held[file.Name+" "+file.Mode().String()] = string(text)
	}
	require.Equal(t, map[string]string{"bootstrap -rwxr-xr-x": "program", "part/data -rw-r--r--": "data"}, held)
}

func TestAFolderThatIsNotPackedLeavesNothing(t *testing.T) {
	folder, out := t.TempDir(), t.TempDir()
	require.NoError(t, os.Symlink("elsewhere", filepath.Join(folder, "link")))
	messages.ErrorContains(t, packFolder(t.Context(), folder, filepath.Join(out, "a.zip")), "link is no file, and the cdk command has to follow it")
	require.Error(t, packFolder(t.Context(), filepath.Join(folder, "none"), filepath.Join(out, "a.zip")))
	interrupted, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, packFolder(interrupted, t.TempDir(), filepath.Join(out, "a.zip")), context.Canceled)
	left, err := os.ReadDir(out)
	require.NoError(t, err)
	require.Empty(t, left)
}
