#!/bin/bash
# Three organisations publish, edit and publish again; what is read is what was written.
# shellcheck source-path=SCRIPTDIR
source "$(dirname "$0")/lib.sh"

start "$work/data"

step "organisations"
for name in environment transport province-51; do
  json_is "organisation" ".name == \"$name\"" "$(lt operator organisation create "$name" --title "Sở $name")"
done
equal "organisations" "environment operator province-51 transport" \
  "$(lt operator organisation list | jq -r .name | sort | paste -sd' ')"
refused ALREADY_EXISTS ORGANISATION_EXISTS lt operator organisation create transport
refused PERMISSION_DENIED OPERATOR_ONLY lt transport organisation create another
refused INVALID_ARGUMENT NAME_INVALID lt operator organisation create 'Bad Name'

step "samples are the same for the same options"
lt - sample roads --count 300 --seed 7 --province 51 --out "$work/roads.gpkg" >/dev/null
lt - sample roads --count 300 --seed 7 --province 51 --out "$work/roads.geojsonl" >/dev/null
lt - sample roads --count 300 --seed 7 --province 51 --out "$work/again.geojsonl" >/dev/null
cmp "$work/roads.geojsonl" "$work/again.geojsonl" || die "two samples of one seed differ"
lt - sample roads --count 300 --seed 8 --province 51 --out "$work/again.geojsonl" >/dev/null
! cmp -s "$work/roads.geojsonl" "$work/again.geojsonl" || die "another seed gives the same sample"
json_is "sample" '.features == 120 and .crs == "EPSG:4326"' \
  "$(lt - sample stations --count 120 --crs EPSG:4326 --out "$work/stations.geojson")"
json_is "sample" '.features == 200' "$(lt - sample parcels --count 200 --province 51 --out "$work/parcels.fgb")"

step "datasets, inferred from files"
made=$(lt transport dataset create transport.road_segment --from "$work/roads.gpkg")
json_is "dataset" '.name == "transport.road_segment" and .owner == "transport" and .head == 0 and
  (.uid | length) > 0 and (.schema.fields | length) > 0 and (.notes | type) == "array"' "$made"
lt environment dataset create environment.monitoring_station --from "$work/stations.geojson" >/dev/null
lt operator dataset create province-51.parcel --from "$work/parcels.fgb" --owner province-51 --id-field lt_id \
  >"$work/parcel.json"
json_is "owner" '.owner == "province-51"' "$(cat "$work/parcel.json")"
equal "datasets" 3 "$(lt transport dataset list | wc -l)"
refused ALREADY_EXISTS DATASET_EXISTS lt transport dataset create transport.road_segment --from "$work/roads.gpkg"
refused NOT_FOUND FILE_NOT_FOUND lt transport dataset create transport.x --from "$work/none.gpkg"

step "a schema that was shown makes an equal dataset"
lt transport dataset show transport.road_segment | jq .schema >"$work/schema.json"
lt transport dataset create transport.copy --schema "$work/schema.json" >/dev/null
equal "schema" "$(jq -S . "$work/schema.json")" "$(lt transport dataset show transport.copy | jq -S .schema)"

step "first push"
receipt=$(lt transport push transport.road_segment "$work/roads.gpkg" --message "đợt đầu" --changeset-id roads/1)
equal "members of a receipt" \
  "dataset version commit_id attempt_id changeset_id changed inserted updated deleted unchanged quarantined skipped findings digest collapsed receipt" \
  "$(jq -r 'keys_unsorted | join(" ")' <<<"$receipt")"
json_is "receipt" '.version == 1 and .changed and .inserted == 300 and .updated == 0 and .deleted == 0 and
  .unchanged == 0 and .changeset_id == "roads/1" and (.digest | length) == 64' "$receipt"

step "the same again: the same receipt, and no version"
equal "receipt" "$receipt" "$(lt transport push transport.road_segment "$work/roads.gpkg" --changeset-id roads/1)"
same=$(lt transport push transport.road_segment "$work/roads.gpkg")
json_is "no-op" '.version == 1 and (.changed | not) and .unchanged == 300 and .inserted == 0' "$same"
lt - sample roads --count 290 --seed 7 --province 51 --out "$work/fewer.gpkg" >/dev/null
refused ALREADY_EXISTS CHANGESET_ID_REUSED \
  lt transport push transport.road_segment "$work/fewer.gpkg" --changeset-id roads/1
json_is "the refusal names the id" '.error.details.changeset_id == "roads/1"' "$refusal"

step "GeoJSON in WGS 84 comes into a dataset in VN-2000 by the pinned operation, and once"
lt transport dataset create transport.moved --schema "$work/schema.json" >/dev/null
moved=$(lt transport push transport.moved "$work/roads.geojsonl")
json_is "transformed" '.inserted == 300 and .receipt.datasets[0].transformations ==
  [{"source_crs": "EPSG:4326", "operation": "EPSG:6960"}]' "$moved"
json_is "the same export again" '(.changed | not) and .unchanged == 300' \
  "$(lt transport push transport.moved "$work/roads.geojsonl" --snapshot)"
