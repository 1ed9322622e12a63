// Package elsewhere runs a program once more, as unlike its first run as a process can be: what a
// program reads besides its stage shows as a difference between the two. Only what finds programs
// and their caches is the same, since to fill those anew would take minutes and prove nothing.
package elsewhere

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/roadshow-go/roadshow/internal/jsiicache"
)

// value is what a variable or a context key has elsewhere that has none here: a text, a number and
// a yes.
const value = "1"

// always are variables that many programs of the CDK read, with what they are elsewhere.
var always = map[string]string{
	"AWS_PROFILE": "understudy", "AWS_DEFAULT_PROFILE": "understudy", "AWS_REGION": "eu-south-2", "AWS_DEFAULT_REGION": "eu-south-2",
	"CDK_DEFAULT_ACCOUNT": "000000000000", "CDK_DEFAULT_REGION": "eu-south-2", "CI": "true",
}

// Environment is the environment of the second run: home is its HOME, and read are the variables
// that the program is seen to read. A variable that is set here is not set there, and the other
// way.
func Environment(here []string, home string, read []string) []string {
	there := []string{}
	set, shared := map[string]bool{}, map[string]bool{}
	for _, variable := range here {
		name, _, _ := strings.Cut(variable, "=")
		set[name] = true
		if isKept(name) {
			there = append(there, variable)
			shared[name] = true
		}
	}
	share := func(name, folder string, err error) {
		if err == nil && !shared[name] {
			there = append(there, name+"="+folder)
			shared[name] = true
		}
	}
	own, err := os.UserHomeDir()
	share("GOPATH", filepath.Join(own, "go"), err)
	cache, err := os.UserCacheDir()
	share("GOCACHE", filepath.Join(cache, "go-build"), err)
	settings, err := os.UserConfigDir()
	share("GOENV", filepath.Join(settings, "go", "env"), err)
	share(jsiicache.Variable, jsiicache.Root(), nil)
	share("TMPDIR", os.TempDir(), nil)
	for name, other := range map[string]string{
		"HOME": home, "USERPROFILE": home, "USER": "understudy", "LOGNAME": "understudy", "TZ": "Asia/Kathmandu", "LANG": "tr_TR.UTF-8",
		// Nobody's credentials are needed, whatever profile is named.
		"AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull, "AWS_EC2_METADATA_DISABLED": "true",
	} {
		share(name, other, nil)
	}
	for name, other := range always {
		if !set[name] {
			share(name, other, nil)
		}
	}
	for _, name := range read {
		if !set[name] {
			share(name, value, nil)
		}
	}
	slices.Sort(there)
	return there
}

// isKept tells whether a variable finds programs, or their caches.
func isKept(name string) bool {
	switch name {
	case "PATH", "SYSTEMROOT", "ComSpec", "TMPDIR", "TMP", "TEMP":
		return true
	}
	return strings.HasPrefix(name, "GO") && name != "GOMAXPROCS" || strings.HasPrefix(name, "CGO_") || strings.HasPrefix(name, "JSII_") ||
		strings.HasSuffix(strings.ToUpper(name), "_PROXY")
}

// Context is the CDK's context of the second run: what the program's own keys hold is another value
// of the same type, and the keys that it is seen to read are there. The CDK's own keys (feature
// flags, and what it has looked up) stay.
func Context(here map[string]any, read []string) map[string]any {
	there := map[string]any{}
	for key, held := range here {
		if strings.ContainsAny(key, "@:") {
			there[key] = held
			continue
		}
		switch held := held.(type) {
		case string:
			if held != value {
				there[key] = value
			}
		case bool:
			there[key] = !held
		case float64:
			there[key] = held + 1
		}
	}
	for _, key := range read {
		if _, has := here[key]; !has {
			there[key] = value
		}
	}
	return there
}
