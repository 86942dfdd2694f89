#!/usr/bin/env python3
"""The same work as trainer_bench, done by transformers, peft and CTranslate2. Prints a JSON line.

usage: peer.py train --shape tiny --method lora --precision bf16
       peer.py generate --shape small --beams 4 --engine transformers|ctranslate2 [--compute int8]
       peer.py tokenize --input F.jsonl.gz --model DIR --engine sentencepiece|transformers
       peer.py rouge --references F.jsonl --predictions F.jsonl
       peer.py start --model DIR

A process a measurement, so that peak memory is its own.
"""
import argparse
import json
import os
import resource
import statistics
import sys
import tempfile
import time

SHAPES = {
    "tiny": dict(vocab_size=4096, d_model=128, d_kv=32, d_ff=256, num_heads=4, num_layers=4, num_decoder_layers=4,
                 tie_word_embeddings=True),
    "small": dict(vocab_size=32128, d_model=512, d_kv=64, d_ff=1024, num_heads=6, num_layers=8, num_decoder_layers=8,
                  tie_word_embeddings=False),
    "base": dict(vocab_size=32128, d_model=768, d_kv=64, d_ff=2048, num_heads=12, num_layers=12, num_decoder_layers=12,
                 tie_word_embeddings=False),
}


def make_model(shape):
    import torch
    from transformers import T5Config, T5ForConditionalGeneration
    torch.manual_seed(1)
    config = T5Config(feed_forward_proj="gated-gelu", dropout_rate=0.1, decoder_start_token_id=0, **SHAPES[shape])
    return T5ForConditionalGeneration(config)


def random_tokens(shape, rows, length):
    import torch
    torch.manual_seed(2)
    tokens = torch.randint(3, SHAPES[shape]["vocab_size"] - 100, (rows, length))
    tokens[:, -1] = 1
    return tokens


def measure(repeat, run):
    run()
    seconds = []
    for _ in range(repeat):
        start = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)


def train(options):
    import torch
    from peft import LoraConfig, PromptTuningConfig, TaskType, get_peft_model
    model = make_model(options.shape)
    if options.method == "lora":
        model = get_peft_model(model, LoraConfig(task_type=TaskType.SEQ_2_SEQ_LM, r=8, lora_alpha=16,
                                                 target_modules=["q", "v"], lora_dropout=0.0))
    elif options.method == "prompt":
        model = get_peft_model(model, PromptTuningConfig(task_type=TaskType.SEQ_2_SEQ_LM, num_virtual_tokens=20,
                                                         num_transformer_submodules=1))
    model.train().to(options.device)
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=1e-4, weight_decay=0.0)
    source = random_tokens(options.shape, options.batch, options.source).to(options.device)
    target = random_tokens(options.shape, options.batch, options.target).to(options.device)
    mask = torch.ones_like(source)
    bf16 = options.precision == "bf16"

    def step():
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast(options.device.split(":")[0], torch.bfloat16, enabled=bf16):
            loss = model(input_ids=source, attention_mask=mask, labels=target).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        if options.device != "cpu":
            torch.cuda.synchronize()

    seconds = measure(options.repeat, step)
    return {"seconds": seconds, "tokens_per_second": options.batch * (options.source + options.target) / seconds}


def generate_transformers(options):
    import torch
    model = make_model(options.shape).eval()
    if options.precision == "bf16":
        model = model.to(torch.bfloat16)
    model = model.to(options.device)
    source = random_tokens(options.shape, options.batch, options.source).to(options.device)
    mask = torch.ones_like(source)

    def run():
        with torch.no_grad():
            model.generate(input_ids=source, attention_mask=mask, num_beams=options.beams, do_sample=False,
                           min_new_tokens=options.target, max_new_tokens=options.target)

    return measure(options.repeat, run)


def generate_ctranslate2(options):
    import ctranslate2
    import sentencepiece  # noqa: F401  (the converter wants it)
    with tempfile.TemporaryDirectory() as folder:
        model = make_model(options.shape)
        saved, converted = os.path.join(folder, "saved"), os.path.join(folder, "converted")
        model.save_pretrained(saved)
        words = [f"w{i}" for i in range(SHAPES[options.shape]["vocab_size"])]
        del model
        from ctranslate2.converters import transformers as converters

        # The converter asks the tokenizer for nothing but its vocabulary; random weights have none.
        class Words:
            unk_token, bos_token, eos_token, pad_token = "w2", "w0", "w1", "w0"
            additional_special_tokens = []

            def get_vocab(self):
                return {word: i for i, word in enumerate(words)}

            def convert_ids_to_tokens(self, index):
                return words[index]

            def convert_tokens_to_ids(self, word):
                return words.index(word)

            @classmethod
            def from_pretrained(cls, *_, **__):
                return cls()

        import transformers
        transformers.AutoTokenizer.from_pretrained = Words.from_pretrained
        converters.TransformersConverter(saved).convert(converted, quantization=options.compute, force=True)
        translator = ctranslate2.Translator(converted, device="cpu", intra_threads=options.threads, inter_threads=1,
                                            compute_type=options.compute)
        source = [[words[i] for i in row] for row in random_tokens(options.shape, options.batch, options.source)]

        def run():
            translator.translate_batch(source, beam_size=options.beams, min_decoding_length=options.target,
                                       max_decoding_length=options.target, max_input_length=0,
                                       max_batch_size=options.batch)

        return measure(options.repeat, run)


