#!/usr/bin/env python3
"""Holds token ids to transformers' on real articles: whole, and cut to 512.

usage: tokens_live.py TEXT_BENCH MODEL FILE.jsonl.gz…

TEXT_BENCH is the program (tests/bench/text_bench.cc), MODEL a folder with spiece.model, each FILE has `article`s. Also
prints how many articles the sentencepiece package cuts otherwise: it adds scores up in single precision over the whole
text, so that far into one, rounding decides between segmentations that are nearly as good.
"""
import gzip
import json
import os
import subprocess
import sys

import sentencepiece
import transformers


def ours(bench, model, path, most):
    command = [bench, "ids", "--model", model, "--input", path, "--source", str(most)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        yield from map(json.loads, process.stdout)
    if process.returncode != 0:
        raise SystemExit(f"{' '.join(command)}: exit {process.returncode}")


def score(processor, ids):
    return sum(processor.get_score(i) for i in ids if i < processor.get_piece_size())


def main():
    bench, model, *paths = sys.argv[1:]
    transformers.logging.set_verbosity_error()
    tokenizer = transformers.T5Tokenizer.from_pretrained(model)
    processor = sentencepiece.SentencePieceProcessor(model_file=os.path.join(model, "spiece.model"))
    failed = False
    for path in paths:
        with gzip.open(path, "rt", encoding="utf-8") as file:
            articles = [json.loads(line)["article"] for line in file]
        differ = {"whole": 0, "cut to 512": 0, "tied": 0, "sentencepiece": 0}
        whole, cut = ours(bench, model, path, 1 << 30), ours(bench, model, path, 512)
        count = 0
        for article, ids, short in zip(articles, whole, cut, strict=True):
            count += 1
            theirs = tokenizer(article)["input_ids"]
            tied = ids != theirs and abs(score(processor, ids) - score(processor, theirs)) < 1e-3
            differ["tied"] += tied
            differ["whole"] += ids != theirs and not tied
            differ["cut to 512"] += short != (theirs if len(theirs) <= 512 else theirs[:511] + [1]) and not tied
            differ["sentencepiece"] += processor.encode(article) + [1] != ids
        print(f"{path}: {count} articles; differ from transformers: {differ['whole']} whole, {differ['cut to 512']} cut to 512, and "
              f"{differ['tied']} where two ways to cut a word are equally good; from sentencepiece {sentencepiece.__version__}, "
              f"whole: {differ['sentencepiece']}")
        failed = failed or differ["whole"] + differ["cut to 512"] > 0
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
