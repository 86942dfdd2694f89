#!/usr/bin/env python3
"""preflight: what it says of a trial's documents and of its first steps, and of what will fail."""
import json
import os
import unittest

from trainer_program import TrainTest, documents, lines, run, write_lines


class Preflight(TrainTest):
    def preflight(self, trial, *args, code=0):
        before = sorted(os.listdir(self.scratch.name))
        rc, out, err = run("preflight", "--trial", trial, "--threads", "1", *args)
        self.assertEqual((rc, err), (code, ""))
        self.assertEqual(sorted(os.listdir(self.scratch.name)), before, "something was left behind")
        (answer,) = lines(out)
        return answer

    def test_documents(self):
        train = [*documents(0, 24), dict(next(documents(200, 1)), id="other")]
        trial = self.trial("data", data={"train": write_lines(self.path("some.jsonl"), train), "source_prefix": "pain ",
                                         "max_source_tokens": 12})
        answer = self.preflight(trial, "--only", "data")
        self.assertNotIn("work", answer)
        data = answer["data"]
        self.assertEqual([(split["split"], split["documents"]) for split in data["splits"]],
                         [("train", 25), ("validation", 4), ("test", 5)])
        (overlap,) = data["overlaps"]
        self.assertEqual(overlap, {"splits": ["train", "test"], "same_id": 0, "same_text": 1,
                                   "examples": [["other", "d200"]]})
        tokens = data["splits"][0]["source_tokens"]
        self.assertEqual(tokens["limit"], 12)
        self.assertAlmostEqual(tokens["share_cut"], tokens["cut"] / 25)
        self.assertGreater(tokens["max"], 12)
        for split in data["splits"]:  # this tokenizer has no n
            self.assertGreater(split["share_unknown"], 0)
            self.assertLess(split["share_unknown"], 0.5)
        example = data["example"]
        self.assertTrue(example["source"].startswith("pai pat"), example)  # this tokenizer has no n
        self.assertEqual(example["id"], "d0")

    def test_first_steps_are_the_trials_own(self):
        trial = self.trial("work")
        answer = self.preflight(trial, "--only", "work")
        self.assertNotIn("data", answer)
        work = answer["work"]
        rc, out, err = self.train(trial, "work.out")
        self.assertEqual(rc, 0, err)
        events = lines(out)
        self.assertEqual(work["typical_step"]["loss"], self.losses(events)[1])
        result = events[-1]
        self.assertEqual((work["total_steps"], work["trainable_parameters"], work["train_documents"]),
                         (result["last_step"], result["trainable_parameters"], 24))
        self.assertEqual(answer["model_fingerprint"], result["model_fingerprint"])
        for key in ("loss_seconds_per_document", "generate_seconds_per_document", "peak_memory_bytes"):
            self.assertGreater(work[key], 0)
        self.assertGreater(work["longest_step"]["seconds"], 0)

    def test_references(self):
        zero = self.preflight(self.trial("zero", method="zero_shot", configuration="zero_shot", lora=None), "--only", "work")
        self.assertIsNone(zero["work"]["typical_step"])
        self.assertGreater(zero["work"]["generate_seconds_per_document"], 0)
        lead = self.preflight(self.trial("lead", method="lead", configuration="lead", lora=None, lead={"sentences": 1}))
        self.assertNotIn("work", lead)

    def test_what_will_fail(self):
        oom = self.preflight(self.trial("oom", resources={"gpus": 0, "memory_bytes": 20 << 20}), "--only", "work", code=1)
        self.assertEqual(oom["failure"]["kind"], "oom")
        self.assertIn("set resources.memory above", oom["failure"]["message"])
        diverged = self.preflight(self.trial("nan", method="full", configuration="full", lora=None,
                                             train={"learning_rate": 1e30, "gradient_clip": 0}),
                                  "--only", "work", code=1)
        self.assertEqual(diverged["failure"]["kind"], "diverged")

    def test_what_is_wrong_is_refused(self):
        self.assert_refused(run("preflight", "--trial", self.path("none.json")), "none.json")
        self.assert_refused(run("preflight", "--trial", self.trial("gone", model=self.path("gone"))), "gone")
        self.assert_refused(run("preflight", "--trial", self.trial("device"), "--device", "gpu"), "gpu")
        self.assert_refused(run("preflight", "--trial", self.trial("only"), "--only", "all"), "--only")
        with open(self.path("broken.jsonl"), "w") as file:
            file.write(json.dumps(next(documents(0, 1))) + "\n{\n")
        trial = self.trial("broken", data={"test": self.path("broken.jsonl")})
        self.assert_refused(run("preflight", "--trial", trial, "--only", "data"), "broken.jsonl:2")


if __name__ == "__main__":
    unittest.main()