def articles(path, limit=None):
    import gzip
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return [json.loads(line)["article"] for _, line in zip(range(limit or sys.maxsize), file)]


def tokenize(options):
    """Whole texts, cut afterwards: neither library can leave off when it has enough."""
    texts = articles(options.input)
    if options.engine == "sentencepiece":
        import sentencepiece
        processor = sentencepiece.SentencePieceProcessor(model_file=os.path.join(options.model, "spiece.model"))

        def run():
            return [ids[:options.source - 1] + [1] for ids in processor.encode(texts, num_threads=options.threads)]
    else:
        os.environ["RAYON_NUM_THREADS"] = str(options.threads)
        os.environ["TOKENIZERS_PARALLELISM"] = "true"
        from transformers import T5Tokenizer
        tokenizer = T5Tokenizer.from_pretrained(options.model).backend_tokenizer
        tokenizer.enable_truncation(options.source)

        def run():  # without offsets, which is the library's faster way
            return [encoding.ids for encoding in tokenizer.encode_batch_fast(texts)]

    return {"seconds": measure(options.repeat, run), "documents": len(texts)}


def rouge(options):
    from rouge_score import rouge_scorer

    def read(path):
        with open(path, encoding="utf-8") as file:
            return {line["id"]: line["text"] for line in map(json.loads, file)}

    references, predictions = read(options.references), read(options.predictions)
    scorer = rouge_scorer.RougeScorer(["rouge1", "rouge2", "rougeL", "rougeLsum"], use_stemmer=True)

    cpu_seconds = []

    def run():
        begin = time.process_time()
        for document, reference in references.items():
            scorer.score(reference, predictions[document])
        cpu_seconds.append(time.process_time() - begin)

    return {"seconds": measure(options.repeat, run), "cpu_seconds": statistics.median(cpu_seconds[1:]),
            "documents": len(references)}


def start(options):
    """Everything up to a LoRA trial's first step but its data and tokenizer, imports included; in a fresh process."""
    import torch
    from peft import LoraConfig, TaskType, get_peft_model
    from transformers import T5ForConditionalGeneration
    torch.set_num_threads(options.threads)
    model = T5ForConditionalGeneration.from_pretrained(options.model)
    model = get_peft_model(model, LoraConfig(task_type=TaskType.SEQ_2_SEQ_LM, r=8, target_modules=["q", "v"]))
    torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-3)
    return {"event": "started"}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("work", choices=["train", "generate", "tokenize", "rouge", "start"])
    parser.add_argument("--shape", choices=SHAPES, default="tiny")
    parser.add_argument("--method", choices=["lora", "prompt", "full"], default="lora")
    parser.add_argument("--precision", choices=["fp32", "bf16"], default="fp32")
    parser.add_argument("--engine", choices=["transformers", "ctranslate2", "sentencepiece"], default="transformers")
    parser.add_argument("--compute", default="float32", help="CTranslate2's compute type: float32 or int8")
    for name in ("--input", "--model", "--references", "--predictions"):
        parser.add_argument(name)
    parser.add_argument("--device", default="cpu", help="cpu or cuda:N, of transformers")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--source", type=int, default=512)
    parser.add_argument("--target", type=int, default=0)
    parser.add_argument("--beams", type=int, default=1)
    parser.add_argument("--repeat", type=int, default=5)
    options = parser.parse_args()
    options.target = options.target or (128 if options.work == "train" else 64)
    os.environ["OMP_NUM_THREADS"] = str(options.threads)
    if options.work in ("tokenize", "rouge", "start"):
        print(json.dumps({"tokenize": tokenize, "rouge": rouge, "start": start}[options.work](options)), flush=True)
        return
    if options.engine == "transformers":
        import torch
        torch.set_num_threads(options.threads)
    if options.work == "train":
        result = train(options)
    else:
        seconds = (generate_ctranslate2 if options.engine == "ctranslate2" else generate_transformers)(options)
        tokens = options.batch * options.target
        result = {"seconds": seconds, "tokens": tokens, "tokens_per_second": tokens / seconds}
    if options.device != "cpu":
        import torch
        result["peak_memory_bytes"] = torch.cuda.max_memory_allocated()
    else:
        result["peak_memory_bytes"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps(result))


if __name__ == "__main__":
    sys.exit(main())
