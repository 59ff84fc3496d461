# The commands of this project; CI runs the same ones.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# The race detector needs a C compiler; the program itself never does. SQLite, translated from C, is left out
# of it: it has no goroutine of its own, each connection has one owner, and watched it is ten times slower.
RACE := $(shell command -v gcc >/dev/null 2>&1 && echo "-race '-gcflags=github.com/ncruces/go-sqlite3-wasm/...=-race=false'")
# Thousands of small ledgers are made and broken; in memory they cost the disk nothing. Whether a sync reached
# the disk no test of a living machine can tell. Programs are run from there too. What is built stays on the disk
# (GOTMPDIR), which tests must not see: they would put their own folders there.
SCRATCH := $(shell try=/dev/shm/litopys-scratch.$$$$; [ "$$(df --output=avail -k /dev/shm 2>/dev/null | tail -n 1)" -gt 2000000 ] 2>/dev/null && \
  cp "$$(type -P true)" $$try 2>/dev/null && $$try 2>/dev/null && echo /dev/shm; rm -f $$try)
# A watched process sleeps a second before it ends, for reports of races that come late; the scripts start hundreds.
export GORACE ?= atexit_sleep_ms=20
# Half of the suite waits for servers and for processes that are killed; one package more than there are
# processors keeps these busy.
AT_ONCE := $(shell echo $$(( $$(nproc 2>/dev/null || echo 2) + 1 )))
PACKAGES ?= ./...
FUZZTIME ?= 20s

.PHONY: help
help: ## list the commands
	@grep -E '^[a-z/]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

.PHONY: build
build: ## build the program into bin/
	go build -trimpath -o bin/ ./cmd/...

.PHONY: demo
demo: ## a tour on generated people
	go run ./cmd/litopys demo

.PHONY: test
test: tools ## run every test, with the race detector where a C compiler is present
	@[ -n "$(RACE)" ] || echo "no C compiler here: the tests run without the race detector"
	@$(if $(SCRATCH),export GOTMPDIR="$${GOTMPDIR:-$${TMPDIR:-/tmp}}" TMPDIR=$(SCRATCH);) \
	  CGO_ENABLED=$(if $(RACE),1,0) go test $(if $(SCRATCH),-exec 'env -u GOTMPDIR') $(RACE) -vet=off -p $(AT_ONCE) -timeout 20m $(PACKAGES)

.PHONY: tools
tools: ## install what the tests need and this machine lacks
	@.ci/install

.PHONY: lint
lint: format vet ## format, vet, staticcheck and the closed sums
	go tool staticcheck ./...
	go tool go-errorlint ./...
	go tool go-check-sumtype ./...

.PHONY: format
format: ## fail when a file is not formatted
	@files=$$(gofmt -l $$(git ls-files '*.go')); [ -z "$$files" ] || { echo "gofmt would change:"; echo "$$files"; exit 1; }

.PHONY: vet
vet: ## go vet
	go vet ./...

.PHONY: golden
golden: ## rewrite golden files and scripts, then look at the diff
	@packages=$$(grep -rl 'flag.Bool("update"' --include=*_test.go . | xargs -n1 dirname | sort -u); go test $$packages -update

.PHONY: fuzz
fuzz: ## run every fuzz target for FUZZTIME
	@for package in $$(go list ./...); do \
	  for target in $$(go test -list '^Fuzz' $$package | grep '^Fuzz' || true); do \
	    echo "$$package $$target"; go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) $$package; \
	  done; \
	done

.PHONY: bench
bench: ## measure against the baselines
	go run ./cmd/litopys bench
