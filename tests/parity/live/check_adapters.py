"""Adapters both ways: what peft saved computes the same here, what we saved computes the same there; merged and unmerged
agree; what is not supported is refused by name."""
import json

import torch
from peft import LoraConfig, PeftModel, PromptTuningConfig, get_peft_model

import peers

from . import cases, check_training
from .check_generation import compare as compare_generation
from .check_model import compare as compare_pass
from .check_model import real, reference, their_logits
from .table import distance

TOLERANCE = 1e-4


def lora_configs(chance, gated):
    """Every way that PEFT has to say which linear layers, and how they are scaled."""
    inner = ["wi_0", "wi_1"] if gated else ["wi"]
    every = ["q", "k", "v", "o", "wo", *inner]
    block = r"(encoder|decoder)\.block\.0\."
    common = dict(task_type="SEQ_2_SEQ_LM", init_lora_weights=False)
    yield dict(r=chance.randint(1, 8), lora_alpha=chance.randint(1, 8), target_modules=chance.sample(every, 3), **common)
    yield dict(r=3, lora_alpha=2, target_modules="all-linear", use_rslora=True, **common)
    yield dict(r=4, lora_alpha=6, target_modules=rf"{block}.*\.(q|o|wo)", **common)
    yield dict(r=2, lora_alpha=5, target_modules=every, layers_to_transform=[0], **common)
    yield dict(r=2, lora_alpha=5, target_modules=every, exclude_modules=["EncDecAttention.q", "wo"], **common)
    yield dict(r=2, lora_alpha=5, target_modules=["decoder.block.0.layer.1.EncDecAttention.v", "SelfAttention.k"], **common)
    # The first expression that fits counts, and it must fit the end of the name after a dot, or all of it.
    yield dict(r=3, lora_alpha=8, target_modules=every, use_rslora=chance.random() < 0.5,
               rank_pattern={r"block\.0\.layer\.\d+\.SelfAttention\.[qv]": 5, "q": 1, r"^decoder\..*\.wo": 6,
                             "ecoder.*k": 7},
               alpha_pattern={r"(?P<which>encoder|decoder)\.block\.0\.layer\.[01]\..*": 11, "v": 2.5, r"wi(_\d)?": 13,
                              "Attention.o": 9},
               **common)
    yield dict(r=3, lora_alpha=4, target_modules=["lm_head", "q"], **common)


def adapted(case, config):
    """A fresh adapter of peft's on the case's model."""
    return get_peft_model(case.load(), config).eval()


def generation(table, ties, chance, programs, tokenizer, case, model, folder, where):
    documents = cases.documents(chance, tokenizer, 6)
    sources = [cases.tokens(tokenizer, d["article"], 1024) for d in documents]
    for chosen in ({"beams": 1, "max_new_tokens": 9}, {"beams": 3, "max_new_tokens": 7}):
        lines = programs.generate(case.folder, folder, programs.write_lines("articles", documents), chosen, 4)
        compare_generation(table, ties, model, tokenizer, sources, lines, chosen, 6, where)


def as_saved(tensors, ours):
    """PEFT's names in memory carry the adapter's; a prompt's rows stand in an embedding, of which the first are used."""
    renamed = {}
    for name, value in tensors.items():
        name = name.replace(".default.weight", ".weight")
        if name == "gradient.prompt_encoder.default.embedding.weight":
            value, name = value[:ours["gradient.prompt_embeddings"].shape[0]], "gradient.prompt_embeddings"
        renamed[name] = value
    return renamed


def compare(table, programs, case, model, folder, batch, what, where):
    ours = programs.probe([{"model": str(case.folder), "adapter": str(folder), **batch}])[0]
    theirs, exact = (as_saved(reference(one, batch), ours) for one in (model, peers.exact(model)))
    compare_pass(table, what, ours, theirs, exact, batch, where)


