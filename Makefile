# Two commands do everything on a fresh machine:
#   make demo    builds symfetch and shows it at work
#   make test    installs what the tests need, builds the fixtures, runs all
GO ?= go
PREFIX ?= /usr/local
FUZZTIME ?= 30s
BIN := bin
SYMFETCH := $(BIN)/symfetch
PEERS := $(BIN)/peers
# Packages whose tests start threads or share state; the race detector needs cgo.
RACE := ./internal/... ./buildid/... ./resolver/... ./store/... ./debuginfod/... ./cmd/...

# Packages whose tests find more or less permitted, as root and as anybody.
PRIVILEGES := ./internal/proc ./resolver ./store ./debuginfod/... ./cmd/... ./fixtures/... ./docs

.PHONY: all build install deps test test-race test-unprivileged check lint fuzz bench bench-deps demo situations peers clean
all: build

build:
	CGO_ENABLED=0 $(GO) build -trimpath -o $(SYMFETCH) ./cmd/symfetch
	CGO_ENABLED=0 $(GO) build -trimpath -o $(SYMFETCH)-debuginfod ./cmd/symfetch-debuginfod

install: build
	install -D -m 0755 $(SYMFETCH) $(DESTDIR)$(PREFIX)/bin/symfetch
	install -D -m 0755 $(SYMFETCH)-debuginfod $(DESTDIR)$(PREFIX)/bin/symfetch-debuginfod
	mkdir -p $(DESTDIR)$(PREFIX)/share/man/man1
	$(SYMFETCH) man > $(DESTDIR)$(PREFIX)/share/man/man1/symfetch.1

# The Debian packages that tests and fixtures need; fixtures/deps.txt names them.
deps:
	./fixtures/deps.sh

test: deps build check test-race
	@[ "$$(id -u)" != 0 ] || fixtures/unprivileged.sh $(PRIVILEGES)

# Every test as it is, with the race detector.
test-race:
	CGO_ENABLED=1 $(GO) test -race -timeout 40m ./...

# All tests where nothing is permitted, on the fixtures built above.
test-unprivileged:
	./fixtures/unprivileged.sh

check:
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { gofmt -l $$(git ls-files '*.go'); exit 1; }
	$(GO) vet ./...
	CGO_ENABLED=0 GOARCH=arm64 $(GO) build ./...
	CGO_ENABLED=0 GOARCH=arm64 $(GO) vet ./cmd/... ./resolver/... ./debuginfod/... ./internal/...

lint: check
	$(GO) tool staticcheck ./...

fuzz:
	./fixtures/fuzz.sh $(FUZZTIME)

# Every measure, beside every peer. -run EXPRESSION picks some: go run ./bench -h
bench: build bench-deps peers
	$(GO) run ./bench -symfetch $(SYMFETCH)

# The Debian packages that only the measures need; bench/deps.txt names them.
bench-deps: deps
	./fixtures/deps.sh bench/deps.txt

demo: build
	./fixtures/demo/demo.sh $(CURDIR)/$(SYMFETCH)

# The peers that come from crates.io, as their users install them.
peers: $(PEERS)/bin/blazecli $(PEERS)/bin/addr2line
$(PEERS)/bin/blazecli:
	cargo install --locked --root $(PEERS) blazecli@0.1.14
$(PEERS)/bin/addr2line:
	cargo install --locked --root $(PEERS) --features bin addr2line@0.27.1

situations: deps build peers
	$(GO) run ./fixtures/cmd/situations -symfetch $(CURDIR)/$(SYMFETCH) -blazecli $(CURDIR)/$(PEERS)/bin/blazecli -o docs/situations.md
	$(GO) test -count=1 -run '^TestTotals$$' ./docs -update

clean:
	rm -rf $(BIN)
