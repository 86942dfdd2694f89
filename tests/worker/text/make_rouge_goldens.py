#!/usr/bin/env python3
"""Writes rouge_goldens.json: what rouge_score says of invented texts, and how NLTK stems invented words.

Needs rouge_score 0.1.2 and nltk 3.10.4 (tests/parity/requirements.txt). The same on every run:
  python3 make_rouge_goldens.py > rouge_goldens.json
With two arguments it checks instead what `sweep-trainer rouge` printed, which is how to compare on texts of one's own:
  python3 make_rouge_goldens.py REFERENCES.jsonl PREDICTIONS.jsonl < scores.jsonl
"""
import json
import random
import sys

from nltk.stem import porter
from rouge_score import rouge_scorer

TYPES = ["rouge1", "rouge2", "rougeL", "rougeLsum"]


def numbers(scores):
    return {t: [scores[t].precision, scores[t].recall, scores[t].fmeasure] for t in TYPES}


# Stems of every shape (vowels, y, doubled letters, digits, none at all) before every suffix that a step looks at.
HEADS = """ a e y o ab ay ya yy yyy by toy eye sk tr spl bee tree oat ivy agr fe f br pl hop hopp fall fill hiss fizz tann siz conflat
troubl relat ration hesit valenc digit conform radic differ vile analog vietnam predic oper feud decis hope call form sensit
triplic electr good reviv allow infer airlin gyroscop adjust defens irrit replac depend adopt homolog commun activ angular
effect bowdler prob rat ceas contr roll geo theo archaeo philo b1 1a 2 x9y 3yy wax tow stay enjoy lov snow box cry w x ox
ew eu qu aa oo uy syzyg bookkeep miss pass puls mus buz ll ss zz ell ess atat blbl iziz logi alal gener organ nation"""
TAILS = """ s es ies sses ss ied eed ed ing ings ated bled ized ating bling izing ational tional enci anci izer bli abli alli
entli eli ousli ization ation ator alism iveness fulness ousness aliti iviti biliti fulli logi icate ative alize iciti ical ful
ness al ance ence er ic able ible ant ement ment ent ion sion tion ou ism ate iti ous ive ize e le ll lle y ly ally fully
ably ay ey alalli blially alliness edly ingly yed ying yies ee ees eds ingeds logy ologies ology isms ers ality ability"""
IRREGULAR = """sky skies dying lying tying news innings inning outings outing cannings canning howe proceed exceed succeed
proceeds exceeding succeeded flies dies ties lies spied died tied enjoy enjoyed enjoying happy cries agreed feed bled sing
motoring sized hopping tanned falling hissing fizzed failing filing sensational rational probate controlling"""


def words():
    heads, tails = [""] + HEADS.split(), [""] + TAILS.split()
    made = {h + t for h in heads for t in tails} | set(IRREGULAR.split())
    return sorted(w for w in made if len(w) > 3)


# Pairs that each ask one question; then random ones, for everything else.
PAIRS = [
    ("", ""), ("", "word"), ("word", ""), ("word", "word"), ("word", "other"), ("...", "word"), ("\n\n", "\n"), ("a", "a\n"),
    ("The Quick BROWN fox", "the quick brown FOX"), ("running runs ran", "run runner running"), ("one two", "two one"),
    ("well-known re-test 3.5 mg/kg", "well known retest 3 5 mg kg"), ("p<0.05 (n=12)", "p < 0.05 ( n = 12 )"),
    ("don't can't it's", "dont cant its"), ("under_score tab\tform\ffeed", "under score tab form feed"),
    ("naïve café Ångström", "na ve caf ngstr m"), ("\u212Aelvin 5\u212A", "kelvin 5k"), ("\u0130stanbul \u0130\u0130", "i stanbul i i"),
    ("ﬁne ſoft K İ ı", "fine soft k i i"), ("ßtrasse STRAẞE", "trasse stra e"), ("中文 word 字", "word"), ("e\u0301 ́ é", "e"),
    ("a\u00a0b\u2003c\u0085d\u2028e", "a b c d e"), ("x\x00y\x1cz", "x y z"), ("١٢ ² ½ 12", "12"), ("👩‍👩‍👧 family", "family"),
    ("police killed the gunman", "the gunman police killed"), ("w1 w2 w3 w4 w5", "w1 w2 w6 w7 w8\nw1 w3 w8 w9 w5"),
    ("w1 w2 w3 w4 w5\nw1 w2", "w1 w2 w6 w7 w8\n\n\nw1 w3 w8 w9 w5"), ("a b\r\nc d\r\n", "a b c d\r"), ("a a a a", "a a"),
    ("a b a b a\nb a b a b", "b a b\na b a"), ("x y z\n . \nx y", "x\ny\nz"), ("a\nb\nc", "c\nb\na"), ("first line\n", "\nfirst line"),
    ("token " * 70, "token " * 64), ("t " * 64 + "u", "u " + "t " * 65), ("dying skies news", "die sky new"), ("sky", "skies"),
]
VOCABULARY = """studies study studied patients patient treated treatment treating was were the of in and with significantly
significant significance 12 0.05 mg placebo-controlled randomly randomised trials trial outcomes outcome effective
effectiveness rationally hopefulness measuring measured measures ability abilities type-2 IL-6 p53 therapies therapy""".split()


def text(chance, lines, length):
    few = chance.sample(VOCABULARY, chance.randint(3, len(VOCABULARY)))
    made = [" ".join(chance.choice(few) for _ in range(chance.randint(0, length))) for _ in range(lines)]
    return "\n".join(made)


def pairs():
    chance = random.Random(20040725)
    made = list(PAIRS)
    for lines, length, count in ((1, 12, 40), (4, 10, 60), (9, 30, 30), (3, 150, 12)):
        made += [(text(chance, chance.randint(1, lines), length), text(chance, chance.randint(1, lines), length)) for _ in range(count)]
    return made


def make():
    stemmer = porter.PorterStemmer()
    scorers = {on: rouge_scorer.RougeScorer(TYPES, use_stemmer=on) for on in (True, False)}
    goldens = {
        "pairs": [{"reference": r, "prediction": p, "stemmed": numbers(scorers[True].score(r, p)),
                   "plain": numbers(scorers[False].score(r, p))} for r, p in pairs()],
        "stems": [[w, stemmer.stem(w)] for w in words()],
    }
    print(json.dumps(goldens, separators=(",", ":")))


def check(references, predictions):
    def read(path):
        with open(path, encoding="utf-8") as lines:
            return {str(d["id"]): d["text"] for d in map(json.loads, lines)}

    reference, prediction = read(references), read(predictions)
    scorer = rouge_scorer.RougeScorer(TYPES, use_stemmer=True)
    worst, seen = 0.0, 0
    for row in map(json.loads, sys.stdin):
        if "mean" in row:
            continue
        seen += 1
        for t, values in numbers(scorer.score(reference[str(row["id"])], prediction[str(row["id"])])).items():
            ours = [row[t][part] for part in ("precision", "recall", "f1")]
            worst = max([worst] + [abs(a - b) for a, b in zip(ours, values)])
    print(f"{seen} documents, greatest difference {worst:.3g}")
    return 0 if seen and worst < 1e-9 else 1


if __name__ == "__main__":
    sys.exit(check(*sys.argv[1:]) if len(sys.argv) == 3 else make())
