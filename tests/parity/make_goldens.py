#!/usr/bin/env python3
"""Makes the golden files that the parity tests compare with: what transformers and peft compute for tiny random T5s.

    python3 -m venv V && V/bin/pip install -r requirements.txt && V/bin/python make_goldens.py

Everything is seeded and runs on one CPU thread in fp32, dropout off. README.md describes the files.
"""

import json
import pathlib
import shutil

import torch
from peft import LoraConfig, PromptTuningConfig, get_peft_model
from safetensors.torch import save_file
from transformers import (
    T5Config,
    T5ForConditionalGeneration,
    get_constant_schedule,
    get_cosine_schedule_with_warmup,
    get_linear_schedule_with_warmup,
)
from transformers.models.t5.modeling_t5 import T5Attention

GOLDENS = pathlib.Path(__file__).parent / "goldens"
STEPS = 5
MAX_NEW_TOKENS = 14

# Odd shapes on purpose: different depths, d_kv * heads != d_model, vocabularies that are no multiple of anything.
MODELS = {
    "t5_v1_0": dict(
        config=dict(vocab_size=67, d_model=24, d_kv=7, num_heads=3, d_ff=37, num_layers=2, num_decoder_layers=3,
                    relative_attention_num_buckets=8, relative_attention_max_distance=20, feed_forward_proj="relu"),
        own_head=False, scale=True, old_config=False, targets=["q", "v", "wi", "wo"]),
    "t5_v1_1": dict(
        config=dict(vocab_size=91, d_model=20, d_kv=9, num_heads=4, d_ff=31, num_layers=3, num_decoder_layers=2,
                    relative_attention_num_buckets=12, relative_attention_max_distance=26,
                    feed_forward_proj="gated-gelu"),
        own_head=True, scale=False, old_config=True, targets=["q", "k", "v", "o", "wi_0", "wi_1", "wo"]),
    # As transformers 5 writes a v1.1 model whose head was tied after all.
    "tied_unscaled": dict(
        config=dict(vocab_size=53, d_model=16, d_kv=5, num_heads=2, d_ff=29, num_layers=1, num_decoder_layers=2,
                    relative_attention_num_buckets=32, relative_attention_max_distance=128,
                    feed_forward_proj="gated-gelu"),
        own_head=False, scale=False, old_config=False, targets=["q", "v"]),
}

GENERATION = [
    dict(beams=1),
    dict(beams=1, no_repeat_ngram_size=2),
    dict(beams=1, min_new_tokens=9),
    dict(beams=3),
    dict(beams=4, length_penalty=2.0),
    dict(beams=4, length_penalty=0.5, early_stopping="true"),
    dict(beams=3, length_penalty=1.5, early_stopping="never"),
    dict(beams=3, length_penalty=-0.5, early_stopping="never"),
    dict(beams=4, no_repeat_ngram_size=2, min_new_tokens=6),
    dict(beams=5, no_repeat_ngram_size=1, early_stopping="true"),
]


def write_json(path, value):
    path.write_text(json.dumps(value) + "\n")


def random_model(spec, seed):
    torch.manual_seed(seed)
    config = T5Config(**spec["config"], pad_token_id=0, eos_token_id=1, decoder_start_token_id=0,
                      tie_word_embeddings=spec["scale"])
    model = T5ForConditionalGeneration(config)
    model.eval()
    with torch.no_grad():
        # transformers starts norms at one and attention nearly flat; parity wants every path to matter.
        for name, parameter in model.named_parameters():
            if "layer_norm" in name:
                parameter.mul_(1 + 0.3 * torch.randn_like(parameter))
            elif "relative_attention_bias" in name:
                parameter.copy_(torch.randn_like(parameter))
            elif name != "shared.weight":
                # Less for gates, whose products of two would make rounding grow until no two machines agree.
                parameter.mul_(2.0 if spec["config"]["feed_forward_proj"] == "relu" else 1.3)
        if spec["own_head"]:
            model.lm_head.weight = torch.nn.Parameter(0.5 * torch.randn_like(model.shared.weight))
        elif not spec["scale"]:
            model.shared.weight.mul_(0.4)
        # So that </s> wins now and then: summaries must end, at different lengths.
        model.lm_head.weight[1].mul_(2.0)
    return model


def save_model(model, spec, folder):
    model.save_pretrained(folder)
    if spec["old_config"]:  # transformers 4 wrote no scale_decoder_outputs
        config = json.loads((folder / "config.json").read_text())
        config.pop("scale_decoder_outputs")
        config["tie_word_embeddings"] = False
        write_json(folder / "config.json", config)


