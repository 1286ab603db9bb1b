#!/usr/bin/env python3
"""Statistics of the slow-down factor in recordings: is one factor enough? See --help."""

import argparse
import json
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))

SYSTEM_PYTHON = "/usr/bin/python3"
SCHEMA_VERSION = "1.0"
EPILOG = """writes into DIR:
  input_statistics.json       the numbers of all recordings (unknown ones are null)
  input_statistics.NAME.pdf   and .png: a figure of each: spread between networks, caps and inputs; quantiles compared with a
                              normal distribution; autocorrelation; ALERT's reaction to a co-runner that starts. NAME is the
                              recording's folder, or the folder above it if that is called recording

example:
  scripts/input_statistics.py results/quickstart/recording --out results/statistics

exit codes: 0 done; 2 wrong usage, or a file is missing or damaged: the message names file, key and remedy, and nothing is
written; 3 this Python has no matplotlib
"""


def say(text):
    print(f"input_statistics: {text}", file=sys.stderr)


def need_matplotlib():
    try:
        import matplotlib  # noqa: F401
        return
    except ImportError:
        pass
    other = os.path.exists(SYSTEM_PYTHON) and not os.environ.get("ALERT_FIGURES_PYTHON")
    if other and os.path.realpath(sys.executable) != os.path.realpath(SYSTEM_PYTHON):
        say(f"{sys.executable} has no matplotlib; trying {SYSTEM_PYTHON}")
        os.environ["ALERT_FIGURES_PYTHON"] = "tried"
        os.execv(SYSTEM_PYTHON, [SYSTEM_PYTHON, os.path.realpath(__file__)] + sys.argv[1:])
    say(f"{sys.executable}: no matplotlib; install it: apt-get install python3-matplotlib")
    sys.exit(3)


def stems(folders):
    """One file name for each; those of the same name are numbered."""
    names, seen = [], {}
    for folder in map(os.path.realpath, folders):
        if os.path.basename(folder) == "recording":
            folder = os.path.dirname(folder)
        stem = "input_statistics." + (os.path.basename(folder) or "unnamed")
        seen[stem] = seen.get(stem, 0) + 1
        names.append(stem if seen[stem] == 1 else f"{stem}.{seen[stem]}")
    return names


def save(path, write):
    temporary = f"{path}.{os.getpid()}.tmp"
    try:
        write(temporary)
        os.replace(temporary, path)
    finally:
        if os.path.exists(temporary):
            os.remove(temporary)


def main(argv):
    p = argparse.ArgumentParser(prog="input_statistics.py", formatter_class=argparse.RawDescriptionHelpFormatter, epilog=EPILOG,
                                description="Statistics of the slow-down factor in recordings, as JSON and figures.")
    p.add_argument("recordings", metavar="RECORDING", nargs="+", help="recording folder (with recording.json)")
    p.add_argument("--out", metavar="DIR", required=True, help="folder to write to")
    options = p.parse_args(argv)
    need_matplotlib()
    from alert_figures import inputs, style
    from alert_figures.profile import Profile
    from alert_figures.reading import Broken, Missing
    from alert_figures.recording import Recording

    try:
        found = [Recording(folder, Profile(os.path.join(folder, "profile.json"))) for folder in options.recordings]
        numbers = [inputs.of(r) for r in found]
    except (Missing, Broken) as e:
        say(f"error: {e}")
        return 2

    def write_json(path):
        with open(path, "w", encoding="utf-8") as f:
            json.dump({"schema_version": SCHEMA_VERSION, "kind": "input_statistics", "recordings": numbers}, f, indent=1, allow_nan=False)
            f.write("\n")

    try:
        os.makedirs(options.out, exist_ok=True)
        for recording, own, stem in zip(found, numbers, stems(options.recordings)):
            fig = inputs.draw(recording, own)
            for ext, metadata in (("pdf", {"CreationDate": None}), ("png", {"Software": None})):
                save(os.path.join(options.out, f"{stem}.{ext}"), lambda path: fig.savefig(path, format=ext, metadata=metadata))
            style.plt.close(fig)
            print(os.path.join(options.out, stem) + ".{pdf,png}")
        save(os.path.join(options.out, "input_statistics.json"), write_json)
        print(os.path.join(options.out, "input_statistics.json"))
    except OSError as e:
        say(f"error: {e.filename or options.out}: {e.strerror or e}; free some space or choose another folder with --out")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
