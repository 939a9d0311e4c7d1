#!/usr/bin/python3
"""real_data.py FOLDER: prints small real features of FOLDER for fuzz_seeds, one a line: GeoJSON, or WKT from XML cases.

From each layer the first features that are small: large ones make slow seeds and teach a fuzzer nothing more. What
GDAL cannot open is left out: some files are broken on purpose. Nothing is printed when FOLDER does not exist.
"""
import gzip
import itertools
import json
import os
import re
import sys

from osgeo import gdal, ogr

FEATURES_PER_LAYER = 10
LAYERS_PER_FILE = 4
READ_PER_LAYER = 200
MAX_BYTES = 1500
XML_CASES = 60
WKT = re.compile(r"(?:POINT|LINESTRING|POLYGON|MULTI[A-Z]+|GEOMETRYCOLLECTION)\s*(?:EMPTY|\([-+0-9eE.,()\sA-Z]*\))")
BY_GDAL = (".geojson", ".gpkg", ".shp", ".gml")
BY_LINE = (".geojsonl", ".geojsonl.gz")


def small_line(text):
    """One line of strict JSON, or None: real files have NaN, and long features."""
    try:
        line = json.dumps(json.loads(text), ensure_ascii=False, allow_nan=False)
    except ValueError:
        return None
    return line if len(line.encode("utf-8", "replace")) <= MAX_BYTES else None


def first_small(texts):
    lines = filter(None, map(small_line, itertools.islice(texts, READ_PER_LAYER)))
    return itertools.islice(lines, FEATURES_PER_LAYER)


def gdal_lines(path):
    try:
        dataset = gdal.OpenEx(path, gdal.OF_VECTOR | gdal.OF_READONLY)
        for index in range(min(dataset.GetLayerCount(), LAYERS_PER_FILE)):
            yield from first_small(feature.ExportToJson() for feature in dataset.GetLayer(index))
    except RuntimeError:
        return


def file_lines(path):
    if path.endswith(".xml"):
        with open(path, encoding="utf-8", errors="replace") as file:
            cases = [" ".join(text.split()) for text in WKT.findall(file.read())]
        yield from [case for case in cases if len(case) <= MAX_BYTES][:XML_CASES]
    elif path.endswith(BY_LINE):
        opened = gzip.open if path.endswith(".gz") else open
        with opened(path, "rt", encoding="utf-8", errors="replace") as file:
            yield from first_small(file)
    elif path.endswith(BY_GDAL):
        yield from gdal_lines(path)


def main():
    gdal.UseExceptions()
    # Else GDAL writes a file beside each gzipped one that it reads.
    gdal.SetConfigOption("CPL_VSIL_GZIP_WRITE_PROPERTIES", "NO")
    ogr.UseExceptions()
    gdal.PushErrorHandler("CPLQuietErrorHandler")
    for folder, folders, names in os.walk(sys.argv[1]):
        folders.sort()
        for name in sorted(names):
            for line in file_lines(os.path.join(folder, name)):
                sys.stdout.buffer.write(line.encode("utf-8", "replace") + b"\n")


if __name__ == "__main__":
    main()
