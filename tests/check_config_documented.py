#!/usr/bin/env python3
"""Fails when deploy/config/exchange.yaml and the sources do not name the same keys, or a key lacks its default or unit."""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
KINDS = ("Number", "Bytes", "Duration", "bytes", "text", "HOST:PORT", "URL", "standby", "trace")


def keys_of_sources() -> set[str]:
    code = (ROOT / "services/exchange/config.cpp").read_text(encoding="utf-8")
    return {f"{section}.{key}" for section, key in re.findall(r'fields\.add\("(\w+)", "(\w+)"', code)}


def main() -> int:
    problems: list[str] = []
    documented: list[str] = []
    section, comment = "", ""
    for line in (ROOT / "deploy/config/exchange.yaml").read_text(encoding="utf-8").splitlines():
        if match := re.match(r"(\w+):", line):
            section = match[1]
        elif match := re.match(r"  # ?(.*)", line):
            comment += match[1] + " "
        elif match := re.match(r"  (\w+):", line):
            name = f"{section}.{match[1]}"
            documented.append(name)
            problems += [f"{name} has no default in its comment"] * ("Default" not in comment)
            problems += [f"{name} has no kind or unit in its comment"] * (not any(kind in comment for kind in KINDS))
        elif not line.strip():
            comment = ""
    used = keys_of_sources()
    problems += [f"{name} is missing from deploy/config/exchange.yaml" for name in sorted(used - set(documented))]
    problems += [f"{name} stands in deploy/config/exchange.yaml, nothing reads it" for name in sorted(set(documented) - used)]
    if not used:
        problems.append("no key found in the sources: is this the right tree?")
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
