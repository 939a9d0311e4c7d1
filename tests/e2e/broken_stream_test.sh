#!/bin/bash
# A publish that is cut in the middle leaves nothing: no version, no feature, no staging; and can be done again.
# shellcheck source-path=SCRIPTDIR
source "$(dirname "$0")/lib.sh"

readonly features=60000 # far over what stays in memory, so that it is staged in many pieces
data=$work/data
export LIENTHONG_PUBLISH_RESUME_KEEP=0s
export LIENTHONG_PUBLISH_SWEEP_INTERVAL=1s # so that the test need not wait a minute for the sweeper
start "$data"
lt operator organisation create transport >/dev/null
lt - sample parcels --count "$features" --seed 3 --out "$work/parcels.gpkg" >/dev/null
lt transport dataset create transport.parcel --from "$work/parcels.gpkg" >/dev/null

staged() { sql "select coalesce(sum(changes), 0) from lienthong_staging.attempt"; }
staging_begun() { (($(staged) > 0)); }
staging_tables() { sql "select count(*) from pg_tables where schemaname = 'lienthong_staging' and tablename <> 'attempt'"; }
staging_empty() { [[ $(sql "select count(*) from lienthong_staging.attempt")$(staging_tables) == 00 ]]; }
nothing_published() {
  json_is "nothing is published" '.head == 0 and .features == 0' "$(lt transport dataset show transport.parcel)"
  equal "nothing to read" 0 "$(lt transport diff transport.parcel 0.. | wc -l)"
  equal "no changeset" 0 "$(lt transport log transport.parcel | wc -l)"
}

# push_in_background: sets pusher; its result comes in $work/pushed.json
push_in_background() {
  "$LIENTHONG" --endpoint "$endpoint" --as transport --json push transport.parcel "$work/parcels.gpkg" \
    --changeset-id cut/1 >"$work/pushed.json" 2>"$work/pushed.log" &
  pusher=$!
  until_true 60 staging_begun
}

step "the publisher is killed half way"
push_in_background
kill -STOP "$pusher"
(($(staged) < features)) || die "the push was already complete: the test proves nothing"
kill -KILL "$pusher"
code=0
wait "$pusher" || code=$?
equal "exit code" 137 "$code"
until_true 30 staging_empty
nothing_published

step "the exchange is killed half way; the next one sweeps"
push_in_background
kill -STOP "$pusher"
kill -9 "$up_pid"
until_true 20 is_gone "$up_pid"
kill -KILL "$pusher"
wait "$pusher" 2>/dev/null || true
start "$data"
until_true 30 staging_empty
nothing_published

step "the database is killed half way; the push goes on by itself"
push_in_background
kill -9 "$(head -n 1 "$data/pg/postmaster.pid")"
wait "$pusher" || die "the push failed: $(cat "$work/pushed.json" "$work/pushed.log")"
json_is "pushed" ".version == 1 and .inserted == $features and .changeset_id == \"cut/1\"" "$(cat "$work/pushed.json")"
until_true 30 staging_empty

step "the same once more is the same receipt"
equal "receipt" "$(cat "$work/pushed.json")" \
  "$(lt transport push transport.parcel "$work/parcels.gpkg" --changeset-id cut/1)"
json_is "one version" ".head == 1 and .features == $features" "$(lt transport dataset show transport.parcel)"
