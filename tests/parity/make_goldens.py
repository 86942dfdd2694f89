#!/usr/bin/env python3
"""Makes the golden files that the parity tests compare with: what transformers and peft compute for tiny random T5s.

    python3 -m venv V && V/bin/pip install -r requirements.txt && V/bin/python make_goldens.py

Everything is seeded and runs on one CPU thread in fp32, dropout off. README.md describes the files.
"""
import json
import pathlib
import shutil
import warnings

import torch
import transformers
from peft import LoraConfig, PeftModel, PromptTuningConfig, get_peft_model
from safetensors.torch import save_file
from transformers.models.t5.modeling_t5 import T5Attention

import peers

GOLDENS = pathlib.Path(__file__).parent / "goldens"
STEPS, MICRO_BATCH = 20, 3
MAX_NEW_TOKENS = 12
SOURCES = 40

# Odd shapes on purpose: different depths, d_kv * heads != d_model, vocabularies that are no multiple of anything.
MODELS = {
    "t5_v1_0": dict(
        shape=dict(vocab_size=53, d_model=16, d_kv=5, num_heads=3, d_ff=21, num_layers=2, num_decoder_layers=3,
                   relative_attention_num_buckets=8, relative_attention_max_distance=20, feed_forward_proj="relu"),
        own_head=False, scale=True, old_config=False, targets=["q", "v", "wi", "wo"]),
    "t5_v1_1": dict(
        shape=dict(vocab_size=61, d_model=14, d_kv=5, num_heads=3, d_ff=19, num_layers=3, num_decoder_layers=2,
                   relative_attention_num_buckets=12, relative_attention_max_distance=26,
                   feed_forward_proj="gated-gelu"),
        own_head=True, scale=False, old_config=True, targets=["q", "k", "v", "o", "wi_0", "wi_1", "wo"]),
    # As transformers 5 writes a v1.1 model whose head was tied after all.
    "tied_unscaled": dict(
        shape=dict(vocab_size=47, d_model=12, d_kv=5, num_heads=2, d_ff=15, num_layers=1, num_decoder_layers=2,
                   relative_attention_num_buckets=32, relative_attention_max_distance=128,
                   feed_forward_proj="gated-gelu"),
        own_head=False, scale=False, old_config=False, targets=["q", "v"]),
}

GENERATION = [
    dict(beams=1),
    dict(beams=1, no_repeat_ngram_size=2),
    dict(beams=1, min_new_tokens=9),
    dict(beams=2, early_stopping="true"),
    dict(beams=3),
    dict(beams=4, length_penalty=2.0),
    dict(beams=4, length_penalty=0.5, early_stopping="true"),
    dict(beams=3, length_penalty=1.5, early_stopping="never"),
    dict(beams=3, length_penalty=-0.5, early_stopping="never"),
    dict(beams=4, no_repeat_ngram_size=2, min_new_tokens=6),
    dict(beams=5, no_repeat_ngram_size=1, early_stopping="true"),
    dict(beams=8, length_penalty=0.0),
]

ADAMW = dict(name="adamw", weight_decay=0.01)
TRAININGS = [
    dict(optimizer=ADAMW, schedule="linear", warmup_steps=2, gradient_clip=1.0),
    dict(optimizer=dict(ADAMW, betas=[0.8, 0.95], eps=1e-6), schedule="cosine", warmup_steps=0, gradient_clip=0.5),
    dict(optimizer=dict(name="adafactor", weight_decay=0.01), schedule="constant", warmup_steps=3, gradient_clip=1.0),
    dict(optimizer=dict(name="adafactor", scale_parameter=True), schedule="linear", warmup_steps=0, gradient_clip=0.0),
    dict(optimizer=dict(name="adafactor", relative_step=True, scale_parameter=True), schedule="constant",
         gradient_clip=1.0),
]
# Small: Adam's first steps move an element whose gradient is nothing but rounding (softmax does not feel a key's common
# shift) by the whole rate, either way, and large ones would make a difference of rounding one of 1e-4.
RATES = {"full": 5e-4, "lora": 2e-3, "prompt": 0.02}


def write_json(path, value):
    path.write_text(json.dumps(value) + "\n")


def rounded(values):
    return [float(f"{value:.9g}") for value in values]


def ids(generator, count, vocabulary):
    return torch.randint(3, vocabulary, (count,), generator=generator).tolist() + [1]


def make_batch(generator, vocabulary, source_lengths, target_lengths):
    return {"source": [ids(generator, n, vocabulary) for n in source_lengths],
            "target": [ids(generator, n, vocabulary) for n in target_lengths]}


