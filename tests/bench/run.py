#!/usr/bin/env python3
"""Runs the trainer beside its peers on the same work and prints a Markdown table with the ratios.

usage: run.py BUILD PEERS_PYTHON [--only train|generate|rouge|start|tokenize] [--shapes tiny,small] [--repeat N]
              [--threads N] [--pubmed DIR] [--model DIR]

BUILD is a build folder with tests; --pubmed a folder of train.jsonl.gz (articles and abstracts), --model one of a T5,
both for rouge, start and tokenize.

Ours and theirs run one after the other in the same call; each measurement is a process of its own, so that peak memory
is its own, and is the median of N repetitions after one to warm up.
"""
import argparse
import gzip
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

from peer import SHAPES

WORKS = ["train", "generate", "rouge", "start", "tokenize"]
HERE = os.path.dirname(os.path.abspath(__file__))


def run(command):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        print(f"failed: {' '.join(command)}\n{done.stderr[-2000:]}", file=sys.stderr)
        return None
    return json.loads(done.stdout.strip().splitlines()[-1])


def products(shape, method, batch, source, target):
    """Multiplications and additions of a training step's matrix products: each linear layer forward, its input's gradient
    and, where it is trained, its weight's; attention's two products forward and four backward. Nothing that is computed
    twice to save memory."""
    width, inner = shape["d_model"], shape["num_heads"] * shape["d_kv"]
    source += 20 if method == "prompt" else 0
    read, written = batch * source, batch * target
    feed_forward = 3 * width * shape["d_ff"]
    linear = (shape["num_layers"] * read * (4 * width * inner + feed_forward)
              + shape["num_decoder_layers"] * (written * (6 * width * inner + feed_forward) + read * 2 * width * inner)
              + written * width * shape["vocab_size"])
    attention = 2 * inner * (shape["num_layers"] * read * source
                             + shape["num_decoder_layers"] * written * (target + source))
    return 2 * (linear * (3 if method == "full" else 2) + attention * 3)


def generation_products(shape, batch, source, target, beams):
    """Of the encoder, and of the decoder a token at a time."""
    width, inner = shape["d_model"], shape["num_heads"] * shape["d_kv"]
    feed_forward = 3 * width * shape["d_ff"]
    read, written = batch * source, batch * beams * target
    encoder = shape["num_layers"] * read * (4 * width * inner + feed_forward + 2 * source * inner)
    decoder = shape["num_decoder_layers"] * (written * (6 * width * inner + feed_forward + inner * (2 * source + target))
                                             + read * 2 * width * inner) + written * width * shape["vocab_size"]
    return 2 * (encoder + decoder)


def mib(result):
    return f"{result['peak_memory_bytes'] / 2**20:,.0f}"


