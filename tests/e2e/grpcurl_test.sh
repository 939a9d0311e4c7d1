#!/bin/bash
# Everything by hand: an operator with grpcurl and nothing else.
# shellcheck source-path=SCRIPTDIR
source "$(dirname "$0")/lib.sh"
find_grpcurl
start "$work/data"

# call ORGANISATION METHOD JSON
call() {
  "$grpcurl" -plaintext -H "lienthong-organisation: $1" -d "$3" "$endpoint" "lienthong.v1.$2"
}

# call_refused CODE REASON ORGANISATION METHOD JSON: grpcurl fails and shows both; its words stay in $words.
call_refused() {
  local code=$1 reason=$2
  shift 2
  if words=$(call "$@" 2>&1); then die "$2 was not refused: $words"; fi
  grep -q "Code: $code" <<<"$words" || die "code $code is not in: $words"
  grep -q "\"reason\": \"$reason\"" <<<"$words" || die "reason $reason is not in: $words"
}

step "reflection lists the services, and describes every one"
services=$("$grpcurl" -plaintext "$endpoint" list)
for service in lienthong.v1.CatalogService lienthong.v1.ExchangeService grpc.health.v1.Health; do
  grep -qx "$service" <<<"$services" || die "$service is not in: $services"
done
"$grpcurl" -plaintext "$endpoint" describe lienthong.v1.ExchangeService | grep -q 'rpc StreamDiff' || die "no StreamDiff"

step "health"
for service in '' lienthong.v1.ExchangeService lienthong.v1.CatalogService; do
  equal "health of '$service'" SERVING "$("$grpcurl" -plaintext -d "{\"service\": \"$service\"}" "$endpoint" \
    grpc.health.v1.Health/Check | jq -r .status)"
done

step "an organisation and a dataset"
call operator CatalogService/CreateOrganisation '{"organisation": {"name": "environment", "title": "Sở TN&MT"}}' >/dev/null
created=$(call environment CatalogService/CreateDataset '{"dataset": {"name": "environment.well", "schema": {
  "crs": "EPSG:4326", "geometry": {"types": ["GEOMETRY_TYPE_POINT"]}, "fields": [
    {"name": "name", "type": "FIELD_TYPE_STRING", "required": true},
    {"name": "depth_m", "type": "FIELD_TYPE_DOUBLE", "minimum": 0},
    {"name": "code", "type": "FIELD_TYPE_INT64"}]}}}')
json_is "dataset" '.dataset.owner == "environment" and (.dataset.uid | length) > 0' "$created"

step "a changeset typed by hand"
publish='{"header": {"dataset": "environment.well", "changeset_id": "hand/1", "message": "gõ tay"}, "changes": [
  {"op": "OPERATION_INSERT", "feature": {"id": "W1", "wkt": "POINT (105.85 21.03)",
    "properties": {"name": "Giếng 1", "depth_m": 41.5, "code": "9007199254740993"}}},
  {"op": "OPERATION_UPSERT", "feature": {"id": "W2", "geojson": {"type": "Point", "coordinates": [105.9, 21.0]},
    "properties": {"name": "Giếng 2"}}}]}'
first=$(call environment ExchangeService/PublishChangeset "$publish")
json_is "receipt" '.receipt.changed and .receipt.counts.inserted == "2" and .receipt.datasets[0].version == "1"' "$first"
equal "the digest, computed from what grpcurl prints" "$(jq -r .receipt.digest <<<"$first")" \
  "$(jq -cjS '.receipt | del(.digest)' <<<"$first" | sha256sum | cut -d' ' -f1)"
equal "the same again gives the same receipt" "$first" "$(call environment ExchangeService/PublishChangeset "$publish")"

