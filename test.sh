#!/usr/bin/env bash
# Tests simcap. Needs only Go; what else the tests can use (a C compiler, Chromium, Python with
# PyYAML and NumPy, valgrind) is installed where apt-get may be used, and what is missing is named.
#   ./test.sh         formatting, vet, all tests
#   ./test.sh --all   also staticcheck, cross builds and the comparison with the reference simulator
set -euo pipefail
cd "$(dirname "$0")"
all=${1:-}
say() { printf '\n== %s\n' "$*"; }

want() { # want COMMAND PACKAGE...: install the packages if the command is missing
  command -v "$1" >/dev/null 2>&1 && return
  missing+=("${@:2}")
}
missing=()
want gcc gcc libc6-dev
want chromium chromium
want python3 python3
if ! python3 -c 'import yaml, numpy' 2>/dev/null && ! /usr/bin/python3 -c 'import yaml, numpy' 2>/dev/null; then
  missing+=(python3-yaml python3-numpy)
fi
if [ "$all" = --all ]; then want valgrind valgrind; fi
if [ ${#missing[@]} -gt 0 ]; then
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    say "installing ${missing[*]}"
    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"; } \
      >/dev/null 2>&1 || echo "could not install ${missing[*]}: the tests that need them are skipped"
  else
    echo "not installed: ${missing[*]}: the tests that need them are skipped"
  fi
fi

say "gofmt"
unformatted=$(gofmt -l .)
if [ -n "$unformatted" ]; then echo "gofmt would change: $unformatted"; exit 1; fi
say "go vet"
export CGO_CFLAGS="${CGO_CFLAGS:--O2 -Wno-deprecated-declarations}"
go vet ./...
if [ "$all" = --all ]; then
  say "staticcheck"
  go tool -modfile=tools/go.mod staticcheck ./...
  say "builds without cgo"
  for os in linux darwin windows; do
    for arch in amd64 arm64; do
      echo "$os/$arch"
      CGO_ENABLED=0 GOOS=$os GOARCH=$arch go build -o /dev/null ./cmd/simcap
    done
  done
fi
say "go test"
go test ./...
if [ "$all" = --all ]; then
  python=python3
  "$python" -c 'import yaml, numpy' 2>/dev/null || python=/usr/bin/python3
  if [ -d ../shared/oracle ] && "$python" -c 'import yaml, numpy' 2>/dev/null; then
    say "comparison with the reference simulator"
    binary=$(mktemp -d)/simcap
    go build -o "$binary" ./cmd/simcap
    "$python" ../shared/oracle/diff.py "$binary" --seeds 1-150
    rm -rf "$(dirname "$binary")"
  else
    echo "no reference simulator beside the checkout: comparison skipped"
  fi
fi
say "all passed"
