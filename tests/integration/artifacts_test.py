#!/usr/bin/env python3
"""Files of trials on their way: a trial goes on at another host though its own is gone, and its adapter is fetched."""
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import unittest

from cluster import BIN, DEMO, Cluster, predictions_of, query, results_of

SWEEP = """\
sweep: {name}
model: {demo}/model
data:
  train: {demo}/train.jsonl.gz
  validation: {demo}/validation.jsonl.gz
  test: {demo}/test.jsonl.gz
  max_source_tokens: 128
  max_target_tokens: 48
  limit: {{train: 64, validation: 8, test: 8}}
train: {{steps: {steps}, batch_size: 8, schedule: constant, validate_every: 4}}
evaluate: {{beams: 1, max_new_tokens: 16}}
arms:
  {arm}
baseline: {baseline}
seeds: [1]
resources: {{threads: 1}}
keep: {{artifacts: {keep}}}
"""
LORA = "lora: {rank: 2, alpha_over_rank: 2, learning_rate: 1.0e-2}"
FULL = "full: {learning_rate: 1.0e-3}"
STARTED = "select message from events where kind = 'started' order by id"


def write_sweep(folder, arm=LORA, steps=400, keep="forever"):
    path = os.path.join(folder, "one.yaml")
    with open(path, "w", encoding="utf-8") as file:
        file.write(SWEEP.format(name="one", demo=DEMO, arm=arm, baseline=arm.split(":")[0], steps=steps, keep=keep))
    return path


