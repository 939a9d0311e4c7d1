#!/bin/bash
# The life of features, undoing, attempts, quarantine, and receipts that are checked without an exchange.
# shellcheck source-path=SCRIPTDIR
source "$(dirname "$0")/lib.sh"

points() { # NAME...: one GeoJSON point each, "id:name:lanes"
  local item id name lanes
  for item in "$@"; do
    IFS=: read -r id name lanes <<<"$item"
    printf '{"type":"Feature","id":"%s","geometry":{"type":"Point","coordinates":[106.%s1,10.5]},"properties":{"name":"%s","lanes":%s}}\n' \
      "$id" "$lanes" "$name" "$lanes"
  done
}

start "$work/data"
lt operator organisation create transport >/dev/null
lt operator organisation create environment >/dev/null
cat >"$work/schema.json" <<'JSON'
{"crs":"EPSG:4326","geometry":{"types":["POINT"]},
 "fields":[{"name":"name","type":"string","required":true,"max_length":20},
           {"name":"lanes","type":"int64","minimum":1,"maximum":16}]}
JSON
lt transport dataset create transport.gate --schema "$work/schema.json" >/dev/null
before_all=$(date -u -d '-1 hour' +%Y-%m-%dT%H:%M:%SZ)

step "three versions"
points a:one:1 b:two:2 c:three:3 >"$work/1.geojsonl"
points a:one:4 b:two:2 c:three:3 d:four:4 >"$work/2.geojsonl"
points a:one:4 b:two:5 d:four:4 >"$work/3.geojsonl"
lt transport push transport.gate "$work/1.geojsonl" --changeset-id gate/1 --message "đợt đầu" >"$work/receipt1.json"
lt transport push transport.gate "$work/2.geojsonl" --changeset-id gate/2 >"$work/receipt2.json"
lt transport push transport.gate "$work/3.geojsonl" --snapshot --changeset-id gate/3 >"$work/receipt3.json"

step "blame tells the life of a feature"
lt environment blame transport.gate a >"$work/blame"
equal "changes of a" "2 1" "$(jq -r .version "$work/blame" | paste -sd' ')"
json_is "the newer" '.op == "UPDATE" and .organisation == "transport" and .changeset_id == "gate/2" and
  .before.properties.lanes == 1 and .after.properties.lanes == 4 and .after.geometry.coordinates == [106.41, 10.5]' \
  "$(head -n 1 "$work/blame")"
json_is "the older" '.op == "INSERT" and .message == "đợt đầu" and .before == null' "$(tail -n 1 "$work/blame")"
json_is "a deleted feature" '.op == "DELETE" and .after == null and .before.properties.name == "three"' \
  "$(lt environment blame transport.gate c --limit 1)"
refused NOT_FOUND FEATURE_NOT_FOUND lt environment blame transport.gate nobody
"$LIENTHONG" --endpoint "$endpoint" --as environment blame transport.gate a | grep -q 'lanes: 1 → 4'

step "a snapshot as of a time"
time_of() { jq -r .receipt.committed_at "$work/receipt$1.json"; }
for v in 1 2 3; do
  json_is "as of version $v" ".version == $v" \
    "$(lt environment snapshot transport.gate --as-of "$(time_of $v)" --out "$work/as_of.geojson")"
done
json_is "before the first" '.version == 0 and .features == 0' \
  "$(lt environment snapshot transport.gate --as-of "$before_all" --out "$work/as_of.geojson")"
json_is "at another offset" '.version == 3' \
  "$(lt environment snapshot transport.gate --as-of "$(date -u +%Y)-12-31T23:59:59+07:00" --out "$work/as_of.geojson")"
wrong_usage lt environment snapshot transport.gate@1 --as-of "$before_all" --out "$work/as_of.geojson"
wrong_usage lt environment snapshot transport.gate --as-of yesterday --out "$work/as_of.geojson"

step "a version is undone, and the undoing too"
json_is "dry run" '.inserted == 1 and .updated == 1 and .digest == ""' "$(lt transport revert transport.gate@3 --dry-run)"
undone=$(lt transport revert transport.gate@3 --changeset-id undo/3)
json_is "revert" '.version == 4 and .dataset == "transport.gate" and .inserted == 1 and .updated == 1 and
  .changeset_id == "undo/3" and (.receipt.message | startswith("Reverts gate/3 "))' "$undone"
