#!/usr/bin/env python3
"""Loads with transformers and peft what the trainer's own tests saved, and compares logits with the golden ones.

    LORIKEET_SAVE_TO=DIR BUILD/tests/model_tests && LORIKEET_SAVE_TO=DIR BUILD/tests/adapter_tests
    V/bin/python check_saved.py DIR

By hand, since it needs the packages of requirements.txt; exits with 1 if anything does not load or deviates.
"""

import json
import pathlib
import sys
import warnings

import torch
from peft import PeftModel
from safetensors.torch import load_file
from transformers import T5ForConditionalGeneration

from make_goldens import GOLDENS, MODELS, tensors

TOLERANCE = 1e-5


def deviation(model, folder, logits):
    forward = json.loads((GOLDENS / folder / "forward.json").read_text())
    inputs = tensors(forward)
    with torch.no_grad():
        actual = model.eval()(**inputs).logits
    expected = load_file(GOLDENS / logits)["logits"]
    real = inputs["labels"] != -100
    return ((actual[real] - expected[real]).norm() / expected[real].norm()).item()


def main():
    saved = pathlib.Path(sys.argv[1])
    torch.set_num_threads(1)
    warnings.filterwarnings("error", message=".*missing.*")  # PEFT only warns about keys that are missing
    failed = False

    def report(what, value):
        nonlocal failed
        failed |= not value < TOLERANCE
        print(f"{what}: logits deviate by {value:.2g}")

    for name in MODELS:
        model, info = T5ForConditionalGeneration.from_pretrained(saved / f"model-{name}", output_loading_info=True)
        for kind in ("missing_keys", "unexpected_keys", "mismatched_keys"):
            if info[kind]:
                print(f"{name}: {kind}: {info[kind]}")
                failed = True
        report(name, deviation(model, name, f"{name}/logits.safetensors"))
        for kind in ("lora", "prompt"):
            if not (GOLDENS / name / kind).exists():
                continue
            base = T5ForConditionalGeneration.from_pretrained(GOLDENS / name / "model")
            adapted = PeftModel.from_pretrained(base, saved / f"adapter-{name}-{kind}")
            report(f"{name} {kind}", deviation(adapted, name, f"{name}/{kind}/logits.safetensors"))
    sys.exit(failed)


if __name__ == "__main__":
    main()
