package awsconfig

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/internal/messages"
)

// read reads two texts as the two files.
func read(config, credentials string) *Files {
	return Read("config", "credentials", func(path string) (io.ReadCloser, error) {
		text := map[string]string{"config": config, "credentials": credentials}[path]
		return io.NopCloser(strings.NewReader(text)), nil
	})
}

func TestProfilesAreThoseThatTheCdkCommandFindsAndThoseThatTheAwsCommandFinds(t *testing.T) {
	for name, tt := range map[string]struct {
		config, credentials string
		want                string // the names, with a ! behind one that the cdk command does not find
	}{
		"a profile":                           {"[profile dev]\nregion = us-east-1", "", "dev"},
		"the default":                         {"[default]\nregion = us-east-1", "", "default"},
		"a name in quotes":                    {`[profile "dev"]`, "", "dev"},
		"a name in single quotes":             {`[profile 'dev']`, "", "dev"},
		"a name with a blank":                 {`[profile "acme staging"]`, "", "acme staging!"},
		"a name with a blank, without quotes": {`[profile acme staging]`, "", "acme staging!"},
		"a name with a letter that is none":   {`[profile größe]`, "", "größe!"},
		"a name with what it takes":           {`[profile a-b_c@d+e.f%g:h/i]`, "", "a-b_c@d+e.f%g:h/i"},
		"two blanks before the name":          {`[profile  dev]`, "", "dev!"},
		"a tab before the name":               {"[profile\tdev]", "", "dev"},
		"a blank in the bracket":              {`[ profile dev ]`, "", "dev!"},
		"a comment behind":                    {"[profile dev] ; of the team\n[profile ops] # too", "", "dev ops"},
		"one section twice":                   {"[profile dev]\na = 1\n[profile dev]\nb = 2", "", "dev"},
		"a byte order mark":                   {"\ufeff[profile dev]\nregion = x", "\ufeff[ops]\na = 1", "dev ops"},
		"lines of Windows":                    {"[profile dev]\r\nregion = x\r\n", "", "dev"},
		"no prefix":                           {"[dev]\nregion = x", "", ""},
		"the credentials file":                {"", "[dev]\naws_access_key_id = A", "dev"},
		"two words there":                     {"", "[acme staging]\na = 1", "acme staging!"},
		"three words there":                   {"", "[acme corp staging]\na = 1", "acme corp staging"},
		"a prefix there":                      {"", "[profile dev]\na = 1", ""},
		"both files":                          {"[profile dev]\nregion = x", "[dev]\na = 1", "dev"},
		"sections that are no profile":        {"[sso-session corp]\na = 1\n[services local]\na = 1\n[plugins]\na = 1", "", ""},
		"nothing":                             {"", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			files := read(tt.config, tt.credentials)
			var names []string
			for _, name := range files.Names() {
				profile, _ := files.Profile(name)
				if !profile.ForCDK {
					name += "!"
				}
				names = append(names, name)
			}
			require.Equal(t, tt.want, strings.Join(names, " "))
		})
	}
}

func TestASettingHasItsValueAndItsPlace(t *testing.T) {
	files := read("[profile dev]\nRegion=us-east-1 # of the team\nendpoint_url = http://127.0.0.1:1/#x\ns3 =\n  addressing_style = path\noutput = json\n[sso-session \"corp\"]\nsso_region = eu-west-1\n",
		"[dev]\n\naws_access_key_id = AKIA=\n")
	dev, exists := files.Profile("dev")
	require.True(t, exists)
	require.Equal(t, map[string]Setting{
		"region":              {"us-east-1", Place{"config", 2}},
		"endpoint_url":        {"http://127.0.0.1:1/#x", Place{"config", 3}},
		"s3.addressing_style": {"path", Place{"config", 5}},
		"output":              {"json", Place{"config", 6}},
		"aws_access_key_id":   {"AKIA=", Place{"credentials", 3}},
	}, dev.Settings)
	require.Equal(t, "config:1", dev.At.String())
	corp, exists := files.Session("corp")
	require.True(t, exists)
	require.Equal(t, "eu-west-1", corp.Get("sso_region"))
	require.Empty(t, files.Problems)
}

