#!/usr/bin/env python3
"""Draws the figures of an alert-bench result folder. See --help."""

import argparse
import copy
import json
import os
import sys
import time

sys.dont_write_bytecode = True  # nothing is written but the figures
sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))

SYSTEM_PYTHON = "/usr/bin/python3"
FIGURES = {  # name: (module, function, what it shows, read from)
    "error_latency": ("error_latency", "draw", "error versus latency of all networks", "profile.json"),
    "energy_latency": ("energy_latency", "draw", "energy of a period versus latency over the power caps", "profile.json"),
    "contention": ("contention", "draw", "latency and slow-down factor with and without a co-runner", "recording/"),
    "timeline": ("timeline", "draw", "one run, input by input", "traces/"),
    "timeline_pair": ("timeline", "draw_pair", "alert-trad next to alert: what anytime networks add", "traces/"),
    "bars": ("bars", "draw", "energy and error relative to oracle-static, and violations, per scheduler", "summary.json, traces/"),
    "grid_energy": ("grid", "draw_energy", "normalised energy and violated settings per scheduler and scenario", "evaluation.json"),
    "grid_error": ("grid", "draw_error", "normalised error and violated settings per scheduler and scenario", "evaluation.json"),
    "schedulers_energy": ("schedulers", "draw_energy", "all schedulers by family: normalised energy and violated settings", "evaluation.json"),
    "schedulers_error": ("schedulers", "draw_error", "all schedulers by family: normalised error and violated settings", "evaluation.json"),
    "goals_energy": ("goals_energy", "draw", "energy over the goal settings: Sys-level, App-level, Combined", "evaluation.json"),
    "calibration": ("calibration", "draw", "how often the slow-down factor stays below what estimators predict", "calibration.json"),
    "distance": ("distance", "draw", "how far every scheduler is from oracle and oracle-causal", "evaluation.json"),
}
CONTACT_SHEET = "contact_sheet"

EPILOG = """figures:
{figures}

examples:
  scripts/figures.py results/run-1                                  all figures, into results/run-1/figures/
  scripts/figures.py results/run-1 --only bars,timeline --out /tmp/f
  scripts/figures.py results/run-1 --only timeline --scheduler sys-only --setting energy-1 --mode replay
  scripts/figures.py results/run-1 --only timeline --inputs 100:300
  scripts/figures.py results/grid --only goals_energy --cell compute-1
  scripts/figures.py results/grid --contact-sheet                   all figures, and a page with all of them
  scripts/figures.py results/run-1 --follow --scheduler alert       the timeline of a run that is still going on

Every figure is written as NAME.pdf (vector) and NAME.png (200 dpi). If --scheduler,
--setting, --mode or --inputs are used, their values become part of the name of timeline, so that one does not overwrite
another; the same holds for goals_energy and --cell.

--follow draws the latest inputs of the timeline again and again, as timeline.png, which is complete at any time: open it in a viewer
that loads it again when it changes. It ends, with a last timeline.pdf and timeline.png, when the run has ended, or with Ctrl-C. The
manifest of a run that was killed never says that it has ended.

exit codes:
  0  done (figures without input are skipped and named on stderr)
  2  wrong usage, or a file is missing or damaged: the message names file, key and remedy; all other figures were drawn
  3  this Python has no matplotlib
  4  nothing could be drawn
"""


def input_range(text):
    try:
        first, last = (int(p) for p in text.split(":"))
        if first < 0 or last < first:
            raise ValueError
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' is not a range; use FIRST:LAST, such as 100:300") from None
    return first, last


def figure_names(text):
    names = [n for n in text.split(",") if n]
    for n in names:
        if n not in FIGURES:
            raise argparse.ArgumentTypeError(f"unknown figure '{n}'; known figures: {', '.join(FIGURES)}")
    if not names:
        raise argparse.ArgumentTypeError(f"names no figure; known figures: {', '.join(FIGURES)}")
    return list(dict.fromkeys(names))


