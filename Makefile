# `make ci` is what .ci/run does; the other targets are its parts for daily work.
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2

.PHONY: build test race bench bench-history quality fuzz-short lint demo image release weight licences ci clean

build: ## one static binary
	CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.version=$(VERSION)" -o intentd ./cmd/intentd

test:
	go test ./...

race:
	CGO_ENABLED=1 go test -race ./...

bench: ## the figures of docs/measured.md; whole runs once, small things often; ten minutes or so
	go test -run '^$$' -bench . -benchtime 1x ./pipeline ./pipeline/intent/twostage ./state
	go test -run '^$$' -bench . -benchmem $$(go list ./... | grep -vE '/(pipeline|pipeline/intent/twostage|state)$$')

bench-history: ## time and memory of a backtest on 10,000 people and a million snapshots, and of a million snapshots in the state; some minutes
	go test -run '^$$' -bench 'Backtest' -benchtime 1x ./pipeline/learn/backtest
	go test -run '^$$' -bench 'Snapshots' -benchtime 1x ./pipeline

quality: ## what a tier is worth on simulated mixes of leads with known truth
	go test -count 1 -run '^TestQuality$$' -v ./pipeline/journey

fuzz-short: ## every fuzzer for ten seconds
	@grep -roE --include='*_test.go' 'func Fuzz[A-Za-z0-9_]+' . | grep -v node_modules | sed -E 's/func //' | while IFS=: read -r file name; do \
	  echo "$$name"; go test -run '^$$' -fuzz "^$$name\$$" -fuzztime 10s -fuzzminimizetime 1x "./$$(dirname $$file)" || exit 1; done

lint:
	@test -z "$$(gofmt -l $$(find . -name '*.go' -not -path '*/node_modules/*'))" || { gofmt -l .; exit 1; }
	go vet ./...
	for system in windows darwin; do GOOS=$$system go vet ./... || exit 1; done
	go run $(STATICCHECK) ./...

demo: build
	./intentd demo

image:
	docker build -f deploy/Dockerfile --build-arg VERSION=$(VERSION) -t intentd .

release: ## everything that is published of a version, into dist/; needs the network for two tools
	@VERSION=$(VERSION) .ci/release

weight: ## what the binary weighs, and what of it is whose
	@.ci/weight

licences: ## docs/licences.md, after go.mod changed
	go test ./cmd/intentd -run Licences -update-licences

ci:
	.ci/run

clean:
	rm -rf intentd dist
