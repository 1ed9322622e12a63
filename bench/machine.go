package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"

	"golang.org/x/mod/modfile"
)

// machine is what the numbers were measured on.
func machine() string {
	model, memory := "unknown processor", "unknown memory"
	if text, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(text)) {
			if name, value, _ := strings.Cut(line, ":"); strings.TrimSpace(name) == "model name" {
				model = strings.TrimSpace(value)
				break
			}
		}
	}
	if text, err := os.ReadFile("/proc/meminfo"); err == nil {
		for line := range strings.Lines(string(text)) {
			if value, is := strings.CutPrefix(line, "MemTotal:"); is {
				kib, _ := strconv.Atoi(strings.Fields(value)[0])
				memory = fmt.Sprintf("%d GiB", (kib+1<<19)>>20)
			}
		}
	}
	return fmt.Sprintf("%s/%s, %d cores, %s, %s", runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), memory, model)
}

// load is how busy the machine was otherwise; it says how far the numbers can be trusted.
func load() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	return strings.Join(strings.Fields(string(text))[:3], ", ")
}

// versions are the exact ones of all that takes part.
func (b *bench) versions() []string {
	npm := func(folder, name string) string {
		var manifest struct{ Version string }
		data, err := os.ReadFile(filepath.Join(folder, "node_modules", filepath.FromSlash(name), "package.json"))
		if err != nil || json.Unmarshal(data, &manifest) != nil {
			return name + " (unknown)"
		}
		return name + " " + manifest.Version
	}
	peers := filepath.Join(b.work, "peers")
	goVersion, _ := exec.Command("go", "env", "GOVERSION").Output()
	return []string{
		strings.TrimSpace(string(goVersion)), npm(b.root, "node"), npm(b.root, "aws-cdk"),
		"awscdk/v2 " + moduleVersion(b.root, "github.com/aws/aws-cdk-go/awscdk/v2"),
		"constructs/v10 " + moduleVersion(b.root, "github.com/aws/constructs-go/constructs/v10"),
		"jsii-runtime-go " + moduleVersion(b.root, "github.com/aws/jsii-runtime-go"),
		npm(peers, "aws-cdk-lib"), npm(peers, "constructs"), npm(peers, "serverless"), npm(peers, "serverless-offline"), npm(peers, "dynalite"),
	}
}

// moduleVersion is the one that go.mod requires.
func moduleVersion(root, path string) string {
	data, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		return "unknown"
	}
	file, err := modfile.ParseLax("go.mod", data, nil)
	if err != nil {
		return "unknown"
	}
	for _, required := range file.Require {
		if required.Mod.Path == path {
			return required.Mod.Version
		}
	}
	return "unknown"
}
