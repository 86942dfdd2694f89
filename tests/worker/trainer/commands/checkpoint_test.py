#!/usr/bin/env python3
"""train: checkpoints of several attempts in one folder, and on a disk that is full."""
import glob
import os
import random
import resource
import signal
import time
import unittest

from trainer_program import TrainTest, lines, read, run


def names(folder):
    return sorted(os.path.basename(path) for path in glob.glob(os.path.join(folder, "*")))


class Tokens(TrainTest):
    def folder(self, out):
        return os.path.join(self.path(out), "checkpoint")

    def of(self, token, name):
        return name.startswith((f"state-{token}.", f"best-{token}-"))

    def contents(self, out, token):
        return {name: read(os.path.join(self.folder(out), name)) for name in names(self.folder(out))
                if self.of(token, name)}

    def test_a_stale_attempt_cannot_touch_a_later_ones_checkpoint(self):
        trial = self.trial("fenced", train={"epochs": 30})
        rc, whole, err = self.train(trial, "alone")
        self.assertEqual(rc, 0, err)
        first = self.start(trial, "fenced", "--token", "1", "--checkpoint-every", "0")
        self.read_until(first, lambda one: one["event"] == "checkpoint_saved" and one["step"] >= 3)
        first.send_signal(signal.SIGSTOP)  # its host hangs; its lease runs out
        second = self.start(trial, "fenced", "--token", "2", "--checkpoint-every", "0")
        seen = self.read_until(second, lambda one: one["event"] == "checkpoint_saved")
        second.send_signal(signal.SIGSTOP)
        started = [one for one in seen if one["event"] == "started"][0]
        self.assertGreaterEqual(started["from_step"], 3)
        self.assertEqual([name for name in names(self.folder("fenced")) if not self.of(2, name)], [])
        mine = self.contents("fenced", 2)
        # The first comes back, finds that it is superseded, and goes without a trace.
        first.send_signal(signal.SIGCONT)
        rest = self.finish(first)
        self.assertEqual(first.returncode, 1)
        self.assertEqual((rest[-1]["event"], rest[-1]["checkpointed"]), ("stopped", False))
        self.assertIn("token 2", rest[-2]["message"])
        self.assertFalse(os.path.exists(os.path.join(self.path("fenced"), "kept")))
        self.assertEqual(self.contents("fenced", 2), mine)
        second.send_signal(signal.SIGCONT)
        rest = self.finish(second)
        self.assertEqual(second.returncode, 0)
        self.assertEqual(self.weights("fenced"), self.weights("alone"))
        keep = ("test", "validation", "kept_step", "last_step")
        self.assertEqual([rest[-1][key] for key in keep], [lines(whole)[-1][key] for key in keep])

    def test_an_attempt_that_ends_late_leaves_the_later_ones_checkpoint(self):
        trial = self.trial("late", train={"epochs": 3})
        first = self.start(trial, "late", "--token", "1", "--checkpoint-every", "3600")
        self.read_until(first, lambda one: one["event"] == "progress" and one["phase"] == "generating")
        first.send_signal(signal.SIGSTOP)  # trained, and evaluating
        second = self.start(trial, "late", "--token", "2", "--checkpoint-every", "0")
        self.read_until(second, lambda one: one["event"] == "started")
        second.send_signal(signal.SIGTERM)
        rest = self.finish(second)
        self.assertTrue(rest[-1]["checkpointed"])
        self.assertIn("state-2.safetensors", names(self.folder("late")))
        first.send_signal(signal.SIGCONT)
        self.finish(first)
        self.assertIn("state-2.safetensors", names(self.folder("late")))

    def test_interleaved_and_killed_at_random_moments_the_last_one_ends_the_same(self):
        trial = self.trial("killed", train={"epochs": 8, "validate_every": 5})
        rc, whole, err = self.train(trial, "quiet")
        self.assertEqual(rc, 0, err)
        chance = random.Random(7)
        token, running = 0, []
        for _ in range(6):
            token += 1
            running.append(self.start(trial, "killed", "--token", str(token), "--checkpoint-every", "0"))
            time.sleep(chance.uniform(0.3, 1.2))  # others go on below it
            if len(running) > 1:
                self.kill(running.pop(chance.randrange(len(running))))
        last = token + 1
        final = self.start(trial, "killed", "--token", str(last), "--checkpoint-every", "0")
        rest = self.finish(final)
        self.assertEqual(final.returncode, 0)
        for process in running:
            self.kill(process)
        self.assertEqual(self.weights("killed"), self.weights("quiet"))
        keep = ("test", "validation", "kept_step", "last_step")
        self.assertEqual([rest[-1][key] for key in keep], [lines(whole)[-1][key] for key in keep])
        self.assertFalse([name for name in names(self.folder("killed")) if self.of(last, name)])

    def test_by_hand_the_highest_token_is_gone_on_with(self):
        trial = self.trial("hand", train={"epochs": 20})
        process = self.start(trial, "hand", "--token", "41", "--checkpoint-every", "0")
        self.read_until(process, lambda one: one["event"] == "checkpoint_saved" and one["step"] >= 2)
        self.kill(process)
        rc, out, err = self.train(trial, "hand")
        self.assertEqual(rc, 0, err)
        self.assertGreaterEqual([one for one in lines(out) if one["event"] == "started"][0]["from_step"], 2)
        self.assertEqual(names(self.path("hand")), ["kept"])

    def test_checkpoints_in_a_folder_of_their_own_are_gone_on_with_elsewhere(self):
        trial = self.trial("shared", train={"epochs": 20})
        rc, whole, err = self.train(trial, "one-host")
        self.assertEqual(rc, 0, err)
        shared = ("--checkpoints", self.path("shared-checkpoints"), "--checkpoint-every", "0")
        first = self.start(trial, "host-1", "--token", "1", *shared)
        self.read_until(first, lambda one: one["event"] == "checkpoint_saved" and one["step"] >= 3)
        self.kill(first)
        self.assertFalse(os.path.exists(self.folder("host-1")))
        rc, out, err = self.train(trial, "host-2", "--token", "2", *shared)
        self.assertEqual(rc, 0, err)
        self.assertGreaterEqual([one for one in lines(out) if one["event"] == "started"][0]["from_step"], 3)
        self.assertEqual(self.weights("host-2"), self.weights("one-host"))
        self.assertEqual(names(self.path("shared-checkpoints")), ["done-2"], "for an attempt that wakes up late")

    def test_the_token_is_a_whole_number(self):
        for token in ("-1", "x"):
            self.assert_refused(run("train", "--trial", self.trial("t"), "--out", self.path("t"), "--token", token),
                                "--token")


