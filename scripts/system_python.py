"""Debian's Python for scripts that need Debian's Python packages, where another Python comes first in PATH."""

import importlib.util
import os
import sys

SYSTEM_PYTHON = "/usr/bin/python3"


def require(modules):
    """`modules`: name of each Python module needed and its Debian package. Where one is absent, runs the script again with Debian's Python;
    where that is what runs, says what to install and ends with exit code 3."""
    missing = [package for module, package in modules.items() if importlib.util.find_spec(module) is None]
    if not missing:
        return
    if os.path.realpath(sys.executable) == os.path.realpath(SYSTEM_PYTHON) or not os.path.exists(SYSTEM_PYTHON):
        print(f"{os.path.basename(sys.argv[0])}: missing: apt-get install {' '.join(missing)}", file=sys.stderr)
        sys.exit(3)
    os.execv(SYSTEM_PYTHON, [SYSTEM_PYTHON, *sys.argv])
