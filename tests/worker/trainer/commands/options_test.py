#!/usr/bin/env python3
"""train: an adapter to start from, memory, precision."""
import re
import unittest

from trainer_program import TrainTest, lines, run, write_lines, documents


class GivenAdapter(TrainTest):
    def trained(self, name, **changes):
        trial = self.trial(name, **changes)
        rc, out, err = self.train(trial, name)
        self.assertEqual(rc, 0, err)
        return self.path(name) + "/kept", lines(out)

    def loss_of(self, adapter):
        rc, out, err = run("loss", "--model", self.model, "--adapter", adapter, "--input", self.path("validation.jsonl"),
                           "--max-source-tokens", "32", "--max-target-tokens", "16")
        self.assertEqual(rc, 0, err)
        every = lines(out)
        return sum(one["nll"] for one in every) / sum(one["tokens"] for one in every)

    def goes_on_from(self, name, adapter, **changes):
        method = changes["method"]
        kept, events = self.trained(name, **changes)
        started = [one for one in events if one.get("name") == "validation_loss" and one["step"] == 0]
        self.assertEqual(len(started), 1)
        loss = self.loss_of(adapter)
        self.assertAlmostEqual(started[0]["value"], loss, delta=1e-5 * loss)
        # A fresh one starts elsewhere, and training has moved this one.
        self.assertNotAlmostEqual(loss, self.loss_of(kept), delta=1e-4 * loss, msg=method)
        return events

    def test_lora(self):
        first, events = self.trained("lora", train={"epochs": 6, "learning_rate": 0.05})
        self.assertEqual([one for one in events if one.get("step") == 0 and one["event"] == "metric"], [])
        self.goes_on_from("lora2", first, method="lora", train={"learning_rate": 0.05},
                          lora={"rank": None, "alpha": None, "targets": None, "adapter": first})
        self.goes_on_from("lora3", first, method="lora", train={"learning_rate": 0.05},
                          lora={"rank": 2, "alpha": 4, "targets": ["v", "q"], "adapter": first})

    def test_prompt(self):
        changes = {"method": "prompt", "configuration": "prompt tokens=3", "lora": None}
        first, _ = self.trained("prompt", train={"epochs": 6, "learning_rate": 0.3}, prompt={"tokens": 3}, **changes)
        self.goes_on_from("prompt2", first, train={"learning_rate": 0.3}, prompt={"adapter": first}, **changes)

    def test_one_that_does_not_fit_is_refused(self):
        first, _ = self.trained("fits")
        for lora, words in (({"rank": 3}, ("rank 2", "says 3")), ({"alpha": 5}, ("alpha 4", "says 5")),
                            ({"targets": ["q"]}, ("[q, v]", "says [q]")),
                            ({"adapter": self.path("nowhere")}, ("nowhere",))):
            trial = self.trial("unfit", lora={"adapter": first, **lora})
            self.assert_refused(self.train(trial, "unfit"), *words)
        trial = self.trial("kind", method="prompt", lora=None, prompt={"adapter": first})
        self.assert_refused(self.train(trial, "kind"), "is LoRA, and the trial trains a prompt")


class Memory(TrainTest):
    def limited(self, mebibytes):
        trial = self.trial("limited", resources={"gpus": 0, "memory_bytes": mebibytes << 20})
        return self.train(trial, f"limited{mebibytes}")

    def test_a_limit_that_is_too_small_says_what_to_set(self):
        rc, out, err = self.limited(20)
        self.assertEqual(rc, 1)
        failed = lines(out)[-1]
        self.assertEqual((failed["event"], failed["kind"]), ("failed", "oom"))
        self.assertIn("resources.memory is 20MiB", failed["message"])
        needed = int(re.search(r"set resources\.memory above (\d+)MiB", failed["message"]).group(1))
        self.assertGreater(needed, 20)
        rc, out, err = self.limited(needed + 64)  # and some for the documents
        self.assertEqual(rc, 0, err)


class Threads(TrainTest):
    def test_a_number_of_threads_that_cannot_be_is_refused(self):
        for threads in ("-1", "4294967296"):
            self.assert_refused(run("train", "--trial", self.trial("threads"), "--out", self.path("threads"), "--threads",
                                    threads), "--threads")


class Precision(TrainTest):
    def test_fp16_is_refused_with_the_reason(self):
        self.assert_refused(self.train(self.trial("half", train={"precision": "fp16"}), "half"), "train.precision",
                            "overflow in half precision")
        source = write_lines(self.path("in.jsonl"), documents(0, 1))
        for command in (["loss"], ["generate", "--output", self.path("out.jsonl")]):
            self.assert_refused(run(*command, "--model", self.model, "--input", source, "--precision", "fp16"),
                                "--precision", "overflow in half precision")

    def test_what_was_used_is_said(self):
        with open("/proc/cpuinfo") as file:
            words = set(file.read().split())
        rc, out, err = self.train(self.trial("bf16", train={"precision": "bf16"}), "bf16")
        self.assertEqual(rc, 0, err)
        has = bool(words & {"avx512_bf16", "amx_bf16", "bf16"})
        self.assertEqual(lines(out)[-1]["precision"], "bf16" if has else "fp32")
        self.assertEqual("bf16" in err, not has)


if __name__ == "__main__":
    unittest.main()
