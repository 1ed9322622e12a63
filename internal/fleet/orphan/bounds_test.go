package orphan_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The account has 20 000 log groups of others, 28 MB of answers; none of them is kept.
func TestAListOfAnyLengthTakesTheMemoryOfOnePage(t *testing.T) {
	const pages, early = 400, 40
	a := openAccounts(t)
	inUse := func() uint64 {
		var now runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&now)
		return now.HeapAlloc
	}
	page, sent, atFirst, atLast := 0, 0, uint64(0), uint64(0)
	a.Answers(func(r *http.Request) bool {
		return strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".DescribeLogGroups") && strings.Contains(r.Header.Get("Authorization"), "AKIA111111111111TEST")
	}, func(w http.ResponseWriter, _ *http.Request) {
		switch page++; page {
		case early:
			atFirst = inUse()
		case pages:
			atLast = inUse()
		}
		var groups []map[string]any
		for i := range 50 {
			name := fmt.Sprintf("/somebody/%06d-%02d/%s", page, i, strings.Repeat("x", 450))
			groups = append(groups, map[string]any{
				"logGroupName": name, "arn": "arn:aws:logs:us-east-1:111111111111:log-group:" + name + ":*", "creationTime": 1700000000000, "storedBytes": 1,
			})
		}
		answer := map[string]any{"logGroups": groups}
		if page < pages {
			answer["nextToken"] = fmt.Sprint(page)
		}
		text, err := json.Marshal(answer)
		if err != nil {
			panic(err)
		}
		sent += len(text)
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		_, _ = w.Write(text)
	})
	found, gaps := a.look(a.Fleet(), nil)
	require.Empty(t, gaps)
	require.Empty(t, found)
	require.Equal(t, pages, page)
	require.Greater(t, sent, 20<<20)
	require.Less(t, atLast, atFirst+4<<20, "after %d pages it is as much as after %d", pages, early)
}