class FullDisk(TrainTest):
    """A limit on the size of files stands in for the disk: writes beyond it fail, what is there stays."""

    def start(self, trial, out, *args):
        # The log lies on the disk too, as a worker's attempts have it.
        with open(self.path(out + ".log"), "w") as log:
            return super().start(trial, out, *args, stderr=log)

    def fill(self, process, size=10):
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

    def assert_holds(self, out, wanted):
        """These files, and of those that cannot be written no more than the one that is being tried right now."""
        found = names(os.path.join(self.path(out), "checkpoint"))
        self.assertEqual([name for name in found if ".tmp." not in name], wanted)
        self.assertLessEqual(len(found), len(wanted) + 1)

    def test_the_old_checkpoint_stands_and_the_trial_goes_on(self):
        trial = self.trial("full", train={"epochs": 20, "keep": "last"})
        rc, whole, err = self.train(trial, "roomy")
        self.assertEqual(rc, 0, err)
        process = self.start(trial, "full", "--checkpoint-every", "0")
        first = self.read_until(process, lambda one: one["event"] == "checkpoint_saved" and one["step"] >= 4)
        process.send_signal(signal.SIGSTOP)
        self.fill(process)
        process.send_signal(signal.SIGCONT)
        first += self.read_until(process, lambda one: one["event"] == "log")
        warning = first[-1]
        self.assertEqual(warning["level"], "warning")
        self.assertRegex(warning["message"], "cannot be written, that of step [0-9]+ stands; tried again")
        first += self.read_until(process, lambda one: one.get("name") == "train_loss")
        process.send_signal(signal.SIGSTOP)
        saved = [one["step"] for one in first if one["event"] == "checkpoint_saved"][-1]
        folder = os.path.join(self.path("full"), "checkpoint")
        self.assertEqual(self.state_step(os.path.join(folder, "state-0.safetensors")), saved)
        self.assert_holds("full", ["state-0.safetensors"])
        self.fill(process, resource.RLIM_INFINITY)
        process.send_signal(signal.SIGCONT)
        rest = self.read_until(process, lambda one: one["event"] == "checkpoint_saved")
        self.assertGreater(rest[-1]["step"], saved)
        rest += self.finish(process)
        self.assertEqual(process.returncode, 0)
        self.assertEqual(self.losses(first + rest), self.losses(lines(whole)))
        self.assertEqual(self.weights("full"), self.weights("roomy"))
        # Once, not at every step.
        self.assertEqual(sum("cannot be written" in one.get("message", "") for one in first + rest), 1)

    def test_best_weights_that_cannot_be_written_are_kept_in_memory(self):
        # The first validation is the best by far: the rate grows until it does harm.
        trial = self.trial("best", train={"epochs": 60, "learning_rate": 3.0, "warmup_steps": 60,
                                          "gradient_clip": 0})
        rc, whole, err = self.train(trial, "allbest")
        self.assertEqual(rc, 0, err)
        self.assertLess(lines(whole)[-1]["kept_step"], lines(whole)[-1]["last_step"])
        process = self.start(trial, "best", "--checkpoint-every", "3600")
        self.fill(process)
        first = self.read_until(process, lambda one: "best weights" in one.get("message", ""))
        self.assertRegex(first[-1]["message"], "kept in memory until they can; killed before, the trial goes on from "
                                               "the beginning")
        first += self.read_until(process, lambda one: one.get("name") == "validation_loss" and one["step"] > 12)
        self.assert_holds("best", [])
        self.fill(process, resource.RLIM_INFINITY)
        rest = self.finish(process)
        self.assertEqual(process.returncode, 0)
        self.assertEqual(rest[-1]["kept_step"], lines(whole)[-1]["kept_step"])
        self.assertEqual(self.weights("best"), self.weights("allbest"))

    def test_stopped_on_a_full_disk_it_says_that_it_has_no_checkpoint(self):
        process = self.start(self.long_trial("stopped"), "stopped", "--checkpoint-every", "0")
        self.read_until(process, lambda one: one["event"] == "checkpoint_saved")
        self.fill(process)
        seen = self.read_until(process, lambda one: one["event"] == "log")
        self.assertIn("cannot be written", seen[-1]["message"])
        process.send_signal(signal.SIGTERM)
        rest = self.finish(process)
        self.assertEqual(process.returncode, 1)
        self.assertEqual((rest[-1]["event"], rest[-1]["checkpointed"]), ("stopped", False))


if __name__ == "__main__":
    unittest.main()
