#!/bin/bash
# Readers see their own part: areas that cover the country between them, edits that cross borders, filters, columns,
# coordinates; counted a second time by PostGIS.
# shellcheck source-path=SCRIPTDIR
source "$(dirname "$0")/lib.sh"
start "$work/data"
cd "$work"
lt operator organisation create environment >/dev/null
"$LIENTHONG" sample areas --out areas.geojsonl >/dev/null
lt operator area import ADM-2025 areas.geojsonl --code-field code >/dev/null
stations=environment.station

step "stations in WGS 84, then moved about: some change their province"
"$LIENTHONG" sample stations --count 600 --seed 5 --crs EPSG:4326 --out first.geojsonl >/dev/null
lt operator dataset create "$stations" --from first.geojsonl --owner environment >/dev/null
# A third of them goes 1.5 degrees north, a third 1 degree west: over one border or several.
jq -c --slurp 'to_entries[] | .value.geometry.coordinates as [$x, $y]
  | if .key % 3 == 0 then .value.geometry.coordinates = [$x, $y + 1.5]
    elif .key % 3 == 1 then .value.geometry.coordinates = [$x - 1, $y] else . end | .value' first.geojsonl >second.geojsonl
head -n 550 second.geojsonl >third.geojsonl # and the last fifty are gone
for file in first second third; do
  lt environment push "$stations" $file.geojsonl --snapshot >$file.receipt || die "$file was refused"
done

# ids_in AREA VERSION: what a reader of the area has at that version.
ids_in() {
  lt environment snapshot "$stations@$2" --area "$1" --out "$work/snapshot.geojsonl" >/dev/null || die "no snapshot of $1"
  jq -r .id "$work/snapshot.geojsonl" | sort
}

step "each station is in exactly one province, at every version"
codes=$(jq -r .properties.code areas.geojsonl)
equal "provinces" 34 "$(wc -w <<<"$codes")"
for version in 1 3; do
  for code in $codes; do ids_in "ADM-2025:$code" "$version"; done | sort >all
  equal "stations in version $version" "$(lt environment diff "$stations" "0..$version" | wc -l)" "$(wc -l <all)"
  equal "stations twice" 0 "$(uniq -d all | wc -l)"
done

step "a copy that follows the diffs of its province is the snapshot of its province"
for code in $codes; do
  ids_in "ADM-2025:$code" 1 >copy
  lt environment diff "$stations" 1..3 --area "ADM-2025:$code" >entries
  jq -r 'select(.op == "INSERT" or .op == "ENTER") | .id' entries | sort >came
  jq -r 'select(.op == "LEAVE" or .op == "DELETE") | .id' entries | sort >went
  equal "what came was there already in $code" 0 "$(comm -12 copy came | wc -l)"
  equal "what went was never there in $code" 0 "$(comm -13 copy went | wc -l)"
  comm -23 copy went | sort - came >followed
  cmp followed <(ids_in "ADM-2025:$code" 3) || die "the copy of $code is another one"
  cat entries >>all_entries
done
for op in ENTER LEAVE DELETE; do
  (($(jq -r .op all_entries | grep -c "^$op$") > 0)) || die "no $op in any province"
done
json_is "a state outside is never sent" 'length == 0' \
  "$(jq -s 'map(select((.op == "LEAVE" or .op == "DELETE") and (.geometry != null or .properties != null)))' all_entries)"

