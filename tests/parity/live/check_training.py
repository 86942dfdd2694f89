"""Twenty steps of `sweep-trainer train` against the loop in peers.py: every method, optimizer and schedule, effective
batches gathered from micro-batches, gradients clipped, the last batch of an epoch smaller, dropout off."""
import json

from peft import PeftConfig, PeftModel, get_peft_model, set_peft_model_state_dict
from safetensors.torch import load_file

import peers

from . import cases
from .check_model import their_logits
from .order import batches_of
from .table import distance

STEPS, DOCUMENTS, BATCH, MICRO_BATCH = 20, 11, 4, 3
SOURCE_TOKENS, TARGET_TOKENS = 32, 12
TOLERANCE = 1e-3
# Training amplifies rounding: a ReLU whose input is 1e-8 from zero opens or stays shut, and from there on there are two
# trajectories. Where ours is too far off, transformers' own is run again from starts moved by their last digits; a value
# that differs by more than FORK between these runs says nothing about us. It is set apart, and may be rare only.
FORK, FORK_RUNS, SET_APART = 1e-4, 6, 0.05
NAMES = ("train_loss", "learning_rate", "gradient_norm")
METHODS = ("full", "lora", "prompt")
OPTIMIZERS = {
    "adamw": {"name": "adamw", "weight_decay": 0.02, "betas": [0.85, 0.98], "eps": 1e-7},
    "adafactor, relative": {"name": "adafactor", "relative_step": True, "scale_parameter": True},
    "adafactor, rate": {"name": "adafactor", "weight_decay": 0.01},
    "adafactor, scaled rate": {"name": "adafactor", "scale_parameter": True},
}
RATES = {"full": 1e-3, "lora": 3e-3, "prompt": 3e-2}
SCHEDULES = ("constant", "linear", "cosine")


def trial(chance, case, files, method, train):
    """A trial's JSON. Validation and test are one document each, and summaries one token: they are not looked at."""
    made = {"sweep": "parity", "configuration": method, "method": method, "seed": chance.randrange(1, 1 << 40),
            "model": str(case.folder),
            "data": {"train": str(files["train"]), "validation": str(files["few"]), "test": str(files["few"]),
                     "max_source_tokens": SOURCE_TOKENS, "max_target_tokens": TARGET_TOKENS},
            "train": {"steps": STEPS, "batch_size": BATCH, "micro_batch_size": MICRO_BATCH, "dropout": 0.0,
                      "validate_every": STEPS, "keep": "last", **train},
            "evaluate": {"max_new_tokens": 1}}
    if method == "lora":
        rank = chance.randint(1, 9)
        made["lora"] = {"rank": rank, "alpha": chance.choice([rank, 2 * rank, 5]), "dropout": 0.0,
                        "targets": chance.choice([["q", "v"], ["q", "k", "v", "o"], ["q", "v", "wo"]])}
    elif method == "prompt":
        made["prompt"] = {"tokens": chance.randint(1, 12), "init": chance.choice(["vocabulary", "random"])}
    return made


def start_of(programs, made):
    """The adapter that the trial's seed starts from: trained for one step at a rate that moves nothing."""
    first = json.loads(json.dumps(made))
    first["train"].update(steps=1, learning_rate=1e-30, optimizer={"name": "adamw"}, warmup_steps=0, validate_every=1)
    return programs.train(first)[1]


def reference_model(case, method, start):
    base = case.load()
    if method == "full":
        return base
    if method == "lora":
        return PeftModel.from_pretrained(base, start, is_trainable=True).eval()
    # PEFT loads prompts for inference only: a new one with the old one's rows.
    config = PeftConfig.from_pretrained(start)
    config.inference_mode = False
    model = get_peft_model(base, config).eval()
    set_peft_model_state_dict(model, load_file(start / "adapter_model.safetensors"))
    return model


def kept_model(case, method, kept):
    return peers.load_model(kept) if method == "full" else PeftModel.from_pretrained(case.load(), kept).eval()


def compare(table, apart, programs, case, made, examples, start, where):
    """`apart` gets a boolean for each value: whether it was set apart."""
    method, train = made["method"], made["train"]
    model = reference_model(case, method, start)
    batches = batches_of(examples, BATCH, made["seed"], STEPS)
    theirs = dict(zip(NAMES, peers.train(model, batches, train)))
    ours, kept = programs.train(made)
    for name in NAMES:
        table.same("training: steps", len(ours.get(name, [])) == STEPS, where)
    runs = []
    if any(abs(a / b - 1) > TOLERANCE for name in NAMES[::2] for a, b in zip(ours[name], theirs[name])):
        for seed in range(FORK_RUNS):
            nudged = peers.nudge(reference_model(case, method, start), seed)
            runs.append(dict(zip(NAMES, peers.train(nudged, batches, train))))
        nearest = min(max(abs(a / b - 1) for a, b in zip(ours["train_loss"], run["train_loss"])) for run in runs)
        print(f"fork: our losses are {nearest:.1g} from the nearest of transformers' runs: {where}", flush=True)
    highest = max(theirs["learning_rate"])
    for a, b in zip(ours["learning_rate"], theirs["learning_rate"]):
        table.add("training: rates, of the highest", abs(a - b) / highest, 1e-6, where)
    for name, kind in (("train_loss", "losses"), ("gradient_norm", "gradient norms")):
        for step, (a, b) in enumerate(zip(ours[name], theirs[name]), start=1):
            forked = any(abs(run[name][step - 1] / b - 1) > FORK for run in runs)
            apart.append(forked)
            if not forked:
                table.add(f"training {method}, {train['optimizer']['name']}: {kind}", abs(a / b - 1), TOLERANCE,
                          f"{where}, step {step}")
    batch = {key: rows[:4] for key, rows in examples.items()}
    logits = [their_logits(one, batch) for one in (kept_model(case, method, kept), model)]
    if not any(apart[-2 * STEPS:]):
        table.add("training: logits of what was kept", distance(*logits), TOLERANCE, where)


def check(table, chance, programs, tokenizer, rounds):
    apart = []
    for _ in range(rounds):
        case = cases.model(chance, programs, gain=1.0)
        documents = cases.documents(chance, tokenizer, DOCUMENTS)
        files = {"train": programs.write_lines("train", documents), "few": programs.write_lines("few", documents[:1])}
        examples = {"source": [cases.tokens(tokenizer, d["article"], SOURCE_TOKENS) for d in documents],
                    "target": [cases.tokens(tokenizer, d["abstract"], TARGET_TOKENS) for d in documents]}
        for method in METHODS:
            made = trial(chance, case, files, method, {})
            start = None if method == "full" else start_of(programs, {**made, "train": dict(made["train"])})
            for name, optimizer in OPTIMIZERS.items():
                for schedule in SCHEDULES if not optimizer.get("relative_step") else SCHEDULES[:1]:
                    settings = {"optimizer": optimizer, "schedule": schedule, "warmup_steps": chance.randint(0, 5),
                                "gradient_clip": chance.choice([0.3, 1.0, 5.0])}
                    if not optimizer.get("relative_step"):
                        settings["learning_rate"] = RATES[method] * (10 if "scaled" in name else 1)
                    one = {**made, "train": {**made["train"], **settings}}
                    compare(table, apart, programs, case, one, examples, start,
                            f"{case.name}: {method} {json.dumps(settings)}")
    table.add("training: share of values set apart", sum(apart) / len(apart), SET_APART, "")
