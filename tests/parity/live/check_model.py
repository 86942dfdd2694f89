"""Logits, loss and every gradient, in fp32 and in bf16, and what `loss` prints."""
import math

import torch

import peers

from . import cases
from .table import distance

FP32 = 1e-4
# A gradient whose terms nearly cancel: where transformers' own fp32 is farther than OWN_ROUNDING from its own fp64, ours is
# held against fp64, and may be OWN_RATIO times as far off.
OWN_ROUNDING, OWN_RATIO = 2e-5, 6.0
# bf16 keeps 8 bits: each product's inputs are rounded by up to 2^-9 = 0.2 %, and so are their sums, layer after layer.
# What comes out is some percent off, which ones depends on the order of rounding; transformers under autocast is as far
# off. Held: these bounds, and no more than twice as far from fp32 as transformers' own bf16 (never less than a percent).
BF16_LOSS, BF16_LOGITS, BF16_RATIO, BF16_FLOOR = 0.02, 0.1, 2.0, 0.01


def reference(model, batch, autocast=False):
    """{"loss", "logits", "gradient.NAME"} as the probe writes them."""
    model.zero_grad(set_to_none=True)
    with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
        output = model(**peers.tensors(batch))
        output.loss.backward()
    result = {"loss": output.loss.detach().reshape(1), "logits": output.logits.detach()}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            gradient = torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
            result["gradient." + name] = gradient.clone()
    return result


def real(logits, batch):
    """The rows that stand on real target tokens."""
    return torch.cat([rows[:len(target)] for rows, target in zip(logits, batch["target"])])


def their_logits(model, batch):
    """On real target tokens, without gradients."""
    with torch.no_grad():
        return real(model(**peers.tensors(batch)).logits.float(), batch)


def compare(table, what, ours, theirs, exact, batch, where):
    """Loss, logits and gradients, by the names that both sides have; a name that one side lacks fails."""
    loss = theirs["loss"].item()
    table.add(f"{what}: loss", abs(ours["loss"].item() / loss - 1), FP32, where)
    table.add(f"{what}: logits", distance(real(ours["logits"], batch), real(theirs["logits"], batch)), FP32, where)
    names = {name for side in (ours, theirs) for name in side if name.startswith("gradient.")}
    for name in sorted(names):
        at = f"{where}, {name}"
        if name not in ours or name not in theirs:
            table.add(f"{what}: gradients", math.inf, FP32, at)
        elif (own := distance(theirs[name], exact[name])) <= OWN_ROUNDING:
            table.add(f"{what}: gradients", distance(ours[name], theirs[name]), FP32, at)
        else:
            table.add(f"{what}: ill-conditioned gradients, over transformers' own deviation from fp64",
                      distance(ours[name], exact[name]) / own, OWN_RATIO, at)


def compare_bf16(table, ours, fp32, theirs, batch, where):
    loss = fp32["loss"].item()
    off = {"loss": abs(ours["loss"].item() - loss) / max(loss, 1),
           "logits": distance(real(ours["logits"], batch), real(fp32["logits"], batch))}
    table.add("bf16: loss (1 at least), from fp32", off["loss"], BF16_LOSS, where)
    table.add("bf16: logits, from fp32", off["logits"], BF16_LOGITS, where)
    peer = distance(real(theirs["logits"], batch), real(fp32["logits"], batch))
    table.add("bf16: logits, over transformers' own deviation", off["logits"] / max(peer, BF16_FLOOR), BF16_RATIO, where)


def check(table, chance, programs, count):
    kinds = ["v1.0", "v1.1", "mixed"]
    for i in range(count):
        case = cases.model(chance, programs, kinds[i % len(kinds)])
        model = case.load()
        batches = cases.batches(chance, case.vocabulary)
        jobs = [{"model": str(case.folder), "precision": precision, **batch}
                for batch in batches.values() for precision in ("fp32", "bf16")]
        probed = iter(programs.probe(jobs))
        for name, batch in batches.items():
            where = f"{case.name}: {name}"
            theirs = reference(model, batch)
            compare(table, "fp32", next(probed), theirs, reference(peers.exact(model), batch), batch, where)
            compare_bf16(table, next(probed), theirs, reference(model, batch, autocast=True), batch, where)


def check_loss_command(table, chance, programs, tokenizer):
    case = cases.model(chance, programs)
    model = case.load()
    documents = cases.documents(chance, tokenizer, 24, source=60, target=30)
    lines = programs.loss(case.folder, programs.write_lines("documents", documents), "--batch", 5,
                          "--max-source-tokens", 33, "--max-target-tokens", 17)
    table.same("`loss`: documents in order", [line["id"] for line in lines] == [d["id"] for d in documents], case.name)
    with torch.no_grad():
        for line, document in zip(lines, documents):
            source = cases.tokens(tokenizer, document["article"], 33)
            target = cases.tokens(tokenizer, document["abstract"], 17)
            nll = peers.summed_loss(model, {"source": [source], "target": [target]}).item()
            table.add("`loss`: nll of a document", abs(line["nll"] / nll - 1), FP32, f"{case.name}: {document['id']}")
            table.same("`loss`: tokens of a document", line["tokens"] == len(target), f"{case.name}: {document['id']}")
