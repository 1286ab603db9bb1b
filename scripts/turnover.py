#!/usr/bin/python3
"""Shows which conclusions about ALERT turn over when the evaluation is done another way. See --help."""

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))

import claims  # noqa: E402
import system_python  # noqa: E402
from claims import Bad, read  # noqa: E402

POWER_MODELS = os.path.join(os.path.dirname(os.path.realpath(__file__)), "../profiles/power")
INPUTS = (60, 120, 300, 600, 1200)
PROFILE_ERRORS = (-0.2, -0.1, 0.1, 0.2)
TOLERANCES = ((0, 0), (0.005, 0.05))  # of accuracy, and of the energy as a share; the usual one is (0.001, 0.01)
SCHEDULERS = ["alert", "price", "sys-only", "app-only", "no-coord", "oracle", "oracle-mean", "oracle-static", "oracle-causal"]
DEADLINES_X = (0.4, 2.0)

EPILOG = """example:
  scripts/turnover.py results/reference/recordings/* --out results/reference/turnover

Evaluates the recordings with the grid of goals, then again in other ways, one at a time, and checks the same claims each time
(scripts/claims.py):
  judge       goals input by input instead of as means; no tolerance; five times the tolerance
  inputs      only the first 60, 120, ... inputs of each recording (to the end of a sentence)
  profile     every latency in the profiles wrong by -20 to +20 %, under the same deadlines
  power       the same speeds with the power of the other machines in profiles/power
  phases      recordings in which the co-runner keeps on and off for other lengths (--phases)
Writes OUT/turnover.{json,md,pdf,png}: every claim with its value each way, and where its conclusion is another one.
"""


def sha256(path):
    with open(path, "rb") as f:
        return hashlib.sha256(f.read()).hexdigest()


def copied(folder, out, inputs=None, profile=None, power=None):
    """A copy of the recording `folder` below `out`: its first `inputs` inputs, its profile changed by `profile`, its power model and
    caps replaced by those of `power`."""
    import numpy as np

    to = os.path.join(out, os.path.basename(folder.rstrip("/")))
    shutil.copytree(folder, to)
    described = read(f"{to}/recording.json")
    if inputs is not None and inputs < described["inputs"]:
        groups = f"{to}/members_left.npy"
        left = np.load(groups) if os.path.exists(groups) else [1] * described["inputs"]
        while inputs < len(left) and left[inputs - 1] > 1:  # a sentence is not cut
            inputs += 1
        for array in described["arrays"].values():
            path = f"{to}/{array['file']}"
            np.save(path, np.load(path)[:inputs])
            array["shape"][0] = inputs
            array["sha256"] = sha256(path)
        described["inputs"] = described["planned_inputs"] = inputs
        described["input_ids"] = described["input_ids"][:inputs]
        described["info"]["scenario"]["inputs"] = inputs
    if profile:
        changed = read(f"{to}/profile.json")
        profile(changed)
        write(f"{to}/profile.json", changed)
        described["profile"]["sha256"] = sha256(f"{to}/profile.json")
    if power:
        described["info"]["scenario"]["power"].update(power)
        described["caps_w"] = power["caps_w"]
    write(f"{to}/recording.json", described)
    return to


def write(path, content):
    with open(path, "w") as f:
        json.dump(content, f, indent=1)
        f.write("\n")


def scaled(error):
    """Every latency of a profile, too long (or too short) by a share of `error`."""
    def change(profile):
        for model in profile["models"]:
            for stage in model["stages"]:
                for key in ("mean_s", "median_s", "p95_s", "p99_s"):
                    stage[key] = [v * (1 + error) for v in stage[key]]
    return change


def powered(model, caps_w, own):
    """The same speeds under the power curve of another machine: the caps of the recording become those at which it is as fast."""
    def power_w(cap_w):
        return model["static_w"] + model["dynamic_w"] * (cap_w - own["static_w"]) / own["dynamic_w"]

    def change(profile):
        profile["power_model"].update({k: model[k] for k in ("name", "static_w", "dynamic_w", "idle_w")})
        profile["idle_power_w"] = model["idle_w"]
        profile["caps_w"] = [power_w(c) for c in profile["caps_w"]]
        for m in profile["models"]:
            m["active_power_w"] = [power_w(w) for w in m["active_power_w"]]
    return change, {"caps_w": [power_w(c) for c in caps_w], "model": {k: model[k] for k in ("name", "static_w", "dynamic_w", "idle_w")}}


