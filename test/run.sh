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
  if "$@"; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    printf '== %s FAILED\n' "$name"
  fi
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

check format npm run --silent format
check types npm run --silent types
check lint npm run --silent lint
check layers npm run --silent layers
check unused npm run --silent unused
check build env SLUICE_PREPARE=build ./sluice
check temporal node client/engine/install-temporal.ts
check chromium node test/web/install-chromium.ts

report=$(mktemp)
trap 'rm -f "$report"' EXIT
printf '\n== tests\n'
status=0
vitest run --reporter=default --reporter=json --outputFile.json="$report" || status=$?
counts=$(node test/count-results.ts "$report" "$status")
passed=$((passed + ${counts% *}))
failed=$((failed + ${counts#* }))
finish
