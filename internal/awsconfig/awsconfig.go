// Package awsconfig reads the AWS config and credentials files, once, as the cdk command reads them: all profiles,
// sign-in sessions and services, with the line of each setting.
//
// The SDK for Go reads both files anew for each profile, and takes some names otherwise than the cdk command, which
// is written in JavaScript, and the aws command do: "[profile "acme staging"]" and "[sso-session "corp"]" keep their
// quotes there. What the cdk command can use has to be found here, so this package follows it.
//
// https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html
package awsconfig

import (
	"cmp"
	"errors"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Profile is one profile of both files: what the credentials file says wins.
type Profile struct {
	// Name is what --profile and AWS_PROFILE take, without quotes.
	Name string
	// Settings are its settings, by their names in small letters. A nested one has the name of the one that it is nested
	// in before it, as in "s3.addressing_style".
	Settings map[string]Setting
	// ForCDK tells whether the cdk command finds a profile of this name: not one whose name has a blank, for example.
	ForCDK bool
	// At is the place of its first section, as in "/home/ada/.aws/config:12".
	At Place
}

// Get is a setting's value; empty where there is none.
func (p Profile) Get(name string) string { return p.Settings[name].Value }

// Setting is one value, and where it stands.
type Setting struct {
	Value string
	At    Place
}

// Files is what both files say.
type Files struct {
	// Config and Credentials are their paths.
	Config, Credentials string
	// Problems are what is wrong with them that no profile needs: lines that are no setting, files that cannot be read.
	Problems []Problem

	profiles map[string]*Profile
	sessions map[string]*Profile
	services map[string]*Profile
	seen     [2]signature
}

// signature tells one state of a file from another.
type signature struct {
	size int64
	at   time.Time
	err  bool
}

func signatureOf(path string) signature {
	info, err := os.Stat(path)
	if err != nil {
		return signature{err: true}
	}
	return signature{size: info.Size(), at: info.ModTime()}
}

// Paths are the two files, as every AWS tool finds them. A path may begin with ~.
// https://docs.aws.amazon.com/sdkref/latest/guide/file-location.html
func Paths() (config, credentials string) {
	home, _ := os.UserHomeDir()
	find := func(variable, name string) string {
		path := cmp.Or(os.Getenv(variable), filepath.Join(home, ".aws", name))
		if rest, found := strings.CutPrefix(path, "~/"); found {
			path = filepath.Join(home, rest)
		}
		return path
	}
	return find("AWS_CONFIG_FILE", "config"), find("AWS_SHARED_CREDENTIALS_FILE", "credentials")
}

// Load reads both files. A file that does not exist is empty; one that cannot be read is a problem, since the credentials may
// be elsewhere.
func Load() *Files {
	config, credentials := Paths()
	return Read(config, credentials, func(path string) (io.ReadCloser, error) { return os.Open(path) })
}

// Read is [Load] for files that are opened by open.
func Read(config, credentials string, open func(path string) (io.ReadCloser, error)) *Files {
	f := &Files{
		Config: config, Credentials: credentials,
		profiles: map[string]*Profile{}, sessions: map[string]*Profile{}, services: map[string]*Profile{},
		seen: [2]signature{signatureOf(config), signatureOf(credentials)},
	}
	for i, path := range []string{config, credentials} {
		file, err := open(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil {
			err = f.scan(path, i == 1, file)
			file.Close()
		}
		if err != nil {
			var failed *fs.PathError
			if errors.As(err, &failed) {
				err = failed.Err
			}
			f.Problems = append(f.Problems, Problem{At: Place{File: path}, Text: "cannot be read (" + err.Error() + ")"})
		}
	}
	return f
}

// Changed tells whether one of the files is another now than when it was read.
func (f *Files) Changed() bool {
	config, credentials := Paths()
	return config != f.Config || credentials != f.Credentials ||
		f.seen != [2]signature{signatureOf(config), signatureOf(credentials)}
}

// Names lists the profiles, sorted.
func (f *Files) Names() []string { return slices.Sorted(maps.Keys(f.profiles)) }

// Profile is the profile of a name.
func (f *Files) Profile(name string) (Profile, bool) { return of(f.profiles, name) }

// Session is the sso-session of a name.
func (f *Files) Session(name string) (Profile, bool) { return of(f.sessions, name) }

// Services are the services of a name, which hold endpoints.
func (f *Files) Services(name string) (Profile, bool) { return of(f.services, name) }

func of(all map[string]*Profile, name string) (Profile, bool) {
	if found := all[name]; found != nil {
		return *found, true
	}
	return Profile{Name: name}, false
}

// secretSettings are the settings that are secret.
var secretSettings = []string{"aws_secret_access_key", "aws_session_token", "aws_security_token"}

// Secrets are all secrets of both files, also those of profiles that nobody asks for.
func (f *Files) Secrets() []string {
	var secrets []string
	for _, profile := range f.profiles {
		for _, name := range secretSettings {
			if value := profile.Get(name); value != "" {
				secrets = append(secrets, value)
			}
		}
	}
	return secrets
}
