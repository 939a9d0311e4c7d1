#!/usr/bin/env python3
"""Fails when docs/errors.md and the sources do not name the same error reasons.

A reason is a string literal in capitals with "_" in libs/ or services/, which makes it hard to forget one: what is no
reason has to be listed here.
"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent

# Reasons of one word.
ONE_WORD = {"INTERNAL", "USAGE"}

# Literals that look like reasons. A trailing "*" stands for any ending.
NOT_REASONS = [
    "CHANGESET_KIND_*", "OPERATION_DELETE",  # names of the protocol, in messages
    "INVALID_ARGUMENT", "NOT_FOUND",  # codes
    "LIENTHONG_*",  # environment and metadata of files
    "S_INTERSECTS", "S_WITHIN",  # functions of filters
    "OGR_*", "GEOMETRY_NAME", "SPATIAL_INDEX",  # GDAL
]


def is_reason(literal: str) -> bool:
    if "_" not in literal:
        return literal in ONE_WORD
    return not any(literal == name or (name.endswith("*") and literal.startswith(name[:-1])) for name in NOT_REASONS)


def reasons_of_sources() -> dict[str, str]:
    found: dict[str, str] = {}
    for folder in ("libs", "services"):
        for path in sorted((ROOT / folder).rglob("*.[ch]pp")):
            code = re.sub(r"//.*", "", path.read_text(encoding="utf-8"))
            for literal in re.findall(r'"([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*)"', code):
                if is_reason(literal):
                    found.setdefault(literal, str(path.relative_to(ROOT)))
    return found


def main() -> int:
    rows = re.findall(r"^\| `([A-Z0-9_]+)` \|", (ROOT / "docs/errors.md").read_text(encoding="utf-8"), re.MULTILINE)
    used = reasons_of_sources()
    problems = [f"{name} ({used[name]}) is missing from docs/errors.md" for name in sorted(used.keys() - set(rows))]
    problems += [f"{name} stands in docs/errors.md but no source uses it" for name in sorted(set(rows) - used.keys())]
    problems += [f"{name} stands twice in docs/errors.md" for name in sorted({n for n in rows if rows.count(n) > 1})]
    if not used:
        problems.append("no reason found in the sources: is this the right tree?")
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
