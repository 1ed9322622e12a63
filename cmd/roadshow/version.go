package main

import (
	"runtime/debug"
	"strings"

	"golang.org/x/mod/module"
)

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
		commit += "-dirty"
	}
	if commit == "" { // a downloaded module has none but in such a version
		commit, _ = module.PseudoVersionRev(info.Main.Version)
	}
	if commit != "" {
		text += ", commit " + commit
	}
	return strings.TrimSuffix(text+", "+info.GoVersion, ", ")
}