step "a stream of messages, typed by hand"
second=$(call environment ExchangeService/Publish '
  {"header": {"dataset": "environment.well", "changeset_id": "hand/2"}}
  {"batch": {"sequence": 1, "changes": [{"op": "OPERATION_UPDATE", "feature": {"id": "W1", "wkt": "POINT (105.85 21.04)",
    "properties": {"name": "Giếng 1"}}}]}}
  {"batch": {"sequence": 2, "changes": [{"op": "OPERATION_DELETE", "feature": {"id": "W2"}},
    {"op": "OPERATION_DELETE", "feature": {"id": "absent"}}]}}
  {"end": {"changes": 3}}' | jq -s 'map(select(.receipt))[0]')
json_is "receipt" '.receipt.counts == {"updated": "1", "deleted": "1", "unchanged": "1"}' "$second"

step "reading: diff, changes, snapshot, one feature, history"
diff=$(call environment ExchangeService/StreamDiff '{"dataset": "environment.well", "from_version": 1, "include_before": true}')
json_is "header first, end last" '.[0].header.to_version == "2" and (.[-1].end.cursor | length) > 0' "$(jq -s . <<<"$diff")"
entries=$(jq -s '[.[].entries.entries // [] | .[]]' <<<"$diff")
json_is "entries" 'length == 2 and ([.[].op] | sort) == ["ENTRY_OP_DELETE", "ENTRY_OP_UPDATE"]' "$entries"
json_is "before" '[.[] | select(.op == "ENTRY_OP_UPDATE")][0] | .before.properties.depth_m == 41.5 and
  (.feature.properties | has("depth_m") | not) and .before.properties.code == "9007199254740993"' "$entries"
net=$(call environment ExchangeService/StreamDiff '{"dataset": "environment.well"}' | jq -s '[.[].entries.entries // [] | .[]]')
json_is "net from nothing" 'length == 1 and .[0].op == "ENTRY_OP_INSERT" and .[0].feature.id == "W1"' "$net"
every=$(call environment ExchangeService/StreamChanges '{"dataset": "environment.well"}' | jq -s '[.[].entries.entries // [] | .[]]')
json_is "every change" 'length == 4' "$every"
cursor=$(jq -sr '.[-1].end.cursor' <<<"$diff")
json_is "from the cursor on there is nothing" '[.[].entries // empty] == []' "$(call environment ExchangeService/StreamDiff \
  "{\"dataset\": \"environment.well\", \"cursor\": \"$cursor\"}" | jq -s .)"
json_is "snapshot of version 1" '[.[].features.features // [] | .[]] | length == 2' \
  "$(call environment ExchangeService/StreamSnapshot '{"dataset": "environment.well", "version": 1}' | jq -s .)"
json_is "a feature" '.feature.geojson.coordinates == [105.85, 21.04] and .operation == "identity"' \
  "$(call environment ExchangeService/GetFeature '{"dataset": "environment.well", "id": "W1"}')"
json_is "a feature as it was" '.feature.wkt == "POINT (105.85 21.03)"' \
  "$(call environment ExchangeService/GetFeature \
    '{"dataset": "environment.well", "id": "W1", "version": 1, "form": "FEATURE_FORM_WKT"}')"
json_is "changesets" '[.changesets[].receipt.changeset_id] == ["hand/2", "hand/1"]' \
  "$(call environment ExchangeService/ListChangesets '{"dataset": "environment.well"}')"
json_is "by its id" '.changeset.receipt.message == "gõ tay"' \
  "$(call environment ExchangeService/GetChangeset '{"changeset_id": "hand/1"}')"

step "refusals show code, reason, feature and field"
# one ID FEATURE [OP]: a changeset with one change
one() {
  printf '{"header": {"dataset": "environment.well", "changeset_id": "%s"}, "changes": [{"op": "%s", "feature": %s}]}' \
    "$1" "${3:-OPERATION_UPSERT}" "$2"
}
call_refused NotFound DATASET_UNKNOWN environment ExchangeService/StreamDiff '{"dataset": "no.such"}'
call_refused OutOfRange VERSION_OUT_OF_RANGE environment ExchangeService/StreamDiff \
  '{"dataset": "environment.well", "to_version": 7}'
call_refused AlreadyExists CHANGESET_ID_REUSED environment ExchangeService/PublishChangeset \
  "$(one hand/1 '{"id": "W3", "wkt": "POINT (1 2)", "properties": {"name": "x"}}')"
call_refused InvalidArgument UNKNOWN_FIELD environment ExchangeService/PublishChangeset \
  "$(one bad/1 '{"id": "W3", "wkt": "POINT (1 2)", "properties": {"name": "x", "dept_m": 3}}')"
grep -q dept_m <<<"$words" || die "the field is not named: $words"
grep -q W3 <<<"$words" || die "the feature is not named: $words"
call_refused InvalidArgument GEOMETRY_MALFORMED environment ExchangeService/PublishChangeset \
  "$(one bad/2 '{"id": "W3", "wkt": "POINT (1 ", "properties": {"name": "x"}}')"
call_refused InvalidArgument VALUE_OUT_OF_RANGE environment ExchangeService/PublishChangeset \
  "$(one bad/3 '{"id": "W3", "wkt": "POINT (1 2)", "properties": {"name": "x", "code": 9007199254740993}}')"
call_refused InvalidArgument FEATURE_ID_MISSING environment ExchangeService/PublishChangeset \
  "$(one bad/4 '{"wkt": "POINT (1 2)", "properties": {"name": "x"}}')"
call_refused AlreadyExists FEATURE_EXISTS environment ExchangeService/PublishChangeset \
  "$(one bad/5 '{"id": "W1", "wkt": "POINT (1 2)", "properties": {"name": "x"}}' OPERATION_INSERT)"
call_refused FailedPrecondition FEATURE_NOT_FOUND environment ExchangeService/PublishChangeset \
  "$(one bad/6 '{"id": "W9", "wkt": "POINT (1 2)", "properties": {"name": "x"}}' OPERATION_UPDATE)"
call_refused FailedPrecondition VERSION_CONFLICT environment ExchangeService/PublishChangeset \
  '{"header": {"dataset": "environment.well", "changeset_id": "bad/7", "base_version": 1}, "changes": [
    {"op": "OPERATION_UPDATE", "feature": {"id": "W1", "wkt": "POINT (1 2)", "properties": {"name": "x"}}}]}'
