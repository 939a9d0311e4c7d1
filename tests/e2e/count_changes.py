#!/usr/bin/env python3
"""Counts what differs between two dated files of features, one GeoJSON feature a line. Links none of our code.

count_changes.py OLD NEW   -> {"inserted":n,"updated":n,"deleted":n,"unchanged":n,"ops":{id:op}}; OLD may be "-" (nothing)
count_changes.py same A B  -> exit 0 when both hold the same features, bit for bit
"""
import gzip
import json
import struct
import sys


def lines(path):
    opener = gzip.open if path.endswith(".gz") else open
    with opener(path, "rt", encoding="utf-8") as file:
        for line in file:
            if line.strip():
                yield json.loads(line)


def exact(value):
    """Coordinates by their bits, so that equal means equal."""
    if isinstance(value, list):
        return tuple(exact(item) for item in value)
    return struct.pack("<d", float(value))


def content(feature):
    geometry = feature.get("geometry")
    if geometry is not None:
        geometry = (geometry["type"], exact(geometry["coordinates"]))
    properties = {name: value for name, value in (feature.get("properties") or {}).items() if value is not None}
    return geometry, json.dumps(properties, sort_keys=True, ensure_ascii=False)


def read(path):
    features = {}
    if path == "-":
        return features
    for feature in lines(path):
        key = str(feature["id"])
        if key in features:
            sys.exit(f"{path}: id {key} twice")
        features[key] = content(feature)
    return features


def main(arguments):
    if arguments[0] == "same":
        one, other = read(arguments[1]), read(arguments[2])
        differing = [key for key in sorted(set(one) | set(other)) if one.get(key) != other.get(key)]
        for key in differing[:5]:
            print(f"{key}: {one.get(key)} / {other.get(key)}", file=sys.stderr)
        sys.exit(1 if differing else 0)
    old, new = read(arguments[0]), read(arguments[1])
    ops = {key: "DELETE" for key in old if key not in new}
    ops.update({key: "INSERT" for key in new if key not in old})
    ops.update({key: "UPDATE" for key in new if key in old and old[key] != new[key]})
    counts = {name: sum(op == name for op in ops.values()) for name in ("INSERT", "UPDATE", "DELETE")}
    json.dump({"inserted": counts["INSERT"], "updated": counts["UPDATE"], "deleted": counts["DELETE"],
               "unchanged": len(new) - counts["INSERT"] - counts["UPDATE"], "before": len(old), "ops": ops}, sys.stdout)


main(sys.argv[1:])
