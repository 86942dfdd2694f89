"""What our tests save of the golden models and adapters, loaded by transformers and peft: nothing missing, the same logits."""
import json
import os
import pathlib
import subprocess
import warnings

from peft import PeftModel
from safetensors.torch import load_file

import peers

from .check_model import real, their_logits
from .table import distance

GOLDENS = pathlib.Path(__file__).resolve().parents[1] / "goldens"
TOLERANCE = 1e-4


def check(table, build, scratch):
    saved = scratch / "saved"
    saved.mkdir()
    for program in ("model_tests", "adapter_tests"):
        subprocess.run([build / "tests" / program, "--gtest_filter=*SavedAndLoadedItIsTheSame*"], check=True,
                       stdout=subprocess.DEVNULL, env={**os.environ, "LORIKEET_SAVE_TO": str(saved)})
    for path in sorted(saved.glob("model-*")):
        name = path.name.removeprefix("model-")
        batch = json.loads((GOLDENS / name / "forward.json").read_text())
        golden = real(load_file(GOLDENS / name / "logits.safetensors")["logits"], batch)
        table.add("saved again: logits", distance(their_logits(peers.load_model(path), batch), golden), TOLERANCE, path.name)
    for path in sorted(saved.glob("adapter-*")):
        _, name, kind = path.name.split("-")
        batch = json.loads((GOLDENS / name / "batches.json").read_text())["adapters"]
        golden = load_file(GOLDENS / name / kind / "logits.safetensors")["logits"]
        with warnings.catch_warnings():
            warnings.filterwarnings("error", message=".*missing.*")  # PEFT only warns about keys that are missing
            model = PeftModel.from_pretrained(peers.load_model(GOLDENS / name / "model"), path).eval()
        table.add("saved again: logits", distance(their_logits(model, batch), golden), TOLERANCE, path.name)
