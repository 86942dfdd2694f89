#!/usr/bin/env python3
"""The exports, opened with the tools that they are for. Run by run.sh, in an environment with requirements.txt."""
import contextlib
import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.parse
import urllib.request

import pandas

sys.path.insert(0, os.path.join(os.environ["LORIKEET_SOURCE_DIR"], "tests", "integration"))
from cluster import BIN, query, write_sweep  # noqa: E402

TOOLS = os.path.dirname(sys.executable)
TRIALS = 4 * 2 + 2


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def get(url):
    with urllib.request.urlopen(url, timeout=60) as answer:
        return answer.read().decode()


@contextlib.contextmanager
def serving(log, ready, *command):
    """A server that answers at `ready`; its folder's log says why where it does not."""
    with open(log, "wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, start_new_session=True)
    try:
        for _ in range(600):
            try:
                get(ready)
                break
            except OSError:
                assert process.poll() is None, open(log, encoding="utf-8").read()[-2000:]
                time.sleep(0.2)
        else:
            raise AssertionError(open(log, encoding="utf-8").read()[-2000:])
        yield
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=60)


def ctl(*arguments):
    done = subprocess.run([os.path.join(BIN, "sweepctl"), *arguments], capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def read_only(database):
    return contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=30))


class Live(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="lorikeet-ecosystem-")
        cls.addClassCleanup(folder.cleanup)
        cls.folder = folder.name
        cls.data = os.path.join(cls.folder, "data")
        cls.database = os.path.join(cls.data, "results.db")
        sweep = write_sweep(cls.folder, "demo", train=256, **{"rank: [2, 4]": "rank: [2, 8]"})
        run = subprocess.Popen([os.path.join(BIN, "sweepctl"), "run", sweep, "--data", cls.data, "--workers", "2"],
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        cls.seen = cls.look_while_it_writes(run)
        said, _ = run.communicate(timeout=600)
        assert run.returncode == 0, said[-3000:]

    @classmethod
    def look_while_it_writes(cls, run):
        """[(results by pandas, results by Datasette)] until it ends."""
        while not os.path.exists(cls.database):
            assert run.poll() is None, run.stdout.read()
            time.sleep(0.1)
        port, seen = free_port(), []
        with serving(os.path.join(cls.folder, "datasette.log"), f"http://127.0.0.1:{port}/-/versions.json",
                     os.path.join(TOOLS, "datasette"), "serve", cls.database, "--port", str(port)):
            asked = urllib.parse.quote("select sum(seeds) as seeds from rouge_table")
            while run.poll() is None:
                with read_only(cls.database) as connection:
                    table = pandas.read_sql("SELECT * FROM rouge_table", connection)
                rows = json.loads(get(f"http://127.0.0.1:{port}/results.json?sql={asked}&_shape=array"))
                seen.append((int(table["seeds"].sum()), rows[0]["seeds"] or 0))
                time.sleep(0.3)
            cls.views = [view["name"] for view in json.loads(get(f"http://127.0.0.1:{port}/results.json"))["views"]]
        return seen

    def export(self, form, *more):
        out = os.path.join(self.folder, form)
        ctl("export", "demo", "--format", form, "--out", out, "--data", self.data, *more)
        return out

    def test_pandas_and_datasette_while_a_sweep_writes(self):
        print(f"pandas and Datasette read the views {len(self.seen)} times while the sweep wrote: {sorted(set(self.seen))}")
        self.assertGreater(len(self.seen), 5)
        self.assertGreater(len({by_pandas for by_pandas, _ in self.seen}), 1, "results came while they looked")
        for by_pandas, by_datasette in self.seen:
            self.assertLessEqual(by_pandas, by_datasette)  # asked a moment later
        for view in ("rouge_table", "versus_full", "sensitivity"):
            self.assertIn(view, self.views)
        self.assertEqual(query(self.database, "select count(*) from results"), [(TRIALS,)])

    def test_tensorboard(self):
        logdir, port = self.export("tensorboard"), free_port()
        with serving(os.path.join(self.folder, "tensorboard.log"), f"http://127.0.0.1:{port}/data/environment",
                     os.path.join(TOOLS, "tensorboard"), "--logdir", logdir, "--port", str(port), "--host", "127.0.0.1"):
            base = f"http://127.0.0.1:{port}/data"
            for _ in range(100):
                tags = json.loads(get(f"{base}/plugin/scalars/tags"))
                if len(tags) == TRIALS:
                    break
                time.sleep(0.2)
            self.assertEqual(len(tags), TRIALS)
            run = "lora-rank=8/seed=1"
            points = json.loads(get(f"{base}/plugin/scalars/scalars?" + urllib.parse.urlencode({"run": run, "tag": "train_loss"})))
            stored = query(self.database, "select m.step, m.value from metrics m join results r using (attempt_id) where "
                                          "r.configuration = 'lora rank=8' and r.seed = 1 and m.name = 'train_loss' order by 1")
            self.assertEqual([step for _, step, _ in points], [step for step, _ in stored])
            for (_, _, value), (_, expected) in zip(points, stored):
                self.assertAlmostEqual(value, expected, 5)
            request = urllib.request.Request(f"{base}/plugin/hparams/experiment", method="POST",
                                             data=json.dumps({"experimentName": ""}).encode())
            request.add_header("Content-Type", "application/json")
            try:
                experiment = json.loads(get(request))
            except urllib.error.HTTPError:
                experiment = json.loads(get(f"{base}/plugin/hparams/experiment?" + urllib.parse.urlencode(
                    {"request": json.dumps({"experimentName": ""})})))
            names = {info["name"] for info in experiment["hparamInfos"]}
            print(f"TensorBoard shows {len(tags)} runs, {len(points)} points of {run}; hyperparameters {sorted(names)}")
            self.assertTrue({"arm", "lora.rank", "learning_rate", "seed"} <= names, names)

    def test_mlflow(self):
        import mlflow
        port = free_port()
        with serving(os.path.join(self.folder, "mlflow.log"), f"http://127.0.0.1:{port}/health",
                     os.path.join(TOOLS, "mlflow"), "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1",
                     "--backend-store-uri", f"sqlite:///{self.folder}/mlflow.db",
                     "--artifacts-destination", os.path.join(self.folder, "mlflow-artifacts")):
            to = f"http://127.0.0.1:{port}"
            for _ in range(2):
                ctl("export", "demo", "--format", "mlflow", "--to", to, "--db", self.database)
            client = mlflow.MlflowClient(tracking_uri=to)
            experiment = client.get_experiment_by_name("demo")
            runs = client.search_runs([experiment.experiment_id], max_results=100)
            self.assertEqual(len(runs), TRIALS, "the second export adds nothing")
            best = client.search_runs([experiment.experiment_id], "params.`lora.rank` = '8'", order_by=["metrics.`result/test_rouge1` DESC"])
            self.assertEqual(len(best), 2)
            stored = query(self.database, "select max(test_rouge1) from results where configuration = 'lora rank=8'")[0][0]
            self.assertEqual(best[0].data.metrics["result/test_rouge1"], stored)
            history = client.get_metric_history(best[0].info.run_id, "train_loss")
            self.assertEqual(len(history), 64)
            self.assertEqual({run.info.status for run in runs}, {"FINISHED"})
            print(f"MLflow {mlflow.__version__} has {len(runs)} runs after two exports; {len(history)} points of train_loss in "
                  f"{best[0].info.run_name}")

    def test_csv(self):
        out = self.export("csv")
        with read_only(self.database) as connection:
            for name, sql in (("rouge_table", "SELECT * FROM rouge_table WHERE sweep = 'demo'"),
                              ("sensitivity", "SELECT * FROM sensitivity WHERE sweep = 'demo'"),
                              ("results", "SELECT r.* FROM results r JOIN trials t ON t.id = r.trial_id JOIN configurations c "
                                          "ON c.id = t.configuration_id ORDER BY c.position, c.id, t.seed")):
                read = pandas.read_csv(os.path.join(out, name + ".csv"))
                # pandas takes an empty text for a missing one.
                stored = pandas.read_sql(sql, connection).replace("", None)
                pandas.testing.assert_frame_equal(read, stored, check_dtype=False)
            texts = pandas.read_csv(os.path.join(out, "predictions.csv"))["summary"]
            self.assertEqual(len(texts), query(self.database, "select count(*) from predictions")[0][0])
        print(f"pandas reads the CSV files as it reads the database: {', '.join(sorted(os.listdir(out)))}")

    def test_parquet_in_two_lines(self):
        with open(os.path.join(os.environ["LORIKEET_SOURCE_DIR"], "docs", "exports.md"), encoding="utf-8") as file:
            block = re.search(r"```python\n(import pandas.*?to_parquet.*?)```", file.read(), re.S)[1]
        here = os.getcwd()
        os.chdir(self.data)
        try:
            exec(block, {})  # pylint: disable=exec-used
            table = pandas.read_parquet("rouge_table.parquet")
        finally:
            os.chdir(here)
        self.assertEqual(len(table), 6)
        print(f"Parquet by the page's lines: {len(table)} rows of rouge_table")

    def test_model_card(self):
        import huggingface_hub
        from huggingface_hub import ModelCard
        out = self.export("card", "--base-model", "google/flan-t5-small")
        card = ModelCard.load(os.path.join(out, "README.md"), ignore_metadata_errors=False)
        data = card.data.to_dict()
        self.assertEqual(data["base_model"], "google/flan-t5-small")
        self.assertEqual(data["library_name"], "peft")
        self.assertEqual(data["pipeline_tag"], "summarization")
        results = {result.metric_name: result.metric_value for result in card.data.eval_results}
        self.assertEqual(sorted(results), ["ROUGE-1", "ROUGE-2", "ROUGE-L", "ROUGE-Lsum"])
        self.assertIn("| configuration |", card.text)
        self.assertEqual(sorted(os.listdir(out)), ["README.md", "adapter_config.json", "adapter_model.safetensors"])
        print(f"huggingface_hub {huggingface_hub.__version__} reads the card: {results}")


if __name__ == "__main__":
    unittest.main(verbosity=1)
