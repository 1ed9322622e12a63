package stages

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestBranchesBecomeLabels(t *testing.T) {
	for name, tt := range map[string]struct {
		text, want string
		changed    bool
	}{
		"a label stays as it is":                {"fix-417", "fix-417", false},
		"what looks like a hash stays too":      {"feature-abc-nmfrbc0mfl", "feature-abc-nmfrbc0mfl", false},
		"a slash and upper case bring a hash":   {"feature/ABC", "feature-abc-", true},
		"a first digit has a letter before it":  {"417", "x417-", true},
		"200 characters are cut":                {strings.Repeat("ab", 100), "ababababababababababa-", true},
		"a cut never leaves a doubled hyphen":   {"12345678901234567890/" + strings.Repeat("a", 20), "x12345678901234567890-", true},
		"unicode goes":                          {"größe/naïve", "gr-e-na-ve-", true},
		"nothing readable is a letter and hash": {"功能", "x-", true},
		"no text at all":                        {"", "x-", true},
		"only separators":                       {"//--//", "x-", true},
		"the outer separators go":               {"-a-", "a-", true},
	} {
		t.Run(name, func(t *testing.T) {
			got, changed := Label(tt.text, MaxStageName)
			assert.Equal(t, tt.changed, changed)
			if tt.changed {
				assert.Regexp(t, `^[0-9b-df-hj-np-tv-xz]{10}$`, strings.TrimPrefix(got, tt.want))
			} else {
				assert.Equal(t, tt.want, got)
			}
		})
	}
}

func TestEveryTextIsALabelOfItsOwn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.String(), rapid.StringMatching(`[a-cA-C/_.-]{0,40}`))
		limit := rapid.IntRange(hashLength+2, 70).Draw(t, "limit")
		one, other := text.Draw(t, "one"), text.Draw(t, "other")
		first, changed := Label(one, limit)
		require.True(t, isLabel(first), first)
		require.LessOrEqual(t, len(first), limit)
		require.Equal(t, changed, first != one)
		again, changed := Label(first, limit)
		require.Equal(t, first, again)
		require.False(t, changed)
		second, _ := Label(other, limit)
		require.Equal(t, one == other, first == second)
	})
}

func TestBranchesBecomeStages(t *testing.T) {
	set := Set{dev, staging, dev.Template("dev-*"), staging.Template("dev-hotfix-*"), {Name: "dev-fixed", Account: staging.Account, Region: "us-east-1"}}
	require.NoError(t, set.Validate())
	for name, tt := range map[string]struct {
		name, stage, template, account, note string
	}{
		"a stage of the set wins over a template": {"dev-fixed", "dev-fixed", "", staging.Account, ""},
		"a label is the stage's name":             {"dev-alice", "dev-alice", "dev-*", dev.Account, ""},
		"the longer pattern wins":                 {"dev-hotfix-1", "dev-hotfix-1", "dev-hotfix-*", staging.Account, ""},
		"a branch becomes a label, and a note":    {"dev-feature/ABC", "dev-feature-abc-nmfrbc0mfl", "dev-*", dev.Account, `stage dev-feature-abc-nmfrbc0mfl: made of "dev-feature/ABC", which is no lower-case DNS label of at most 32 characters`},
		"the stage's own name gives it again":     {"dev-feature-abc-nmfrbc0mfl", "dev-feature-abc-nmfrbc0mfl", "dev-*", dev.Account, ""},
		"a branch behind the longer pattern":      {"dev-hotfix-A", "dev-hotfix-a-k3c491mgnv", "dev-hotfix-*", staging.Account, `stage dev-hotfix-a-k3c491mgnv: made of "dev-hotfix-A", which is no lower-case DNS label of at most 32 characters`},
	} {
		t.Run(name, func(t *testing.T) {
			stage, note, err := set.Resolve(tt.name)
			require.NoError(t, err)
			assert.Equal(t, tt.stage, stage.Name)
			assert.Equal(t, tt.template, stage.FromTemplate())
			assert.Equal(t, tt.account, stage.Account)
			assert.Equal(t, tt.note, note)
			assert.Equal(t, tt.template != "", stage.IsEphemeral())
			assert.False(t, stage.IsTemplate())
			found, err := set.Find(tt.name)
			require.NoError(t, err)
			assert.Equal(t, stage, found)
		})
	}
	for _, name := range []string{"", "dev-", "DEV-alice", "production", "de"} {
		_, _, err := set.Resolve(name)
		require.ErrorAs(t, err, new(*UnknownStageError), name)
	}
}

// FuzzResolve tries branch names that nobody thought of: whatever is found is a stage that the set would
// accept, and its own name finds it again.
func FuzzResolve(f *testing.F) {
	for _, seed := range []string{"dev-feature/ABC", "dev-", "dev-\x00", "dev-功能", "dev-*", "all", "dev-" + strings.Repeat("x", 200), "dev--a", "dev-a-"} {
		f.Add(seed)
	}
	set := Set{dev, dev.Template("dev-*"), dev.Template("a-pattern-that-leaves-no-room-*")}
	f.Fuzz(func(t *testing.T, name string) {
		stage, _, err := set.Resolve(name)
		if err != nil {
			return
		}
		require.True(t, isLabel(stage.Name) && len(stage.Name) <= MaxStageName, stage.Name)
		again, note, err := set.Resolve(stage.Name)
		require.NoError(t, err)
		require.Equal(t, stage, again)
		require.Empty(t, note)
	})
}