def sha256(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def step_of(message):
    """Where an attempt began, by its `started` event."""
    found = re.search(r"from step (\d+) of", message)
    return int(found.group(1)) if found else 0


class Artifacts(unittest.TestCase):
    def rows(self, cluster):
        return results_of(cluster.database()), predictions_of(cluster.database())

    def undisturbed(self, steps):
        with Cluster() as cluster:
            cluster.start_coordinator()
            cluster.start_worker("worker-1")
            self.assertEqual(cluster.ctl("submit", write_sweep(cluster.folder, steps=steps)).returncode, 0)
            cluster.wait(lambda: cluster.finished("one"), "the sweep ends", 240)
            return self.rows(cluster)

    def lose(self, cluster, name):
        """The host is gone, with all that lay on it."""
        cluster.kill(name)
        cluster.wait(lambda: not cluster.trainers(name), "its trainers end with it")
        shutil.rmtree(os.path.join(cluster.folder, name))

    def test_a_trial_goes_on_though_its_host_is_gone(self):
        steps = 120
        expected = self.undisturbed(steps)
        with Cluster() as cluster:
            cluster.start_coordinator("--lease", "3")
            cluster.start_worker("worker-1", "--send-checkpoints-every", "0s")
            self.assertEqual(cluster.ctl("submit", write_sweep(cluster.folder, steps=steps)).returncode, 0)
            kept = "select step from artifacts where kind = 'checkpoint'"
            cluster.wait(lambda: query(cluster.database(), kept) not in ([], [(4,)]), "a checkpoint is the coordinator's")
            self.lose(cluster, "worker-1")
            step = query(cluster.database(), kept)[0][0]
            cluster.start_worker("worker-2")
            cluster.wait(lambda: cluster.finished("one"), "the sweep ends", 240)
            started = [step_of(message) for message, in query(cluster.database(), STARTED)]
            self.assertEqual(started, [0, step], "it goes on from the coordinator's checkpoint")
            self.assertEqual(self.rows(cluster), expected, "as if nothing had happened")

            cluster.wait(lambda: query(cluster.database(), "select kind from artifacts") == [("adapter",)],
                         "the adapter is the coordinator's, and no checkpoint any more")
            self.fetch(cluster)
            self.prune(cluster)
            cluster.wait(lambda: not os.listdir(os.path.join(cluster.folder, "worker-2", "trials")),
                         "nothing is left of the trial on its host")

    def files(self, cluster):
        found = []
        for folder, _, names in os.walk(os.path.join(cluster.data, "artifacts")):
            found += [os.path.join(folder, name) for name in names]
        return sorted(found)

    def fetch(self, cluster):
        trial = query(cluster.database(), "select name from trials")[0][0]
        out = os.path.join(cluster.folder, "fetched", "adapter")
        answer = cluster.json("fetch", trial, "--out", out)
        self.assertEqual(answer["folder"], out)
        self.assertEqual(sorted(os.listdir(out)), ["adapter_config.json", "adapter_model.safetensors"])
        for file in answer["files"]:
            self.assertEqual(sha256(os.path.join(out, file["name"])), file["sha256"])
        kept = {os.path.basename(path): sha256(path) for path in self.files(cluster)}
        self.assertEqual(kept, {file["name"]: file["sha256"] for file in answer["files"]}, "and nothing else is kept")

        again = cluster.ctl("fetch", trial, "--out", out)
        self.assertEqual(again.returncode, 2)
        self.assertIn("--force", again.stderr)
        self.assertEqual(cluster.ctl("fetch", trial, "--out", out, "--force").returncode, 0)
        other = os.path.join(cluster.folder, "worker-2")
        self.assertEqual(cluster.ctl("fetch", trial, "--out", other, "--force").returncode, 2, "no adapter is there")
        self.assertEqual(sorted(os.listdir(os.path.dirname(out))), ["adapter"], "nothing is left beside it")

        # What was fetched is what was trained: a loss by it is a number.
        documents = os.path.join(cluster.folder, "documents.jsonl")
        with open(documents, "w", encoding="utf-8") as file:
            file.write(json.dumps({"id": "1", "article": "A short text.", "abstract": "A text."}) + "\n")
        done = subprocess.run([os.path.join(BIN, "sweep-trainer"), "loss", "--model", os.path.join(DEMO, "model"),
                               "--adapter", out, "--input", documents], capture_output=True, text=True, timeout=120,
                              check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertGreater(json.loads(done.stdout)["nll"], 0)

    def prune(self, cluster):
        self.assertEqual(cluster.json("prune")["sweeps"], [], "adapters are kept for ever")
        self.assertEqual(len(self.files(cluster)), 2)

    def test_prune_removes_what_need_not_be_kept(self):
        with Cluster() as cluster:
            cluster.start_coordinator()
            cluster.start_worker("worker-1")
            self.assertEqual(cluster.ctl("submit", write_sweep(cluster.folder, steps=4, keep="1s")).returncode, 0)
            cluster.wait(lambda: cluster.finished("one"), "the sweep ends")
            cluster.wait(lambda: len(self.files(cluster)) == 2, "the adapter is the coordinator's")
            cluster.wait(lambda: cluster.json("prune", "one", "--dry-run")["sweeps"] != [], "its time is over")
            self.assertEqual(len(self.files(cluster)), 2, "a dry run removes nothing")
            self.assertIn("removed 0 checkpoints", cluster.ctl("prune").stdout)
            cluster.wait(lambda: not self.files(cluster), "the files are gone")
            self.assertEqual(query(cluster.database(), "select count(*) from artifacts"), [(0,)])
            gone = cluster.ctl("fetch", "lora seed=1")
            self.assertEqual(gone.returncode, 2, gone.stdout + gone.stderr)

    def test_a_run_on_one_machine_keeps_its_adapters(self):
        with Cluster() as cluster:
            done = subprocess.run([os.path.join(BIN, "sweepctl"), "run", write_sweep(cluster.folder, steps=4), "--data",
                                   cluster.data, "--workers", "1"], env=cluster.environment, capture_output=True, text=True,
                                  timeout=240, check=False)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual([os.path.basename(path) for path in self.files(cluster)],
                             ["adapter_config.json", "adapter_model.safetensors"])

    def test_full_fine_tuning_goes_on_from_a_shared_folder(self):
        with Cluster() as cluster:
            shared = os.path.join(cluster.folder, "shared")
            os.mkdir(shared)
            cluster.start_coordinator("--lease", "3")
            cluster.start_worker("worker-1", "--shared-checkpoints", shared)
            self.assertEqual(cluster.ctl("submit", write_sweep(cluster.folder, arm=FULL, steps=60)).returncode, 0)
            saved = "select count(*) from events where kind = 'checkpoint'"
            cluster.wait(lambda: query(cluster.database(), saved)[0][0] >= 2, "checkpoints are in the shared folder")
            self.lose(cluster, "worker-1")
            cluster.start_worker("worker-2", "--shared-checkpoints", shared)
            cluster.wait(lambda: cluster.finished("one"), "the sweep ends", 240)
            started = [step_of(message) for message, in query(cluster.database(), STARTED)]
            self.assertEqual(len(started), 2)
            self.assertGreaterEqual(started[1], 8, "from the second checkpoint at the least")
            self.assertEqual(query(cluster.database(), "select count(*) from artifacts"), [(0,)])
            trial = query(cluster.database(), "select id from trials")[0][0]
            self.assertEqual([name.split("-")[0] for name in os.listdir(os.path.join(shared, trial))], ["done"])
            refused = cluster.ctl("fetch", trial)
            self.assertEqual(refused.returncode, 2)
            self.assertIn("full fine-tuning", refused.stderr)
            self.assertEqual(cluster.kill("worker-2", signal.SIGTERM), 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