call_refused InvalidArgument HEADER_MISSING environment ExchangeService/Publish \
  '{"batch": {"sequence": 1, "changes": [{"op": "OPERATION_DELETE", "feature": {"id": "W1"}}]}}'
call_refused InvalidArgument END_MISSING environment ExchangeService/Publish \
  '{"header": {"dataset": "environment.well", "changeset_id": "bad/8"}}
   {"batch": {"sequence": 1, "changes": [{"op": "OPERATION_DELETE", "feature": {"id": "W1"}}]}}'
call_refused InvalidArgument END_MISMATCH environment ExchangeService/Publish \
  '{"header": {"dataset": "environment.well", "changeset_id": "bad/9"}}
   {"batch": {"sequence": 1, "changes": [{"op": "OPERATION_DELETE", "feature": {"id": "W1"}}]}}
   {"end": {"changes": 2}}'
call_refused Unauthenticated ORGANISATION_UNKNOWN nobody ExchangeService/StreamDiff '{"dataset": "environment.well"}'
if words=$("$grpcurl" -plaintext -d '{}' "$endpoint" lienthong.v1.CatalogService/ListDatasets 2>&1); then
  die "a call without an organisation was served"
fi
grep -q '"reason": "IDENTITY_MISSING"' <<<"$words" || die "no reason in: $words"
json_is "nothing of it was kept" '.dataset.head == "2" and .dataset.feature_count == "1"' \
  "$(call environment CatalogService/GetDataset '{"name": "environment.well"}')"

step "metrics"
page=$(curl -sSf "http://$metrics/metrics")
grep -q '^# TYPE lienthong_' <<<"$page" || die "no series of ours in: $(head -c 500 <<<"$page")"
