#!/usr/bin/env python3
"""Holds `sweep-trainer rouge` to rouge_score on real article/abstract pairs and on odd texts, to 1e-9.

usage: rouge_live.py TRAINER [--pubmed DIR] [--limit N] [--processes N]

TRAINER is the program; DIR a folder of *.jsonl.gz with `article` and `abstract`. The prediction of a pair is the
article's beginning, as many words as the abstract has; both are scored as one line and as a sentence a line. Precision,
recall and F1 of ROUGE-1, 2, L and Lsum, stemmer on and off. Without DIR: the odd texts alone. Needs rouge_score and nltk
(requirements.txt).
"""
import argparse
import functools
import glob
import gzip
import itertools
import json
import multiprocessing
import os
import random
import subprocess
import sys
import tempfile

from rouge_score import rouge_scorer

TYPES = ["rouge1", "rouge2", "rougeL", "rougeLsum"]
MOST = 1e-9
ODD = ["", " ", "\n", "a", "the", "running", ".", "\u212a", "\u0130", "5\u212a \u0130stanbul \u212aelvin\u0130", "IL-6 p<0.05 (n=12) 3.5mg/kg x-1-y",
       "na\u00efve \u00c5ngstr\u00f6m \u4e2d\u6587 \ufb01ne \u00df \u1e9e \u0131 e\u0301", "0123456789" * 40, "a-" * 200, "dying skies news proceed",
       "x\u0000y\u001cz\u0085w\u2028v", "one\ntwo\n\nthree\r\nfour\n", "supercalifragilisticexpialidocious antidisestablishmentarianism",
       "abcdefgh abcdefghi abcdefghijklmnop abcdefghijklmnopq", "generally generalization oscillators hopefulness"]


def odd_pairs():
    chance = random.Random(7)
    pairs = list(itertools.product(ODD, ODD))
    for words, count in ((40, 80), (63, 20), (64, 20), (65, 20), (520, 6), (6000, 1)):
        few = [f"w{i}" for i in range(max(3, words // 8))]
        for _ in range(count):
            made = [" ".join(chance.choice(few) + chance.choice(["", "", "", "\n", "."]) for _ in range(words)) for _ in range(2)]
            pairs.append(tuple(made))
    return pairs


def real_pairs(folder, limit):
    for path in sorted(glob.glob(os.path.join(folder, "*.jsonl.gz"))):
        with gzip.open(path, "rt", encoding="utf-8") as file:
            for i, line in enumerate(itertools.islice(file, limit)):
                pair = json.loads(line)
                abstract = pair["abstract"]
                prediction = " ".join(pair["article"].split(" ")[:len(abstract.split(" "))])
                yield abstract, prediction
                yield tuple(text.replace(". ", ".\n") for text in (abstract, prediction))
                if i % 400 == 0:
                    yield abstract, pair["article"]  # thousands of words


def expected(pair, stemmer):
    scores = scorer(stemmer).score(*pair)
    return [[scores[t].precision, scores[t].recall, scores[t].fmeasure] for t in TYPES]


@functools.cache
def scorer(stemmer):
    made = rouge_scorer.RougeScorer(TYPES, use_stemmer=stemmer)
    if stemmer:  # a word's stem is always the same: asked for once
        porter = made._tokenizer._stemmer
        porter.stem = functools.cache(porter.stem)
    return made


def ours(trainer, pairs, stemmer):
    with tempfile.TemporaryDirectory() as folder:
        names = [os.path.join(folder, name) for name in ("references.jsonl", "predictions.jsonl")]
        for side, name in enumerate(names):
            with open(name, "w", encoding="utf-8") as file:
                for i, pair in enumerate(pairs):
                    file.write(json.dumps({"id": str(i), "text": pair[side]}, ensure_ascii=i % 2 == 0) + "\n")
        command = [trainer, "rouge", "--references", names[0], "--predictions", names[1]] + ([] if stemmer else ["--no-stemmer"])
        lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    rows = [json.loads(line) for line in lines]
    scores = [[[row[t][part] for part in ("precision", "recall", "f1")] for t in TYPES] for row in rows[:-1]]
    assert [row["id"] for row in rows[:-1]] == [str(i) for i in range(len(pairs))]
    return scores, [[rows[-1]["mean"][t][part] for part in ("precision", "recall", "f1")] for t in TYPES]


def differences(one, two):
    return max(abs(a - b) for x, y in zip(one, two) for a, b in zip(x, y))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("trainer")
    parser.add_argument("--pubmed")
    parser.add_argument("--limit", type=int, help="so many pairs of each file")
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args()
    pairs = odd_pairs()
    if options.pubmed:
        pairs += real_pairs(options.pubmed, options.limit)
    failed = False
    for stemmer in (True, False):
        scores, mean = ours(options.trainer, pairs, stemmer)
        with multiprocessing.Pool(options.processes) as pool:
            theirs = pool.map(functools.partial(expected, stemmer=stemmer), pairs, chunksize=20)
        each = [differences(a, b) for a, b in zip(scores, theirs)]
        means = [[sum(row[t][part] for row in theirs) / len(theirs) for part in range(3)] for t in range(len(TYPES))]
        worst, of_mean = max(each), differences(mean, means)
        print(f"stemmer {'on' if stemmer else 'off'}: {len(pairs)} pairs, greatest difference {worst:.3g}, of the means {of_mean:.3g}")
        if worst > MOST or of_mean > MOST:
            failed = True
            print(f"  worst pair: {pairs[each.index(worst)]!r}"[:2000])
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
