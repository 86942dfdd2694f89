"""`sweep-trainer generate` token for token against transformers' generate, and the texts against its tokenizer's."""
import peers

from . import cases
from .ties import smallest_gap

TIE = 1e-5  # of the score: below it, which of two candidates is better is a matter of rounding
MAX_SOURCE = 48


def settings(chance):
    """Random ones, every kind of them often."""
    made = {"beams": chance.choice([1, 1, 2, 3, 4, 5, 6, 7, 8]), "max_new_tokens": chance.randint(4, 16)}
    if chance.random() < 0.4:
        made["no_repeat_ngram_size"] = chance.randint(1, 3)
    if chance.random() < 0.4:
        made["min_new_tokens"] = chance.randint(1, made["max_new_tokens"])
    if made["beams"] > 1:
        made["length_penalty"] = chance.choice([1.0, 0.0, 0.6, 2.0, -0.7, 3.5])
        made["early_stopping"] = chance.choice(["true", "false", "never"])
    return made


def their_summaries(model, sources, chosen, batch):
    rows = []
    for first in range(0, len(sources), batch):
        rows += peers.generate(model, sources[first:first + batch], chosen)
    return [peers.summary(row)[0] for row in rows]


def compare(table, ties, model, tokenizer, sources, lines, chosen, batch, where):
    """`lines`: what `generate` wrote. Ties are counted in `ties` and compared no further."""
    theirs = their_summaries(model, sources, chosen, batch)
    table.note("distinct summaries", {tuple(tokens) for tokens in theirs})
    table.note("lengths of summaries", {len(tokens) for tokens in theirs})
    for i, (line, tokens) in enumerate(zip(lines, theirs)):
        at = f"{where} {chosen} {line['id']}"
        if line["tokens"] != tokens:
            gap = smallest_gap(model, sources[i], chosen)
            if gap < TIE:
                ties.append((at, gap))
                continue
            at += f": {line['tokens']} is not {tokens}, smallest gap {gap:.1g}"
        table.same(f"generation, {'greedy' if chosen['beams'] == 1 else 'beams'}: tokens", line["tokens"] == tokens, at)
        text = tokenizer.decode(line["tokens"], skip_special_tokens=True)
        table.same("generation: summary is decode(tokens)", line["summary"] == text, at)


def check(table, ties, chance, programs, tokenizer, models, settings_each, documents_each):
    """Returns how many inputs were summarised; each under `settings_each` settings."""
    for _ in range(models):
        case = cases.model(chance, programs)
        model = case.load()
        documents = cases.documents(chance, tokenizer, documents_each, source=MAX_SOURCE)
        path = programs.write_lines("articles", documents)
        sources = [cases.tokens(tokenizer, d["article"], MAX_SOURCE) for d in documents]
        for _ in range(settings_each):
            chosen = settings(chance)
            batch = chance.choice([1, 5, 16])
            lines = programs.generate(case.folder, None, path, chosen, batch, "--max-source-tokens", MAX_SOURCE)
            table.same("generation: documents in order", [d["id"] for d in documents] == [x["id"] for x in lines], case.name)
            compare(table, ties, model, tokenizer, sources, lines, chosen, 16, case.name)
    return models * documents_each


def check_unknown(table, chance, programs, tokenizer):
    """A model that likes the unknown piece and sentinels: they are in the tokens, and dropped from the text."""
    import torch

    made = peers.random_model(cases.shape(chance, gated=False), chance.randrange(1 << 30), own_head=True, scale=True)
    with torch.no_grad():
        favoured = [2, 219, 220, 319, made.config.vocab_size - 1]
        made.lm_head.weight[favoured] *= 3
    folder = programs.fresh("model")
    peers.save_model(made, folder, spiece=cases.TOKENIZER / "spiece.model")
    documents = cases.documents(chance, tokenizer, 40)
    lines = programs.generate(folder, None, programs.write_lines("articles", documents), {"max_new_tokens": 12}, 8)
    special = [line for line in lines if set(line["tokens"]) & set(favoured)]
    table.same("generation: special tokens were generated", len(special) >= 5, f"{len(special)} of {len(lines)}")
    for line in lines:
        text = tokenizer.decode(line["tokens"], skip_special_tokens=True)
        table.same("generation: summary is decode(tokens)", line["summary"] == text, f"{line['tokens']}")