def variations(recordings, phases):
    """(kind, name, recordings in a folder, grid) of each way: recordings is a function of the folder for copies."""
    same = lambda out: recordings
    grid = lambda **keys: {"deadline_low_x": DEADLINES_X[0], "deadline_high_x": DEADLINES_X[1], **keys}
    yield "reference", "as means", same, grid()
    yield "judge", "input by input", same, grid(judge="strict")
    for accuracy, energy in TOLERANCES:
        name = "no tolerance" if accuracy == 0 else f"tolerance {accuracy:g}, {100 * energy:g} %"
        yield "judge", name, same, grid(goal_tolerance={"accuracy": accuracy, "energy": energy})
    most = max(read(f"{r}/recording.json")["inputs"] for r in recordings)
    for n in INPUTS:
        if n < most:
            yield "inputs", f"{n} inputs", lambda out, n=n: [copied(r, out, inputs=n) for r in recordings], grid()
    for error in PROFILE_ERRORS:
        # Deadlines are multiples of a latency in the profile, which is wrong as well.
        yield ("profile", f"profile {100 * error:+.0f} %", lambda out, e=error: [copied(r, out, profile=scaled(e)) for r in recordings],
               {"deadline_low_x": DEADLINES_X[0] / (1 + error), "deadline_high_x": DEADLINES_X[1] / (1 + error)})
    for file in sorted(os.listdir(POWER_MODELS)):
        model = read(os.path.join(POWER_MODELS, file))

        def other(out, model=model):
            copies = []
            for r in recordings:
                profile = read(f"{r}/profile.json")
                if not profile.get("power_model"):
                    raise Bad(f"{r}/profile.json: has no power model: energy was measured, and belongs to its machine")
                change, power = powered(model, profile["caps_w"], profile["power_model"])
                copies.append(copied(r, out, profile=change, power=power))
            return copies

        if model["name"] != read(f"{recordings[0]}/profile.json")["power_model"]["name"]:
            yield "power", model["name"], other, grid()
    for name, folders in phases:
        yield "phases", name, lambda out, f=folders: f, grid()


def checked(program, recordings, grid):
    """The claims about an evaluation of `recordings`, in their order."""
    with tempfile.TemporaryDirectory() as work:
        write(f"{work}/sweep.json", {"schema_version": "1.0", "kind": "sweep", "name": "turnover", "schedulers": SCHEDULERS,
                                     "recordings": [os.path.abspath(r) for r in recordings], "grid": grid})
        command = [program, "sweep", f"{work}/sweep.json", "--out", f"{work}/out", "--quiet"]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            raise Bad(f"{' '.join(command)}: exit code {done.returncode}: {done.stderr.strip()}")
        arguments = argparse.Namespace(evaluation=f"{work}/out", quickstart=None, recordings=[], statistics=None)
        return claims.check(arguments)


def key_of(claim):
    return claim["claim"], claim["reading"]


def turned(claim, reference):
    """Whether the conclusion is another one than the reference's; None where one of them cannot be judged."""
    if claim is None or claim["holds"] is None or reference["holds"] is None:
        return None
    return claim["holds"] != reference["holds"]


def markdown(ways):
    reference = ways[0]["claims"]
    names = [w["name"] for w in ways]
    text = f"| claim | reading | said | {' | '.join(names)} |\n|{'---|' * (3 + len(names))}\n"
    for own in reference:
        if own["holds"] is None:
            continue
        cells = []
        for w in ways:
            claim = next((c for c in w["claims"] if key_of(c) == key_of(own)), None)
            found = claim and claim["found"]
            cell = "-" if not found else f"{found['value']:.1f}"
            cells.append(f"**{cell} {'holds' if claim['holds'] else 'fails'}**" if turned(claim, own) else cell)
        text += f"| {own['claim']} | {own['reading']} | {own['said']} | {' | '.join(cells)} |\n"
    return text