equal "repeated" "$undone" "$(lt transport revert transport.gate@3 --changeset-id undo/3)"
equal "state of version 2" 0 "$(lt environment diff transport.gate 2..4 | wc -l)"
json_is "by its id" '.version == 5' "$(lt transport revert --changeset undo/3 --message "nhầm")"
equal "state of version 3" 0 "$(lt environment diff transport.gate 3..5 | wc -l)"
refused FAILED_PRECONDITION VERSION_CONFLICT lt transport revert transport.gate@1
refusal_id=$(jq -r .error.details.changeset_id <<<"$refusal")
[[ $refusal_id == revert/* ]] || die "the refusal does not name the id of the revert: $refusal"
skipped=$(lt transport revert transport.gate@1 --skip-conflicts)
json_is "skipped" '.skipped > 0' "$skipped"
attempt=$(jq -r .attempt_id <<<"$skipped")
lt transport conflicts --attempt "$attempt" >"$work/conflicts"
equal "conflicts" "$(jq .skipped <<<"$skipped")" "$(wc -l <"$work/conflicts")"
json_is "a conflict" '.dataset == "transport.gate" and .kind == "CHANGED" and .expected_version == 1 and
  .found_version > 1 and .found_organisation == "transport" and (.found_at | length) > 0' "$(head -n 1 "$work/conflicts")"
refused PERMISSION_DENIED NOT_OWNER lt environment revert transport.gate@3
refused NOT_FOUND CHANGESET_UNKNOWN lt transport revert transport.gate@99
wrong_usage lt transport revert
wrong_usage lt transport revert transport.gate
wrong_usage lt transport revert transport.gate@1 --changeset gate/1

step "what a refused push found is listed"
points f:six:6 b:a-name-that-is-much-too-long:2 e:five:99 >"$work/bad.geojsonl"
exit_code=0
refusal=$(lt transport push transport.gate "$work/bad.geojsonl") || exit_code=$?
equal "exit code" 1 "$exit_code"
json_is "the error has the findings" '(.error.attempt_id | length) > 0 and .error.attempt_id == .error.details.attempt_id and
  (.error.findings | length) == 2 and ([.error.findings[].feature_id] | sort) == ["b", "e"]' "$refusal"
attempt=$(jq -r .error.attempt_id <<<"$refusal")
lt transport findings --attempt "$attempt" >"$work/findings"
equal "members of a finding" "rule severity feature_id field place message_vi message_en" \
  "$(head -n 1 "$work/findings" | jq -r 'keys_unsorted[0:7] | join(" ")')"
equal "findings of a severity" 2 "$(lt transport findings --attempt "$attempt" --severity error | wc -l)"
equal "findings of another" 0 "$(lt transport findings --attempt "$attempt" --severity info | wc -l)"
equal "findings of a feature" 1 "$(lt transport findings --attempt "$attempt" --feature e | wc -l)"
json_is "the attempt" '.outcome == "REFUSED" and .dataset == "transport.gate" and .findings == 2' \
  "$(lt transport attempts --attempt "$attempt")"
equal "attempts" "$attempt" "$(lt transport attempts --dataset transport.gate --limit 1 | jq -r .attempt_id)"
equal "accepted attempts" 3 "$(lt transport attempts --outcome accepted | jq -r .changeset_id | grep -c gate/)"
refused NOT_FOUND ATTEMPT_UNKNOWN lt environment findings --attempt "$attempt"
wrong_usage lt transport findings
wrong_usage lt transport findings transport.gate --attempt "$attempt"
wrong_usage lt transport conflicts

step "invalid features are set aside, released and discarded"
pushed=$(lt transport push transport.gate "$work/bad.geojsonl" --quarantine)
json_is "quarantined" '.quarantined == 2 and .findings == 2 and .inserted == 1' "$pushed"
equal "findings of the version" 2 "$(lt transport findings transport.gate | wc -l)"
lt transport quarantine list transport.gate --state held >"$work/held"
equal "held" "b e" "$(jq -r .feature_id "$work/held" | sort | paste -sd' ')"
json_is "what was sent" '.state.properties.lanes == 99 and .op == "UPSERT" and .quarantine_state == "HELD" and
  (.findings | length) == 1' "$(jq -c 'select(.feature_id == "e")' "$work/held")"
id_of() { jq -r "select(.feature_id == \"$1\") | .quarantine_id" "$work/held"; }
points e:five:9 >"$work/corrected.geojsonl"
json_is "released" '.inserted == 1 and .changeset_id == "gate/e"' \
  "$(lt transport quarantine release transport.gate --id "$(id_of e)" --from-file "$work/corrected.geojsonl" --changeset-id gate/e)"
refused INVALID_ARGUMENT VALUE_TOO_LONG lt transport quarantine release transport.gate --id "$(id_of b)" --as-sent
json_is "discarded" '.discarded == 1' "$(lt transport quarantine discard transport.gate --id "$(id_of b)" --note "sai tên")"
equal "nothing is held" 0 "$(lt transport quarantine list transport.gate --state held | wc -l)"
json_is "the note" '.note == "sai tên" and .decided_by == "transport"' \
  "$(lt transport quarantine list transport.gate --state discarded)"
refused FAILED_PRECONDITION QUARANTINE_DECIDED lt transport quarantine discard transport.gate --id "$(id_of b)" --note x
wrong_usage lt transport quarantine release transport.gate --id 1
wrong_usage lt transport quarantine list transport.gate --state lost

step "policies of a push"
points a:other:4 z:new:3 >"$work/masked.geojsonl"
refused FAILED_PRECONDITION FEATURE_NOT_FOUND lt transport push transport.gate "$work/masked.geojsonl" --only name
masked=$(lt transport push transport.gate "$work/masked.geojsonl" --only name --on-conflict skip)
json_is "only one field, of what is there" '.updated == 1 and .inserted == 0 and .skipped == 1' "$masked"
json_is "the rest stays" '.after.properties == {"name":"other","lanes":4}' \
  "$(lt environment blame transport.gate a --limit 1)"
wrong_usage lt transport push transport.gate "$work/masked.geojsonl" --only width
wrong_usage lt transport push transport.gate "$work/masked.geojsonl" --only name --snapshot
points a:again:1 >"$work/old.geojsonl"
refused FAILED_PRECONDITION VERSION_CONFLICT lt transport push transport.gate "$work/old.geojsonl" --base-version 3
points r:first:1 r:last:2 >"$work/repeated.geojsonl"
refused INVALID_ARGUMENT DUPLICATE_ID lt transport push transport.gate "$work/repeated.geojsonl"
json_is "collapsed" '.inserted == 1 and .collapsed == 1' \
  "$(lt transport push transport.gate "$work/repeated.geojsonl" --collapse-repeated)"
points "n:Hu$(printf 'e\xcc\x82'):2" >"$work/nfd.geojsonl"
json_is "repaired" '.inserted == 1 and .findings == 1' \
  "$(lt transport push transport.gate "$work/nfd.geojsonl" --repair nfc,promote-to-multi)"
wrong_usage lt transport push transport.gate "$work/nfd.geojsonl" --repair everything

step "new heads are seen as they come"
"$LIENTHONG" --endpoint "$endpoint" --as environment --json watch transport.gate >"$work/heads" &
watch_pid=$!
until_true 30 test -s "$work/heads"
points w:watched:1 >"$work/w.geojsonl"
version=$(lt transport push transport.gate "$work/w.geojsonl" | jq .version)
until_true 30 grep -q "\"version\":$version," "$work/heads"
json_is "a head" '.dataset == "transport.gate" and (.digest | length) == 64' "$(tail -n 1 "$work/heads")"
kill "$watch_pid"
refused NOT_FOUND DATASET_UNKNOWN lt environment watch no.such

step "receipts are proven without an exchange"
lt environment log transport.gate >"$work/log.jsonl"
"$LIENTHONG" down --data "$work/data" >/dev/null
verify() { "$LIENTHONG" receipt verify "$1" --json; }
verify "$work/log.jsonl" >"$work/verified" || die "the log is not proven: $(cat "$work/verified")"
equal "a line for each" "$(wc -l <"$work/log.jsonl")" "$(jq -s 'map(select(.ok and .problems == [])) | length' "$work/verified")"
cat "$work"/receipt?.json >"$work/pushed.jsonl"
verify "$work/pushed.jsonl" >/dev/null || die "what push printed is not proven"
"$LIENTHONG" receipt verify "$work/receipt2.json" | grep -q '^OK .*transport.gate v2 gate/2'
jq -s . "$work/log.jsonl" >"$work/list.json"
verify "$work/list.json" >/dev/null || die "a list is not proven"

step "a changed, a missing and a cut receipt are noticed"
unproven() { # FILE REASON
  local exit_code=0
  verify "$1" >"$work/verified" || exit_code=$?
  equal "exit code of $1" 1 "$exit_code"
  json_is "the last line is the error" '.error.code == "DATA_LOSS" and .error.reason == "RECEIPTS_UNPROVEN" and
    .error.details.wrong == "1"' "$(tail -n 1 "$work/verified")"
  equal "what is wrong with $1" "$2" "$(jq -r 'select(.ok == false) | .problems[].reason' "$work/verified")"
}
sed '2s/"organisation":"transport"}}/"organisation":"transporr"}}/' "$work/log.jsonl" >"$work/tampered.jsonl"
cmp -s "$work/log.jsonl" "$work/tampered.jsonl" && die "nothing was tampered with"
unproven "$work/tampered.jsonl" "$(printf 'DIGEST_MISMATCH\nRECEIPT_MISQUOTED')"
sed '2s/"unchanged":[0-9]*,/"unchanged":77,/' "$work/log.jsonl" >"$work/tampered.jsonl"
unproven "$work/tampered.jsonl" RECEIPT_MISQUOTED
sed 2d "$work/log.jsonl" >"$work/gap.jsonl"
unproven "$work/gap.jsonl" CHAIN_GAP
refused INVALID_ARGUMENT RECEIPT_MALFORMED sh -c "head -c 700 '$work/log.jsonl' >'$work/cut' && '$LIENTHONG' receipt verify '$work/cut' --json"
refused NOT_FOUND FILE_NOT_FOUND "$LIENTHONG" receipt verify "$work/none" --json
