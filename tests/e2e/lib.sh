# Shared by the end-to-end tests: a folder of their own, the exchange started and always stopped, and checks that say
# what they saw. Sourced, not run. Needs LIENTHONG, the built program.
# shellcheck shell=bash
set -euo pipefail

: "${LIENTHONG:?name the built program lienthong in LIENTHONG; ctest does}"
readonly skip=77

unset LIENTHONG_ENDPOINT LIENTHONG_ORGANISATION LIENTHONG_DATABASE LIENTHONG_CONFIG

work=$(mktemp -d "${TMPDIR:-/tmp}/lienthong-e2e.XXXXXX")
chmod 755 "$work" # the database may run as another user
readonly work
started=()

cleanup() {
  local code=$? directory job
  for job in $(jobs -p); do
    kill -KILL "$job" 2>/dev/null || true
    wait "$job" 2>/dev/null || true
  done
  for directory in "${started[@]:+${started[@]}}"; do
    ((code == 0)) || { echo "--- log of $directory" && tail -n 40 "$directory.log" "$directory/lienthong.log"; } >&2 2>/dev/null || true
    "$LIENTHONG" down --data "$directory" >/dev/null 2>&1 || true
  done
  if ((code != 0 && code != skip)); then echo "FAILED: ${BASH_SOURCE[-1]}, after: ${current:-start}" >&2; fi
  [[ -n ${LT_KEEP_TEST_DATA:-} ]] || rm -rf "$work"
  exit "$code"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

# step TEXT: what is being tried; shown when the test fails.
step() {
  current=$*
  echo "- $*"
}

die() {
  echo "not as expected: $*" >&2
  exit 1
}

# start DIR [ARGUMENT...]: `lienthong up --detach`; sets endpoint, metrics and database.
start() {
  local directory=$1 json
  shift
  started+=("$directory")
  json=$("$LIENTHONG" up --data "$directory" --port 0 --metrics-port 0 --detach --json "$@" 2>"$directory.log") ||
    die "up did not start: $json $(cat "$directory.log")"
  use_endpoints "$json"
}

use_endpoints() {
  endpoint=$(jq -r .exchange <<<"$1")
  metrics=$(jq -r .metrics <<<"$1")
  database=$(jq -r .database <<<"$1")
  up_pid=$(jq -r .pid <<<"$1")
  export endpoint metrics database up_pid
}

# lt ORGANISATION ARGUMENT...: the program, with --json.
lt() {
  local organisation=$1
  shift
  "$LIENTHONG" --endpoint "$endpoint" --as "$organisation" --json "$@" 2>>"$work/stderr.log"
}

# equal WHAT EXPECTED FOUND
equal() { [[ $2 == "$3" ]] || die "$1: expected '$2', found '$3'"; }

# json_is WHAT FILTER TEXT: a jq filter that must be true.
json_is() { jq -e "$2" <<<"$3" >/dev/null || die "$1: not $2 in: $3"; }

# refused CODE REASON COMMAND...: it must exit with 1 and say this; the JSON stays in $refusal.
refused() {
  local code=$1 reason=$2 exit_code=0
  shift 2
  refusal=$("$@") || exit_code=$?
  equal "exit code of $*" 1 "$exit_code"
  equal "code of $* ($refusal)" "$code" "$(tail -n 1 <<<"$refusal" | jq -r .error.code)"
  equal "reason of $* ($refusal)" "$reason" "$(tail -n 1 <<<"$refusal" | jq -r .error.reason)"
}

# wrong_usage COMMAND...: it must exit with 2.
wrong_usage() {
  local exit_code=0
  "$@" >/dev/null 2>&1 || exit_code=$?
  equal "exit code of $*" 2 "$exit_code"
}

# grpcurl of ./dev setup, or of PATH. Its absence is a failure: without it nothing of this is proven.
find_grpcurl() {
  local own
  own=$(dirname "${BASH_SOURCE[0]}")/../../.dev/bin/grpcurl
  if [[ -x $own ]]; then
    grpcurl=$own
  else
    # shellcheck disable=SC2034  # for those who source this
    grpcurl=$(command -v grpcurl) || die "grpcurl is missing; run ./dev setup"
  fi
}

# until_true SECONDS COMMAND...: waits for a condition.
until_true() {
  local end=$((SECONDS + $1))
  shift
  until "$@"; do
    ((SECONDS < end)) || die "still not: $*"
    sleep 0.1
  done
}

is_gone() { [[ ! -d /proc/$1 ]] || grep -q '^State:.*Z' "/proc/$1/status" 2>/dev/null; }

# sql QUERY [URL]
sql() { psql -X -q -At -v ON_ERROR_STOP=1 -c "$1" "${2:-$database}"; }
