#!/usr/bin/env python3
"""ALERT once more, as a program that alert-bench asks over pipes: written from the paper and docs/file-formats.md.

Probabilities are those of the standard library's erf. The program interpolates in a table instead, within 1e-7, so in principle
accuracies that differ by almost exactly the tolerance could be equal to one and different to the other.

    alert-bench replay RECORDING --schedulers alert --scheduler cmd:tests/python/alert_scheduler.py --allow-commands
"""
import json
import math
import sys

TOLERANCE = 1e-6  # expected accuracies closer than this are equal
HOPELESS_SHARE = 0.01


def normal(z):
    return 0.5 * math.erfc(-z / math.sqrt(2))


class Slowdown:
    """How much slower than profiled everything runs: a Kalman filter whose process noise follows its own corrections."""

    def __init__(self):
        self.mean, self.variance, self.gain, self.noise, self.innovation = 1.0, 0.1, 0.5, 0.1, 0.0

    def update(self, ratio):
        if not ratio > 0:  # stopped before it began: that says nothing
            return
        self.noise = max(0.1, 0.3 * self.noise + 0.7 * (self.gain * self.innovation) ** 2)
        self.variance = (1 - self.gain) * self.variance + self.noise
        self.gain = self.variance / (self.variance + 0.001)
        self.innovation = ratio - self.mean
        self.mean += self.gain * self.innovation


class IdleRatio:
    """Idle power over the cap in force."""

    def __init__(self, ratio):
        self.ratio, self.variance = ratio, 0.01

    def update(self, ratio):
        prior = self.variance + 0.0001
        gain = prior / (prior + 0.001)
        self.variance = (1 - gain) * prior
        self.ratio += gain * (ratio - self.ratio)


class Configuration:
    def __init__(self, network, stage, cap, fail_accuracy):
        self.name, self.stage, self.cap = network["name"], stage, cap
        self.anytime = len(network["stages"]) > 1
        self.growth = network.get("size_growth", 0)
        self.steps = [b - a for a, b in zip([fail_accuracy, *network["accuracy"]], network["accuracy"])][:stage]
        self.mean_s = [s["mean_s"][cap] for s in network["stages"]][:stage]
        self.active_w = network["active_power_w"][cap]


class Alert:
    def __init__(self, profile, goals):
        self.profile, self.goals = profile, goals
        self.caps_w, self.fail = profile["caps_w"], profile["fail_accuracy"]
        self.all = [Configuration(n, s + 1, c, self.fail) for n in sorted(profile["models"], key=lambda n: n["name"].encode())
                    for s in range(len(n["stages"])) for c in range(len(self.caps_w))]
        self.latency_s = {(c.name, c.stage, c.cap): c.mean_s[-1] for c in self.all}
        self.growth = {c.name: c.growth for c in self.all}
        self.best_accuracy = max(n["accuracy"][-1] for n in profile["models"])
        self.slowdown = Slowdown()
        self.idle = IdleRatio(profile["idle_power_w"] / self.caps_w[-1])

    @staticmethod
    def size_factor(growth, size):
        return max(0.05, 1 + growth * (size - 1))

    def expect(self, c, context):
        """Expected accuracy and energy, and when the first stage ends by the profile."""
        deadline_s, factor = context["deadline_from_start_s"], self.size_factor(c.growth, context["size"])
        mean, sd = self.slowdown.mean, math.sqrt(self.slowdown.variance)
        accuracy = self.fail
        for step, mean_s in zip(c.steps, c.mean_s):
            accuracy += step * normal((deadline_s / (mean_s * factor) - mean) / sd)
        busy_s = mean * c.mean_s[-1] * factor
        if c.anytime:
            busy_s = min(busy_s, max(0.0, deadline_s))
        idle_s = max(0.0, context["period_s"] - busy_s) - context["idle_charged_s"]
        return accuracy, c.active_w * busy_s + self.idle.ratio * self.caps_w[c.cap] * idle_s, c.mean_s[0] * factor

    def decide(self, context):
        expected = [self.expect(c, context) for c in self.all]
        chosen = range(len(expected))
        if self.goals["task"] == "min_energy":
            good = [i for i in chosen if expected[i][0] >= self.goals["accuracy"] - TOLERANCE]
            if good:
                return self.all[min(good, key=lambda i: expected[i][1])]
        else:
            good = [i for i in chosen if expected[i][1] <= self.goals["energy_j"]]
            if good:
                best = max(expected[i][0] for i in good)
                return self.all[min((i for i in good if expected[i][0] >= best - TOLERANCE), key=lambda i: expected[i][1])]
        if max(e[0] for e in expected) - self.fail <= HOPELESS_SHARE * (self.best_accuracy - self.fail):
            first_s = min(e[2] for e in expected)
            chosen = [i for i in chosen if expected[i][2] <= first_s]
        best = max(expected[i][0] for i in chosen)
        return self.all[min((i for i in chosen if expected[i][0] >= best - TOLERANCE), key=lambda i: expected[i][1])]

    def observe(self, seen):
        stages = seen["stages_finished"]
        measured_s = seen["last_stage_end_s"] if stages else seen["busy_s"]
        profiled_s = self.latency_s[seen["model"], max(1, stages), seen["cap"]]
        self.slowdown.update(measured_s / (profiled_s * self.size_factor(self.growth[seen["model"]], seen["size"])))
        if seen["idle_power_w"] is not None:
            self.idle.update(seen["idle_power_w"] / self.caps_w[seen["cap"]])


def main():
    hello = json.loads(sys.stdin.readline())
    alert = Alert(hello["profile"], hello["goals"])
    print(json.dumps({"protocol": 1}), flush=True)
    for line in sys.stdin:
        message = json.loads(line)
        if message["type"] == "observe":
            alert.observe(message)
        else:
            c = alert.decide(message)
            print(json.dumps({"input": message["input"], "model": c.name, "stage": c.stage, "cap": c.cap}), flush=True)


if __name__ == "__main__":
    main()
