"""Random cases: shapes of T5 that nobody would choose, batches, texts. All from one random.Random."""
import dataclasses

import peers

from .programs import TOKENIZER

VOCABULARY = 320  # of the tiny spiece.model: 220 pieces and 100 sentinels
PIECES = 220


@dataclasses.dataclass
class Model:
    name: str  # what it is, for messages
    folder: object  # where it was saved
    vocabulary: int
    tied: bool  # its head is its embeddings

    def load(self):
        return peers.load_model(self.folder)


def shape(chance, gated):
    """Depths that differ, d_kv · heads other than d_model, any number of buckets and rows."""
    while True:
        d_model, d_kv, heads = chance.randint(9, 70), chance.randint(3, 19), chance.randint(1, 6)
        encoder, decoder = chance.randint(1, 4), chance.randint(1, 4)
        if d_kv * heads != d_model and encoder != decoder:
            break
    buckets = chance.choice([4, 8, 9, 12, 15, 24, 32, 33, 64])
    return dict(vocab_size=VOCABULARY + chance.randint(0, 41), d_model=d_model, d_kv=d_kv, num_heads=heads,
                d_ff=chance.randint(9, 150), num_layers=encoder, num_decoder_layers=decoder,
                relative_attention_num_buckets=buckets,
                relative_attention_max_distance=buckets // 2 + chance.randint(1, 120),
                layer_norm_epsilon=chance.choice([1e-6, 1e-5]),
                feed_forward_proj="gated-gelu" if gated else "relu")


def model(chance, programs, kind=None, gain=None):
    """`gain`: see peers.random_model. kind: "v1.0" (ReLU, tied head, scaled), "v1.1" (gated GELU, a head of its own, as
    Flan), or "mixed"."""
    kind = kind or chance.choice(["v1.0", "v1.1", "v1.1", "mixed"])
    own_head = kind == "v1.1" or (kind == "mixed" and chance.random() < 0.5)
    scale = kind == "v1.0" or (kind == "mixed" and own_head)
    dimensions = shape(chance, gated=kind != "v1.0")
    made = peers.random_model(dimensions, chance.randrange(1 << 30), own_head=own_head, scale=scale,
                              ends=chance.choice([1.5, 2.0, 2.5]), gain=gain)
    folder = programs.fresh("model")
    options = {"max_shard_size": "60KB"} if chance.random() < 0.3 else {}
    peers.save_model(made, folder, old_config=kind == "v1.1" and chance.random() < 0.5,
                     spiece=TOKENIZER / "spiece.model", **options)
    sizes = " ".join(f"{key}={value}" for key, value in dimensions.items() if isinstance(value, int))
    return Model(f"{kind} {sizes}", folder, dimensions["vocab_size"], not own_head)


def ids(chance, count, vocabulary):
    """`count` tokens with the closing </s>."""
    return [chance.randrange(3, vocabulary) for _ in range(count - 1)] + [1]


def batch(chance, vocabulary, source_lengths, target_lengths):
    return {"source": [ids(chance, n, vocabulary) for n in source_lengths],
            "target": [ids(chance, n, vocabulary) for n in target_lengths]}


def batches(chance, vocabulary):
    """name -> batch."""
    def some(most):
        return [chance.randint(1, most) for _ in range(rows)]

    rows = chance.randint(2, 6)
    return {
        "usual": batch(chance, vocabulary, some(40), some(20)),
        "one token": {key: [[chance.randrange(1, vocabulary)] for _ in range(rows)] for key in ("source", "target")},
        "heavy padding": batch(chance, vocabulary, [chance.randint(100, 180)] + [chance.randint(1, 3)] * (rows - 1),
                               [1] * (rows - 1) + [chance.randint(30, 50)]),
        "one document": batch(chance, vocabulary, some(70)[:1], some(30)[:1]),
    }


def text(chance, tokenizer, pieces):
    return tokenizer.decode([chance.randrange(3, PIECES) for _ in range(pieces)], skip_special_tokens=True)


def documents(chance, tokenizer, count, source=40, target=12):
    """Texts of invented words; `source` and `target` bound their tokens, roughly."""
    made = []
    while len(made) < count:
        article, abstract = (text(chance, tokenizer, chance.randint(1, n)) for n in (source, target))
        if article.strip() and abstract.strip():
            made.append({"id": f"d{len(made)}", "article": article, "abstract": abstract})
    return made


def tokens(tokenizer, text_, limit):
    return tokenizer(text_, truncation=True, max_length=limit).input_ids