def document_losses(model, batch):
    with torch.no_grad():
        return [peers.summed_loss(model, {"source": [source], "target": [target]}).item()
                for source, target in zip(batch["source"], batch["target"])]


def forward(model, batch, folder):
    model.zero_grad(set_to_none=True)
    output = model(**peers.tensors(batch))
    output.loss.backward()
    gradients = {name: p.grad for name, p in model.named_parameters() if p.grad is not None}
    save_file({"logits": output.logits.detach().contiguous()}, folder / "logits.safetensors")
    save_file(gradients, folder / "gradients.safetensors")
    write_json(folder / "forward.json",
               {**batch, "loss": output.loss.item(), "document_losses": document_losses(model, batch)})


def generate(model, sources, settings):
    settings = {**settings, "max_new_tokens": MAX_NEW_TOKENS}
    summaries = [peers.summary(row) for row in peers.generate(model, sources, settings)]
    return {"settings": settings, "summaries": [tokens for tokens, _ in summaries],
            "ended": [int(ended) for _, ended in summaries]}


def sources_for(vocabulary, count):
    generator = torch.Generator().manual_seed(11)
    lengths = [3, 29, 12, 1, 18] + torch.randint(0, 20, (SOURCES,), generator=generator).tolist()
    return [ids(generator, n, vocabulary) for n in lengths[:count]]


def random_model(spec, seed):
    return peers.random_model(spec["shape"], seed, own_head=spec["own_head"], scale=spec["scale"], gain=1.0)


def find_seed(spec):
    """The first seed whose greedy summaries end at different lengths, and one of them not at all."""
    sources = sources_for(spec["shape"]["vocab_size"], 5)
    for seed in range(1, 500):
        case = generate(random_model(spec, seed), sources, dict(beams=1))
        lengths = {len(tokens) for tokens, ended in zip(case["summaries"], case["ended"]) if ended}
        distinct = {tuple(tokens) for tokens in case["summaries"]}
        if len(lengths) >= 3 and len(distinct) == len(sources) and not all(case["ended"]):
            return seed
    raise RuntimeError("no seed gives summaries of different lengths")


def trainings(kind, load, batches, batch, folder):
    """Every one of TRAININGS from what `load` gives; the losses of `batch` say where the parameters end."""
    made = []
    for settings in TRAININGS:
        settings = {"micro_batch_size": MICRO_BATCH, **settings}
        if not settings["optimizer"].get("relative_step"):
            settings["learning_rate"] = RATES[kind] * (10 if settings["optimizer"].get("scale_parameter") else 1)
        model = load()
        losses, _, norms = peers.train(model, batches, settings)
        # Where transformers itself is not near its own fp64, another machine would not be near it either.
        exact = peers.train(peers.exact(load()), batches, settings)
        worst = max(abs(a / b - 1) for ours, theirs in ((losses, exact[0]), (norms, exact[2])) for a, b in zip(ours, theirs))
        print(f"{folder.parent.name} {kind} {settings['optimizer']}: fp32 is {worst:.1g} from fp64")
        assert worst < 2e-4, worst
        made.append({"settings": settings, "losses": rounded(losses), "gradient_norms": rounded(norms),
                     "end_losses": rounded(document_losses(model, batch))})
    write_json(folder / "trainings.json", made)


def save_adapter(model, folder):
    model.save_pretrained(folder)
    (folder / "README.md").unlink(missing_ok=True)
    config = json.loads((folder / "adapter_config.json").read_text())
    config["base_model_name_or_path"] = ""
    if isinstance(config.get("target_modules"), list):  # a set: in another order every time
        config["target_modules"].sort()
    write_json(folder / "adapter_config.json", config)


def lora_configs(spec):
    """Ways of PEFT's to say what is adapted and how it is scaled."""
    common = dict(task_type="SEQ_2_SEQ_LM", lora_dropout=0.0, init_lora_weights=False)
    inner = "wi_0" if spec["own_head"] else "wi"
    return {
        "lora": dict(r=3, lora_alpha=5, target_modules=spec["targets"], **common),
        "lora_patterns": dict(r=3, lora_alpha=8, use_rslora=True,
                              target_modules=rf"(en|de)coder\.block\.\d+\..*\.(q|o|{inner})",
                              rank_pattern={r"block\.0\.layer\.\d+\.SelfAttention\.q": 2, "q": 1, r"^decoder\..*\.o": 4},
                              alpha_pattern={r"(?P<which>encoder|decoder)\.block\.0\.layer\.[01]\..*": 11, "q": 2.5},
                              **common),
        "lora_layers": dict(r=2, lora_alpha=3, target_modules=["k", "wo"], layers_to_transform=[1],
                            exclude_modules=["EncDecAttention.k"], **common),
        "lora_head": dict(r=2, lora_alpha=6, target_modules=["lm_head", "EncDecAttention.v"], **common),
    }


