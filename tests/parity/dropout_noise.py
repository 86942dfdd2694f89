#!/usr/bin/env python3
"""Whether training with dropout is the same in distribution: masks cannot be equal, but mean losses over seeds can.

usage: dropout_noise.py BUILD [--seeds N]     with a Python that has requirements.txt; takes minutes

A small T5 that has learnt a few documents is trained on for STEPS steps with dropout, by `sweep-trainer train` and by
the loop in peers.py, from as many seeds each. Compared by method: the loss of the first step, where nothing but dropout
differs between seeds, and the mean of the others, where its effect on training adds up. Exit code 1 where two means
differ by more than LIMIT standard errors of their difference, where the spread over seeds is not alike, or where dropout
itself does not show, so that nothing would have been tested.
"""
import argparse
import pathlib
import random
import statistics
import sys
import tempfile
import warnings

import torch
import transformers
from peft import LoraConfig, PromptTuningConfig, PromptTuningInit, get_peft_model

import peers
from live import cases, check_training
from live.programs import TOKENIZER, Programs

STEPS, DOCUMENTS, DROPOUT, LORA_DROPOUT = 20, 8, 0.1, 0.2
LIMIT = 3.5  # standard errors: one chance in 2,000 for each of the six comparisons
SPREAD = 0.5  # of the logarithm of the ratio of standard deviations
TEXT = "bako miter anlo"
HEADS = (("ours", 8), ("theirs", 8), ("without", 8), ("error", 8), ("off", 7), ("effect", 8), ("spread", 7))
SHAPE = dict(vocab_size=327, d_model=40, d_kv=9, num_heads=4, d_ff=64, num_layers=2, num_decoder_layers=3,
             relative_attention_num_buckets=12, relative_attention_max_distance=30, feed_forward_proj="gated-gelu",
             dropout_rate=DROPOUT)
TRAIN = {"steps": STEPS, "batch_size": DOCUMENTS, "micro_batch_size": 3, "dropout": DROPOUT, "validate_every": STEPS,
         "keep": "last", "schedule": "linear", "warmup_steps": 2, "gradient_clip": 1.0,
         "optimizer": {"name": "adamw", "weight_decay": 0.01}}
RATES = {"full": 1e-3, "lora": 3e-3, "prompt": 0.03}


def learnt_model(examples, programs):
    """The folder of a T5 that knows the documents, so that dropout raises its loss."""
    model = peers.random_model(SHAPE, 3, own_head=True, scale=False)
    peers.train(model, [examples] * 120, {**TRAIN, "learning_rate": 3e-3, "micro_batch_size": DOCUMENTS})
    folder = programs.fresh("model")
    peers.save_model(model, folder, spiece=TOKENIZER / "spiece.model")
    return folder


def ours(programs, folder, files, method, seed):
    trial = {"sweep": "noise", "configuration": method, "method": method, "seed": seed, "model": str(folder),
             "data": {"train": str(files["train"]), "validation": str(files["few"]), "test": str(files["few"]),
                      "max_source_tokens": check_training.SOURCE_TOKENS, "max_target_tokens": check_training.TARGET_TOKENS},
             "train": {**TRAIN, "learning_rate": RATES[method]}, "evaluate": {"max_new_tokens": 1}}
    if method == "lora":
        trial["lora"] = {"rank": 4, "alpha": 8, "targets": ["q", "v"], "dropout": LORA_DROPOUT}
    elif method == "prompt":
        trial["prompt"] = {"tokens": 6, "init": "text", "init_text": TEXT}
    return programs.train(trial)[0]["train_loss"]


def theirs(folder, examples, method, seed, dropout=True):
    torch.manual_seed(seed)
    model = peers.load_model(folder)
    if method == "lora":
        model = get_peft_model(model, LoraConfig(task_type="SEQ_2_SEQ_LM", r=4, lora_alpha=8, lora_dropout=LORA_DROPOUT,
                                                 target_modules=["q", "v"]))
    elif method == "prompt":
        model = get_peft_model(model, PromptTuningConfig(
            task_type="SEQ_2_SEQ_LM", num_virtual_tokens=6, num_transformer_submodules=1,
            prompt_tuning_init=PromptTuningInit.TEXT, prompt_tuning_init_text=TEXT, tokenizer_name_or_path=str(folder)))
    model.train(dropout)
    return peers.train(model, [examples] * STEPS, {**TRAIN, "learning_rate": RATES[method]})[0]


def compare(name, a, b, without):
    """a, b: losses of our and their seeds; prints a row and says whether they agree."""
    means, deviations = [statistics.mean(x) for x in (a, b)], [statistics.stdev(x) for x in (a, b)]
    error = sum(d * d / len(x) for d, x in zip(deviations, (a, b))) ** 0.5
    off, effect = (means[0] - means[1]) / error, (means[1] - without) / error
    ratio = deviations[0] / deviations[1]
    good = abs(off) <= LIMIT and abs(effect) >= 3 * LIMIT and 1 / (1 + SPREAD) <= ratio <= 1 + SPREAD
    print(f"{name:26} {means[0]:8.4f} {means[1]:8.4f} {without:8.4f} {error:8.4f} {off:+7.2f} {effect:+8.1f} {ratio:7.2f}  "
          f"{'yes' if good else 'NO'}", flush=True)
    return good


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--seeds", type=int, default=100)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    warnings.filterwarnings("ignore")
    tokenizer = transformers.T5Tokenizer.from_pretrained(str(TOKENIZER))
    good = True
    with tempfile.TemporaryDirectory() as scratch:
        programs = Programs(arguments.build, pathlib.Path(scratch))
        documents = cases.documents(random.Random(1), tokenizer, DOCUMENTS)
        files = {"train": programs.write_lines("train", documents), "few": programs.write_lines("few", documents[:1])}
        examples = {"source": [cases.tokens(tokenizer, d["article"], check_training.SOURCE_TOKENS) for d in documents],
                    "target": [cases.tokens(tokenizer, d["abstract"], check_training.TARGET_TOKENS) for d in documents]}
        folder = learnt_model(examples, programs)
        print(f"{arguments.seeds} seeds each; error: standard error of the difference; off, effect: in such errors")
        heads = [f"{head:>{width}}" for head, width in HEADS]
        print(f"{'loss':26} {' '.join(heads)}  alike")
        for method in ("full", "lora", "prompt"):
            mine = [ours(programs, folder, files, method, seed) for seed in range(1, arguments.seeds + 1)]
            other = [theirs(folder, examples, method, seed) for seed in range(1, arguments.seeds + 1)]
            without = theirs(folder, examples, method, 1, dropout=False)  # what dropout's effect is measured from
            good &= compare(f"{method}, step 1", *[[x[0] for x in side] for side in (mine, other)], without[0])
            later = [[statistics.mean(x[1:]) for x in side] for side in (mine, other, [without])]
            good &= compare(f"{method}, steps 2 to {STEPS}", later[0], later[1], later[2][0])
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
