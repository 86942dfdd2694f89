#!/usr/bin/env python3
"""bench: what it measures and prints, merged and not, and what it refuses."""
import unittest

from trainer_program import TrainTest, documents, lines, read, run, write_lines


class Bench(TrainTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.input = write_lines(cls.path("in.jsonl"), documents(0, 9))

    def adapter(self, name, **changes):
        rc, _, err = self.train(self.trial(name, **changes), name)
        self.assertEqual(rc, 0, err)
        return self.path(name) + "/kept"

    def lora(self):
        return self.adapter("lora", train={"epochs": 20, "learning_rate": 0.3})

    def prompt(self):
        return self.adapter("prompt", method="prompt", configuration="prompt tokens=3", lora=None, prompt={"tokens": 3},
                            train={"learning_rate": 0.3})

    def bench(self, *args):
        rc, out, err = run("bench", "--model", self.model, "--input", self.input, "--max-new-tokens", "8", "--batch", "4",
                           "--beams", "2", "--threads", "1", *args)
        self.assertEqual(rc, 0, err)
        self.assertEqual(err, "")
        (answer,) = lines(out)
        self.assertGreater(answer["latency_p50_seconds"], 0)
        self.assertLessEqual(answer["latency_p50_seconds"], answer["latency_p95_seconds"])
        self.assertGreater(answer["tokens_per_second"], 0)
        self.assertGreater(answer["generated_tokens"], 0)
        self.assertLessEqual(answer["generated_tokens"], 8 * answer["documents"])
        return answer

    def test_a_base_model(self):
        answer = self.bench()
        self.assertEqual({key: answer[key] for key in ("device", "precision", "threads", "adapter", "merged", "extra_tokens",
                                                       "documents", "beams", "max_new_tokens", "batch")},
                         {"device": "cpu", "precision": "fp32", "threads": 1, "adapter": "none", "merged": False,
                          "extra_tokens": 0, "documents": 9, "beams": 2, "max_new_tokens": 8, "batch": 4})
        for key in ("device_model", "build"):
            self.assertTrue(answer[key])

    def test_lora_generates_the_same_merged(self):
        adapter, texts = self.lora(), {}
        rc, _, err = run("generate", "--model", self.model, "--adapter", adapter, "--input", self.input, "--output",
                         self.path("generated"), "--max-new-tokens", "8", "--beams", "2", "--threads", "1")
        self.assertEqual(rc, 0, err)
        for name, flags in (("unmerged", ("--adapter", adapter)), ("merged", ("--adapter", adapter, "--merged")), ("base", ())):
            answer = self.bench("--output", self.path(name), *flags)
            self.assertEqual((answer["merged"], answer["adapter"]), (name == "merged", "none" if name == "base" else "lora"))
            self.assertEqual(answer["adapter_parameters"] > 0, name != "base")
            texts[name] = read(self.path(name))
        self.assertEqual(texts["unmerged"], read(self.path("generated")))
        self.assertEqual(texts["merged"], texts["unmerged"])
        self.assertNotEqual(texts["base"], texts["unmerged"])  # or the adapter would not be seen at all

    def test_a_prompt_is_that_much_longer(self):
        answer = self.bench("--adapter", self.prompt())
        self.assertEqual((answer["extra_tokens"], answer["adapter"], answer["merged"]), (3, "prompt", False))

    def test_the_first_documents_and_no_larger_batch(self):
        answer = self.bench("--documents", "2")
        self.assertEqual((answer["documents"], answer["batch"]), (2, 2))
        self.assertEqual(self.bench("--documents", "100")["documents"], 9)

    def test_what_cannot_be_measured_is_refused(self):
        base = ("bench", "--model", self.model, "--input", self.input)
        self.assert_refused(run(*base, "--merged"), "--merged", "--adapter")
        self.assert_refused(run(*base, "--merged", "--adapter", self.prompt()), "--merged", "prompt")
        self.assert_refused(run(*base, "--merged", "--adapter", self.path("nowhere")), "nowhere")
        self.assert_refused(run(*base, "--documents", "0"), "--documents")
        self.assert_refused(run(*base, "--batch", "0"), "--batch")
        self.assert_refused(run(*base, "--beams", "0"), "--beams")
        self.assert_refused(run(*base, "--device", "gpu"), "gpu")
        self.assert_refused(run(*base, "--precision", "fp16"), "--precision", "overflow in half precision")
        empty = write_lines(self.path("empty.jsonl"), [{"id": "a", "article": ""}])
        self.assert_refused(run("bench", "--model", self.model, "--input", empty), "empty.jsonl")


if __name__ == "__main__":
    unittest.main()