def adapters(name, spec, folder, batches, batch, seed):
    vocabulary = spec["shape"]["vocab_size"]
    configs = {kind: LoraConfig(**arguments) for kind, arguments in lora_configs(spec).items()}
    for kind, submodules in (("prompt", 2), ("prompt_once", 1)):
        configs[kind] = PromptTuningConfig(task_type="SEQ_2_SEQ_LM", num_virtual_tokens=5, prompt_tuning_init="SAMPLE_VOCAB",
                                           num_transformer_submodules=submodules)
    for number, (kind, config) in enumerate(configs.items(), start=1):
        torch.manual_seed(seed + number)
        model = get_peft_model(peers.load_model(folder / "model"), config).eval()
        out = folder / kind
        out.mkdir()
        save_adapter(model, out / "start")
        with torch.no_grad():
            logits = model(**peers.tensors(batch)).logits
        rows = torch.cat([document[:len(target)] for document, target in zip(logits, batch["target"])])
        save_file({"logits": rows.contiguous()}, out / "logits.safetensors")
        sources = sources_for(vocabulary, 8)
        summaries = [generate(model, sources, dict(beams=n)) for n in (1, 3)]
        write_json(out / "generate.json", {"sources": sources, "cases": summaries})
        # PEFT's own default keeps rows of a prompt that are never used, but that Adafactor's means would see: prompts are
        # trained as ours are stored.
        if kind == "lora":
            trainings("lora", lambda: PeftModel.from_pretrained(peers.load_model(folder / "model"), out / "start",
                                                                is_trainable=True).eval(), batches, batch, out)
        elif kind == "prompt_once":
            start = model.prompt_encoder["default"].embedding.weight.detach().clone()

            def load(config=config, start=start):
                fresh = get_peft_model(peers.load_model(folder / "model"), config).eval()
                with torch.no_grad():
                    fresh.prompt_encoder["default"].embedding.weight.copy_(start)
                return fresh

            trainings("prompt", load, batches, batch, out)


def make(name, spec):
    folder = GOLDENS / name
    folder.mkdir(parents=True)
    seed = find_seed(spec)
    vocabulary = spec["shape"]["vocab_size"]
    generator = torch.Generator().manual_seed(seed)
    model = random_model(spec, seed)
    peers.save_model(model, folder / "model", old_config=spec["old_config"])
    reloaded = peers.load_model(folder / "model")

    batch = make_batch(generator, vocabulary, (22, 31, 5), (9, 4, 13))
    forward(model, batch, folder)
    with torch.no_grad():
        assert torch.equal(model(**peers.tensors(batch)).logits, reloaded(**peers.tensors(batch)).logits), name
    sources = sources_for(vocabulary, SOURCES)
    write_json(folder / "generate.json",
               {"sources": sources, "cases": [generate(model, sources, settings) for settings in GENERATION]})
    if name == "tied_unscaled":
        return
    batches = [make_batch(generator, vocabulary, (17, 6, 11, 25), (8, 12, 3, 5)) for _ in range(STEPS)]
    small = make_batch(generator, vocabulary, (9, 0), (4, 2))
    write_json(folder / "batches.json", {"steps": batches, "adapters": small})
    (folder / "full").mkdir()
    trainings("full", lambda: peers.load_model(folder / "model"), batches, small, folder / "full")
    adapters(name, spec, folder, batches, small, seed)


def buckets():
    """Runs of positions in one bucket, as [first position, bucket]."""
    cases = []
    positions = torch.arange(-700, 701)
    for count, distance in ((32, 128), (8, 20), (12, 26), (64, 256), (32, 512), (9, 40), (4, 3)):
        for bidirectional in (True, False):
            values = T5Attention._relative_position_bucket(positions, bidirectional, count, distance).tolist()
            runs = [[p, b] for p, b, before in zip(positions.tolist(), values, [None, *values]) if b != before]
            cases.append({"buckets": count, "max_distance": distance, "bidirectional": bidirectional, "runs": runs})
    write_json(GOLDENS / "buckets.json", {"first": -700, "last": 700, "cases": cases})


def main():
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    warnings.filterwarnings("ignore")
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    shutil.rmtree(GOLDENS, ignore_errors=True)
    GOLDENS.mkdir()
    buckets()
    for name, spec in MODELS.items():
        make(name, spec)
    # transformers' own defaults for sampling and the like say nothing here; config.json decides.
    for path in GOLDENS.rglob("generation_config.json"):
        path.unlink()


if __name__ == "__main__":
    main()
