#!/bin/bash
# Areas from the command line and from grpcurl: what is shipped, generated borders, real ones.
# shellcheck source-path=SCRIPTDIR
source "$(dirname "$0")/lib.sh"
find_grpcurl
start "$work/data"
lt operator organisation create environment >/dev/null

# import_call HEADER AREA...: ImportAreas by hand.
import_call() {
  "$grpcurl" -plaintext -H "lienthong-organisation: operator" -d "$(
    echo "{\"header\": $1}"
    shift
    printf '{"area": %s}\n' "$@"
  )" "$endpoint" lienthong.v1.CatalogService/ImportAreas
}

step "the provinces of both lists are there, without polygons"
lists=$(lt environment area list)
equal "lists" '["ADM-2004:63:0","ADM-2025:34:0"]' "$(jq -sc 'map("\(.list):\(.areas):\(.with_polygon)")' <<<"$lists")"
equal "areas of a list" 63 "$(lt environment area list ADM-2004 | wc -l)"
json_is "An Giang" '.name == "An Giang" and .kind == "tỉnh" and .valid_from == "2025-07-01" and .valid_to == null
  and .predecessors == ["ADM-2004:89", "ADM-2004:91"] and .version == 0 and .crs == null' \
  "$(lt environment area show ADM-2025:91)"
json_is "Kiên Giang" '.name == "Kiên Giang" and .valid_to == "2025-06-30" and .successors == ["ADM-2025:91"]' \
  "$(lt environment area show ADM-2004:91)"

step "a code or name alone, an unknown code and a missing polygon are refused with what to do"
refused INVALID_ARGUMENT AREA_AMBIGUOUS lt environment area show 91
json_is "the candidates" '.error.details.candidates == "ADM-2025:91 ADM-2004:91"' "$refusal"
refused INVALID_ARGUMENT AREA_AMBIGUOUS lt environment area show 'Kien Giang'
refused NOT_FOUND AREA_UNKNOWN lt environment area show ADM-2025:89
refused NOT_FOUND AREA_LIST_UNKNOWN lt environment area list ADM-1999
refused FAILED_PRECONDITION AREA_WITHOUT_POLYGON lt environment area show ADM-2025:91 --geometry
wrong_usage lt environment area show
wrong_usage lt operator area import ADM-2025 x.geojson

step "generated borders: the same file every time, imported, again unchanged"
json_is "the file" '.features == 34 and .crs == "EPSG:4326"' \
  "$("$LIENTHONG" --json sample areas --out "$work/areas.geojsonl")"
"$LIENTHONG" --json sample areas --out "$work/again.geojsonl" >/dev/null
cmp "$work/areas.geojsonl" "$work/again.geojsonl" || die "another file"
"$LIENTHONG" --json sample areas --out "$work/areas.gpkg" >/dev/null
refused PERMISSION_DENIED OPERATOR_ONLY lt environment area import ADM-2025 "$work/areas.gpkg" --code-field code
json_is "dry run" '.dry_run and .changed == 34' \
  "$(lt operator area import ADM-2025 "$work/areas.gpkg" --code-field code --name-field name --dry-run)"
json_is "still none" '.version == 0' "$(lt environment area show ADM-2025:01)"
json_is "import" '.changed == 34 and .created == 0 and (.areas | length) == 34 and all(.areas[]; .version == 1 and .outcome == "CHANGED")' \
  "$(lt operator area import ADM-2025 "$work/areas.gpkg" --code-field code --name-field name)"
json_is "the same from another file" '.unchanged == 34' \
  "$(lt operator area import ADM-2025 "$work/areas.geojsonl" --code-field code --name-field name)"
shown=$(lt environment area show ADM-2025:48 --geometry)
json_is "its geometry" '.version == 1 and .crs == "EPSG:4326" and .geometry.type == "MultiPolygon"' "$shown"
equal "the geometry as in the file" "$(jq -cS 'select(.properties.code == "48").geometry' "$work/areas.geojsonl")" \
  "$(jq -cS .geometry <<<"$shown")"

