"""Reads JSON files, and says what is wrong with one.

Missing: the input of a figure does not exist (the figure is skipped aloud).
Broken:  a file exists and cannot be used; the message says file, key and remedy.
"""

import json
import re
import sys


class Missing(Exception):
    pass


class Broken(Exception):
    pass


def broken(path, key, what, remedy):
    return Broken(f"{path}: {key + ': ' if key else ''}{what}; {remedy}")


def natural(text):
    """Sort key: energy-2 before energy-10."""
    return [(0, int(p), "") if p.isdigit() else (1, 0, p) for p in re.split(r"(\d+)", str(text)) if p]


def read_json(path, remedy="write it again with 'alert-bench report' or repeat the run", known=None):
    """An object. `known`: see check_version; files without a version are read."""
    def refuse(word):
        raise ValueError(f"{word} is not valid JSON")

    try:
        with open(path, encoding="utf-8") as f:
            value = json.load(f, parse_constant=refuse)
    except FileNotFoundError:
        raise Missing(f"{path}: no such file") from None
    except (OSError, UnicodeDecodeError) as e:
        raise broken(path, "", f"cannot be read ({e})", "fix its permissions or its encoding (UTF-8)") from None
    except ValueError as e:
        raise broken(path, "", f"damaged, or not valid JSON ({e})", remedy) from None
    if not isinstance(value, dict):
        raise broken(path, "", "is not a JSON object", remedy)
    if known and "schema_version" in value:
        check_version(path, value["schema_version"], known)
    return value


_noted = set()


def check_version(path, version, known):
    """As JsonReader::version in lib/base/json_reader.h: `known` is the newest version that these scripts know. A newer minor version
    only has further keys: noted once for each file. A newer major version is refused. What older versions lack is for the caller."""
    def parts(text):
        found = re.fullmatch(r"(\d{1,4})\.(\d{1,4})", text) if isinstance(text, str) else None
        return found and tuple(map(int, found.groups()))

    found, newest = parts(version), parts(known)
    if not found:
        raise broken(path, "schema_version", f"{json.dumps(version)} is not a version such as \"{known}\"", "write it again")
    if found[0] > newest[0]:
        raise broken(path, "schema_version", f"\"{version}\" was written by a newer program; this one reads {newest[0]}.0 to {known}",
                     "update alert-bench")
    if found > newest and path not in _noted:
        _noted.add(path)
        print(f"{path}: note: version {version} is newer than {known}, which this script knows; keys that it does not know are ignored",
              file=sys.stderr)


def number(value):
    """float, NaN where null or absent."""
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else float("nan")


def whole(value, fallback):
    return value if isinstance(value, int) and not isinstance(value, bool) else fallback