refused INVALID_ARGUMENT COORDINATES_IMPLAUSIBLE lt transport push transport.moved "$work/roads.geojsonl" --crs EPSG:9210

step "edits, pushed as a whole export"
lt - sample roads --count 300 --seed 7 --province 51 --edits 40 --rounds 1 --out "$work/roads1.gpkg" >/dev/null
dry=$(lt transport push transport.road_segment "$work/roads1.gpkg" --snapshot --dry-run)
second=$(lt transport push transport.road_segment "$work/roads1.gpkg" --snapshot)
json_is "snapshot" '.version == 2 and .inserted + .updated + .deleted == 40 and .inserted > 0 and .updated > 0 and
  .deleted > 0 and .unchanged == 300 - .updated - .deleted' "$second"
counts='[.inserted, .updated, .deleted, .unchanged]'
equal "counts of the dry run" "$(jq -c "$counts" <<<"$second")" "$(jq -c "$counts" <<<"$dry")"
json_is "dry run" '.digest == ""' "$dry"
lt - sample roads --count 300 --seed 7 --province 51 --edits 40 --rounds 2 --out "$work/roads2.gpkg" >/dev/null
third=$(lt transport push transport.road_segment "$work/roads2.gpkg" --snapshot --message "đợt ba")
json_is "third" '.version == 3' "$third"

step "mass deletes and empty snapshots are refused"
lt - sample roads --count 10 --seed 7 --province 51 --out "$work/few.gpkg" >/dev/null
refused FAILED_PRECONDITION MASS_DELETE lt transport push transport.road_segment "$work/few.gpkg" --snapshot
lt - sample roads --count 0 --seed 7 --province 51 --out "$work/empty.gpkg" >/dev/null
refused FAILED_PRECONDITION EMPTY_SNAPSHOT lt transport push transport.road_segment "$work/empty.gpkg" --snapshot

step "a snapshot of what a filter holds for"
stations() {
  jq -n --args '{type: "FeatureCollection", features: [$ARGS.positional[] | split(":") | {type: "Feature", id: .[0],
    properties: {province: .[1], name: .[2]}, geometry: {type: "Point", coordinates: [105.5, 21.5]}}]}' "$@"
}
stations a:01:x b:01:x c:79:x >"$work/all.geojson"
stations a:01:y d:01:x >"$work/hanoi.geojson"
lt transport dataset create transport.scoped --from "$work/all.geojson" >/dev/null
lt transport push transport.scoped "$work/all.geojson" >/dev/null
scoped=$(lt transport push transport.scoped "$work/hanoi.geojson" --snapshot --scope-filter "province = '01'")
json_is "scoped snapshot" '.inserted == 1 and .updated == 1 and .deleted == 1' "$scoped"
refused FAILED_PRECONDITION OUT_OF_SCOPE \
  lt transport push transport.scoped "$work/all.geojson" --snapshot --scope-filter "province = '79'"
refused INVALID_ARGUMENT FILTER_UNKNOWN_PROPERTY \
  lt transport push transport.scoped "$work/hanoi.geojson" --snapshot --scope-filter "provinz = '79'"

step "the diff is what the receipts counted"
lt environment diff transport.road_segment 1..2 >"$work/diff12"
equal "entries of 1..2" "$(jq -c '[.inserted, .updated, .deleted]' <<<"$second")" \
  "$(jq -sc '[([.[] | select(.op == "INSERT")] | length), ([.[] | select(.op == "UPDATE")] | length),
     ([.[] | select(.op == "DELETE")] | length)]' "$work/diff12")"
json_is "members of an entry" 'keys_unsorted == ["op", "id", "geometry", "properties", "version"]' \
  "$(head -n 1 "$work/diff12")"
lt environment diff transport.road_segment 1..2 --before >"$work/diff12b"
jq -se 'all(.[]; if .op == "INSERT" then .before == null else (.before.properties | type) == "object" end)' \
  "$work/diff12b" >/dev/null || die "a state before is missing or too many"
equal "diff to itself" 0 "$(lt environment diff transport.road_segment 3..3 | wc -l)"
equal "open end" "$(lt environment diff transport.road_segment 0..3 | sha256sum)" \
  "$(lt environment diff transport.road_segment 0.. | sha256sum)"
equal "geometry is in WGS 84" true \
  "$(jq -s '[.[] | select(.geometry) | .geometry.coordinates[0] | .[0] > 102 and .[0] < 110 and .[1] > 8 and .[1] < 24] |
     all' "$work/diff12")"
refused OUT_OF_RANGE VERSION_OUT_OF_RANGE lt environment diff transport.road_segment 1..9
refused NOT_FOUND DATASET_UNKNOWN lt environment diff nothing.here 0..

step "changes are every single one"
changed=0
for n in "$receipt" "$second" "$third"; do changed=$((changed + $(jq '.inserted + .updated + .deleted' <<<"$n"))); done
equal "changes" "$changed" "$(lt environment changes transport.road_segment 0.. | wc -l)"