def check_theirs(table, ties, chance, programs, tokenizer, rounds):
    for i in range(rounds):
        # Gentler than elsewhere: PEFT draws a lora_B whose updates are as large as the weights.
        case = cases.model(chance, programs, ["v1.0", "v1.1", "mixed"][i % 3], gain=1.0)
        batch = cases.batch(chance, case.vocabulary, [17, 1, 30], [5, 9, 1])
        gated = not case.name.startswith("v1.0")
        for arguments in lora_configs(chance, gated):
            torch.manual_seed(chance.randrange(1 << 30))
            model = adapted(case, LoraConfig(**arguments))
            folder = programs.fresh("theirs")
            model.save_pretrained(folder)
            where = f"{case.name}: {arguments}"
            # "all-linear" and regular expressions are meant by what was saved with them.
            model = PeftModel.from_pretrained(case.load(), folder, is_trainable=True).eval()
            compare(table, programs, case, model, folder, batch, "peft's LoRA here", where)
            if case.tied and "lm_head" in arguments["target_modules"]:
                said = programs.refusal("merge", "--model", case.folder, "--adapter", folder, "--out",
                                        programs.fresh("merged"))
                table.same("refused by name", said is not None and "lm_head" in said, f"merge {where}: {said}")
            else:
                merge(table, programs, case, model, folder, batch, where)
        generation(table, ties, chance, programs, tokenizer, case, model, folder, where)
        for submodules in (1, 2):
            torch.manual_seed(chance.randrange(1 << 30))
            rows = chance.randint(1, 9)
            model = adapted(case, PromptTuningConfig(task_type="SEQ_2_SEQ_LM", num_virtual_tokens=rows,
                                                     num_transformer_submodules=submodules))
            folder = programs.fresh("theirs")
            model.save_pretrained(folder)
            where = f"{case.name}: prompt of {rows}, {submodules} submodules"
            compare(table, programs, case, model, folder, batch, "peft's prompt here", where)
            generation(table, ties, chance, programs, tokenizer, case, model, folder, where)


def merge(table, programs, case, model, folder, batch, where):
    """Folded here, loaded there: as the adapter beside the base, and as peft folds it."""
    merged = programs.fresh("merged")
    programs.run(programs.trainer, "merge", "--model", case.folder, "--adapter", folder, "--out", merged)
    unmerged, ours = their_logits(model, batch), their_logits(peers.load_model(merged), batch)
    table.add("merge: transformers' logits of it, from peft's unmerged", distance(ours, unmerged), TOLERANCE, where)
    probed = [real(one["logits"], batch) for one in programs.probe(
        [{"model": str(case.folder), "adapter": str(folder), **batch}, {"model": str(merged), **batch}])]
    table.add("merge: merged and unmerged here", distance(*probed), TOLERANCE, where)
    config = json.loads((merged / "config.json").read_text())
    table.same("merge: dtype", config["dtype"] == "float32", where)


def check_ours(table, ties, chance, programs, tokenizer, rounds):
    """A few steps of training, then the same logits and summaries here and in PeftModel.from_pretrained."""
    for _ in range(rounds):
        case = cases.model(chance, programs)
        documents = cases.documents(chance, tokenizer, 5)
        files = {"train": programs.write_lines("train", documents), "few": programs.write_lines("few", documents[:1])}
        batch = cases.batch(chance, case.vocabulary, [17, 1, 30], [5, 9, 1])
        for method in ("lora", "prompt"):
            settings = {"steps": 3, "validate_every": 3, "learning_rate": 0.02, "optimizer": {"name": "adamw"}}
            made = check_training.trial(chance, case, files, method, settings)
            kept = programs.train(made)[1]
            where = f"{case.name}: {json.dumps(made[method])}"
            model = PeftModel.from_pretrained(case.load(), kept).eval()
            ours = programs.probe([{"model": str(case.folder), "adapter": str(kept), **batch}])[0]
            theirs, base = their_logits(model, batch), their_logits(case.load(), batch)
            table.add(f"our {method} in peft: logits", distance(real(ours["logits"], batch), theirs), TOLERANCE, where)
            table.same(f"our {method} in peft: it changes something", distance(base, theirs) > 1e-3, where)
            generation(table, ties, chance, programs, tokenizer, case, model, kept, where)


def check_refusals(table, chance, programs, tokenizer):
    case = cases.model(chance, programs, "v1.0")
    articles = programs.write_lines("articles", cases.documents(chance, tokenizer, 1))
    unsupported = {
        "lora_embedding": dict(target_modules=["q", "shared"]),
        "use_dora": dict(target_modules=["q"], use_dora=True),
        "modules_to_save": dict(target_modules=["q"], modules_to_save=["wo"]),
        "bias": dict(target_modules=["q"], bias="lora_only"),
    }
    for word, arguments in unsupported.items():
        folder = programs.fresh("unsupported")
        adapted(case, LoraConfig(task_type="SEQ_2_SEQ_LM", **arguments)).save_pretrained(folder)
        for command in ("generate", "loss", "merge"):
            options = ["--out", programs.fresh("merged")] if command == "merge" else ["--input", articles]
            options += ["--output", programs.fresh("out")] if command == "generate" else []
            said = programs.refusal(command, "--model", case.folder, "--adapter", folder, *options)
            table.same("refused by name", said is not None and word in said, f"{command} {arguments}: {said}")
