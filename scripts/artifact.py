#!/usr/bin/python3
"""Writes ARTIFACT.md and docs/price.md from their templates and the results that they quote. See --help."""

import argparse
import hashlib
import os
import re
import statistics
import sys
import textwrap

sys.dont_write_bytecode = True
SCRIPTS = os.path.dirname(os.path.realpath(__file__))
sys.path.insert(0, SCRIPTS)

import claims as claims_script  # noqa: E402
import system_python  # noqa: E402
from claims import Bad, read  # noqa: E402

PAGES = {"artifact.md.jinja": "ARTIFACT.md", "price.md.jinja": "docs/price.md"}
GOALS = ("late", "accuracy", "energy")
NAMES = {"fashion-mnist": "Fashion-MNIST", "ptb": "Penn Treebank", "imagenet": "ImageNet", "squad": "SQuAD"}
TASKS = {"min_energy": "least energy", "min_error": "least error"}

EPILOG = """example:
  scripts/artifact.py                   writes ARTIFACT.md and docs/price.md from results/reference
  scripts/artifact.py --check           exit code 1 if one of them is not what it would write

scripts/artifact.md.jinja and scripts/price.md.jinja have the sentences, results/reference the figures in them: evaluation/, claims/,
calibration/, statistics/, sensitivity/, turnover/, price/, live/, debian/, times.json and the recordings. A number that no file has is an error.
"""


class Evaluation:
    """What the template asks of evaluation.json. Domains are `all`, `vision`, `nlp`; tasks `min_energy`, `min_error`."""

    def __init__(self, path):
        self.content = read(path)
        self.cells = self.content["cells"]
        self.settings = sum(len(c["settings"]) for c in self.cells)
        self.feasible = sum(s["feasible"] for c in self.cells for s in c["settings"])

    def total(self, task, scheduler, domain="all"):
        return self.content["overall"][domain][task]["schedulers"][scheduler]

    def workload_total(self, task, scheduler, workload):
        """A group of its own, or the domain (or all) that this workload is alone in, which is not repeated as a group."""
        for group in self.content["groups"]:
            if group["workload"] == workload and group["scenario"] is None and task in group:
                return group[task][scheduler]
        alone = next((d for d, t in self.content["overall"].items() if t.get("workloads") == [workload]), "all")
        if alone == "all" and self.workloads() != [workload]:
            raise Bad(f"evaluation.json: no totals of {workload}")
        return self.total(task, scheduler, alone)

    def saving(self, task, rival, domain="all"):
        return next(s for s in self.content["overall"][domain][task]["savings"] if s["rival"] == rival)

    def judged(self, task, scheduler, workload):
        """The results of a scheduler in every feasible setting of a workload, each with its setting."""
        return [(s, s["results"][scheduler]) for c in self.cells if c["task"] == task and c["workload"] == workload
                for s in c["settings"] if s["feasible"]]

    def failures(self, task, scheduler, workload):
        """How many settings a scheduler violates, and which goal it misses there; of each goal the median and worst shortfall."""
        judged = self.judged(task, scheduler, workload)
        violated = [r for _, r in judged if r["mean"]["violated"]]
        result = {"settings": len(judged), "violated": len(violated), "tightest": sum(
            s["deadline_x"] < 0.8 for s, r in judged if r["mean"]["violated"])}
        for goal in GOALS:
            short = [r["mean"]["shortfall"][goal] for r in violated if r["mean"]["shortfall"][goal]]
            result[goal] = {"settings": len(short), "median": statistics.median(short) if short else None, "worst": max(short, default=None)}
        return result

    def gap(self, task, workload):
        """How far oracle-mean's own choice lies above what its dual allows, over the settings; `none`: it found no choice."""
        bounds = [r["bound"] for _, r in self.judged(task, "oracle-mean", workload)]
        gaps = [b["gap"] / b["objective"] for b in bounds if b]
        return {"settings": len(bounds), "none": len(bounds) - len(gaps), "median": statistics.median(gaps), "worst": max(gaps)}

    def budget(self, scheduler):
        """Mean energy over budget in the feasible least-error settings."""
        shares = [r["mean_energy_j"] / s["energy_j"] for w in self.workloads() for s, r in self.judged("min_error", scheduler, w)]
        return {"settings": len(shares), "median": statistics.median(shares), "worst": max(shares), "above": sum(v > 1.01 for v in shares)}

    def workloads(self):
        return list(dict.fromkeys(c["workload"] for c in self.cells))


def recordings_of(folder):
    """What is known of each recording without its arrays."""
    found = []
    for name in sorted(os.listdir(folder)):
        described, profile = read(f"{folder}/{name}/recording.json"), read(f"{folder}/{name}/profile.json")
        info = described["info"]
        median_s = [stage["median_s"][-1] for m in profile["models"] for stage in m["stages"][-1:]]
        found.append({
            "name": name, "workload": described["workload"], "inputs": described["inputs"], "caps": len(profile["caps_w"]),
            "networks": len(profile["models"]), "anytime": sum(len(m["stages"]) > 1 for m in profile["models"]),
            "seed": info["scenario"]["seeds"]["inputs"], "disturbance": info["scenario"]["name"], "pace": info.get("pace", "none"),
            "noise": float(re.search(r"[0-9.]+", profile["noise_verdict"]).group()), "quiet": profile["noise_verdict"].startswith("quiet"),
            "fastest_s": min(median_s), "slowest_s": max(median_s), "slowdown": (info["slowdowns"] or {}).get("median_ratio_over_networks"),
            "cpu": info["host"].get("cpu_model") or "an unknown processor",
            "priority": (info["scenario"].get("co_runner") or {}).get("priority", "normal"),
            "accuracy_from": profile["models"][0]["accuracy_source"],
            "random_weights": any(m["random_weights"] for m in profile["models"]),
            "accuracy": [stage for m in profile["models"] for stage in m["accuracy"]],
            "bytes": sum(os.path.getsize(os.path.join(folder, name, f)) for f in os.listdir(f"{folder}/{name}")),
        })
    return found