step "log and show"
equal "log" "3 2 1" "$(lt environment log transport.road_segment | jq -r .version | paste -sd' ')"
shown=$(lt environment show transport.road_segment 1)
json_is "show" '.organisation == "transport" and .message == "đợt đầu" and .inserted == 300 and
  .changeset_id == "roads/1" and .previous_digest == ""' "$shown"
equal "digest" "$(jq -r .digest <<<"$receipt")" "$(jq -r .digest <<<"$shown")"
equal "digest computed by hand" "$(jq -r .digest <<<"$shown")" \
  "$(jq -cjS '.receipt | del(.digest)' <<<"$shown" | sha256sum | cut -d' ' -f1)"
for v in 2 3; do
  equal "chain of receipts at $v" "$(lt environment show transport.road_segment $((v - 1)) | jq -r .digest)" \
    "$(lt environment show transport.road_segment $v | jq -r .previous_digest)"
done
refused NOT_FOUND CHANGESET_UNKNOWN lt environment show transport.road_segment 4

step "snapshots are written and read back bit for bit, in each format and at each version"
for format in gpkg fgb; do
  json_is "snapshot" '.version == 3' "$(lt province-51 snapshot transport.road_segment --out "$work/head.$format")"
  again=$(lt transport push transport.road_segment "$work/head.$format" --snapshot)
  json_is "read back from $format" '(.changed | not) and .version == 3 and .updated == 0' "$again"
done
json_is "snapshot of version 1" '.features == 300 and .version == 1' \
  "$(lt province-51 snapshot transport.road_segment@1 --out "$work/v1.gpkg")"
lt transport push transport.copy "$work/v1.gpkg" >/dev/null
json_is "version 1 is the first file" '(.changed | not) and .unchanged == 300' \
  "$(lt transport push transport.copy "$work/roads.gpkg" --snapshot)"
lt environment push environment.monitoring_station "$work/stations.geojson" >/dev/null
for format in geojson geojsonl gpkg; do
  lt environment snapshot environment.monitoring_station --out "$work/st.$format" >/dev/null
  json_is "stations from $format" '(.changed | not) and .unchanged == 120' \
    "$(lt environment push environment.monitoring_station "$work/st.$format" --snapshot)"
done
refused OUT_OF_RANGE VERSION_OUT_OF_RANGE lt transport snapshot transport.road_segment@9 --out "$work/none.gpkg"
[[ ! -e $work/none.gpkg ]] || die "a refused snapshot left a file"
refused INVALID_ARGUMENT FORMAT_UNKNOWN lt transport snapshot transport.road_segment --out "$work/none.docx"

step "only the owner and the operator publish; unknown names are refused"
refused PERMISSION_DENIED NOT_OWNER lt environment push transport.road_segment "$work/roads.gpkg"
refused UNAUTHENTICATED ORGANISATION_UNKNOWN lt nobody status
lt operator push province-51.parcel "$work/parcels.fgb" >/dev/null

step "status"
status=$(lt province-51 status)
json_is "status" '.health == "SERVING" and (.datasets | length) == 6 and
  (.datasets[] | select(.name == "province-51.parcel") | .head == 1 and .features == 200 and .owner == "province-51")' \
  "$status"

step "--json and --as after the verb; for people without --json"
"$LIENTHONG" status --as transport --endpoint "$endpoint" --json | jq -e .datasets >/dev/null
LIENTHONG_ENDPOINT=$endpoint LIENTHONG_ORGANISATION=transport "$LIENTHONG" log transport.road_segment | grep -q 'đợt ba'
LIENTHONG_ENDPOINT=$endpoint "$LIENTHONG" --as transport diff transport.road_segment 1..2 |
  tail -n 1 | grep -q 'inserted.*updated.*deleted'
errors=$("$LIENTHONG" --as transport --endpoint "$endpoint" show transport.road_segment 99 2>&1 >/dev/null) && die "no failure"
grep -q '^error: .*(CHANGESET_UNKNOWN)' <<<"$errors" || die "the error for people: $errors"

step "wrong usage"
wrong_usage lt transport diff transport.road_segment 5
wrong_usage lt transport diff transport.road_segment 3..1
wrong_usage lt transport diff transport.road_segment ..3
wrong_usage lt transport nonsense
wrong_usage lt transport push transport.road_segment
wrong_usage lt transport dataset create a.b
wrong_usage lt transport snapshot transport.road_segment@x --out "$work/x.gpkg"
wrong_usage "$LIENTHONG" --endpoint "$endpoint" status
wrong_usage "$LIENTHONG"
json_is "wrong usage as JSON" '.error.reason == "USAGE"' "$("$LIENTHONG" nonsense --json 2>/dev/null || true)"
"$LIENTHONG" --help | grep -q snapshot
"$LIENTHONG" --version >/dev/null

step "an exchange that is not there"
exit_code=0
gone=$("$LIENTHONG" --endpoint 127.0.0.1:1 --as transport --json status) || exit_code=$?
equal "exit code" 1 "$exit_code"
json_is "unavailable" '.error.code == "UNAVAILABLE"' "$gone"