class Bench:
    def __init__(self, options):
        self.options = options
        self.common = ["--repeat", str(options.repeat), "--threads", str(options.threads)]

    def ours(self, *arguments):
        return run([os.path.join(self.options.build, "tests", "trainer_bench"), *arguments, *self.common])

    def theirs(self, *arguments):
        return run([self.options.python, os.path.join(HERE, "peer.py"), *arguments, *self.common])

    def precisions(self):
        """Those that the processor has instructions for, with the speed of a plain matrix product in each."""
        speeds = {p: self.ours("gemm", "--precision", p) for p in ("fp32", "bf16")}
        speeds = {p: r["flops_per_second"] for p, r in speeds.items() if r}
        print("Matrix products of LibTorch, 2048 × 2048 × 2048: "
              + ", ".join(f"{speed / 1e9:,.0f} GFLOP/s in {p}" for p, speed in speeds.items()) + ".\n")
        return speeds

    def train(self):
        speeds = self.precisions()
        print("| training step, 8 × 512 → 128, dropout 0.1 | ours, tokens/s | theirs, tokens/s | ratio | "
              "ours, MiB | theirs, MiB | ratio | time that its matrix products alone would take |\n|---|---|---|---|---|---|---|---|")
        for shape in self.options.shapes:
            for method in ("lora", "prompt", "full"):
                work = ["train", "--shape", shape, "--method", method]
                ours = {p: self.ours(*work, "--precision", p) for p in speeds}
                theirs = {p: self.theirs(*work, "--precision", p) for p in speeds}
                best = max((r for r in theirs.values() if r), key=lambda r: r["tokens_per_second"])
                for precision, result in ours.items():
                    if result is None:
                        continue
                    print(f"| {shape}, {method}, {precision} | {result['tokens_per_second']:,.0f} | "
                          f"{best['tokens_per_second']:,.0f} | {result['tokens_per_second'] / best['tokens_per_second']:.2f} | "
                          f"{mib(result)} | {mib(best)} | "
                          f"{result['peak_memory_bytes'] / best['peak_memory_bytes']:.2f} | "
                          f"{products(SHAPES[shape], method, 8, 512, 128) / speeds[precision] / result['seconds']:.0%} |",
                          flush=True)
        print()

    def generate(self):
        speeds = self.precisions()
        print("| generation, 8 × 512 → 64, tokens/s | ours | " + " | ".join(f"transformers {p}" for p in speeds)
              + " | CTranslate2 float32 | CTranslate2 int8 | ours / best of transformers | ours / CTranslate2 float32 | "
              "time that its matrix products alone would take |\n" + "|---" * (7 + len(speeds)) + "|")
        for shape in self.options.shapes:
            for beams in ("1", "4"):
                work = ["generate", "--shape", shape, "--beams", beams]
                peers = [self.theirs(*work, "--precision", p) for p in speeds]
                peers += [self.theirs(*work, "--engine", "ctranslate2", "--compute", c) for c in ("float32", "int8")]
                speed = [r["tokens_per_second"] if r else float("nan") for r in peers]
                for precision in speeds:
                    ours = self.ours(*work, "--precision", precision)
                    if ours is None:
                        continue
                    mine = ours["tokens_per_second"]
                    print(f"| {shape}, {'greedy' if beams == '1' else 'beam 4'}, {precision} | {mine:,.0f} | "
                          + " | ".join(f"{s:,.0f}" for s in speed)
                          + f" | {mine / max(speed[:len(speeds)]):.2f} | {mine / speed[len(speeds)]:.2f} | "
                          f"{generation_products(SHAPES[shape], 8, 512, 64, int(beams)) / speeds[precision] / ours['seconds']:.0%} |",
                          flush=True)
        print()


    def trainer(self, *arguments):
        return [os.path.join(self.options.build, "bin", "sweep-trainer"), *arguments]

    def pairs(self, count):
        with gzip.open(os.path.join(self.options.pubmed, "train.jsonl.gz"), "rt", encoding="utf-8") as file:
            return [json.loads(line) for _, line in zip(range(count), file)]

    def rouge(self):
        """Abstracts against the first words of their articles: scoring alone, on one thread, then the whole command."""
        count, few = 2000, 200  # rouge_score takes 50 ms a document
        with tempfile.TemporaryDirectory() as folder:
            files = {}
            for name, pairs in (("all", self.pairs(count)), ("few", self.pairs(few))):
                paths = [os.path.join(folder, f"{name}-{side}.jsonl") for side in ("references", "predictions")]
                with open(paths[0], "w", encoding="utf-8") as one, open(paths[1], "w", encoding="utf-8") as two:
                    for i, pair in enumerate(pairs):
                        words = pair["article"].split(" ")[:len(pair["abstract"].split(" "))]
                        one.write(json.dumps({"id": str(i), "text": pair["abstract"]}) + "\n")
                        two.write(json.dumps({"id": str(i), "text": " ".join(words)}) + "\n")
                files[name] = ["--references", paths[0], "--predictions", paths[1]]
            bench = [os.path.join(self.options.build, "tests", "text_bench"), "rouge", "--repeat", str(self.options.repeat)]
            scoring = {name: run([*bench, *paths]) for name, paths in files.items()}
            command = []
            for _ in range(self.options.repeat + 1):
                begin = time.perf_counter()
                subprocess.run(self.trainer("rouge", *files["all"]), check=True, stdout=subprocess.DEVNULL)
                command.append(time.perf_counter() - begin)
            theirs = self.theirs("rouge", *files["few"])
        whole = statistics.median(command[1:])
        rows = [(f"scoring, {few} documents", scoring["few"]["seconds"] / few, "seconds"),
                (f"scoring, {few} documents, CPU time", scoring["few"]["cpu_seconds"] / few, "cpu_seconds"),
                (f"scoring, {count} documents, CPU time", scoring["all"]["cpu_seconds"] / count, "cpu_seconds"),
                (f"the whole command, {count} documents", whole / count, "seconds")]
        print("| ROUGE-1, 2, L, Lsum of PubMed abstracts, stemmer on, one thread | ours, µs a document | "
              f"rouge_score, µs a document (of {few}) | ratio |\n|---|---|---|---|")
        for name, ours, kind in rows:
            print(f"| {name} | {ours * 1e6:,.1f} | {theirs[kind] / few * 1e6:,.0f} | {theirs[kind] / few / ours:,.0f} |")
        print()

    @staticmethod
    def until_started(command):
        """Seconds from a process's start to its first line of a `started` event, and its CPU seconds; then it is killed."""
        begin = time.perf_counter()
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                              env={**os.environ, "HF_HUB_OFFLINE": "1"}) as process:
            seconds = None
            for line in process.stdout:
                if json.loads(line).get("event", "").lower() == "started":
                    seconds = time.perf_counter() - begin
                    break
            process.kill()
            usage = os.wait4(process.pid, 0)[2]
            process.returncode = 0
        if seconds is None:
            raise SystemExit(f"ended without a start: {' '.join(command)}")
        return seconds, usage.ru_utime + usage.ru_stime

    def start(self):
        """From the process's start to the first step of a LoRA trial, its files read and its tokens made before."""
        with tempfile.TemporaryDirectory() as folder:
            for name, rows in (("train", 2000), ("validation", 100), ("test", 100)):
                with open(os.path.join(folder, name + ".jsonl"), "w", encoding="utf-8") as file:
                    for i, pair in enumerate(self.pairs(rows)):
                        file.write(json.dumps({"id": str(i), "article": pair["article"],
                                               "abstract": pair["abstract"]}) + "\n")
            data = {name: os.path.join(folder, name + ".jsonl") for name in ("train", "validation", "test")}
            trial = os.path.join(folder, "trial.json")
            with open(trial, "w", encoding="utf-8") as file:
                json.dump({"sweep": "bench", "configuration": "lora", "method": "lora", "seed": 1,
                           "model": os.path.abspath(self.options.model), "data": data,
                           "train": {"steps": 1000, "batch_size": 2, "learning_rate": 1e-3},
                           "evaluate": {"max_new_tokens": 1},
                           "lora": {"rank": 8, "alpha": 16, "targets": ["q", "v"], "dropout": 0.0}}, file)
            time.sleep(4)  # files that are younger than some seconds are not trusted to a cache
            common = ["--trial", trial, "--threads", str(self.options.threads)]
            cached = ["--cache", os.path.join(folder, "cache")]
            peer = [self.options.python, os.path.join(HERE, "peer.py"), "start", "--model", self.options.model,
                    "--threads", str(self.options.threads)]
            measured = {"tokens and fingerprints cached": [], "nothing cached": [], "peer": []}
            for i in range(self.options.repeat + 1):
                out = ["--out", os.path.join(folder, str(i))]
                measured["tokens and fingerprints cached"].append(self.until_started(self.trainer("train", *common, *cached, *out)))
                measured["nothing cached"].append(self.until_started(self.trainer("train", *common, *out)))
                measured["peer"].append(self.until_started(peer))
        medians = {name: [statistics.median(column) for column in zip(*rows[1:])] for name, rows in measured.items()}
        theirs = medians.pop("peer")
        print("| start of a LoRA trial, to its first step; 2,000 + 200 articles | ours, s | transformers and peft, without data, s | "
              "ratio | ours, CPU s | theirs, CPU s | ratio |\n|---|---|---|---|---|---|---|")
        for name, ours in medians.items():
            print(f"| {name} | {ours[0]:.3f} | {theirs[0]:.2f} | {theirs[0] / ours[0]:.1f} | {ours[1]:.3f} | {theirs[1]:.2f} | "
                  f"{theirs[1] / ours[1]:.1f} |")
        print()

    def tokenize(self):
        work = ["tokenize", "--input", os.path.join(self.options.pubmed, "train.jsonl.gz"), "--model", self.options.model]
        ours = self.ours(*work)
        theirs = {engine: self.theirs(*work, "--engine", engine) for engine in ("sentencepiece", "transformers")}
        print("| articles to 512 tokens | ours, s | sentencepiece, s | Hugging Face, s | ratio to the faster |\n"
              "|---|---|---|---|---|")
        seconds = [r["seconds"] if r else float("inf") for r in theirs.values()]
        print(f"| {ours['documents']:,} | {ours['seconds']:.3f} | {seconds[0]:.2f} | {seconds[1]:.2f} | "
              f"{min(seconds) / ours['seconds']:.0f} |\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build")
    parser.add_argument("python")
    parser.add_argument("--only", choices=WORKS, action="append")
    parser.add_argument("--shapes", type=lambda text: text.split(","), default=["tiny", "small"])
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--pubmed")
    parser.add_argument("--model")
    bench = Bench(parser.parse_args())
    for work in bench.options.only or WORKS:
        getattr(bench, work)()


if __name__ == "__main__":
    main()
