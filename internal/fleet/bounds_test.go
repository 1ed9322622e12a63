package fleet_test

import (
	"bytes"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/internal/awsconfig"
	"github.com/roadshow-go/roadshow/internal/fleet"
	"github.com/roadshow-go/roadshow/internal/fleet/fleettest"
	"github.com/roadshow-go/roadshow/stages"
)

// How long it takes is measured by bench; what takes the time is counted here: readings of the files, and requests.
func TestTenThousandProfilesTakeOneReadingAFewRequestsAndLessThan200MB(t *testing.T) {
	a := openAccounts(t)
	var config, keys strings.Builder
	for i := range 10_000 {
		fmt.Fprintf(&config, "\n[profile customer-%05d]\nregion = eu-west-1\noutput = json\n", i)
		fmt.Fprintf(&keys, "\n[customer-%05d]\naws_access_key_id = AKIA%012d\naws_secret_access_key = planted%033d\n", i, i, i)
	}
	a.Write("config", config.String())
	a.Write("credentials", keys.String())
	loads := 0
	f := a.Fleet()
	f.Profiles = fleet.NewProfiles(fleet.ProfileOptions{Load: func() *awsconfig.Files { loads++; return awsconfig.Load() }})
	asked := len(a.Calls())
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	reports := f.Survey(t.Context(), []stages.Stage{fleettest.Sandbox, fleettest.Standard, fleettest.Protected}, nil)
	runtime.ReadMemStats(&after)
	for _, report := range reports {
		require.Empty(t, report.Problem)
		require.Equal(t, "team-"+report.Stage, report.Profile)
	}
	require.Equal(t, 1, loads, "the files are read once")
	identities := 0
	for _, call := range a.Calls()[asked:] {
		if call.Operation == "GetCallerIdentity" {
			identities++
		}
	}
	require.LessOrEqual(t, identities, 9, "no stranger is asked")
	t.Logf("%d MB allocated", (after.TotalAlloc-before.TotalAlloc)>>20)
	require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(200<<20), "all that is ever allocated, by the rehearsal in this process too")
}

// The object of a commit is of whoever may write to the bucket.
func TestACommitThatDoesNotEndIsReadToItsFirstBytesOnly(t *testing.T) {
	a := openAccounts(t)
	a.Deployed(fleettest.Sandbox, "")
	var sent atomic.Int64
	a.Answers(func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, ".commit") }, func(w http.ResponseWriter, _ *http.Request) {
		for chunk := bytes.Repeat([]byte("a"), 1<<16); ; {
			n, err := w.Write(chunk)
			if sent.Add(int64(n)); err != nil {
				return
			}
		}
	})
	report := a.Fleet().Survey(t.Context(), []stages.Stage{fleettest.Sandbox}, nil)[0]
	require.Empty(t, report.Problem)
	require.Equal(t, strings.Repeat("a", 128), report.Deployed.Commit)
	require.Less(t, sent.Load(), int64(64<<20), "what the sockets hold, and no more")
}
