#!/usr/bin/env bash
# Tests simcap: all that has to hold before a change lands. Needs only Go; what else the tests can use (a C
# compiler, Chromium, Python with PyYAML and NumPy, valgrind) is installed where apt-get may be used. What
# could not be done is named at the end.
#   ./test.sh           formatting, modules, vet, staticcheck, cross builds, tests, instructions an input
#   ./test.sh --quick   formatting, vet and tests
#   ./test.sh --fuzz    all that, and every fuzz test for some seconds: it looks for what no test knows yet
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

quick=no fuzz=no
case ${1:-} in
'') ;;
--quick) quick=yes ;;
--fuzz) fuzz=yes ;;
*) echo "usage: ./test.sh [--quick | --fuzz]" >&2 && exit 2 ;;
esac
if ! command -v go >/dev/null 2>&1; then
  echo "Go is not installed, or not on the PATH: see https://go.dev/doc/install" >&2
  exit 2
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
skipped=()
say() { printf '\n== %s (after %d s)\n' "$*" "$SECONDS"; }
skip() { skipped+=("$*") && echo "skipped: $*"; }
die() { printf '\n== FAILED: %s\n' "$*" && exit 1; }

# What the tests use besides Go.
missing=()
want() { command -v "$1" >/dev/null 2>&1 || missing+=("${@:2}"); } # want COMMAND PACKAGE...
python=
find_python() { # sets python to one that has PyYAML and NumPy
  for python in python3 /usr/bin/python3; do
    if "$python" -c 'import yaml, numpy' >/dev/null 2>&1; then return 0; fi
  done
  python=
  return 1
}
want gcc gcc libc6-dev
want chromium chromium
find_python || missing+=(python3 python3-yaml python3-numpy)
if [ $quick = no ]; then want valgrind valgrind; fi
if [ ${#missing[@]} -gt 0 ]; then
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    say "installing ${missing[*]}"
    export DEBIAN_FRONTEND=noninteractive
    if ! { timeout 120 apt-get update -qq && timeout 600 apt-get install -y -qq --no-install-recommends "${missing[@]}"; } >"$work/apt" 2>&1; then
      tail -n 3 "$work/apt"
      skip "tests that need one of ${missing[*]}: it could not be installed"
    fi
  else
    skip "tests that need one of ${missing[*]}: not installed"
  fi
fi
find_python || true
# The compiler of the built-in kernels, which newer releases of Debian lack: a test says so where it is missing.
if [ $quick = no ] && ! command -v clang-14 >/dev/null 2>&1 && [ "$(id -u)" = 0 ]; then
  timeout 300 apt-get install -y -qq --no-install-recommends clang-14 >"$work/apt" 2>&1 || true
fi

say "gofmt"
gofmt=$(command -v gofmt || echo "$(go env GOROOT)/bin/gofmt")
unformatted=$("$gofmt" -l .)
if [ -n "$unformatted" ]; then die "gofmt would change $unformatted"; fi

# Bindings of NVML are full of deprecated names, about which C compilers have much to say.
export CGO_CFLAGS="${CGO_CFLAGS:--O2 -Wno-deprecated-declarations}"
say "go vet"
go vet ./... || die "go vet"

if [ $quick = no ]; then
  say "go mod tidy"
  if ! go mod tidy -diff >"$work/tidy" 2>"$work/error"; then
    if [ -s "$work/tidy" ]; then
      cat "$work/tidy"
      die "go mod tidy would change that"
    fi
    tail -n 3 "$work/error"
    skip "whether go.mod is tidy: a module that only tests of others need could not be downloaded"
  fi
  say "staticcheck"
  if go build -modfile=tools/go.mod -o "$work/staticcheck" honnef.co/go/tools/cmd/staticcheck >"$work/build" 2>&1; then
    "$work/staticcheck" ./... || die "staticcheck"
  else
    tail -n 3 "$work/build"
    skip "staticcheck: it could not be built"
  fi
  say "builds without cgo"
  for target in {linux,darwin,windows}/{amd64,arm64}; do
    echo "$target"
    CGO_ENABLED=0 GOOS=${target%/*} GOARCH=${target#*/} go build -o "$work/simcap" ./cmd/simcap ||
      die "build for $target"
  done
  CGO_ENABLED=0 go build -tags nogpu -o "$work/simcap" ./cmd/simcap || die "build without the driver of GPUs"
fi

say "go test"
code=0
go test -v ./... 2>&1 | tee "$work/log" | { grep --line-buffered -E '^(ok|FAIL|panic)' || true; } || code=$?
if [ $code != 0 ]; then
  grep -vE '^(=== |[[:space:]]*--- (PASS|SKIP)|PASS|ok |\?)' "$work/log" | tail -n 300
  die "go test"
fi
while IFS= read -r line; do
  skip "$line"
done < <(awk '/^=== (RUN|NAME|CONT)/ { last = "" }
  /^[[:space:]]+[A-Za-z0-9_]+\.go:[0-9]+: / { last = $0; sub(/^[[:space:]]+/, "", last) }
  /^[[:space:]]*--- SKIP: / { print $3 ": " last }' "$work/log")

if [ $quick = no ]; then
  reference=../shared/oracle/diff.py
  if [ -f "$reference" ] && [ -n "$python" ]; then
    say "comparison with the reference simulator"
    go build -o "$work/simcap" ./cmd/simcap
    "$python" "$reference" "$work/simcap" --seeds 1-150 || die "simcap and the reference simulator differ"
  else
    skip "comparison with the reference simulator: it is not beside the checkout"
  fi
fi

if [ $quick = no ]; then
  say "instructions an input, as recorded"
  go build -o "$work/bench" ./internal/bench
  code=0
  "$work/bench" -instructions >"$work/counts" 2>&1 || code=$?
  case $code in
  0) cat "$work/counts" ;;
  3) skip "instructions an input: $(tail -n 1 "$work/counts")" ;;
  *) cat "$work/counts" && die "instructions an input" ;;
  esac
fi

if [ $fuzz = yes ]; then
  say "fuzzing, some seconds each"
  while read -r package name; do
    echo "$package $name"
    go test "$package" -run '^$' -fuzz "^$name\$" -fuzztime 5s -fuzzminimizetime 2s >"$work/fuzz" 2>&1 || {
      cat "$work/fuzz"
      die "$package $name"
    }
  done < <(grep -rlE --include='*_test.go' '^func Fuzz' . | sort | while read -r file; do
    sed -nE "s#^func (Fuzz[A-Za-z0-9_]+)\(.*#$(dirname "$file") \1#p" "$file"
  done)
fi

say "passed"
if [ ${#skipped[@]} -gt 0 ]; then
  echo "skipped:"
  printf -- '- %s\n' "${skipped[@]}"
fi
