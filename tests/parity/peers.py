"""What make_goldens.py and live/ share: random T5s whose every path matters, batches, generation and training as
transformers and peft do them, with the training loop written out."""
import copy
import json
import shutil
import types

import torch
from transformers import (
    T5Config,
    T5ForConditionalGeneration,
    get_constant_schedule_with_warmup,
    get_cosine_schedule_with_warmup,
    get_linear_schedule_with_warmup,
)
from transformers.models.t5.modeling_t5 import T5LayerNorm
from transformers.optimization import Adafactor


def random_model(shape, seed, *, own_head, scale, ends=2.0, gain=None):
    """A T5 in eval mode whose weights are far from flat; `ends` makes </s> likelier, so that summaries end.

    `gain` multiplies transformers' own initial weights; with much more than 1 training amplifies rounding until transformers' fp32 is percents
    from its own fp64 within twenty steps."""
    torch.manual_seed(seed)
    config = T5Config(**shape, pad_token_id=0, eos_token_id=1, decoder_start_token_id=0, tie_word_embeddings=scale)
    config._attn_implementation = "eager"
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
                parameter.mul_(gain or (2.0 if shape["feed_forward_proj"] == "relu" else 1.3))
        if own_head:
            model.lm_head.weight = torch.nn.Parameter((1.0 if scale else 0.5) * torch.randn_like(model.shared.weight))
            if scale:
                model.lm_head.weight.mul_(2.0)
        elif not scale:
            model.shared.weight.mul_(0.4)
        model.lm_head.weight[1].mul_(ends)
    return model


def save_model(model, folder, *, old_config=False, spiece=None, **options):
    """As transformers saves it; `old_config` takes out of config.json what transformers 4 did not write."""
    model.save_pretrained(folder, **options)
    if old_config:
        config = json.loads((folder / "config.json").read_text())
        config["tie_word_embeddings"] = config.pop("scale_decoder_outputs")
        (folder / "config.json").write_text(json.dumps(config) + "\n")
    if spiece:
        shutil.copy(spiece, folder / "spiece.model")


def load_model(folder):
    """In eval mode and fp32, attention as written, not fused. A tensor that is missing or unknown is an error."""
    model, info = T5ForConditionalGeneration.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager",
                                                             output_loading_info=True)
    for kind in ("missing_keys", "unexpected_keys", "mismatched_keys"):
        if info[kind]:
            raise AssertionError(f"{folder}: {kind}: {info[kind]}")
    return model.eval()


def exact(model):
    """A copy that computes in fp64 all through: transformers' norms would take their variance in fp32."""
    def norm(self, hidden):
        return self.weight * hidden * torch.rsqrt(hidden.pow(2).mean(-1, keepdim=True) + self.variance_epsilon)

    copied = copy.deepcopy(model).double()
    for module in copied.modules():
        if isinstance(module, T5LayerNorm):
            module.forward = types.MethodType(norm, module)
    return copied


def nudge(model, seed, by=1e-7):
    """Moves every trained parameter by its last digit, in place: what rounding might have done."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.mul_(1 + by * torch.randn(parameter.shape, generator=generator))
    return model


def tensors(batch):
    """{"source", "target"}: rows of ids, to what the model's forward takes."""
    pad = torch.nn.utils.rnn.pad_sequence
    source = pad([torch.tensor(row) for row in batch["source"]], batch_first=True)
    mask = pad([torch.ones(len(row), dtype=torch.long) for row in batch["source"]], batch_first=True)
    labels = pad([torch.tensor(row) for row in batch["target"]], batch_first=True, padding_value=-100)
    return dict(input_ids=source, attention_mask=mask, labels=labels)


def summed_loss(model, batch):
    """The sum over real target tokens, so that parts of a batch can be added up."""
    inputs = tensors(batch)
    logits = model(**inputs).logits
    return torch.nn.functional.cross_entropy(logits.flatten(0, 1), inputs["labels"].flatten(), reduction="sum",
                                             ignore_index=-100)


def generation_arguments(settings):
    """Our settings in generate's words. Without its cache: transformers 5.24 sizes it by the encoder's depth."""
    arguments = dict(num_beams=settings["beams"], max_new_tokens=settings["max_new_tokens"], do_sample=False,
                     use_cache=False)
    for key in ("length_penalty", "no_repeat_ngram_size", "min_new_tokens"):
        if key in settings:
            arguments[key] = settings[key]
    if settings["beams"] > 1:
        stopping = settings.get("early_stopping", "false")
        arguments["early_stopping"] = {"true": True, "false": False, "never": "never"}[stopping]
    return arguments


def generate(model, sources, settings):
    """Rows of ids with the start token, padded behind </s>."""
    batch = tensors({"source": sources, "target": [[1]] * len(sources)})
    with torch.no_grad():
        return model.generate(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"],
                              **generation_arguments(settings)).tolist()


def summary(row):
    """Without the start token and what follows from </s> on, and whether there was one."""
    row = row[1:]
    return (row[:row.index(1)], True) if 1 in row else (row, False)


def make_optimizer(parameters, settings, rate):
    """`settings`: a trial's train.optimizer. No parameter is excepted from weight decay."""
    decay = settings.get("weight_decay", 0.0)
    if settings["name"] == "adamw":
        return torch.optim.AdamW(parameters, lr=rate, betas=settings.get("betas", (0.9, 0.999)),
                                 eps=settings.get("eps", 1e-8), weight_decay=decay)
    relative = settings.get("relative_step", False)
    return Adafactor(parameters, lr=None if relative else rate, relative_step=relative, warmup_init=False,
                     scale_parameter=settings.get("scale_parameter", False), weight_decay=decay)


def train(model, batches, settings):
    """A step for each of `batches` as the trainer takes it; `settings`: a trial's train.

    The loss is the mean over the real target tokens of the effective batch, gathered over micro-batches. Returns the
    losses, learning rates and gradient norms (before clipping). The model is left in the mode that it is in, so dropout
    is the caller's."""
    parameters = [p for p in model.parameters() if p.requires_grad]
    relative = settings["optimizer"].get("relative_step", False)
    optimizer = make_optimizer(parameters, settings["optimizer"], settings.get("learning_rate"))
    warmup, size = settings.get("warmup_steps", 0), settings["micro_batch_size"]
    scheduler = None if relative else {
        "constant": lambda: get_constant_schedule_with_warmup(optimizer, warmup),
        "linear": lambda: get_linear_schedule_with_warmup(optimizer, warmup, len(batches)),
        "cosine": lambda: get_cosine_schedule_with_warmup(optimizer, warmup, len(batches)),
    }[settings["schedule"]]()
    losses, rates, norms = [], [], []
    for step, batch in enumerate(batches, start=1):
        optimizer.zero_grad()
        count, loss = sum(len(row) for row in batch["target"]), 0.0
        for first in range(0, len(batch["source"]), size):
            part = summed_loss(model, {key: rows[first:first + size] for key, rows in batch.items()}) / count
            part.backward()
            loss += part.item()
        clip = settings["gradient_clip"] or float("inf")
        norms.append(torch.nn.utils.clip_grad_norm_(parameters, clip).item())
        rates.append(scheduler.get_last_lr()[0] if scheduler else min(1e-2, step ** -0.5))
        optimizer.step()
        if scheduler:
            scheduler.step()
        losses.append(loss)
    return losses, rates, norms