def ids(generator, count, vocabulary):
    return torch.randint(3, vocabulary, (count,), generator=generator).tolist() + [1]


def make_batch(generator, vocabulary, source_lengths, target_lengths):
    return {"source": [ids(generator, n, vocabulary) for n in source_lengths],
            "target": [ids(generator, n, vocabulary) for n in target_lengths]}


def tensors(batch):
    pad = torch.nn.utils.rnn.pad_sequence
    source = pad([torch.tensor(row) for row in batch["source"]], batch_first=True)
    mask = pad([torch.ones(len(row), dtype=torch.long) for row in batch["source"]], batch_first=True)
    labels = pad([torch.tensor(row) for row in batch["target"]], batch_first=True, padding_value=-100)
    return dict(input_ids=source, attention_mask=mask, labels=labels)


def document_losses(model, batch):
    result = []
    for source, target in zip(batch["source"], batch["target"]):
        output = model(input_ids=torch.tensor([source]), labels=torch.tensor([target]))
        result.append(output.loss.item() * len(target))
    return result


def forward(model, batch, folder):
    model.zero_grad(set_to_none=True)
    output = model(**tensors(batch))
    output.loss.backward()
    gradients = {name: p.grad for name, p in model.named_parameters() if p.grad is not None}
    save_file({"logits": output.logits.detach().contiguous()}, folder / "logits.safetensors")
    save_file(gradients, folder / "gradients.safetensors")
    with torch.no_grad():
        write_json(folder / "forward.json",
                   {**batch, "loss": output.loss.item(), "document_losses": document_losses(model, batch)})


def summary(row):
    row = row[1:]  # the start token
    ended = 1 in row
    return {"tokens": row[:row.index(1)] if ended else row, "ended": ended}