step "receipts name the provinces whose diffs have entries, and no other"
# touched DATASET A..B: provinces with an entry.
touched() {
  local code
  for code in $codes; do
    [[ -z $(lt environment diff "$1" "$2" --area "ADM-2025:$code" | head -n 1) ]] || echo "ADM-2025:$code"
  done | sort
}
cmp <(jq -r '.receipt.areas[]' second.receipt) <(touched "$stations" 1..2) || die "version 2 touches others"
cmp <(jq -r '.receipt.areas[]' third.receipt) <(touched "$stations" 2..3) || die "version 3 touches others"
"$LIENTHONG" sample roads --count 12000 --seed 3 --out roads.fgb >/dev/null
lt operator dataset create transport.road --from roads.fgb --owner environment >/dev/null
dry=$(lt environment push transport.road roads.fgb --snapshot --dry-run)
loaded=$(lt environment push transport.road roads.fgb --snapshot)
equal "a dry run says the same" "$(jq -c .receipt.areas <<<"$loaded")" "$(jq -c .receipt.areas <<<"$dry")"
cmp <(jq -r '.receipt.areas[]' <<<"$loaded") <(touched transport.road 0..1) || die "a first load touches others"

step "PostGIS counts the same in each province"
number=$(psql "$database" -XAt -c "SELECT id FROM lienthong.dataset WHERE name = '$stations'")
for code in $codes; do
  polygon=$(jq -c --arg code "$code" 'select(.properties.code == $code) | .geometry' areas.geojsonl)
  counted=$(psql "$database" -XAt -v polygon="$polygon" <<<"SELECT count(*) FROM lienthong_data.feature_$number
    WHERE ST_Covers(ST_SetSRID(ST_GeomFromGeoJSON(:'polygon'), 4326), geom)")
  equal "stations in $code" "$counted" "$(ids_in "ADM-2025:$code" 3 | wc -l)"
done

step "a filter, columns, coordinates"
lt environment diff "$stations" 0..3 --filter "status = 'active'" >active
equal "active" "$(lt environment diff "$stations" 0..3 | jq -r .properties.status | grep -c '^active$')" "$(wc -l <active)"
json_is "one column" 'map(keys | length) | unique == [1]' \
  "$(lt environment diff "$stations" 0..3 --columns status | jq -s 'map(.properties)')"
json_is "metres" 'map(.geometry.coordinates | .[0] > 100000 and .[1] > 400000) | all' \
  "$(lt environment diff "$stations" 0..3 --crs EPSG:3405 --filter "status = 'active'" | jq -s .)"
lt environment snapshot "$stations" --crs EPSG:9210 --columns status --out utm.gpkg >/dev/null
ogrinfo -so -al utm.gpkg | grep -q 'ID\["EPSG",9210\]' || die "the file is not in EPSG:9210"

step "what cannot be is refused with what to do"
refused INVALID_ARGUMENT AREA_AMBIGUOUS lt environment diff "$stations" 1.. --area 91
refused INVALID_ARGUMENT FILTER_SYNTAX lt environment diff "$stations" 1.. --filter 'status ='
refused INVALID_ARGUMENT UNKNOWN_FIELD lt environment diff "$stations" 1.. --columns nothing
refused INVALID_ARGUMENT VIEW_AREA_INVALID lt environment diff "$stations" 1.. --area-wkt 'POINT (1 1)'

real=${LIENTHONG_DATA:-}/whosonfirst-vn-slice/region-vn.geojsonl
[[ -f $real ]] || exit 0

step "real borders: PostGIS counts the same in each of 64 areas"
jq -c 'select(.geometry.type != "Point")' "$real" >real.geojsonl
lt operator area import WOF real.geojsonl --code-field wof:id --name-field wof:name --level province >/dev/null
psql "$database" -XAt <<<"SELECT a.code, count(f.geom) FROM lienthong.area a
    JOIN lienthong.area_polygon p ON p.area_id = a.id AND p.version = a.version
    LEFT JOIN lienthong_data.feature_$number f ON ST_Covers(ST_SetSRID(ST_GeomFromWKB(p.wkb), 4326), f.geom)
  WHERE a.list = 'WOF' GROUP BY a.code ORDER BY a.code" >counted
equal "areas" 64 "$(wc -l <counted)"
while IFS='|' read -r code count; do
  equal "stations in WOF:$code" "$count" "$(ids_in "WOF:$code" 3 | wc -l)"
done <counted
