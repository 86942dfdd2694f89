#!/usr/bin/env python3
"""generate, loss, rouge, merge, pretrain: what they print, and what they refuse."""
import json
import os
import unittest

from trainer_program import TOKENIZER, TrainerTest, documents, lines, read, run, write_lines


class Commands(TrainerTest):
    def input(self, name, objects):
        return write_lines(self.path(name), objects)

    def test_help_and_usage(self):
        for command in ("train", "generate", "loss", "bench", "preflight", "rouge", "merge", "pretrain"):
            rc, out, err = run(command, "--help")
            self.assertEqual((rc, err), (0, ""))
            self.assertIn("sage", out)
            self.assertEqual(self.assert_refused(run(command, "--no-such-flag")), "")
        self.assert_refused(run())
        self.assert_refused(run("no-such-command"))

    def test_generate_keeps_input_order_whatever_the_batch(self):
        docs = list(documents(0, 9))
        source, outputs = self.input("in.jsonl", docs), []
        for batch in ("1", "4"):
            out = self.path(f"out{batch}.jsonl")
            rc, _, err = run("generate", "--model", self.model, "--input", source, "--output", out, "--beams", "2",
                             "--max-new-tokens", "8", "--batch", batch)
            self.assertEqual(rc, 0, err)
            outputs.append(lines(read(out).decode()))
        self.assertEqual([one["id"] for one in outputs[0]], [one["id"] for one in docs])
        self.assertEqual(outputs[0], outputs[1])
        for one in outputs[0]:
            self.assertEqual(list(one), ["id", "summary", "tokens"])
            self.assertLessEqual(len(one["tokens"]), 8)
            self.assertNotIn(1, one["tokens"])

    def test_generate_needs_no_abstract(self):
        source = self.input("bare.jsonl", [{"id": "a", "article": "pain"}])
        rc, _, err = run("generate", "--model", self.model, "--input", source, "--output", self.path("bare.out"))
        self.assertEqual(rc, 0, err)

    def test_loss(self):
        docs = list(documents(0, 5))
        source, results = self.input("loss.jsonl", docs), []
        for batch in ("1", "5"):
            rc, out, err = run("loss", "--model", self.model, "--input", source, "--batch", batch)
            self.assertEqual(rc, 0, err)
            results.append(lines(out))
        for one, other, document in zip(*results, docs):
            self.assertEqual(list(one), ["id", "nll", "tokens"])
            self.assertEqual(one["id"], document["id"])
            self.assertGreater(one["tokens"], 1)
            self.assertAlmostEqual(one["nll"], other["nll"], delta=1e-5 * one["nll"])

    def test_loss_of_a_shorter_target_counts_fewer_tokens(self):
        source = self.input("cut.jsonl", documents(0, 1))
        rc, out, _ = run("loss", "--model", self.model, "--input", source, "--max-target-tokens", "3")
        self.assertEqual((rc, lines(out)[0]["tokens"]), (0, 3))

    def test_rouge(self):
        references = self.input("r.jsonl", [{"id": i, "text": t} for i, t in (("a", "pain was treated ."),
                                                                             ("b", "fever fell ."))])
        predictions = self.input("p.jsonl", [{"id": i, "text": t} for i, t in (("b", "nothing"),
                                                                              ("a", "pain was treated ."))])
        rc, out, err = run("rouge", "--references", references, "--predictions", predictions)
        self.assertEqual(rc, 0, err)
        a, b, mean = lines(out)
        self.assertEqual((a["id"], b["id"]), ("a", "b"))
        self.assertEqual(a["rougeLsum"], {"precision": 1.0, "recall": 1.0, "f1": 1.0})
        self.assertEqual(b["rouge1"]["recall"], 0.0)
        self.assertEqual(mean["mean"]["rouge2"]["f1"], 0.5)

    def test_rouge_takes_what_generate_writes(self):
        references = self.input("r4.jsonl", [{"id": "a", "article": "x", "abstract": "fever fell ."}])
        predictions = self.input("p4.jsonl", [{"id": "a", "summary": "fever fell .", "tokens": [3]}])
        rc, out, err = run("rouge", "--references", references, "--predictions", predictions)
        self.assertEqual((rc, lines(out)[0]["rouge1"]["f1"]), (0, 1.0), err)

    def test_rouge_refuses_other_ids(self):
        references = self.input("r2.jsonl", [{"id": "a", "text": "x"}])
        predictions = self.input("p2.jsonl", [{"id": "c", "text": "x"}])
        self.assert_refused(run("rouge", "--references", references, "--predictions", predictions), "p2.jsonl", "a")
        broken = self.input("p3.jsonl", [{"id": "a", "txt": "x"}])
        self.assert_refused(run("rouge", "--references", references, "--predictions", broken), "p3.jsonl:1")

    def test_bad_input_is_refused_by_name(self):
        source = self.input("ok.jsonl", documents(0, 1))
        none = self.path("none")
        for command in (["loss"], ["generate", "--output", self.path("never.jsonl")]):
            self.assert_refused(run(*command, "--model", none, "--input", source), "none")
            self.assert_refused(run(*command, "--model", self.model, "--input", none), "none")
            self.assert_refused(run(*command, "--model", self.model, "--adapter", none, "--input", source), "none")
            self.assert_refused(run(*command, "--model", self.model, "--input", source, "--batch", "0"), "--batch")
            self.assert_refused(run(*command, "--model", self.model, "--input", source, "--device", "gpu"), "gpu")
        twice = self.input("twice.jsonl", [*documents(0, 1), *documents(0, 1)])
        self.assert_refused(run("loss", "--model", self.model, "--input", twice), "twice.jsonl:2")
        with open(self.path("broken.jsonl"), "w") as file:
            file.write('{"id": "a", "article": "x", "abstract": "y"}\n{"id": \n')
        self.assert_refused(run("loss", "--model", self.model, "--input", self.path("broken.jsonl")), "broken.jsonl:2")

    def test_a_folder_with_other_things_is_not_replaced(self):
        precious = self.path("precious")
        os.mkdir(precious)
        self.input("precious/notes.txt", [])
        text = self.input("text3.jsonl", documents(0, 5))
        self.assert_refused(run("pretrain", "--text", text, "--out", precious, "--tokenizer", TOKENIZER),
                            "precious: holds other things than a model")
        self.assert_refused(run("merge", "--model", self.model, "--adapter", self.model, "--out", precious),
                            "precious: holds other things than a model")
        self.assertEqual(os.listdir(precious), ["notes.txt"])

    def test_pretrain_is_the_same_for_a_seed(self):
        text, models = self.input("text2.jsonl", documents(0, 30)), []
        for name, seed in (("m1", "1"), ("m2", "1"), ("m3", "2")):
            rc, out, err = run("pretrain", "--text", text, "--out", self.path(name), "--tokenizer", TOKENIZER,
                               "--d-model", "16", "--d-ff", "32", "--d-kv", "4", "--heads", "2", "--layers", "1",
                               "--steps", "2", "--batch", "4", "--length", "24", "--threads", "1", "--seed", seed,
                               "--dtype", "bf16")
            self.assertEqual(rc, 0, err)
            self.assertGreater(json.loads(out)["parameters"], 1000)
            models.append(read(os.path.join(self.path(name), "model.safetensors")))
        self.assertEqual(models[0], models[1])
        self.assertNotEqual(models[0], models[2])
        # A slash or a dot at the end, and a tokenizer of its own, which is made beside the folder.
        for name, end in (("m5", "/"), ("m6", "/.")):
            rc, out, err = run("pretrain", "--text", text, "--out", self.path(name) + end, "--vocabulary", "36", "--d-model",
                               "16", "--d-ff", "32", "--d-kv", "4", "--heads", "2", "--layers", "1", "--steps", "1", "--batch",
                               "4", "--length", "24", "--threads", "1")
            self.assertEqual(rc, 0, err)
            self.assertIn("spiece.model", os.listdir(self.path(name)))
            self.assertNotIn(name + ".tokenizer", os.listdir(os.path.dirname(self.path(name))))
        self.assert_refused(run("pretrain", "--text", self.path("none"), "--out", self.path("m4"), "--tokenizer",
                                TOKENIZER), "none")


if __name__ == "__main__":
    unittest.main()