def generate(model, sources, settings):
    batch = tensors({"source": sources, "target": [[1]] * len(sources)})
    # Without its cache: transformers 5.24 sizes it by the encoder's depth.
    arguments = dict(num_beams=settings["beams"], max_new_tokens=MAX_NEW_TOKENS, do_sample=False, use_cache=False)
    for key in ("length_penalty", "no_repeat_ngram_size", "min_new_tokens"):
        if key in settings:
            arguments[key] = settings[key]
    stopping = settings.get("early_stopping", "false")
    if settings["beams"] > 1:
        arguments["early_stopping"] = {"true": True, "false": False, "never": "never"}[stopping]
    rows = model.generate(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"], **arguments)
    return {"settings": {**settings, "max_new_tokens": MAX_NEW_TOKENS}, "summaries": [summary(r) for r in rows.tolist()]}


def sources_for(vocabulary):
    generator = torch.Generator().manual_seed(11)
    return [ids(generator, n, vocabulary) for n in (3, 29, 12, 1, 18)]


def find_seed(spec):
    """The first seed whose greedy summaries end at different lengths, and one of them not at all."""
    sources = sources_for(spec["config"]["vocab_size"])
    for seed in range(1, 500):
        rows = generate(random_model(spec, seed), sources, dict(beams=1))["summaries"]
        lengths = {len(row["tokens"]) for row in rows if row["ended"]}
        distinct = {tuple(row["tokens"]) for row in rows}
        if len(lengths) >= 3 and len(distinct) == len(rows) and not all(row["ended"] for row in rows):
            return seed
    raise RuntimeError("no seed gives summaries of different lengths")


def train(model, batches, folder, *, learning_rate, weight_decay, schedule, warmup_steps, clip):
    """STEPS steps as the trainer takes them; the loss is the mean over real target tokens. Dropout off.

    Small learning rates: Adam's first steps move an element whose gradient is nothing but rounding (softmax does not feel
    a key's common shift) by the whole rate, either way, and large ones would make a difference of rounding one of 1e-4."""
    model.eval()
    parameters = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(parameters, lr=learning_rate, weight_decay=weight_decay)
    scheduler = {
        "constant": lambda: get_constant_schedule(optimizer),
        "linear": lambda: get_linear_schedule_with_warmup(optimizer, warmup_steps, STEPS),
        "cosine": lambda: get_cosine_schedule_with_warmup(optimizer, warmup_steps, STEPS),
    }[schedule]()
    losses, rates, norms = [], [], []
    for batch in batches:
        optimizer.zero_grad()
        loss = model(**tensors(batch)).loss
        loss.backward()
        norms.append(torch.nn.utils.clip_grad_norm_(parameters, clip).item())
        rates.append(scheduler.get_last_lr()[0])
        optimizer.step()
        scheduler.step()
        losses.append(loss.item())
    write_json(folder / "steps.json", {
        "learning_rate": learning_rate, "weight_decay": weight_decay, "schedule": schedule,
        "warmup_steps": warmup_steps, "gradient_clip": clip, "batches": batches, "learning_rates": rates,
        "gradient_norms": norms, "losses": losses})


def save_adapter(model, folder):
    model.save_pretrained(folder)
    for extra in ("README.md",):
        (folder / extra).unlink(missing_ok=True)
    config = json.loads((folder / "adapter_config.json").read_text())
    config["base_model_name_or_path"] = ""
    if "target_modules" in config:  # a set: in another order every time
        config["target_modules"].sort()
    write_json(folder / "adapter_config.json", config)


def adapter(model, batch, folder):
    """Logits and greedy and beam summaries of the adapter as it stands in `folder`/start."""
    with torch.no_grad():
        logits = model(**tensors(batch)).logits
        save_file({"logits": logits.contiguous()}, folder / "logits.safetensors")
        vocabulary = model.get_base_model().config.vocab_size
        cases = [generate(model, sources_for(vocabulary), dict(beams=n)) for n in (1, 3)]
    write_json(folder / "generate.json", {"sources": sources_for(vocabulary), "cases": cases})


def make(name, spec):
    folder = GOLDENS / name
    folder.mkdir(parents=True)
    seed = find_seed(spec)
    vocabulary = spec["config"]["vocab_size"]
    generator = torch.Generator().manual_seed(seed)
    model = random_model(spec, seed)
    save_model(model, spec, folder / "model")
    reloaded = T5ForConditionalGeneration.from_pretrained(folder / "model")

    batch = make_batch(generator, vocabulary, (22, 31, 5), (9, 4, 13))
    forward(model, batch, folder)
    with torch.no_grad():
        assert torch.equal(model(**tensors(batch)).logits, reloaded(**tensors(batch)).logits), name
    sources = sources_for(vocabulary)
    write_json(folder / "generate.json",
               {"sources": sources, "cases": [generate(model, sources, settings) for settings in GENERATION]})
    if name == "tied_unscaled":
        return

    batches = [make_batch(generator, vocabulary, (17, 6, 11, 25), (8, 12, 3, 5)) for _ in range(STEPS)]
    full = folder / "full"
    full.mkdir()
    train(model, batches, full, learning_rate=1e-3, weight_decay=0.01, schedule="linear", warmup_steps=1, clip=1.0)
    save_model(model, spec, full / "end")

    torch.manual_seed(seed + 1)
    lora = folder / "lora"
    lora.mkdir()
    base = T5ForConditionalGeneration.from_pretrained(folder / "model")
    # init_lora_weights=False draws lora_B too, so that the loaded adapter changes something.
    model = get_peft_model(base, LoraConfig(task_type="SEQ_2_SEQ_LM", r=3, lora_alpha=5, lora_dropout=0.0,
                                            target_modules=spec["targets"], init_lora_weights=False))
    model.eval()
    save_adapter(model, lora / "start")
    adapter(model, batch, lora)
    train(model, batches, lora, learning_rate=1e-3, weight_decay=0.0, schedule="constant", warmup_steps=0, clip=0.5)
    save_adapter(model, lora / "end")

    prompt = folder / "prompt"
    prompt.mkdir()
    base = T5ForConditionalGeneration.from_pretrained(folder / "model")
    model = get_peft_model(base, PromptTuningConfig(task_type="SEQ_2_SEQ_LM", num_virtual_tokens=5,
                                                    prompt_tuning_init="SAMPLE_VOCAB"))
    model.eval()
    save_adapter(model, prompt / "start")
    adapter(model, batch, prompt)
    train(model, batches, prompt, learning_rate=0.03, weight_decay=0.0, schedule="cosine", warmup_steps=2, clip=1.0)
    save_adapter(model, prompt / "end")


def buckets():
    cases = []
    positions = torch.arange(-700, 701)
    for count, distance in ((32, 128), (8, 20), (12, 26), (64, 256), (32, 512)):
        for bidirectional in (True, False):
            values = T5Attention._relative_position_bucket(positions, bidirectional, count, distance)
            cases.append({"buckets": count, "max_distance": distance, "bidirectional": bidirectional,
                          "values": values.tolist()})
    write_json(GOLDENS / "buckets.json", {"first_position": -700, "cases": cases})


def main():
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
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
