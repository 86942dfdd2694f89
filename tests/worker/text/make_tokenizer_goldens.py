#!/usr/bin/env python3
"""Writes tokenizer_goldens.json: what transformers' T5Tokenizer makes of texts and ids with tiny_t5/spiece.model.

Needs transformers 5.24.0 (tests/parity/requirements.txt), sentencepiece 0.2.3 and protobuf 7.36.2.
  python3 make_tokenizer_goldens.py > tokenizer_goldens.json
  python3 make_tokenizer_goldens.py --train     makes tiny_t5/spiece.model anew from invented words (then make the goldens anew)
  python3 make_tokenizer_goldens.py --check     compares another transformers (4.44.2's tokenizer in Python) with the goldens
Its normaliser is a handful of T5's rules: the whole table would be 240 kB.
"""
import io
import json
import os
import random
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
MODEL = os.path.join(HERE, "tiny_t5")
RULES = {"\t": " ", "\n": " ", "\r": " ", "\u00a0": " ", "\u3000": " ", "\u200b": " ", "\u2028": " ", "ﬁ": "fi", "Ⅷ": "VIII",
         "½": "1\u20442", "Ａ": "A", "e\u0301": "é", "a\u0308": "ä", "\ufeff": " "}
SYLLABLES = "ba ko mi ter an lo pi sen du ra vi ne gra tho ch ing ed s tion é ä".split()


def train():
    import sentencepiece
    from sentencepiece import sentencepiece_model_pb2

    chance = random.Random(5)
    words = ["".join(chance.choice(SYLLABLES) for _ in range(chance.randint(1, 4))) for _ in range(300)]
    lines = [" ".join(chance.choice(words) for _ in range(chance.randint(4, 14))) + chance.choice([".", "?", "!", " ,", "; 12%", " A fi 05-3", "-z"])
             for _ in range(1500)]
    model = io.BytesIO()
    with tempfile.NamedTemporaryFile("w", suffix=".tsv") as rules:
        for before, after in RULES.items():
            rules.write("\t".join(" ".join(f"{ord(c):X}" for c in side) for side in (before, after)) + "\n")
        rules.flush()
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(lines), model_writer=model, vocab_size=220, pad_id=0, eos_id=1, unk_id=2, bos_id=-1,
            normalization_rule_tsv=rules.name, num_threads=1, minloglevel=2)
    os.makedirs(MODEL, exist_ok=True)
    proto = sentencepiece_model_pb2.ModelProto.FromString(model.getvalue())
    z = next(p for p in proto.pieces if p.piece == "z")
    proto.pieces[-1].piece, proto.pieces[-1].score = "zz", z.score - 0.3  # "zzz" can be cut in two ways, equally good
    with open(os.path.join(MODEL, "spiece.model"), "wb") as out:
        out.write(proto.SerializeToString())


# Not asked: a written "▁", two combining marks on one letter and the control character U+0085, on which SentencePiece
# (so Lorikeet, and transformers up to 4) and the tokenizers library (transformers 5) differ.
TEXTS = ["", " ", "bako miter", "  bako   miter  ", "bako\nmiter\t an\r\nlo", "bako <extra_id_0> mi <extra_id_99>ter", "<extra_id_1>",
         "ba<extra_id_12>ko", "<extra_id_0><extra_id_1> ba", "ko  <extra_id_5>\u3000 ba ", "x<extra_id_100> <extra_id_01> <extra_id_> <extra_id_-1>",
         "<extra_id_-0> <extra_id_1 > <extra_id_", "<<extra_id_7>>", "中文 bako 字", "bako 字字", "é ﬁ Ⅷ ½ Ａ", "e\u0301x e\u0301 ba\u0308",
         "ba\u00a0ko", "ba\u3000\u3000ko", "\u200bba", "<pad> ko <unk> x", "ba</s>ko", "QQQ ba Q Q", "ba\ufeffko",
         "👩‍👩‍👧 ba", "ba\u2028ko", "한국 ᄒ", "< > <s> </S> <PAD>", "Zxq, ba. KO! 12% 05-3 ( ko )", "tionchgrathoing" * 12, "sensens sen s", "12 1 2 %",
         "ing ed s tion ingedstion", "a" * 50, "bako-zzz miter-zzz ko.zzz", "koanlo%zzzzz pisen-zzz bazzz zz z ter%zzz", "-zzz" * 9]
DECODED = [[], [0], [1], [2], [3], [5, 3], [3, 3, 7], [7, 2, 8], [7, 3, 2, 3, 8, 3], [10, 0, 11, 1, 12], [319, 7, 220], [2, 3, 9]]


def make():
    import transformers

    transformers.logging.set_verbosity_error()
    tokenizer = transformers.T5Tokenizer.from_pretrained(MODEL)

    def decode(ids):
        return tokenizer.decode(ids, skip_special_tokens=True)

    chance = random.Random(6)
    pieces = SYLLABLES + [" ", " ", "  ", ".", "Q", "字", "A", "<extra_id_3>", "1", "%", "\n", " <", ">"]
    texts = TEXTS + ["".join(chance.choice(pieces) for _ in range(chance.randint(1, 40))) for _ in range(150)]
    encoded = [[text, tokenizer(text).input_ids] for text in texts]
    long = "bako miter anlo pisen dura vine 字 <extra_id_0> gratho ch"
    goldens = {
        "encoded": encoded,
        "truncated": [[long, n, tokenizer(long, truncation=True, max_length=n).input_ids] for n in (1, 2, 3, 7, 15, 100)],
        "decoded": [[ids, decode(ids)] for _, ids in encoded] + [[ids, decode(ids)] for ids in DECODED],
        "pieces": len(tokenizer) - 100,
    }
    return goldens


def check():
    with open(os.path.join(HERE, "tokenizer_goldens.json"), encoding="utf-8") as file:
        goldens = json.load(file)
    made = make()
    differing = 0
    for key in ("encoded", "truncated", "decoded"):
        for golden, other in zip(goldens[key], made[key]):
            if golden != other:
                differing += 1
                print(f"{key}: {golden[0]!r}\n  golden {golden[1:]}\n  now    {other[1:]}")
    print(f"{differing} differ")


if __name__ == "__main__":
    if sys.argv[1:] == ["--train"]:
        train()
    elif sys.argv[1:] == ["--check"]:
        check()
    else:
        print(json.dumps(make(), separators=(",", ":")))
