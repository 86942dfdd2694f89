#!/usr/bin/env python3
"""train: events, exit codes, control lines, kill -9."""
import json
import os
import subprocess
import time
import unittest

from trainer_program import TRAINER, TrainTest, lines, run


class Train(TrainTest):
    def test_events_of_a_trial(self):
        rc, out, err = self.train(self.trial("events"), "events", "--documents")
        self.assertEqual((rc, err), (0, ""))
        every = lines(out)
        self.assertTrue(all(one["attempt"] == "a-1" for one in every))
        self.assertEqual(every[-1]["event"].lower(), "result")
        kinds = [one["event"].lower() for one in every]
        self.assertEqual(kinds.count("document"), 9)
        self.assertEqual(kinds.count("prediction"), 9)
        self.assertLess(max(i for i, k in enumerate(kinds) if k == "document"), kinds.index("prediction"))
        self.assertEqual(sorted(os.listdir(self.path("events"))), ["kept"])

    def test_bad_input_is_refused_and_told(self):
        for changes, words in (({"model": self.path("none")}, "none"),
                               ({"data": {"test": self.path("gone.jsonl")}}, "gone.jsonl"),
                               ({"train": {"batch_size": 0}}, "batch_size")):
            result = self.train(self.trial("bad", **changes), "bad")
            out = self.assert_refused(result, words)
            failed = lines(out)[-1]
            self.assertEqual((failed["event"].lower(), failed["kind"]), ("failed", "bad_input"))
            self.assertIn(words, failed["message"])
        self.assert_refused(run("train", "--trial", self.path("nowhere.json"), "--out", self.path("x")), "nowhere.json")

    def test_divergence(self):
        rc, out, err = self.train(self.trial("diverged", train={"learning_rate": 1e30, "gradient_clip": 0}), "diverged",
                                  "--checkpoint-every", "0")
        self.assertEqual(rc, 1, err)
        self.assertIn("diverged", err)
        failed = lines(out)[-1]
        self.assertEqual(failed["kind"], "diverged")
        self.assertRegex(failed["message"], "at step [0-9]+ is (nan|inf); the last good checkpoint is of step [0-9]+, "
                                            ".*/diverged/checkpoint/state-0.safetensors")

    def test_kill_9_and_again_gives_the_same(self):
        trial = self.trial("killed")
        rc, whole, err = self.train(trial, "whole")
        self.assertEqual(rc, 0, err)
        losses = {one["step"]: one["value"] for one in lines(whole) if one.get("name") == "train_loss"}
        for step in (2, 7, 18):
            out, got = f"killed{step}", {}
            process = self.start(trial, out, "--checkpoint-every", "0")
            seen = self.read_until(process, lambda one: one["event"].lower().startswith("checkpoint")
                                   and one["step"] >= step)
            process.kill()
            process.communicate()
            rc, again, err = self.train(trial, out)
            self.assertEqual(rc, 0, err)
            second = lines(again)
            self.assertGreaterEqual([one for one in second if one["event"].lower() == "started"][0]["from_step"], step)
            for one in seen + second:
                if one.get("name") == "train_loss":
                    got[one["step"]] = one["value"]
            self.assertEqual({k: v for k, v in losses.items() if k in got}, got)
            self.assertEqual(self.weights(out), self.weights("whole"))
            keep = ("test", "validation", "kept_step", "last_step")
            self.assertEqual([second[-1][k] for k in keep], [lines(whole)[-1][k] for k in keep])

    def test_events_that_cannot_be_written_are_a_failure(self):
        trial = self.trial("lost")
        with open("/dev/full", "w") as full:
            done = subprocess.run([TRAINER, "train", "--trial", trial, "--out", self.path("lost"), "--threads", "1"],
                                  stdout=full, stderr=subprocess.PIPE, text=True, timeout=300, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("cannot write to standard output", done.stderr)

    def test_a_damaged_best_checkpoint_is_found_before_it_is_needed(self):
        trial = self.trial("damaged", train={"validate_every": 2})
        rc, whole, err = self.train(trial, "undamaged")
        self.assertEqual(rc, 0, err)
        process = self.start(trial, "damaged", "--checkpoint-every", "0")
        self.read_until(process, lambda one: one["event"].lower().startswith("checkpoint") and one["step"] >= 3)
        process.kill()
        process.communicate()
        folder = os.path.join(self.path("damaged"), "checkpoint")
        best = [name for name in os.listdir(folder) if name.startswith("best-")]
        self.assertTrue(best)
        for name in best:
            os.truncate(os.path.join(folder, name), 100)
        rc, again, err = self.train(trial, "damaged")
        self.assertEqual(rc, 0, err)
        self.assertIn("the checkpoint is not used", err)
        self.assertEqual(lines(again)[-1]["test"], lines(whole)[-1]["test"])

    def test_checkpoint_and_stop(self):
        process = self.start(self.long_trial("stop"), "stop", "--control")
        self.read_until(process, lambda one: one.get("name") == "train_loss" and one["step"] >= 3)
        process.stdin.write('{"attempt":"a-other","action":"stop"}\nnot json\n'
                            '{"attempt":"a-1","action":"checkpoint_and_stop"}\n')
        process.stdin.flush()
        seen = [json.loads(line) for line in process.stdout]
        self.assertEqual(process.wait(60), 0)
        self.assertEqual(seen[-1]["event"].lower(), "stopped")
        self.assertTrue(seen[-1]["checkpointed"])
        self.assertTrue(os.path.exists(os.path.join(self.path("stop"), "checkpoint", "state-0.safetensors")))
        process.stdin.close()
        process.stdout.close()

    def test_stop_and_end_of_input_end_it_at_once(self):
        for name, words in (("cancel", '{"attempt":"a-1","action":"stop"}\n'), ("eof", "")):
            process = self.start(self.long_trial(name), name, "--control")
            self.read_until(process, lambda one: one.get("name") == "train_loss")
            process.stdin.write(words)
            process.stdin.close() if not words else process.stdin.flush()
            begin = time.time()
            rest = process.stdout.read()
            self.assertEqual(process.wait(30), 1)
            self.assertLess(time.time() - begin, 10)
            self.assertNotIn("topped", rest)
            process.stdout.close()
            if words:
                process.stdin.close()


if __name__ == "__main__":
    unittest.main()
