# make demo   the main job on real input: three accounts on loopback, the real cdk command
# make test   every check the project has; CI runs exactly this
SHELL       := bash
.SHELLFLAGS := -euo pipefail -c
export PATH := $(CURDIR)/node_modules/.bin:$(PATH)
TOOL        := go tool -modfile=tools/go.mod
GOFILES     := git ls-files --cached --others --exclude-standard '*.go'

.PHONY: test
test: format lint unit

node_modules/.package-lock.json: package.json package-lock.json
	npm ci --no-audit --no-fund
	@touch $@

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
	go test ./...
