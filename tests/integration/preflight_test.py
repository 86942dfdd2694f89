#!/usr/bin/env python3
"""sweepctl preflight, typed: on the demo, on documents with planted faults, on what will fail; and sweep-trainer's part."""
import gzip
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

from cluster import BIN, DEMO, SOURCE, Cluster, write_sweep


def read_lines(name, most):
    with gzip.open(os.path.join(DEMO, name + ".jsonl.gz"), "rt", encoding="utf-8") as file:
        return [json.loads(line) for line, _ in zip(file, range(most))]


class Preflight(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="lorikeet-test-")
        self.addCleanup(shutil.rmtree, self.folder, True)
        self.scratch = os.path.join(self.folder, "tmp")
        os.mkdir(self.scratch)
        self.environment = dict(os.environ, TMPDIR=self.scratch, XDG_CONFIG_HOME=self.folder,
                                LORIKEET_COORDINATOR="127.0.0.1:1", COLUMNS="100")

    def preflight(self, *arguments, environment=None):
        done = subprocess.run([os.path.join(BIN, "sweepctl"), "preflight", *arguments], capture_output=True, text=True,
                              env=environment or self.environment, timeout=600, check=False)
        self.assertEqual(os.listdir(self.scratch), [], "something was left behind")
        return done

    def report(self, *arguments, code=0, environment=None):
        done = self.preflight(*arguments, "--json", environment=environment)
        self.assertEqual(done.returncode, code, done.stderr)
        return json.loads(done.stdout)

    def write(self, name, documents):
        with open(os.path.join(self.folder, name), "w", encoding="utf-8") as file:
            file.writelines(json.dumps(document) + "\n" for document in documents)

    def planted(self, **replace):
        """The tiny sweep on documents of its own: three that train and test share, one that comes twice, long ones."""
        train, validation, test = read_lines("train", 40), read_lines("validation", 12), read_lines("test", 12)
        test[3]["article"] = "  " + train[5]["article"].replace(" ", "\n", 3)
        test[4] = dict(train[6], id="another")
        test[5]["id"] = train[7]["id"]
        train[20]["article"] = train[21]["article"]
        for document in [train[0], *train[30:39]]:
            document["article"] += " and so on" * 200
        for name, documents in (("train", train), ("validation", validation), ("test", test)):
            self.write(name + ".jsonl", documents)
        return write_sweep(self.folder, **{f"{DEMO}/{split}.jsonl.gz": f"{self.folder}/{split}.jsonl"
                                           for split in ("train", "validation", "test")}, **replace), train

    def test_the_demo(self):
        demo = os.path.join(SOURCE, "sweeps/examples/demo.yaml")
        report = self.report(demo)
        self.assertEqual((report["sweep"], report["trials"], report["failures"]), ("demo", 17, []))
        self.assertEqual([split["documents"] for split in report["data"]["splits"]], [2000, 32, 64])
        for split in report["data"]["splits"]:
            for tokens in (split["source_tokens"], split["target_tokens"]):
                self.assertLessEqual(tokens["p50"], tokens["p95"])
                self.assertLessEqual(tokens["p95"], tokens["max"])
                self.assertEqual(tokens["cut"] == 0, tokens["max"] <= tokens["limit"])
        self.assertEqual([arm["configuration"] for arm in report["arms"]],
                         ["full", "lora rank=8", "prompt tokens=64", "zero_shot"])
        for arm in report["arms"]:
            self.assertGreater(arm["peak_memory_bytes"], 1 << 20)
            self.assertGreater(arm["generate_seconds_per_document"], 0)
            if arm["arm"] != "zero_shot":
                self.assertGreater(arm["typical_step"]["seconds"], 0)
                self.assertTrue(0 < arm["typical_step"]["loss"] < 20)
        forecast = {arm["arm"]: arm for arm in report["forecast"]["arms"]}
        for arm in report["arms"]:  # two programs count the same steps
            self.assertEqual(forecast[arm["arm"]]["steps"], arm["total_steps"])
        self.assertEqual([forecast[arm]["trials"] for arm in ("full", "lora", "prompt", "zero_shot", "lead")],
                         [3, 6, 6, 1, 1])
        self.assertEqual((forecast["full"]["steps"], forecast["full"]["validations"]), (60, 3))
        self.assertAlmostEqual(report["forecast"]["device_seconds"], sum(arm["seconds"] for arm in forecast.values()))

        done = self.preflight(demo, "--slots", "2")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertNotIn("\033", done.stdout)
        self.assertIn("with 2 trials at a time", done.stdout)
        self.assertIn("A document as the model sees it", done.stdout)
        # Tables align: each column of numbers ends where its heading does.
        lines = done.stdout.splitlines()
        head = next(i for i, line in enumerate(lines) if line.startswith("SPLIT"))
        for line in lines[head + 1:head + 4]:
            self.assertEqual(len(line), len(lines[head]))

    def test_planted_faults_are_found(self):
        sweep, train = self.planted()
        report = self.report(sweep)
        self.assertEqual(report["failures"], [])
        (overlap,) = report["data"]["overlaps"]
        self.assertEqual((overlap["splits"], overlap["same_text"], overlap["same_id"]), (["train", "test"], 2, 1))
        self.assertEqual([split["repeated_texts"] for split in report["data"]["splits"]], [1, 0, 0])
        tokens = report["data"]["splits"][0]["source_tokens"]
        self.assertGreaterEqual(tokens["cut"], 10)
        self.assertGreater(tokens["max"], 600)
        self.assertAlmostEqual(tokens["share_cut"], tokens["cut"] / 40)
        example = report["data"]["example"]
        self.assertEqual((example["id"], example["source_cut"], example["source_tokens"]), (train[0]["id"], True, 128))
        warnings = "\n".join(report["warnings"])
        for text in ("train and test share 2 articles and 1 id", f"{train[6]['id']} = another",
                     "train: 1 article came before", "sources longer than max_source_tokens (128) lose their ends"):
            self.assertIn(text, warnings)

    def test_wrong_files_are_refused_as_submit_refuses_them(self):
        bad = write_sweep(self.folder, **{"seeds:": "sedes:"})
        done = self.preflight(bad)
        dry = subprocess.run([os.path.join(BIN, "sweepctl"), "submit", "--dry-run", bad], capture_output=True, text=True,
                             env=self.environment, timeout=60, check=False)
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        self.assertEqual((done.returncode, done.stderr), (dry.returncode, dry.stderr))
        self.assertEqual(self.preflight(os.path.join(self.folder, "none.yaml")).returncode, 2)
        self.assertEqual(self.preflight(bad, "--slots", "0").returncode, 2)

    def test_missing_and_broken_documents_fail(self):
        sweep, _ = self.planted()
        os.remove(os.path.join(self.folder, "test.jsonl"))
        report = self.report(sweep, code=1)
        self.assertTrue(any("test.jsonl" in line for line in report["failures"]), report["failures"])
        self.assertNotIn("data", report)
        with open(os.path.join(self.folder, "test.jsonl"), "w", encoding="utf-8") as file:
            file.write('{"id": "a", "article": "x", "abstract": "y"}\n{"id"\n')
        report = self.report(sweep, code=1)
        self.assertIn("test.jsonl:2", report["failures"][0])

    def test_memory_that_does_not_suffice_fails(self):
        sweep, _ = self.planted(**{"resources: {threads: 1}": "resources: {threads: 1, memory: 64MiB}"})
        done = self.preflight(sweep)
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertRegex(done.stdout, r"fails: full: out of memory: resources.memory is 64MiB")
        self.assertIn("will fail", done.stderr)
        report = self.report(sweep, code=1)
        self.assertEqual(report["arms"][0]["failure"]["kind"], "oom")

    def test_a_loss_that_is_not_finite_fails(self):
        sweep, _ = self.planted(**{"learning_rate: 1.0e-3": "learning_rate: 1.0e+30"})
        report = self.report(sweep, code=1)
        (failure,) = report["failures"]
        self.assertRegex(failure, r"^full: diverged: ")
        self.assertIsNone(report["arms"][1]["failure"])
        self.assertNotIn("full", [arm["arm"] for arm in report["forecast"]["arms"]])
        self.assertFalse(report["forecast"]["complete"])

    def test_documents_cannot_drive_the_terminal(self):
        sweep, _ = self.planted()
        documents = read_lines("train", 40)
        documents[0].update(id="\033[2Jone", article="a \033]0;b\007 c " + documents[0]["article"])
        documents[1]["article"] = documents[0]["article"]
        self.write("train.jsonl", documents)
        done = self.preflight(sweep)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIsNone(re.search(r"[\x00-\x09\x0b-\x1f\x7f]", done.stdout))

    def test_an_interrupted_one_leaves_nothing(self):
        process = subprocess.Popen([os.path.join(BIN, "sweepctl"), "preflight",
                                    os.path.join(SOURCE, "sweeps/examples/demo.yaml")], env=self.environment,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        deadline = time.monotonic() + 60
        while not os.listdir(self.scratch) and time.monotonic() < deadline:
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 1, errors)
        self.assertIn(b"interrupted", errors)
        self.assertEqual(os.listdir(self.scratch), [])

    def test_trials_of_the_past_speak(self):
        with Cluster() as cluster:
            cluster.start_coordinator()
            cluster.start_worker("w", "--threads", "1")
            sweep = write_sweep(cluster.folder)
            cluster.json("submit", sweep)
            cluster.wait(lambda: cluster.finished("tiny"), "the sweep is finished", 300)
            environment = dict(cluster.environment, TMPDIR=self.scratch)
            report = self.report(sweep, environment=environment)
            for arm in report["arms"]:
                if arm["arm"] == "zero_shot":
                    self.assertIsNone(arm["past"])
                    continue
                self.assertEqual(arm["past"]["sweeps"], ["tiny"])
                self.assertEqual(arm["past"]["trials"], 4 if arm["arm"] == "lora" else 2)
                forecast = next(one for one in report["forecast"]["arms"] if one["arm"] == arm["arm"])
                self.assertAlmostEqual(forecast["train_seconds"], arm["total_steps"] * arm["typical_step"]["tokens"]
                                       / arm["past"]["tokens_per_second"])
            self.assertIn("the median of 4 trials of this model on such a device (tiny)",
                          self.preflight(sweep, environment=environment).stdout)
            alone = self.report(sweep, "--no-past", environment=environment)
            self.assertEqual([arm["past"] for arm in alone["arms"]], [None] * 4)


if __name__ == "__main__":
    unittest.main()
