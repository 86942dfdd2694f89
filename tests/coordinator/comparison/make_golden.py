#!/usr/bin/env python3
"""Writes golden.json: comparisons as NumPy and SciPy compute them, from the formulas of difference.h. Scores are drawn here
and stored, so that the test needs neither. Run once, with numpy and scipy 1.17 or newer: make_golden.py > golden.json"""
import json

import numpy
from scipy import optimize, stats

LEVEL, POWER = 0.05, 0.8


def scores(random, seeds, documents, mean, seed_sd, noise):
    of_documents = numpy.random.default_rng(7).normal(0, 12, documents)  # the same documents for every side
    return numpy.round(
        mean + of_documents + random.normal(0, seed_sd, (seeds, 1)) + random.normal(0, noise, (seeds, documents)), 6)


def residual(y):
    if y.shape[0] < 2:
        return 0.0
    left = y - y.mean(axis=1, keepdims=True) - y.mean(axis=0, keepdims=True) + y.mean()
    return (left**2).sum() / ((y.shape[0] - 1) * (y.shape[1] - 1))


def detectable_shift(degrees):
    critical = stats.t.isf(LEVEL / 2, degrees)

    def missing(shift):
        return POWER - stats.nct.sf(critical, degrees, shift)

    high = critical  # the power is about a half there
    while missing(high) > 0:
        high += 0.5
    return optimize.brentq(missing, 0, high, xtol=1e-13, rtol=1e-14)


def compare(a, b, margin):
    difference = a.mean(axis=1).mean() - b.mean(axis=1).mean()
    if min(len(a), len(b)) < 2:
        return {"difference": difference}
    z = a.mean(axis=0) - b.mean(axis=0)
    terms = [a.mean(axis=1).var(ddof=1) / len(a), b.mean(axis=1).var(ddof=1) / len(b), z.var(ddof=1) / len(z)]
    variance = max(sum(terms) - (residual(a) / len(a) + residual(b) / len(b)) / len(z), terms[2])
    error = variance**0.5
    degrees = sum(terms)**2 / (terms[0]**2 / (len(a) - 1) + terms[1]**2 / (len(b) - 1) + terms[2]**2 / (len(z) - 1))
    critical = stats.t.isf(LEVEL / 2, degrees)
    not_worse = stats.t.sf((difference + margin) / error, degrees)
    return {
        "difference": difference,
        "standard_error": error,
        "degrees": degrees,
        "low": difference - critical * error,
        "high": difference + critical * error,
        "p_value": 2 * stats.t.sf(abs(difference) / error, degrees),
        "p_not_worse": not_worse,
        "p_equivalent": max(not_worse, stats.t.cdf((difference - margin) / error, degrees)),
        "detectable": detectable_shift(degrees) * error,
    }


def main():
    random = numpy.random.default_rng(20260301)
    cases = []
    for a_seeds, b_seeds, documents, gap, seed_sd, noise, margin in [
        (3, 3, 40, 0.4, 0.5, 4, 0.5), (5, 5, 60, 0.0, 0.2, 6, 0.5), (2, 3, 25, -2.0, 0.5, 5, 1.0),
        (5, 2, 30, 3.0, 1.0, 2, 0.25), (4, 6, 17, 0.1, 0.01, 0.5, 0.3), (3, 3, 2, 1.0, 0.5, 3, 0.5),
        (10, 10, 12, -0.3, 0.0, 8, 2.0), (3, 5, 50, 0.0, 3.0, 1, 0.5), (1, 3, 9, 1.0, 0.5, 3, 0.5),
    ]:
        a = scores(random, a_seeds, documents, 41 + gap, seed_sd, noise)
        b = scores(random, b_seeds, documents, 41, seed_sd, noise)
        cases.append({"a": a.tolist(), "b": b.tolist(), "margin": margin, "expected": compare(a, b, margin)})
    p_values = [0.011, 0.02, 0.005, 0.6, 0.011, 0.04]
    print(json.dumps({
        "comparisons": cases,
        "holm": {"p_values": p_values, "corrected": holm(p_values)},
        "detectable": [{"degrees": d, "shift": detectable_shift(d)} for d in (1.0, 2.5, 4.0, 20.0, 400.0, 1e4)],
    }))


def holm(p_values):
    """From the definition: the least level at which the step-down procedure rejects each."""
    order = sorted(range(len(p_values)), key=lambda i: p_values[i])
    corrected, so_far = [0.0] * len(p_values), 0.0
    for rank, i in enumerate(order):
        so_far = max(so_far, min(1.0, (len(p_values) - rank) * p_values[i]))
        corrected[i] = so_far
    return corrected


if __name__ == "__main__":
    main()