def draw(ways, recordings, out):
    from alert_figures import style

    reference = [c for c in ways[0]["claims"] if c["holds"] is not None]
    fig, axes = style.figure(style.PAGE_IN, 0.17 * len(reference) + 0.9)
    ax = axes[0][0]
    colors = {True: style.GREEN, False: style.VERMILLION}
    for row, own in enumerate(reference):
        for column, way in enumerate(ways):
            claim = next((c for c in way["claims"] if key_of(c) == key_of(own)), None)
            if claim is None or claim["holds"] is None:
                continue
            turns = turned(claim, own)
            ax.add_patch(style.plt.Rectangle((column - 0.46, row - 0.42), 0.92, 0.84, lw=1.4 if turns else 0,
                                             fc=style.lighter(colors[claim["holds"]]), ec=style.BLACK))
            ax.text(column, row, f"{claim['found']['value']:.1f}", ha="center", va="center", fontsize=style.SMALL_PT - 1)
    ax.set_xlim(-0.6, len(ways) - 0.4)
    ax.set_ylim(len(reference) - 0.4, -0.6)
    ax.set_xticks(range(len(ways)), [w["name"] for w in ways], rotation=90)
    ax.set_yticks(range(len(reference)), [f"{c['claim']}, {c['reading'].split(' (')[0]} ({c['said']})" for c in reference],
                  fontsize=style.SMALL_PT - 0.5)
    ax.grid(False)
    ax.tick_params(length=0)
    handle = lambda color, **keys: style.plt.Rectangle((0, 0), 1, 1, fc=style.lighter(color), **keys)
    style.finish(fig, "Which conclusions turn over when the evaluation is done another way",
                 [f"{recordings} recordings, each evaluated over a grid of goals", "one thing is changed at a time", "energy: model"],
                 legend=[(handle(style.GREEN), "the claim holds"), (handle(style.VERMILLION), "it does not"),
                         (style.plt.Rectangle((0, 0), 1, 1, fc="white", ec=style.BLACK, lw=1.4), "another conclusion than the first column's")])
    for kind in ("pdf", "png"):
        fig.savefig(f"{out}/turnover.{kind}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recordings", nargs="+", metavar="RECORDING")
    parser.add_argument("--phases", nargs="+", action="append", default=[], metavar=("NAME", "RECORDING"),
                        help="recordings with other phases of the co-runner, and how to call them (repeatable)")
    parser.add_argument("--only", nargs="+", choices=("judge", "inputs", "profile", "power", "phases"), metavar="KIND",
                        help="only these ways: judge, inputs, profile, power, phases")
    parser.add_argument("--out", required=True, help="folder for turnover.{json,md,pdf,png}")
    parser.add_argument("--program", default=os.path.join(os.path.dirname(os.path.realpath(__file__)), "../build/bin/alert-bench"),
                        help="alert-bench (default: the one in build/)")
    arguments = parser.parse_args()
    system_python.require({"matplotlib": "python3-matplotlib", "numpy": "python3-numpy"})
    if short := [p[0] for p in arguments.phases if len(p) < 2]:
        parser.error(f"--phases {short[0]}: names no recording")
    try:
        for recording in (*arguments.recordings, *(r for p in arguments.phases for r in p[1:])):
            read(f"{recording}/recording.json")
        ways = []
        for kind, name, folders, grid in variations(arguments.recordings, [(p[0], p[1:]) for p in arguments.phases]):
            if arguments.only and kind not in (*arguments.only, "reference"):
                continue
            print(f"turnover: {name}", file=sys.stderr)
            with tempfile.TemporaryDirectory() as work:
                ways.append({"kind": kind, "name": name, "claims": checked(arguments.program, folders(work), grid)})
        os.makedirs(arguments.out, exist_ok=True)
        write(f"{arguments.out}/turnover.json", {"recordings": [os.path.basename(r.rstrip("/")) for r in arguments.recordings], "ways": ways})
        text = markdown(ways)
        with open(f"{arguments.out}/turnover.md", "w") as f:
            f.write(text)
        draw(ways, len(arguments.recordings), arguments.out)
    except Bad as e:
        print(f"turnover: {e}", file=sys.stderr)
        sys.exit(2)
    print(text, end="")


if __name__ == "__main__":
    main()
