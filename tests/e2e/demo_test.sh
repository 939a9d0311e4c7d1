#!/bin/bash
# The demo runs to its end, says the same twice, and leaves nothing behind.
# shellcheck source-path=SCRIPTDIR
source "$(dirname "$0")/lib.sh"
find_grpcurl
PATH=$(cd "$(dirname "$grpcurl")" && pwd):$PATH
export LIENTHONG PATH TMPDIR=$work
demo=$(dirname "$0")/../../deploy/demo/run

step "it runs"
started_at=$SECONDS
"$demo" >"$work/first" 2>"$work/first.err" || die "$(tail -n 20 "$work/first" "$work/first.err")"
((SECONDS - started_at < 60)) || die "it took $((SECONDS - started_at)) s"
for words in environment transport province-51 StreamDiff 'inserted' grpcurl digest; do
  grep -q -- "$words" "$work/first" || die "'$words' is not in its output"
done
! grep -q $'\x1b' "$work/first" || die "it colours what is not a terminal"

step "it leaves nothing running, and nothing behind"
[[ -z $(find "$work" -mindepth 1 -maxdepth 1 -type d) ]] || die "a folder is left: $(ls "$work")"
! pgrep -f -- "$work/" >/dev/null || die "something still runs: $(pgrep -af -- "$work/")"

step "the second run says the same, but for ids, times, ports and digests"
"$demo" >"$work/second" 2>/dev/null
forget() {
  sed -E 's/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/UUID/g; s/[0-9a-f]{64}/DIGEST/g;
    s/[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z */TIME /g; s/127\.0\.0\.1:[0-9]+/ADDRESS/g; s/lienthong-demo\.[A-Za-z0-9]+/DIR/g' "$1"
}
diff <(forget "$work/first") <(forget "$work/second") >"$work/differences" || die "$(head -n 20 "$work/differences")"
