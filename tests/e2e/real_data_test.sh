#!/bin/bash
# Real datasets at several dates, each pushed as a whole: what the exchange counts is what a script counts that links
# none of our code, and every version reads back as it was.
# shellcheck source-path=SCRIPTDIR
source "$(dirname "$0")/lib.sh"

if [[ ! -d ${LIENTHONG_DATA:-} ]]; then
  echo "skipped: LIENTHONG_DATA names no folder with real data"
  exit "$skip"
fi
here=$(dirname "$0")
start "$work/data"
lt operator organisation create publisher >/dev/null

# The fields of all dates, so that one schema holds them all: inference reads them as one file.
all_dates() {
  local file
  for file; do
    case $file in
      *.gz) zcat "$file" ;;
      *) cat "$file" ;;
    esac
  done
}

# compare_version DATASET EXPECTED RECEIPT VERSION FILE
compare_version() {
  local dataset=$1 expected=$2 receipt=$3 version=$4 file=$5 count
  for count in inserted updated deleted unchanged; do
    equal "$count of version $version of $dataset" "$(jq ".$count" <<<"$expected")" "$(jq ".$count" <<<"$receipt")"
  done
  equal "version" "$version" "$(jq .version <<<"$receipt")"
  lt publisher diff "$dataset" "$((version - 1))..$version" >"$work/diff"
  equal "the diff to version $version, id by id" "$(jq -cS .ops <<<"$expected" | sha256sum)" \
    "$(jq -s 'map({(.id): .op}) | add // {}' "$work/diff" | jq -cS . | sha256sum)"
  lt publisher snapshot "$dataset@$version" --out "$work/snapshot.geojsonl" >/dev/null
  python3 "$here/count_changes.py" same "$file" "$work/snapshot.geojsonl" ||
    die "version $version of $dataset is not the file $file"
}

# push_dates DATASET FILE...
push_dates() {
  local dataset=$1 before=- version=0 file expected receipt deletes limit
  shift
  all_dates "$@" >"$work/all.geojsonl"
  lt publisher dataset create "$dataset" --from "$work/all.geojsonl" >/dev/null
  for file; do
    version=$((version + 1))
    expected=$(python3 "$here/count_changes.py" "$before" "$file")
    step "$dataset version $version: $(jq -r '"\(.inserted) inserted, \(.updated) updated, \(.deleted) deleted"' <<<"$expected")"
    deletes=$(jq .deleted <<<"$expected")
    limit=$(jq '[10, .before * 0.1] | max | floor' <<<"$expected")
    local -a allow=()
    if ((deletes > limit)); then
      refused FAILED_PRECONDITION MASS_DELETE lt publisher push "$dataset" "$file" --snapshot
      allow=(--allow-mass-delete)
    fi
    receipt=$(lt publisher push "$dataset" "$file" --snapshot "${allow[@]:+${allow[@]}}") || die "$receipt"
    compare_version "$dataset" "$expected" "$receipt" "$version" "$file"
    json_is "again: nothing" '(.changed | not)' "$(lt publisher push "$dataset" "$file" --snapshot)"
    before=$file
  done
  step "$dataset: the net diff from nothing is the last file"
  lt publisher diff "$dataset" 0.. | jq -c 'if .op == "INSERT" then {type: "Feature", id, geometry, properties} else error("not an insert") end' \
    >"$work/net.geojsonl"
  equal "features" "$(all_dates "$before" | grep -c .)" "$(wc -l <"$work/net.geojsonl")"
}

found=0
for family in osm-roads-faroe/faroe-islands-roads ourairports/runways ourairports/navaids; do
  mapfile -t files < <(find "$LIENTHONG_DATA/${family%/*}" -name "${family#*/}-*.geojsonl*" 2>/dev/null | sort)
  ((${#files[@]} > 1)) || continue
  found=$((found + 1))
  name=${family#*/}
  push_dates "real.${name//-/_}" "${files[@]}"
done
((found)) || { echo "skipped: no dated files in $LIENTHONG_DATA"; exit "$skip"; }
equal "families of dated files" 3 "$found"
