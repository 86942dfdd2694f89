#!/usr/bin/env python3
"""Makes optimizer_goldens.json: what torch's AdamW, transformers' Adafactor and its schedules give.

usage: make_optimizer_goldens.py > optimizer_goldens.json     (torch 2.13, transformers 5; one thread)
"""
import json
import sys

import torch
from transformers import get_constant_schedule_with_warmup, get_cosine_schedule_with_warmup
from transformers import get_linear_schedule_with_warmup
from transformers.optimization import Adafactor

STEPS, CLIP = 5, 1.0
torch.set_num_threads(1)


def rounded(tensor):
    return [float(x) for x in tensor.detach().double().flatten()]


def run(make_optimizer, settings):
    torch.manual_seed(7)
    parameters = {"matrix": torch.randn(3, 4), "vector": torch.randn(5) * 0.1}
    case = {"settings": settings, "start": {k: rounded(v) for k, v in parameters.items()}, "steps": []}
    parameters = {k: torch.nn.Parameter(v) for k, v in parameters.items()}
    optimizer = make_optimizer(list(parameters.values()))
    for step in range(STEPS):
        gradients = {k: torch.randn(v.shape) * (3.0 if step % 2 else 0.2) for k, v in parameters.items()}
        for name, parameter in parameters.items():
            parameter.grad = gradients[name].clone()
        norm = torch.nn.utils.clip_grad_norm_(list(parameters.values()), CLIP)
        optimizer.step()
        case["steps"].append({"gradients": {k: rounded(v) for k, v in gradients.items()}, "norm": float(norm),
                              "parameters": {k: rounded(v) for k, v in parameters.items()}})
    return case


def factors(make_schedule):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    schedule = make_schedule(optimizer)
    values = []
    for _ in range(12):
        values.append(schedule.get_last_lr()[0])
        optimizer.step()
        schedule.step()
    return values


cases = []
for decay, betas, eps in ((0.0, (0.9, 0.999), 1e-8), (0.1, (0.8, 0.95), 1e-6)):
    cases.append(run(lambda p: torch.optim.AdamW(p, lr=0.05, betas=betas, eps=eps, weight_decay=decay),
                     {"name": "adamw", "learning_rate": 0.05, "weight_decay": decay, "beta1": betas[0],
                      "beta2": betas[1], "eps": eps}))
for relative, scale, decay in ((False, False, 0.0), (False, True, 0.1), (True, False, 0.0), (True, True, 0.0)):
    cases.append(run(lambda p: Adafactor(p, lr=None if relative else 0.05, relative_step=relative,
                                         scale_parameter=scale, warmup_init=False, weight_decay=decay),
                     {"name": "adafactor", "learning_rate": 0.05, "weight_decay": decay, "relative_step": relative,
                      "scale_parameter": scale}))
schedules = []
for warmup, total in ((0, 10), (3, 10), (4, 4)):
    for name, make in (("constant", lambda o: get_constant_schedule_with_warmup(o, warmup)),
                       ("linear", lambda o: get_linear_schedule_with_warmup(o, warmup, total)),
                       ("cosine", lambda o: get_cosine_schedule_with_warmup(o, warmup, total))):
        schedules.append({"name": name, "warmup_steps": warmup, "total_steps": total, "factors": factors(make)})
json.dump({"clip": CLIP, "optimizers": cases, "schedules": schedules}, sys.stdout, indent=None, separators=(",", ":"))
print()
