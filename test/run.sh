#!/bin/sh
# Installs what is missing, runs every check and every test, and closes with "N passed, N failed".
# Each static check counts as one.
set -u
cd "$(dirname "$0")/.." || exit 1
passed=0
failed=0

check() {
  name=$1
  shift
  printf '\n== %s\n' "$name"
  "$@"
  count "$name" $?
}

count() {
  if [ "$2" -eq 0 ]; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    printf '== %s FAILED\n' "$1"
  fi
}

# The checks that only read, on two cores: each uses one. What they print comes when all are done.
static() {
  for name in "$@"; do
    npm run --silent "$name" >"$scratch/$name.log" 2>&1
    echo $? >"$scratch/$name.status"
  done
}

tell() {
  for name in "$@"; do
    printf '\n== %s\n' "$name"
    cat "$scratch/$name.log"
    count "$name" "$(cat "$scratch/$name.status")"
  done
}

finish() {
  printf '%s passed, %s failed\n' "$passed" "$failed"
  [ "$failed" -eq 0 ]
  exit
}

check install env SLUICE_PREPARE=install ./sluice
[ "$failed" -eq 0 ] || finish
PATH=$PWD/node_modules/.bin:$PWD/node_modules/node/bin:$PATH
export PATH
NODE_OPTIONS="${NODE_OPTIONS:-} --disable-warning=ExperimentalWarning"
export NODE_OPTIONS

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
static lint &
static format types layers unused
wait
tell format types lint layers unused
check build env SLUICE_PREPARE=build ./sluice
check temporal node client/engine/install-temporal.ts
check chromium node test/web/install-chromium.ts

report=$scratch/report.json
printf '\n== tests\n'
status=0
vitest run --reporter=default --reporter=json --outputFile.json="$report" || status=$?
counts=$(node test/count-results.ts "$report" "$status")
passed=$((passed + ${counts% *}))
failed=$((failed + ${counts#* }))
finish