func TestWhatNoToolReadsIsAProblemWithItsPlaceAndNeverWithItsText(t *testing.T) {
	for name, tt := range map[string]struct{ config, credentials, want string }{
		"a line that is no setting":    {"[profile dev]\naws_secret_access_key: PLANTED", "", "config:2: the line is no setting, which is NAME = VALUE; correct it"},
		"a setting before any section": {"aws_secret_access_key = PLANTED\n[profile dev]", "", "config:1: the setting stands before any section; move it below one"},
		"a bracket that is not closed": {"[profile dev\naws_secret_access_key = PLANTED", "", `config:1: the line begins a section that no "]" ends; write the "]"`},
		"a control character":          {"[profile dev]\naws_secret_access_key = PLANTED\x07", "", "config:2: the line has a control character; write the line anew"},
		"a null in a name":             {"[profile d\x00v]", "", "config:1: the line has a control character; write the line anew"},
		"no name":                      {"[profile ]", "", "config:1: the section has no name; write one"},
		"no prefix":                    {"[PLANTED]\na = 1", "", "config:1: the section is none that AWS's tools read in this file: a profile's begins with \"profile \"; write that before its name"},
		"a prefix in the other file":   {"", "[profile dev]\naws_secret_access_key = PLANTED", "credentials:1: the section is none that AWS's tools read in this file: its name begins with \"profile \"; leave that out"},
		"another encoding":             {"\xff\xfe[\x00p\x00", "", "config: cannot be read (it is UTF-16, where AWS's tools read UTF-8; save it as UTF-8)"},
	} {
		t.Run(name, func(t *testing.T) {
			files := read(tt.config, tt.credentials)
			require.Len(t, files.Problems, 1)
			require.Equal(t, tt.want, files.Problems[0].String())
			messages.Provoked(t, files.Problems[0].String())
		})
	}
}

func TestAFileThatCannotBeReadIsAProblemAndOneThatIsNotThereIsNone(t *testing.T) {
	files := Read("config", "credentials", func(path string) (io.ReadCloser, error) {
		if path == "config" {
			return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrPermission}
		}
		return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
	})
	require.Len(t, files.Problems, 1)
	require.Equal(t, "config: cannot be read (permission denied)", files.Problems[0].String())
}

func TestALineOfAnyLengthIsRead(t *testing.T) {
	long := strings.Repeat("x", 3<<20)
	files := read("[profile first]\ncredential_process = "+long+"\n[profile second]\nregion = x\n", "")
	require.Equal(t, []string{"first", "second"}, files.Names())
	first, _ := files.Profile("first")
	require.Len(t, first.Get("credential_process"), 3<<20)
}

func TestAFileThatWasChangedIsKnownToBe(t *testing.T) {
	folder := t.TempDir()
	config := filepath.Join(folder, "config")
	t.Setenv("AWS_CONFIG_FILE", config)
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", filepath.Join(folder, "credentials"))
	files := Load()
	require.False(t, files.Changed())
	require.NoError(t, os.WriteFile(config, []byte("[profile dev]\n"), 0o600))
	require.True(t, files.Changed())
	files = Load()
	require.False(t, files.Changed())
	require.NoError(t, os.WriteFile(config, []byte("[profile dev]\na = 1\n"), 0o600))
	require.True(t, files.Changed())
}

// counting counts what is read.
type counting struct {
	io.Reader
	bytes *int
}

func (c counting) Read(data []byte) (int, error) {
	n, err := c.Reader.Read(data)
	*c.bytes += n
	return n, err
}

func (c counting) Close() error { return nil }

// manyProfiles are the two files of somebody with very many profiles.
func manyProfiles(n int) (config, credentials string) {
	var settings, keys strings.Builder
	for i := range n {
		fmt.Fprintf(&settings, "[profile team-%05d]\nregion = eu-west-1\noutput = json\n\n", i)
		fmt.Fprintf(&keys, "[team-%05d]\naws_access_key_id = AKIA%012d\naws_secret_access_key = planted%033d\n\n", i, i, i)
	}
	return settings.String(), keys.String()
}

func TestTenThousandProfilesAreReadByReadingEachByteOnceAndInLittleMemory(t *testing.T) {
	config, credentials := manyProfiles(10_000)
	opened, bytes := 0, 0
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	files := Read("config", "credentials", func(path string) (io.ReadCloser, error) {
		opened++
		return counting{strings.NewReader(map[string]string{"config": config, "credentials": credentials}[path]), &bytes}, nil
	})
	runtime.ReadMemStats(&after)
	require.Len(t, files.Names(), 10_000)
	require.Equal(t, 2, opened)
	require.Equal(t, len(config)+len(credentials), bytes)
	require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(60<<20), "all that is ever allocated")
	require.Len(t, files.Secrets(), 10_000)
}

func BenchmarkTenThousandProfiles(b *testing.B) {
	config, credentials := manyProfiles(10_000)
	b.SetBytes(int64(len(config) + len(credentials)))
	b.ReportAllocs()
	for b.Loop() {
		if len(read(config, credentials).Names()) != 10_000 {
			b.Fatal("a profile is missing")
		}
	}
}

func FuzzRead(f *testing.F) {
	for _, seed := range []string{
		"", "[default]\na=b", "[profile \"a b\"]\n c = d\ne =\n  f = g", "\ufeff[profile x]", "[", "[]", "[profile", "=", "a = b ; c", "[profile \"]\n\"", "[sso-session x]\n",
	} {
		f.Add(seed, seed)
	}
	f.Fuzz(func(t *testing.T, config, credentials string) {
		files := read(config, credentials)
		for _, name := range files.Names() {
			profile, exists := files.Profile(name)
			require.True(t, exists)
			require.Equal(t, name, profile.Name)
			for _, setting := range profile.Settings {
				require.NotEmpty(t, setting.Value)
				require.Positive(t, setting.At.Line)
			}
		}
	})
}
