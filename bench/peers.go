package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/roadshow-go/roadshow/bench/programs/size"
	"github.com/roadshow-go/roadshow/internal/awsenv"
)

// mostFunctions is the number of functions in the largest stage.
const mostFunctions = 200

// prepare fetches the peers, and makes the folders and the environment.
func (b *bench) prepare() error {
	if err := os.RemoveAll(b.temporary()); err != nil {
		return err
	}
	for i := range mostFunctions {
		folder := filepath.Join(b.work, "code", size.Function(i))
		if err := os.MkdirAll(folder, 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(folder, "bootstrap"), []byte("stands for "+size.Function(i)), 0o755); err != nil {
			return err
		}
	}
	if err := b.prepareEnvironment(); err != nil {
		return err
	}
	return b.fetchPeers()
}

// build builds programs of this folder, or `roadshow` itself.
func (b *bench) build(names ...string) error {
	if len(names) == 0 {
		return nil
	}
	b.say("building %s (the first time takes a minute)", strings.Join(names, ", "))
	arguments := []string{"build", "-o", filepath.Dir(b.bin("ours")) + string(filepath.Separator)}
	for _, name := range names {
		folder := "./bench/programs/" + name
		if name == "roadshow" {
			folder = "./cmd/roadshow"
		}
		arguments = append(arguments, folder)
	}
	return b.process(b.root, os.Environ(), "go", arguments...)()
}

// fetchPeers installs the npm packages of bench/peers/package-lock.json, once.
func (b *bench) fetchPeers() error {
	peers := filepath.Join(b.work, "peers")
	if err := os.MkdirAll(peers, 0o755); err != nil {
		return err
	}
	lock, err := os.ReadFile(filepath.Join(b.root, "bench", "peers", "package-lock.json"))
	if err != nil {
		return err
	}
	stamp := filepath.Join(peers, "installed")
	if before, err := os.ReadFile(stamp); err == nil && string(before) == string(lock) {
		return nil
	}
	for _, file := range []string{"package.json", "package-lock.json"} {
		data, err := os.ReadFile(filepath.Join(b.root, "bench", "peers", file))
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(peers, file), data, 0o644); err != nil {
			return err
		}
	}
	b.say("installing the pinned peers (npm ci)")
	if err := b.process(peers, os.Environ(), "npm", "ci", "--no-audit", "--no-fund", "--loglevel=error", "--ignore-scripts")(); err != nil {
		return err
	}
	return os.WriteFile(stamp, lock, 0o644)
}

// prepareEnvironment makes the environment of all children: no credentials, no way out of this machine,
// the pinned Node for everyone, and the context that the cdk command would pass.
func (b *bench) prepareEnvironment() error {
	data, err := os.ReadFile(filepath.Join(b.root, "cdk.json"))
	if err != nil {
		return err
	}
	var settings struct{ Context map[string]any }
	if err := json.Unmarshal(data, &settings); err != nil {
		return fmt.Errorf("cdk.json: %w", err)
	}
	// 200 functions with their roles, logs and routes are beyond the 500 resources of a stack; they are here
	// to show the curve.
	settings.Context["@aws-cdk/core:stackResourceLimit"] = 0
	context, err := json.Marshal(settings.Context)
	if err != nil {
		return err
	}
	const nowhere = "http://127.0.0.1:9"
	environment, err := awsenv.Place{Checkout: b.root, Folder: filepath.Join(b.temporary(), "environment")}.BuildEnviron(
		"CDK_CONTEXT_JSON="+string(context),
		"NODE_PATH="+filepath.Join(b.work, "peers", "node_modules"),
		"HTTP_PROXY="+nowhere, "http_proxy="+nowhere, "HTTPS_PROXY="+nowhere, "https_proxy="+nowhere, "NO_PROXY=127.0.0.1,localhost",
		"GOPROXY=off", "GOSUMDB=off", "GOFLAGS=-buildvcs=false", "GOTOOLCHAIN=local",
	)
	if err != nil {
		return err
	}
	for _, variable := range environment {
		switch name, _, _ := strings.Cut(variable, "="); name {
		case "NODE_OPTIONS", "JSII_NODE", "JSII_RUNTIME", "JSII_DEBUG":
		default:
			b.environment = append(b.environment, variable)
		}
	}
	return nil
}

// withoutValidation is the environment of a plain synthesis.
func (b *bench) withoutValidation(extra ...string) []string {
	return append(append(append([]string{}, b.environment...), "CDK_VALIDATION=false"), extra...)
}

// node is the pinned one.
func (b *bench) node() string { return filepath.Join(b.root, "node_modules", ".bin", "node") }

func (b *bench) bin(name string) string { return filepath.Join(b.work, "bin", name) }

// ours, raw and javascript synthesize a size in one process.
func (b *bench) ours(s size.Size, extra ...string) func() error {
	return b.process(b.root, b.withoutValidation(), b.bin("ours"), append(extra, s.Flags()...)...)
}

func (b *bench) raw(s size.Size) func() error {
	return b.process(b.root, b.withoutValidation(), b.bin("raw"), s.Flags()...)
}

func (b *bench) javascript(s size.Size) func() error {
	return b.process(b.root, b.withoutValidation(), b.node(), append([]string{filepath.Join(b.root, "bench", "programs", "javascript", "main.js")}, s.Flags()...)...)
}

// serverless packages each stage with a run of its own, as its users must.
func (b *bench) serverless(s size.Size) func() error {
	folder := filepath.Join(b.temporary(), "serverless")
	environment := append(append([]string{}, b.environment...),
		fmt.Sprintf("BENCH_FUNCTIONS=%d", s.Functions), "AWS_ACCESS_KEY_ID=none", "AWS_SECRET_ACCESS_KEY=none",
		"SLS_TELEMETRY_DISABLED=1", "SLS_TRACKING_DISABLED=1", "SLS_NOTIFICATIONS_MODE=off", "CI=1",
	)
	return func() error {
		if err := os.MkdirAll(folder, 0o755); err != nil {
			return err
		}
		for _, file := range []string{"serverless.js", "bootstrap"} {
			data, err := os.ReadFile(filepath.Join(b.root, "bench", "programs", "serverless", file))
			if err != nil {
				return err
			}
			if err := os.WriteFile(filepath.Join(folder, file), data, 0o644); err != nil {
				return err
			}
		}
		for i := range s.Stages {
			err := b.process(folder, environment, b.node(), filepath.Join(b.work, "peers", "node_modules", "serverless", "bin", "serverless.js"),
				"package", "--stage", size.Stage(i), "--package", s.Assembly(i))()
			if err != nil {
				return err
			}
		}
		return nil
	}
}
