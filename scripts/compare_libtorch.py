#!/usr/bin/python3
"""Compares what several LibTorchs make of our networks: their scores must be equal to 1e-5 of the largest one; latencies are told.

    scripts/compare_libtorch.py 1.13=build/bin/bench-libtorch 2.13=build-libtorch-2.13.0/bin/bench-libtorch [--rounds 7] [--json FILE]

The first build is the one that the others are compared with. A command may have words before it (chroot, taskset). The builds run in turn, so that what
else happens on the machine happens to all of them: a ratio is the median over rounds of the ratio within a round. Exit code 5 if scores differ.
"""

import argparse
import json
import shlex
import statistics
import subprocess
import sys

TOLERANCE = 1e-5


def difference(scores, other):
    """Of the largest score, over all stages."""
    worst = 0.0
    for a, b in zip(scores, other, strict=True):
        largest = max(map(abs, a))
        worst = max(worst, max(abs(x - y) for x, y in zip(a, b, strict=True)) / largest)
    return worst


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("builds", nargs="+", metavar="NAME=COMMAND")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=0.3, help="of each network in a round")
    parser.add_argument("--json", help="file for all values but the scores")
    arguments = parser.parse_args()
    builds = dict(build.split("=", 1) for build in arguments.builds)
    rounds = {name: [] for name in builds}
    for number in range(arguments.rounds):
        order = list(builds)
        for name in order[number % len(order):] + order[:number % len(order)]:
            command = [*shlex.split(builds[name]), str(arguments.seconds)]
            ran = subprocess.run(command, capture_output=True, text=True)
            if ran.returncode != 0:
                sys.exit(f"compare_libtorch: {shlex.join(command)}: exit code {ran.returncode}: {ran.stderr.strip()}")
            rounds[name].append(json.loads(ran.stdout))

    first = next(iter(builds))
    table, failed = [], []
    for place, network in enumerate(rounds[first][0]["networks"]):
        row = {"network": network["name"], "builds": {}}
        for name, ran in rounds.items():
            found = [r["networks"][place] for r in ran]
            row["builds"][name] = {
                "median_s": statistics.median(f["median_s"] for f in found),
                "minimum_s": min(f["minimum_s"] for f in found),
                "ratio": statistics.median(f["median_s"] / r["networks"][place]["median_s"] for f, r in zip(found, rounds[first], strict=True)),
                "prepacked": found[0]["prepacked"],
                "difference": difference(network["scores"], found[0]["scores"])}
            if not row["builds"][name]["difference"] <= TOLERANCE:
                failed.append(f"{network['name']}: the scores of {name} differ from those of {first} by "
                              f"{row['builds'][name]['difference']:.2g} of the largest")
        table.append(row)

    for name, ran in rounds.items():
        facts = ran[0]["inference"]
        print(f"{name}: LibTorch {facts['libtorch']}, {facts['blas']}, kernel {facts['blas_kernel']}, "
              f"OpenMP {', '.join(facts['openmp'])}{''.join(f'; {w}' for w in facts['warnings'])}")
    print(f"\nMedian latency in ms, its ratio to {first}'s in the same round, and the largest difference of a score; medians of "
          f"{arguments.rounds} rounds. *: not prepacked\n")
    others = [name for name in builds if name != first]
    print(f"{'network':24}{first:>9}" + "".join(f"{name:>9}{'ratio':>7}{'differ':>9}" for name in others))
    for row in table:
        values = row["builds"]
        line = f"{row['network']:24}{1e3 * values[first]['median_s']:9.2f}"
        for name in others:
            v = values[name]
            line += f"{1e3 * v['median_s']:8.2f}{'*' if v['prepacked'] is False else ' '}{v['ratio']:7.2f}{v['difference']:9.0e}"
        print(line)
    if arguments.json:
        with open(arguments.json, "w") as f:
            json.dump({"rounds": arguments.rounds, "seconds": arguments.seconds,
                       "inference": {name: ran[0]["inference"] for name, ran in rounds.items()}, "networks": table}, f, indent=1)
            f.write("\n")
    for failure in failed:
        print(f"compare_libtorch: {failure}", file=sys.stderr)
    return 5 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
