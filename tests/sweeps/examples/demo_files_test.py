"""The demo's committed files: the data are what make_data.py writes, can be learned, and do not leak between splits;
the base model is small and whole.

usage: demo_files_test.py sweeps/examples/demo
"""
import gzip
import json
import os
import struct
import subprocess
import sys
import tempfile
import unittest

DEMO = sys.argv.pop(1)
SPLITS = ("train", "validation", "test")


def read(folder, split):
    with gzip.open(os.path.join(folder, split + ".jsonl.gz")) as lines:
        return lines.read()


def documents(split):
    return [json.loads(line) for line in read(DEMO, split).splitlines()]


def run(*arguments):
    subprocess.run([sys.executable, "-B", os.path.join(DEMO, "make_data.py"), *arguments], check=True)


class Data(unittest.TestCase):
    def test_committed_files_are_what_the_generator_writes(self):
        # Decompressed: what zlib makes of it may differ from machine to machine.
        with tempfile.TemporaryDirectory() as folder:
            run("--out", folder)
            for split in SPLITS:
                self.assertEqual(read(folder, split), read(DEMO, split), split + ": run make_data.py and commit")

    def test_every_document_is_whole_and_of_the_promised_length(self):
        for split in SPLITS:
            for document in documents(split):
                self.assertEqual(sorted(document), ["abstract", "article", "id"])
                self.assertTrue(50 <= len(document["article"].split()) <= 140, document["id"])
                self.assertTrue(25 <= len(document["abstract"].split()) <= 45, document["id"])
                self.assertNotRegex(document["article"] + document["abstract"], r"[{}]|[A-Z]|  ")

    def test_no_article_stands_in_two_places(self):
        articles = [d["article"] for split in SPLITS for d in documents(split)]
        ids = [d["id"] for split in SPLITS for d in documents(split)]
        self.assertEqual(len(articles), len(set(articles)))
        self.assertEqual(len(ids), len(set(ids)))

    def test_an_abstract_says_nothing_that_its_article_does_not(self):
        # Numbers and names can be found in the article: all but the fixed form's own words.
        form = set("aims: to test in methods: patients received or for weeks. results: improved by percent against percent; "
                   "the commonest adverse event was conclusion: no better worse than".split())
        for document in documents("test") + documents("validation"):
            article = set(document["article"].replace(".", "").replace(",", "").split())
            for word in document["abstract"].split():
                if word not in form:
                    self.assertIn(word.rstrip(".;"), article, document["id"])

    def test_the_pretraining_corpus_shares_no_article_and_no_abstract_form(self):
        known = {d["article"] for split in SPLITS for d in documents(split)}
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "corpus.jsonl")
            run("--corpus", path, "--documents", "3000", "--seed", "20")
            with open(path) as lines:
                reports = [json.loads(line)["article"] for line in lines]
        self.assertEqual(len(reports), 3000)
        for report in reports:
            self.assertNotIn("aims: to test", report)
            self.assertNotIn("conclusion:", report)
            self.assertFalse(any(report[:40] == a[:40] and report.startswith(a) for a in known), report)


class Model(unittest.TestCase):
    def path(self, name):
        return os.path.join(DEMO, "model", name)

    def test_is_small(self):
        sizes = [os.path.getsize(self.path(name)) for name in ("config.json", "model.safetensors", "spiece.model")]
        self.assertLess(sum(sizes), 8 << 20)
        self.assertLess(max(sizes), 6 << 20)

    def test_weights_fit_the_configuration(self):
        with open(self.path("config.json")) as file:
            config = json.load(file)
        with open(self.path("model.safetensors"), "rb") as file:
            tensors = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
        self.assertEqual(tensors["shared.weight"]["shape"], [config["vocab_size"], config["d_model"]])
        for stack, layers in (("encoder", config["num_layers"]), ("decoder", config["num_decoder_layers"])):
            blocks = {name.split(".")[2] for name in tensors if name.startswith(stack + ".block.")}
            self.assertEqual(len(blocks), layers)


if __name__ == "__main__":
    unittest.main()
