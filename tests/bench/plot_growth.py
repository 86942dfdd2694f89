#!/usr/bin/env python3
"""Draws what `tests/bench/scale.sh … --growth` prints: a figure a series, as SVG, logarithmic in x.

usage: tests/bench/plot_growth.py GROWTH.csv FOLDER        needs matplotlib (tests/bench/scale_requirements.txt)
"""
import csv
import os
import sys

import matplotlib

matplotlib.use("svg")
matplotlib.rcParams["svg.hashsalt"] = "lorikeet"  # the same figures give the same file
from matplotlib import pyplot  # noqa: E402  pylint: disable=wrong-import-position

LABELS = {
    "trials_per_second_by_workers": ("workers", "no-op trials a second"),
    "coordinator_us_a_trial_by_pending": ("trials that wait", "coordinator's CPU a trial, µs"),
}


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__.strip().splitlines()[2])
    series = {}
    with open(sys.argv[1], encoding="utf-8") as file:
        for row in csv.DictReader(file):
            series.setdefault(row["series"], []).append((float(row["x"]), float(row["value"])))
    for name, points in series.items():
        if name not in LABELS:
            sys.exit(f"{sys.argv[1]}: a series '{name}' that nobody has labelled")
        figure, axes = pyplot.subplots(figsize=(5, 3), layout="constrained")
        axes.plot(*zip(*sorted(points)), marker="o")
        axes.set_xscale("log")
        axes.set_ylim(bottom=0)
        axes.set_xlabel(LABELS[name][0])
        axes.set_ylabel(LABELS[name][1])
        axes.grid(alpha=0.3)
        path = os.path.join(sys.argv[2], name + ".svg")
        figure.savefig(path, metadata={"Date": None})
        print(path)


if __name__ == "__main__":
    main()
