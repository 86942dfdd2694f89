"""A model that was trained in full is a whole Hugging Face directory; one with only a tokenizer.json is refused."""
import json
import shutil

import torch
from safetensors import safe_open
from transformers import AutoTokenizer, GenerationConfig, T5ForConditionalGeneration

from . import cases, check_training

FILES = {"config.json", "generation_config.json", "model.safetensors", "spiece.model"}


def check(table, chance, programs, tokenizer):
    case = cases.model(chance, programs)
    documents = cases.documents(chance, tokenizer, 4)
    files = {"train": programs.write_lines("train", documents), "few": programs.write_lines("few", documents[:1])}
    settings = {"steps": 2, "validate_every": 2, "learning_rate": 1e-3, "optimizer": {"name": "adamw"}}
    kept = programs.train(check_training.trial(chance, case, files, "full", settings))[1]
    names = {path.name for path in kept.iterdir()}
    table.same("directory: its files", names == FILES, f"{sorted(names)}")
    config = json.loads((kept / "config.json").read_text())
    table.same("directory: config.json says float32", config["dtype"] == "float32", f"{config}")
    with safe_open(kept / "model.safetensors", "pt") as file:
        types = {file.get_slice(name).get_dtype() for name in file.keys()}
    table.same("directory: weights are fp32", types == {"F32"}, f"{types}")
    loaded = T5ForConditionalGeneration.from_pretrained(kept)
    table.same("directory: transformers loads it as fp32", loaded.dtype == torch.float32, f"{loaded.dtype}")
    ids = AutoTokenizer.from_pretrained(kept)("bako miter <extra_id_3> 字").input_ids
    table.same("directory: its tokenizer", ids == tokenizer("bako miter <extra_id_3> 字").input_ids, f"{ids}")
    generation = GenerationConfig.from_pretrained(kept)
    special = (generation.pad_token_id, generation.eos_token_id, generation.decoder_start_token_id)
    table.same("directory: generation_config.json", special == (0, 1, 0), f"{generation}")

    fast = programs.fresh("tokenizer-json")
    shutil.copytree(case.folder, fast)
    (fast / "spiece.model").unlink()
    tokenizer.save_pretrained(fast)
    only = not (fast / "spiece.model").exists() and (fast / "tokenizer.json").exists()
    table.same("directory: only tokenizer.json there", only, f"{sorted(fast.iterdir())}")
    said = programs.refusal("loss", "--model", fast, "--input", files["few"])
    table.same("refused by name", said is not None and "tokenizer.json but no spiece.model" in said, f"{said}")
