# make demo   the main job on real input: three accounts on loopback, the real cdk command
# make test   every check the project has; CI runs exactly this
SHELL       := bash
.SHELLFLAGS := -euo pipefail -c
export PATH := $(CURDIR)/node_modules/.bin:$(PATH)
# Node keeps what it has compiled: the suites start the cdk command a hundred times.
export NODE_COMPILE_CACHE := $(CURDIR)/.roadshow/node
TOOL        := go tool -modfile=tools/go.mod
GOFILES     := git ls-files --cached --others --exclude-standard '*.go'

# Packages side by side: those of e2e wait for the cdk command's polls now and then. `go vet` is part of lint.
.PHONY: test
test: modules format lint node_modules/.package-lock.json
	go test -count=1 -vet=off -p 3 -timeout 40m ./e2e/... ./cmd/... ./stack/... ./...

# The tools that are not Go, pinned by package-lock.json: the CDK command, and the Node that runs it.
node_modules/.package-lock.json: package.json package-lock.json
	@command -v npm >/dev/null || { echo "npm: command is not found, want npm 10 or newer; install Node, which brings it: https://nodejs.org" >&2; exit 1; }
	@echo "installing the pinned CDK command and Node (npm ci)"
	@npm ci --no-audit --no-fund --no-update-notifier --loglevel=error || \
		{ echo "npm: installation is incomplete, want the packages of package-lock.json; check the network, or npm's registry" >&2; exit 1; }
	@touch $@

# What Go needs, fetched before anything is built, so that a missing network is one clear message.
.PHONY: modules
modules:
	@command -v go >/dev/null || { echo "go: command is not found, want Go 1.26 or newer; install it: https://go.dev/dl" >&2; exit 1; }
	@echo "fetching the Go modules of go.sum that are not here yet (go mod download)"
	@go mod download || { echo "go: download is incomplete, want the modules of go.sum; check the network, or GOPROXY" >&2; exit 1; }

.PHONY: demo
demo: modules node_modules/.package-lock.json
	@go run ./e2e/demo

.PHONY: format
format:
	@unformatted=$$($(TOOL) gofumpt -l $$($(GOFILES))); \
	if [ -n "$$unformatted" ]; then echo "not formatted; run 'make fmt':"; echo "$$unformatted"; exit 1; fi

.PHONY: fmt
fmt:
	$(TOOL) gofumpt -w $$($(GOFILES))

.PHONY: lint
lint:
	go vet ./...
	$(TOOL) staticcheck ./...

.PHONY: unit
unit: node_modules/.package-lock.json
	go test -timeout 40m $$(go list ./... | grep -v /e2e)

# Composed programs, each with a branch on the identity of its stage, and a third as many lawful ones. Each run draws
# others; rapid prints the seed of what fails.
PROGRAMS ?= 10000
.PHONY: nightly
nightly: node_modules/.package-lock.json
	ROADSHOW_PROGRAMS=$(PROGRAMS) go test ./stack -run 'Composed' -timeout 10h

# The real cdk command and the real SDK, on the rehearsal or on the endpoint that e2e/README.md names.
.PHONY: e2e
e2e: node_modules/.package-lock.json
	go test -count=1 -timeout 40m ./e2e/...

# Another endpoint, or AWS itself, against the rehearsal. JUDGE names both; e2e/README.md says what it costs.
JUDGE ?=
.PHONY: judge
judge:
	go run ./e2e/judge $(JUDGE)

# Roadshow against what a user would pick instead, in turn, ROUNDS times; writes bench/README.md. Takes some minutes.
ROUNDS ?= 5
.PHONY: bench
bench: modules node_modules/.package-lock.json
	go run ./bench -rounds $(ROUNDS)

# Every golden, written anew; read the difference before you commit it.
.PHONY: golden
golden: node_modules/.package-lock.json
	go test . -update
	go test ./examples -update
	go test ./bench -update
	ROADSHOW_UPDATE_MESSAGES=1 go test ./stages ./stack ./parity ./internal/... ./cmd/roadshow
