package main

import (
	"runtime/debug"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestTheVersionIsTheModulesWithItsCommitWhereThatIsKnown(t *testing.T) {
	const commit = "0123456789abcdef0123456789abcdef01234567"
	for want, tt := range map[string]struct {
		module   string
		settings []debug.BuildSetting
	}{
		"v0.1.0, go1.26.8": {module: "v0.1.0"},
		"v0.1.1-0.20260101000000-0123456789ab, commit 0123456789ab, go1.26.8": {module: "v0.1.1-0.20260101000000-0123456789ab"},
		"(devel), go1.26.8": {},
		"(devel), commit " + commit + "-dirty, go1.26.8": {
			"(devel)", []debug.BuildSetting{{Key: "vcs.revision", Value: commit}, {Key: "vcs.modified", Value: "true"}},
		},
	} {
		info := &debug.BuildInfo{GoVersion: "go1.26.8", Main: debug.Module{Version: tt.module}, Settings: tt.settings}
		assert.Equal(t, want, version(info))
	}
}
