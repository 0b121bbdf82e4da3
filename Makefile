# What one types here. `make help` lists it.
#
# Everything but Go, Node, git and make is fetched: Debian packages with apt,
# Go tools into .tools/bin, Node packages from the lock files.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

GOLANGCI_VERSION := v2.15.0
GOLANGCI := .tools/bin/golangci-lint-$(GOLANGCI_VERSION)

# Every package of ours, and the Go files that git knows or would take.
PACKAGES := ./...
GOFILES = $(wildcard $(shell git ls-files --cached --others --exclude-standard '*.go'))

.PHONY: help
help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  %-14s %s\n", $$1, $$2}'

.PHONY: build
build: ## build fitmq and wearsim into bin/
	go build -o bin/fitmq ./cmd/fitmq
	go build -o bin/wearsim ./cmd/wearsim

.PHONY: demo
demo: ## a broker with athletes, to look at
	go run ./cmd/fitmq demo

.PHONY: test
test: packages test-go test-web test-client test-browser ## all tests, installing what they need

.PHONY: packages
packages: ## install the Debian packages that the tests use, where missing
	@.ci/packages

.PHONY: test-go
test-go: ## Go tests with the race detector, in random order
	.ci/test-go $(PACKAGES)

.PHONY: torture
torture: ## random clients, cuts and kills; ROUNDS=n SEED=n ARGS='-race-broker'
	go test -count=1 -timeout 6h -run 'Torture|Judge' -v ./tests/torture -args -rounds $(or $(ROUNDS),300) -seed $(or $(SEED),0) -lanes 4 $(ARGS)

.PHONY: test-web
test-web: web/node_modules/.package-lock.json ## unit tests of the page
	npm --prefix web test

.PHONY: test-client
test-client: client/node_modules/.package-lock.json ## the browser's client, also against the real broker
	npm --prefix client test

.PHONY: test-browser
test-browser: tests/browser/node_modules/.package-lock.json ## the page in a real Chromium
	cd tests/browser && npx playwright test

.PHONY: test-browser-long
test-browser-long: tests/browser/node_modules/.package-lock.json ## the same with networks that are away for 30 s
	cd tests/browser && FITMQ_LONG=1 npx playwright test

.PHONY: pictures
pictures: tests/browser/node_modules/.package-lock.json ## pictures of every view into tests/browser/screenshots/views, and those of docs/images
	cd tests/browser && FITMQ_PICTURES=1 npx playwright test accessible.test.ts

.PHONY: check
check: fmt vet lint fresh ## format, vet, linters, import directions, generated files

.PHONY: fmt
fmt: ## fail on files that gofmt would change
	@bad="$$(gofmt -l $(GOFILES))"; if [ -n "$$bad" ]; then echo "gofmt would change:"; echo "$$bad"; echo "run: gofmt -w" $$bad; exit 1; fi

.PHONY: vet
vet: ## go vet
	go vet $(PACKAGES)

.PHONY: lint
lint: $(GOLANGCI) ## golangci-lint, and the import directions
	$(GOLANGCI) run $(PACKAGES)
	go test -count=1 ./tests/house # what it looks at is not what Go's cache knows of

.PHONY: fresh
fresh: web/node_modules/.package-lock.json client/node_modules/.package-lock.json ## fail when a generated file is stale
	.ci/fresh

.PHONY: fuzz
fuzz: ## every parser of outside bytes, each for FUZZTIME (20s); crashers land in testdata/fuzz and stay
	.ci/fuzz $(or $(FUZZTIME),20s)

.PHONY: bench
bench: packages ## fitmq beside other brokers, into docs/performance.md; takes a quarter of an hour
	go run ./tests/bench -out docs/performance.md

.PHONY: bench-fitness
bench-fitness: ## activities a second, boards of a million, a class of 500, a join storm, 100,000 beacons; eight minutes
	go test -run '^$$' -bench '^BenchmarkFitness_' -benchtime 1x ./tests
	go test -run '^$$' -bench '1M$$' -benchmem ./fitness/leaderboard ./fitness/challenge
	go test -run '^$$' -bench '^(BenchmarkEngine_Activity|BenchmarkEngine_Progress|BenchmarkEngine_Chat)$$' -benchmem ./engine
	go test -run '^$$' -bench '^BenchmarkNew_1M$$' -benchtime 1x ./engine
	go test -run '^$$' -bench '^BenchmarkEngine_Beacon$$' -benchtime 20000x ./engine

.PHONY: bench-board
bench-board: ## how long a board takes to 200 browsers while 50 activities a second arrive; a minute, with ARGS=-short less
	go test -run '^$$' -bench '^BenchmarkFitness_BoardUpdates$$' -benchtime 1x $(ARGS) ./tests

.PHONY: bench-logins
bench-logins: ## what 1,000 password logins a minute mean for running traffic; two minutes
	go test -run '^$$' -bench '^BenchmarkBroker_Logins$$' -benchtime 1x ./tests

.PHONY: bench-idle
bench-idle: ## memory of 1,000 idle TCP connections
	go test -run '^$$' -bench '^BenchmarkBroker_IdleConnections$$' -benchtime 1x ./tests

%/node_modules/.package-lock.json: %/package-lock.json
	npm --prefix $* ci --no-audit --no-fund
	@touch $@

# Built from source at a pinned version: the result does not depend on what is
# installed. It takes about two minutes once.
$(GOLANGCI):
	GOBIN="$(CURDIR)/.tools/bin" go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_VERSION)
	mv .tools/bin/golangci-lint $@