def by_workload(recordings):
    groups = {}
    for r in recordings:
        groups.setdefault(r["workload"], []).append(r)
    return groups


def same_elsewhere(folder):
    """Whether the log of scripts/try-debian.sh --evaluation, if there is one, is of this very evaluation and found the same bytes."""
    log = f"{folder}/debian/trixie-evaluation.log"
    if not os.path.exists(log):
        return False
    with open(f"{folder}/evaluation/evaluation.json", "rb") as f:
        here = hashlib.sha256(f.read()).hexdigest()
    with open(log, encoding="utf-8") as f:
        return set(re.findall(r"^([0-9a-f]{64})  \S*evaluation\.json$", f.read(), flags=re.M)) == {here}


def evidence(folder):
    """Everything that the templates may name."""
    optional = lambda path: read(f"{folder}/{path}") if os.path.exists(f"{folder}/{path}") else None
    recordings = recordings_of(f"{folder}/recordings")
    return {
        "names": NAMES, "tasks": TASKS,
        "evaluation": Evaluation(f"{folder}/evaluation/evaluation.json"),
        "claims": read(f"{folder}/claims/claims.json")["claims"],
        "claims_table": claims_script.markdown,
        "recordings": recordings,
        "workloads": by_workload(recordings),
        "calibration": {(e["estimator"], e["conformal"]): e for e in read(f"{folder}/calibration/calibration.json")["all"]},
        "statistics": read(f"{folder}/statistics/input_statistics.json")["recordings"],
        "sensitivity": read(f"{folder}/sensitivity/sensitivity.json"),
        "price": read(f"{folder}/price/price.json"),
        "turnover": optional("turnover/turnover.json"), "phases": optional("turnover/phases/turnover.json"),
        "live": optional("live/live.json"),
        "times": optional("times.json"), "same_elsewhere": same_elsewhere(folder),
    }


def percent(value, digits=1):
    return f"{100 * value:.{digits}f}"


def interval(estimate, digits=1, scale=100):
    return f"{scale * estimate['low']:.{digits}f} to {scale * estimate['high']:.{digits}f}"


def wrapped(text):
    """Paragraphs and items of lists with lines of equal length; tables, headings, pictures and code stay as they are."""
    result, paragraph = [], []
    item = re.compile(r"- |\d+\. ")
    in_code = False

    def flush():
        if paragraph:
            start = item.match(paragraph[0])
            result.append(textwrap.fill(" ".join(line.strip() for line in paragraph), 120, subsequent_indent=" " * len(start[0]) if start else "",
                                        break_long_words=False, break_on_hyphens=False))
            paragraph.clear()

    for line in text.split("\n"):
        fence = line.startswith("```")
        kept = in_code or fence or not line or line.startswith(("#", "|", "!["))
        in_code ^= fence
        if kept or item.match(line):
            flush()
        if kept:
            result.append(line)
        else:
            paragraph.append(line)
    flush()
    return re.sub("\n{3,}", "\n\n", "\n".join(result))


def filled(template, known):
    import jinja2

    environment = jinja2.Environment(loader=jinja2.FileSystemLoader(SCRIPTS), undefined=jinja2.StrictUndefined,
                                     extensions=["jinja2.ext.do"], trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True)
    environment.filters.update(percent=percent, interval=interval, fixed=lambda v, digits=2: f"{v:.{digits}f}",
                               thousands=lambda v: f"{v:,}", median=statistics.median)
    return wrapped(environment.get_template(template).render(known))


def main():
    parser = argparse.ArgumentParser(description=__doc__, epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", default=os.path.join(SCRIPTS, "../results/reference"), metavar="DIR", help="default: results/reference")
    parser.add_argument("--out", default=os.path.normpath(os.path.join(SCRIPTS, "..")), metavar="DIR", help="default: the repository")
    parser.add_argument("--check", action="store_true", help="write nothing; compare with the files")
    arguments = parser.parse_args()
    system_python.require({"jinja2": "python3-jinja2"})
    import jinja2

    template = None
    try:
        known = evidence(arguments.results)
        pages = {}
        for template, page in PAGES.items():
            pages[os.path.join(arguments.out, page)] = filled(template, known)
        for path, text in pages.items():
            if not arguments.check:
                os.makedirs(os.path.dirname(path), exist_ok=True)
                with open(path, "w", encoding="utf-8") as f:
                    f.write(text)
                continue
            with open(path, encoding="utf-8") as f:
                if f.read() != text:
                    sys.exit(f"artifact: {path} is not what its template and results give; run scripts/artifact.py")
    except Bad as e:
        print(f"artifact: {e}", file=sys.stderr)
        sys.exit(2)
    except OSError as e:
        print(f"artifact: {e.filename}: {e.strerror}", file=sys.stderr)
        sys.exit(2)
    # A value that is absent from a result is a TypeError where it is formatted.
    except (jinja2.TemplateError, KeyError, StopIteration, TypeError) as e:
        print(f"artifact: {template or 'results'}: {type(e).__name__}: {e}; make the results that it quotes: scripts/reproduce.sh", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