step "another polygon is the next version, and the first stays"
json_is "by hand" '.changed == "1" and .areas[0].version == "2"' "$(import_call '{"list": "ADM-2025", "crs": "EPSG:9210"}' \
  '{"code": "79", "wkt": "POLYGON ((600000 1190000,610000 1190000,610000 1200000,600000 1190000))"}')"
json_is "now" '.version == 2 and .crs == "EPSG:9210"' "$(lt environment area show ADM-2025:79)"
json_is "before" '.version == 1 and .crs == "EPSG:4326" and .geometry.type == "MultiPolygon"' \
  "$(lt environment area show ADM-2025:79 --version 1 --geometry)"
json_is "by grpcurl" '.area.geojson.type == "Polygon" and .area.geojson.coordinates[0][0][0] > 106.6' \
  "$("$grpcurl" -plaintext -H 'lienthong-organisation: environment' \
    -d '{"area": "ADM-2025:79", "polygon": "POLYGON_FORM_GEOJSON"}' "$endpoint" lienthong.v1.CatalogService/GetArea)"

step "a file with two features of one code, or an unknown code, is refused whole"
head -n 2 "$work/areas.geojsonl" | jq -c '.properties.code = "01"' >"$work/twice.geojsonl"
refused INVALID_ARGUMENT AREA_REPEATED lt operator area import ADM-2025 "$work/twice.geojsonl" --code-field code
sed 's/"code":"96"/"code":"95"/' "$work/areas.geojsonl" >"$work/unknown.geojsonl"
cmp -s "$work/areas.geojsonl" "$work/unknown.geojsonl" && die "nothing was replaced"
refused NOT_FOUND AREA_UNKNOWN lt operator area import ADM-2025 "$work/unknown.geojsonl" --code-field code
json_is "nothing came of it" '.version == 2' "$(lt environment area show ADM-2025:79)"

step "what is there is there after a restart"
"$LIENTHONG" down --data "$work/data" >/dev/null
start "$work/data"
json_is "79" '.version == 2' "$(lt environment area show ADM-2025:79)"

real=${LIENTHONG_DATA:-}/whosonfirst-vn-slice/region-vn.geojsonl
[[ -f $real ]] || exit 0

step "real borders: 64 polygons of a list of their own, and the one point among them is refused"
refused INVALID_ARGUMENT GEOMETRY_WRONG_TYPE \
  lt operator area import WOF "$real" --code-field wof:id --name-field wof:name --level province
refused NOT_FOUND AREA_LIST_UNKNOWN lt environment area list WOF
jq -c 'select(.geometry.type != "Point")' "$real" >"$work/real.geojsonl"
imported=$(lt operator area import WOF "$work/real.geojsonl" --code-field wof:id --name-field wof:name --level province) || die "$imported"
json_is "import" '.created == 64' "$imported"
json_is "again" '.unchanged == 64' \
  "$(lt operator area import WOF "$work/real.geojsonl" --code-field wof:id --name-field wof:name)"
json_is "Quảng Ninh" '.name == "Quảng Ninh" and .level == "province"' "$(lt environment area show WOF:85680583)"
refused INVALID_ARGUMENT AREA_AMBIGUOUS lt environment area show 'Quang Ninh'
json_is "of three lists" '.error.details.candidates | split(" ") == ["ADM-2025:22", "WOF:85680583", "ADM-2004:22"]' "$refusal"
lt environment area show WOF:85680583 --geometry | jq -cS '[.geometry.coordinates | .. | numbers] | sort' >"$work/ours"
jq -cS 'select(.properties["wof:id"] == 85680583) | [.geometry.coordinates | .. | numbers] | sort' "$real" >"$work/theirs"
cmp "$work/ours" "$work/theirs" || die "the border came back otherwise"
