#!/usr/bin/env python3
"""Compares the built trainer with the installed transformers and peft on fresh random cases; run.sh starts it.

usage: run.py BUILD [--seed N] [--only SECTION…] [--keep DIR]
SECTIONs: model training adapters generation directories saved
"""
import argparse
import pathlib
import random
import sys
import tempfile
import time
import warnings

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))  # peers.py

import peft
import torch
import transformers

from live import check_adapters, check_directories, check_generation, check_model, check_saved, check_training
from live.programs import TOKENIZER, Programs
from live.table import Table

SECTIONS = ("model", "training", "adapters", "generation", "directories", "saved")


def run(section, table, ties, chance, programs, tokenizer):
    """Returns the number of inputs that were summarised, for generation."""
    if section == "model":
        check_model.check(table, chance, programs, count=6)
        for _ in range(3):
            check_model.check_loss_command(table, chance, programs, tokenizer)
    elif section == "training":
        check_training.check(table, chance, programs, tokenizer, rounds=1)
    elif section == "adapters":
        check_adapters.check_theirs(table, ties, chance, programs, tokenizer, rounds=3)
        check_adapters.check_ours(table, ties, chance, programs, tokenizer, rounds=1)
        check_adapters.check_refusals(table, chance, programs, tokenizer)
    elif section == "generation":
        inputs = check_generation.check(table, ties, chance, programs, tokenizer, models=8, settings_each=5,
                                        documents_each=40)
        check_generation.check_unknown(table, chance, programs, tokenizer)
        return inputs
    elif section == "directories":
        check_directories.check(table, chance, programs, tokenizer)
    else:
        check_saved.check(table, programs.build, programs.scratch)
    return 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1_000_000))
    parser.add_argument("--only", nargs="+", choices=SECTIONS, default=SECTIONS)
    parser.add_argument("--keep", type=pathlib.Path, help="a new folder for models and files, kept for a look")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    warnings.filterwarnings("ignore")
    print(f"seed {arguments.seed}: torch {torch.__version__.split('+')[0]}, transformers {transformers.__version__}, "
          f"peft {peft.__version__}", flush=True)
    tokenizer = transformers.T5Tokenizer.from_pretrained(str(TOKENIZER))
    table, ties, inputs = Table(), [], 0
    with tempfile.TemporaryDirectory() as temporary:
        scratch = arguments.keep or pathlib.Path(temporary)
        for section in arguments.only:
            start = time.monotonic()
            # A section's cases depend on the seed alone, not on which others are run.
            chance = random.Random(f"{arguments.seed} {section}")
            (scratch / section).mkdir(parents=True)
            inputs += run(section, table, ties, chance, Programs(arguments.build, scratch / section), tokenizer)
            print(f"{section}: {time.monotonic() - start:.0f} s", flush=True)
    for where, gap in ties:
        print(f"tie ({gap:.1g}): {where}")
    print(f"\n{table.text()}\n")
    if "generation" in arguments.only:
        print(f"{inputs} inputs summarised; {len(ties)} ties set apart: transformers' own scores are within "
              f"{check_generation.TIE:g} of each other there")
    for what, seen in table.notes.items():
        print(f"{what}: {len(seen):,}")
    failures = table.failures()
    print(f"seed {arguments.seed}: {f'{failures} comparisons FAILED' if failures else 'all within tolerance'}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
