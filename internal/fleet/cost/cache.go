package cost

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"time"
)

// dayCache keeps answers of Cost Explorer for a day, because each costs money. It holds amounts and account ids, and
// no credentials. A file that is not as this program wrote it is no answer: it is asked again.
type dayCache struct {
	// folder is where the files are; empty keeps nothing. day is today, in UTC.
	folder, day string
}

// cachedAnswer is one file.
type cachedAnswer struct {
	Version int
	// Account asked, at Endpoint (empty is AWS's own), on Day.
	Account, Endpoint, Day string
	Query                  json.RawMessage
	Answer                 json.RawMessage
}

const cacheVersion = 1

// largestFile is more than any real answer; what is larger is not read.
const largestFile = 256 << 20

// cacheKey says whose answer to what a file holds.
type cacheKey struct {
	account, endpoint string
	query             any
}

// file is the whole of a question, without an answer, and the path that it has.
func (c dayCache) file(q cacheKey) (cachedAnswer, string, error) {
	query, err := json.Marshal(q.query)
	if err != nil {
		return cachedAnswer{}, "", err
	}
	sum := sha256.Sum256(append([]byte(q.endpoint+"\n"), query...))
	file := cachedAnswer{Version: cacheVersion, Account: q.account, Endpoint: q.endpoint, Day: c.day, Query: query}
	return file, filepath.Join(c.folder, q.account+"-"+hex.EncodeToString(sum[:12])+"-"+c.day+".json"), nil
}

// read is the answer that was kept today; nil where there is none.
func (c dayCache) read(q cacheKey) json.RawMessage {
	want, path, err := c.file(q)
	if err != nil || c.folder == "" {
		return nil
	}
	info, err := os.Lstat(path)
	if err != nil || !info.Mode().IsRegular() || info.Size() > largestFile || !private(info) {
		return nil
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil
	}
	var got cachedAnswer
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if decoder.Decode(&got) != nil || decoder.Decode(&struct{}{}) != io.EOF {
		return nil
	}
	if got.Version != want.Version || got.Account != want.Account || got.Endpoint != want.Endpoint || got.Day != want.Day || !bytes.Equal(got.Query, want.Query) {
		return nil
	}
	return got.Answer
}

// private tells whether nobody else may have written a file. Windows has no such bits.
func private(info os.FileInfo) bool {
	return runtime.GOOS == "windows" || info.Mode().Perm()&0o077 == 0
}

// halfWritten begins the name of a file that is being written.
const halfWritten = ".writing-"

// write keeps an answer, whole or not at all, and drops those of other days.
func (c dayCache) write(q cacheKey, answer any) error {
	if c.folder == "" {
		return nil
	}
	file, path, err := c.file(q)
	if err != nil {
		return err
	}
	if file.Answer, err = json.Marshal(answer); err != nil {
		return err
	}
	data, err := json.Marshal(file)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(c.folder, 0o700); err != nil {
		return err
	}
	c.drop()
	temporary, err := os.CreateTemp(c.folder, halfWritten+"*") // of mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(temporary.Name())
	if _, err := temporary.Write(data); err != nil {
		temporary.Close()
		return err
	}
	if err := temporary.Close(); err != nil {
		return err
	}
	return os.Rename(temporary.Name(), path)
}

// forget drops the answer to a question.
func (c dayCache) forget(q cacheKey) {
	if _, path, err := c.file(q); err == nil && c.folder != "" {
		os.Remove(path)
	}
}

// cacheFile is the name of a file of this cache; its group is the day.
var cacheFile = regexp.MustCompile(`^[0-9]{12}-[0-9a-f]{24}-([0-9]{4}-[0-9]{2}-[0-9]{2})\.json$`)

// drop deletes the answers of other days, and what was half written a day ago.
func (c dayCache) drop() {
	entries, _ := os.ReadDir(c.folder)
	for _, entry := range entries {
		old := false
		if parts := cacheFile.FindStringSubmatch(entry.Name()); parts != nil {
			old = parts[1] != c.day
		} else if info, err := entry.Info(); err == nil && strings.HasPrefix(entry.Name(), halfWritten) {
			old = time.Since(info.ModTime()) > 24*time.Hour
		}
		if old {
			os.Remove(filepath.Join(c.folder, entry.Name()))
		}
	}
}