def parse(argv):
    width = max(len(n) for n in FIGURES)
    listed = "\n".join(f"  {n:{width}}  {what} (from {source})" for n, (_, _, what, source) in FIGURES.items())
    p = argparse.ArgumentParser(
        prog="figures.py", formatter_class=argparse.RawDescriptionHelpFormatter, epilog=EPILOG.format(figures=listed),
        description="Draws the figures of a result folder of alert-bench, as PDF and PNG. Requires matplotlib\n"
                    "(Debian: apt-get install python3-matplotlib), no display and no network.")
    p.add_argument("result", metavar="RESULT", help="result folder (the --out of alert-bench run, replay or merge)")
    p.add_argument("--only", metavar="NAME,...", type=figure_names, help="draw only these (default: all)")
    p.add_argument("--out", metavar="DIR", help="folder to write to (default: RESULT/figures)")
    p.add_argument("--scheduler", metavar="NAME", help="scheduler of the timeline (default: alert)")
    p.add_argument("--setting", metavar="NAME", help="goal setting of the timeline (default: the first by name)")
    p.add_argument("--mode", choices=("live", "replay"), help="mode of the timeline (default: live, or else replay)")
    p.add_argument("--inputs", metavar="FIRST:LAST", type=input_range,
                   help="inputs of the timeline (default: all; for long runs, the 400 with the most changes of contention)")
    p.add_argument("--model", metavar="NAME", help="network to highlight in energy_latency (default: the most accurate traditional one)")
    p.add_argument("--cell", metavar="ID",
                   help="cell of goals_energy: its id, WORKLOAD/SCENARIO or SCENARIO (default: the first with a co-runner)")
    p.add_argument("--contact-sheet", action="store_true",
                   help="also put all PNGs of the output folder on one page, contact_sheet.{pdf,png}")
    p.add_argument("--follow", action="store_true",
                   help="draw the timeline while the run goes on, until the manifest has the run's verdict or Ctrl-C is pressed")
    p.add_argument("--every", metavar="SECONDS", type=float, default=5, help="with --follow: how often to draw (default: 5)")
    options = p.parse_args(argv)
    if options.follow and (options.only not in (None, ["timeline"]) or options.contact_sheet):
        p.error("--follow draws only the timeline; omit --only and --contact-sheet, or --follow")
    if not options.every > 0:
        p.error(f"--every {options.every:g}: is not a number of seconds above 0")
    return options


def say(text):
    print(f"figures: {text}", file=sys.stderr)


def need_matplotlib():
    """Continues in the system's Python if this one has no matplotlib."""
    try:
        import matplotlib  # noqa: F401
        return
    except ImportError:
        pass
    other = os.path.exists(SYSTEM_PYTHON) and not os.environ.get("ALERT_FIGURES_PYTHON")
    if other and os.path.realpath(sys.executable) != os.path.realpath(SYSTEM_PYTHON):
        say(f"{sys.executable} has no matplotlib; trying {SYSTEM_PYTHON}")
        os.environ["ALERT_FIGURES_PYTHON"] = "tried"  # once only
        os.execv(SYSTEM_PYTHON, [SYSTEM_PYTHON, os.path.realpath(__file__)] + sys.argv[1:])
    say(f"{sys.executable}: no matplotlib; install it: apt-get install python3-matplotlib")
    sys.exit(3)


def file_stem(name, options):
    if name not in ("timeline", "timeline_pair", "goals_energy"):
        return name
    given = [options.cell] if name == "goals_energy" else [options.scheduler if name == "timeline" else None, options.setting, options.mode]
    if options.inputs and name != "goals_energy":
        given.append("%d-%d" % options.inputs)
    # A name is taken from the command line: it must not lead out of the folder.
    safe = ["".join(c if c.isalnum() or c in "-_." else "_" for c in g) for g in given if g]
    return ".".join([name] + safe)


FORMATS = {"pdf": {"CreationDate": None}, "png": {"Software": None}}  # and their metadata: the same result gives the same bytes


def save(fig, folder, stem, formats=tuple(FORMATS)):
    """Writes a temporary file, then renames it, so that files are always complete."""
    for ext in formats:
        path = os.path.join(folder, f"{stem}.{ext}")
        temporary = os.path.join(folder, f".{stem}.{os.getpid()}.tmp")
        try:
            fig.savefig(temporary, format=ext, metadata=FORMATS[ext])
            os.replace(temporary, path)
        finally:
            if os.path.exists(temporary):
                os.remove(temporary)


