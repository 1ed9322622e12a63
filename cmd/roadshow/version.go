package main

import (
	"context"
	"fmt"
	"io"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/mod/module"

	"github.com/roadshow-go/roadshow/internal/assembly"
)

// versionOptions are the flags of `roadshow version`: it has none.
type versionOptions struct{ anything }

// versionVerb says what --version does.
func versionVerb(s *settings) *cobra.Command {
	return s.command(&cobra.Command{
		Use:     "version",
		Short:   "Say which version this is, of which commit, and by which Go it was built",
		Long:    "version says the same as --version.",
		Example: "  roadshow version\n  roadshow version --json",
		Args:    cobra.NoArgs,
	}, &versionOptions{})
}

func (versionOptions) run(context.Context, *settings, []string) (answer, error) {
	return versions{version(built())}, nil
}

// versions is what `roadshow version` tells.
type versions struct {
	Version string `json:"version"`
}

func (v versions) write(out, _ io.Writer) { fmt.Fprintln(out, "roadshow version "+v.Version) }

func (versions) judge() error { return nil }

// built is what the go command recorded about this command, as far as it did.
func built() *debug.BuildInfo {
	if info, recorded := debug.ReadBuildInfo(); recorded {
		return info
	}
	return &debug.BuildInfo{}
}

// version is the version of the module, the commit where it is known, and the version of Go.
func version(info *debug.BuildInfo) string {
	text := info.Main.Version
	if text == "" {
		text = "(devel)"
	}
	settings := map[string]string{}
	for _, one := range info.Settings {
		settings[one.Key] = one.Value
	}
	commit := settings["vcs.revision"]
	if commit != "" && settings["vcs.modified"] == "true" {
		commit += assembly.DirtySuffix
	}
	if commit == "" { // a downloaded module has none but in such a version
		commit, _ = module.PseudoVersionRev(info.Main.Version)
	}
	if commit != "" {
		text += ", commit " + commit
	}
	return strings.TrimSuffix(text+", "+info.GoVersion, ", ")
}
