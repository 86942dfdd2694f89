#!/usr/bin/env python3
"""A sweep from its file to its table by the real programs, disturbed in every way, with the same rows each time."""
import os
import signal
import subprocess
import tempfile
import unittest

from cluster import BIN, TRIALS, Cluster, predictions_of, query, results_of, write_sweep

# Documents, so that a trial takes longer than to see that it runs, and to kill somebody thrice before the last.
TRAIN = 160


def rows_of(cluster):
    return results_of(cluster.database()), predictions_of(cluster.database())


class Sweep(unittest.TestCase):
    maxDiff = 2000

    @classmethod
    def setUpClass(cls):
        """The undisturbed run that the others are held against."""
        with Cluster() as cluster:
            cluster.start_coordinator()
            cluster.start_worker("worker-1")
            cluster.start_worker("worker-2")
            done = cluster.ctl("submit", write_sweep(cluster.folder, train=TRAIN), "--follow", timeout=300)
            assert done.returncode == 0, done.stderr + cluster.log("coordinator")
            cls.table = done.stdout
            cls.rows, cls.predictions = rows_of(cluster)
            cls.workers = {row[0] for row in query(cluster.database(), "select distinct worker_id from attempts")}
            cls.attempts = query(cluster.database(), "select count(*) from attempts")[0][0]
            assert cluster.kill("coordinator", signal.SIGTERM) == 0
            cls.leftovers = [name for name in os.listdir(cluster.data) if name.startswith("results.db-")]
            cls.check = query(cluster.database(), "pragma integrity_check")
            cls.readable = [os.path.join(folder, name) for root in ("data", "worker-1", "worker-2")
                            for folder, _, files in os.walk(os.path.join(cluster.folder, root)) for name in files
                            if os.stat(os.path.join(folder, name)).st_mode & 0o077]
            cls.files = [name for _, _, files in os.walk(cluster.data) for name in files]

    def check_rows(self, cluster):
        rows, predictions = rows_of(cluster)
        self.assertEqual(rows, self.rows)
        self.assertEqual(predictions, self.predictions)
        self.assertEqual(query(cluster.database(), "select count(*) from staged_predictions"), [(0,)])
        self.assertEqual(query(cluster.database(), "pragma integrity_check"), [("ok",)])

    def test_undisturbed(self):
        self.assertEqual(len(self.rows), TRIALS)
        self.assertEqual(len(self.predictions), TRIALS * 24)
        self.assertEqual(len(self.workers), 2, "both workers took part")
        self.assertEqual(self.attempts, TRIALS, "one attempt a trial")
        self.assertEqual(self.leftovers, [], "results.db alone is complete after a clean stop")
        self.assertEqual(self.check, [("ok",)])
        self.assertIn("results.db", self.files)
        self.assertEqual(self.readable, [], "articles, weights and tokens are their user's alone to read")
        for name in ("full", "lora rank=2", "lora rank=4", "prompt", "zero_shot", "lead"):
            self.assertIn(name, self.table)

    def test_worker_killed_in_the_middle_of_a_trial(self):
        with Cluster() as cluster:
            cluster.start_coordinator()
            cluster.start_worker("worker-1")
            cluster.start_worker("worker-2")
            self.assertEqual(cluster.ctl("submit", write_sweep(cluster.folder, train=TRAIN)).returncode, 0)
            for _ in range(2):
                before = cluster.succeeded("tiny")
                cluster.wait(lambda: cluster.trainers() and cluster.succeeded("tiny") > before, "a trial runs")
                cluster.kill("worker-1")
                cluster.start_worker("worker-1")
            cluster.wait(lambda: cluster.finished("tiny"), "the sweep ends", 240)
            self.check_rows(cluster)
            self.assertEqual(query(cluster.database(), "select max(failures) from trials"), [(0,)])

    def test_coordinator_killed_in_the_middle_of_the_sweep(self):
        with Cluster() as cluster:
            cluster.start_coordinator()
            cluster.start_worker("worker-1")
            cluster.start_worker("worker-2")
            self.assertEqual(cluster.ctl("submit", write_sweep(cluster.folder, train=TRAIN)).returncode, 0)
            for _ in range(3):
                before = cluster.succeeded("tiny")
                cluster.wait(lambda: cluster.trainers() and cluster.succeeded("tiny") > before, "a trial runs")
                cluster.kill("coordinator")
                cluster.start_coordinator()
            cluster.wait(lambda: cluster.finished("tiny"), "the sweep ends", 240)
            self.check_rows(cluster)
            attempts = query(cluster.database(), "select count(*) from attempts")[0][0]
            self.assertEqual(attempts, TRIALS, "trainers did not notice")

    def test_worker_drained_hands_its_trial_on(self):
        with Cluster() as cluster:
            cluster.start_coordinator()
            cluster.start_worker("worker-1")
            self.assertEqual(cluster.ctl("submit", write_sweep(cluster.folder, train=TRAIN)).returncode, 0)
            cluster.wait(lambda: cluster.succeeded("tiny") >= 3 and cluster.trainers(), "a trial runs")
            self.assertEqual(cluster.kill("worker-1", signal.SIGTERM), 0, cluster.log("worker-1"))
            self.assertEqual(cluster.trainers(), [])
            states = dict(query(cluster.database(), "select state, count(*) from attempts group by 1"))
            self.assertNotIn("running", states)
            cluster.start_worker("worker-1")
            cluster.wait(lambda: cluster.finished("tiny"), "the sweep ends", 240)
            self.check_rows(cluster)
            self.assertEqual(query(cluster.database(), "select max(failures) from trials"), [(0,)])

    def test_run_again_goes_on_and_then_answers_at_once(self):
        with tempfile.TemporaryDirectory(prefix="lorikeet-test-") as folder:
            sweep, data = write_sweep(folder, train=TRAIN), os.path.join(folder, "data")
            command = [os.path.join(BIN, "sweepctl"), "run", sweep, "--data", data]
            with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as run:
                for line in run.stderr:
                    if "succeeded" in line:
                        break
                run.send_signal(signal.SIGINT)
                run.communicate(timeout=60)
            self.assertEqual(run.returncode, 1)
            self.assertGreater(query(os.path.join(data, "results.db"), "select count(*) from results")[0][0], 0)
            done = subprocess.run(command, capture_output=True, text=True, timeout=300)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(results_of(os.path.join(data, "results.db")), self.rows)
            again = subprocess.run(command, capture_output=True, text=True, timeout=60)
            self.assertEqual(again.returncode, 0, again.stderr)
            self.assertEqual(again.stdout, done.stdout)

    def test_cancel(self):
        with Cluster() as cluster:
            cluster.start_coordinator()
            cluster.start_worker("worker-1")
            self.assertEqual(cluster.ctl("submit", write_sweep(cluster.folder, train=TRAIN)).returncode, 0)
            cluster.wait(lambda: cluster.trainers(), "a trial runs")
            self.assertEqual(cluster.ctl("cancel", "tiny").returncode, 0)
            cluster.wait(lambda: not cluster.trainers(), "the trainer is stopped")
            self.assertEqual(cluster.json("status", "tiny")["state"], "cancelled")
            again = cluster.ctl("cancel", "tiny")
            self.assertEqual(again.returncode, 0, "cancelling twice is no error: " + again.stderr)
            cluster.wait(lambda: cluster.json("workers")["workers"][0]["slots_busy"] == 0, "the slot is free")


if __name__ == "__main__":
    unittest.main(verbosity=2)