def note_written(folder, stem):
    """Lists what was drawn, so that `alert-bench run --overwrite` may delete it."""
    path = os.path.join(folder, "written.json")
    try:
        with open(path, encoding="utf-8") as f:
            names = set(json.load(f))
    except (OSError, ValueError):
        names = set()
    temporary = os.path.join(folder, f".written.{os.getpid()}.tmp")
    with open(temporary, "w", encoding="utf-8") as f:
        json.dump(sorted(names | {f"{stem}.pdf", f"{stem}.png"}), f, indent=1)
    os.replace(temporary, path)


def has_ended(folder):
    """Whether the manifest says that the run has."""
    from alert_figures.reading import Broken, Missing, read_json
    try:
        return read_json(os.path.join(folder, "manifest.json")).get("status") not in (None, "running")
    except (Missing, Broken):
        return False


def follow(options, out):
    """Draws the timeline of a run that writes its traces meanwhile. What is not there yet, or half written, may be there next time."""
    from alert_figures import style, timeline
    from alert_figures.reading import Broken, Missing
    from alert_figures.result import Result

    stem, shown, said = file_stem("timeline", options), None, None
    while True:
        ended = has_ended(options.result)  # before the traces are read: they are whole then
        problem = None
        try:
            result = Result(options.result)
            header = result.find(options.scheduler or "alert", options.setting, options.mode)
            size = header.path, os.path.getsize(header.path)
            if ended or size != shown:
                latest = copy.copy(options)
                if not options.inputs:
                    last = int(result.trace(header).input[-1])
                    latest.inputs = max(0, last - timeline.WINDOW + 1), last
                fig = timeline.draw(result, options if ended else latest)
                if not options.out:
                    note_written(out, stem)
                save(fig, out, stem, tuple(FORMATS) if ended else ("png",))
                style.plt.close(fig)
                if shown is None or ended:
                    print(os.path.join(out, stem) + (".{pdf,png}" if ended else ".png"), flush=True)
                shown = size
        except (Missing, Broken) as e:
            problem = e
            if not ended and str(e) != said:
                say(f"waiting: {e}")
                said = str(e)
        if ended:
            if problem:
                say(f"error: timeline: {problem}")
            return 2 if isinstance(problem, Broken) else 4 if problem else 0
        time.sleep(options.every)


def main(argv):
    options = parse(argv)
    need_matplotlib()
    import importlib

    from alert_figures import style
    from alert_figures.reading import Broken, Missing
    from alert_figures.result import Result

    said = set()

    def note(text):
        if text not in said:
            said.add(text)
            say(f"note: {text}")

    try:
        result = Result(options.result, note)
    except Broken as e:
        say(f"error: {e}")
        return 2
    out = options.out or os.path.join(options.result, "figures")
    try:
        os.makedirs(out, exist_ok=True)
    except OSError as e:
        say(f"error: {out}: cannot be created ({e.strerror}); choose another folder with --out")
        return 2
    if options.follow:
        try:
            return follow(options, out)
        except KeyboardInterrupt:
            return 0
        except OSError as e:
            say(f"error: timeline: {e.filename or out}: {e.strerror or e}; free some space or choose another folder with --out")
            return 2
    drawn, bad, skipped = 0, False, 0
    for name in [*(options.only or FIGURES), *([CONTACT_SHEET] if options.contact_sheet else [])]:
        try:
            if name == CONTACT_SHEET:
                fig = importlib.import_module("alert_figures.contact_sheet").draw(out)
            else:
                module, function, _, _ = FIGURES[name]
                fig = getattr(importlib.import_module(f"alert_figures.{module}"), function)(result, options)
            if not options.out:
                note_written(out, file_stem(name, options))
            save(fig, out, file_stem(name, options))
            style.plt.close(fig)
            drawn += 1
            print(os.path.join(out, file_stem(name, options)) + ".{pdf,png}")
        except Missing as e:
            say(f"skipped {name}: {e}")
            skipped += 1
        except Broken as e:
            say(f"error: {name}: {e}")
            bad = True
        except OSError as e:
            say(f"error: {name}: {e.filename or out}: {e.strerror or e}; free some space or choose another folder with --out")
            bad = True
    if bad:
        return 2
    if not drawn:
        say("nothing could be drawn")
        return 4
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
