#!/usr/bin/env python3
"""train: SIGTERM and SIGINT end it within ten seconds, with a checkpoint where there is time for one."""
import glob
import os
import signal
import time
import unittest

from trainer_program import TrainTest, lines


class Stop(TrainTest):
    def end(self, process, number):
        """(exit code, events after the signal, seconds)"""
        begin = time.monotonic()
        process.send_signal(number)
        rest = self.finish(process)
        return process.returncode, rest, time.monotonic() - begin

    def test_a_signal_checkpoints_and_the_trial_goes_on_as_if_nothing_had_been(self):
        trial = self.trial("undisturbed")
        rc, whole, err = self.train(trial, "undisturbed")
        self.assertEqual(rc, 0, err)
        for name, number in (("term", signal.SIGTERM), ("int", signal.SIGINT)):
            process = self.start(trial, name)
            first = self.read_until(process, lambda one: one.get("name") == "train_loss" and one["step"] >= 5)
            rc, rest, seconds = self.end(process, number)
            self.assertEqual(rc, 0)
            self.assertLess(seconds, 10)
            stopped = rest[-1]
            self.assertEqual((stopped["event"], stopped["checkpointed"]), ("stopped", True))
            state = os.path.join(self.path(name), "checkpoint", "state-0.safetensors")
            self.assertEqual(self.state_step(state), stopped["step"])
            rc, again, err = self.train(trial, name)
            self.assertEqual(rc, 0, err)
            second = lines(again)
            started = [one for one in second if one["event"] == "started"][0]
            self.assertEqual(started["from_step"], stopped["step"])
            self.assertEqual({**self.losses(first + rest), **self.losses(second)}, self.losses(lines(whole)))
            self.assertEqual(self.weights(name), self.weights("undisturbed"))

    def blocked(self, name, *args):
        """A trial with a checkpoint whose next one will never get written: its file is a pipe that nobody reads."""
        process = self.start(self.long_trial(name), name, *args)
        self.read_until(process, lambda one: one["event"] == "checkpoint_saved")
        process.send_signal(signal.SIGSTOP)
        folder = os.path.join(self.path(name), "checkpoint")
        aside = os.path.join(folder, f"state-0.safetensors.tmp.{process.pid}")
        if os.path.exists(aside):
            os.unlink(aside)
        os.mkfifo(aside)
        process.send_signal(signal.SIGCONT)
        return process, os.path.join(folder, "state-0.safetensors")

    def test_a_checkpoint_that_takes_too_long_is_not_waited_for(self):
        trial = self.long_trial("slow")
        # Validation's checkpoint is there; the next periodic one would come in an hour.
        process, state = self.blocked("slow", "--checkpoint-every", "3600")
        step = self.state_step(state)
        rc, rest, seconds = self.end(process, signal.SIGTERM)
        self.assertEqual(rc, 1)
        self.assertLess(seconds, 10)
        self.assertEqual((rest[-1]["event"], rest[-1]["checkpointed"], rest[-1]["step"]), ("stopped", False, step))
        self.assertRegex(rest[-2]["message"], f"SIGTERM: .*the one of step {step} stands")
        self.assertEqual(self.state_step(state), step)
        # What stands is gone on from, and what is left half-written goes.
        process = self.start(trial, "slow")
        seen = self.read_until(process, lambda one: one["event"] == "started")
        self.assertEqual(seen[-1]["from_step"], step)
        rc, rest, _ = self.end(process, signal.SIGTERM)
        self.assertEqual((rc, rest[-1]["checkpointed"]), (0, True))
        self.assertEqual(glob.glob(self.path("slow") + "/checkpoint/*.tmp.*"), [])

    def test_a_reader_that_takes_nothing_does_not_hold_it_up(self):
        process = self.start(self.long_trial("deaf"), "deaf", "--checkpoint-every", "0")
        state = os.path.join(self.path("deaf"), "checkpoint", "state-0.safetensors")
        step, unchanged = None, 0
        while unchanged < 10:  # until the pipe is full and it waits for its reader
            time.sleep(0.2)
            now = self.state_step(state) if os.path.exists(state) else None
            unchanged = unchanged + 1 if now is not None and now == step else 0
            step = now
        begin = time.monotonic()
        process.send_signal(signal.SIGTERM)
        process.wait(60)
        self.assertLess(time.monotonic() - begin, 10)
        self.assertEqual(process.returncode, 1)
        self.assertEqual(self.state_step(state), step)
        process.communicate()

    def test_before_there_is_anything_to_checkpoint(self):
        process = self.start(self.trial("early"), "early")
        process.send_signal(signal.SIGTERM)
        rest = self.finish(process)
        # Before the program listens the signal ends it as any other; after that it says so.
        if process.returncode >= 0:
            self.assertEqual(rest[-1]["event"], "stopped")


if __name__ == "__main__":
    unittest.main()
