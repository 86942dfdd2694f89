#!/usr/bin/env python3
"""What is in the results database, handed out by the real programs: while a sweep runs, through its coordinator, and from
the file. Event files are read by a reader of the format here, and runs go to a server that answers as MLflow does;
tests/ecosystem/run.sh has the real tools."""
import csv
import http.server
import json
import os
import re
import struct
import subprocess
import threading
import unittest

from cluster import BIN, SOURCE, Cluster, query, write_sweep

TRIALS = 4 * 2 + 2


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def masked(data):
    crc = crc32c(data)
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def records(path):
    """A TFRecord file's, its checksums compared."""
    with open(path, "rb") as file:
        while header := file.read(12):
            length, crc = struct.unpack("<QI", header)
            assert crc == masked(header[:8]), path
            data = file.read(length)
            assert struct.unpack("<I", file.read(4))[0] == masked(data), path
            yield data


def fields(data):
    """[(number, value)] of a protobuf message; messages and strings as bytes."""
    at, found = 0, []

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value
    while at < len(data):
        key = varint()
        if key & 7 == 0:
            value = varint()
        else:
            size = {1: 8, 5: 4}.get(key & 7) or varint()
            value = data[at:at + size]
            at += size
        found.append((key >> 3, value))
    return found


def scalars(path):
    """{tag: [(step, value)]} of an event file."""
    found = {}
    for record in records(path):
        event = dict(fields(record))
        for _, value in fields(event.get(5, b"")):
            value = dict(fields(value))
            if 2 in value:
                found.setdefault(value[1].decode(), []).append((event.get(2, 0), struct.unpack("<f", value[2])[0]))
    return found


class Mlflow(http.server.BaseHTTPRequestHandler):
    """Keeps runs in the server's `runs`."""
    protocol_version = "HTTP/1.1"

    def answer(self, answer, code=200):
        body = json.dumps(answer).encode()
        self.send_response(code)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        if self.server.experiment:
            self.answer({"experiment": {"experiment_id": "1", "lifecycle_stage": "active"}})
        else:
            self.answer({"error_code": "RESOURCE_DOES_NOT_EXIST"}, 404)

    def do_POST(self):
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        runs, call = self.server.runs, self.path.removeprefix("/api/2.0/mlflow/")
        if call == "experiments/create":
            self.server.experiment = request["name"]
            return self.answer({"experiment_id": "1"})
        if call == "runs/search":
            trial = re.search("'(.*)'", request["filter"])[1]
            return self.answer({"runs": [{"info": {"run_id": str(i)}, "data": {"tags": run["tags"]}} for i, run in enumerate(runs)
                                         if {"key": "lorikeet.trial_id", "value": trial} in run["tags"]]})
        if call == "runs/create":
            runs.append({"name": request["run_name"], "tags": request["tags"], "metrics": [], "params": {}})
            return self.answer({"run": {"info": {"run_id": str(len(runs) - 1)}}})
        run = runs[int(request["run_id"])]
        if call == "runs/log-batch":
            run["metrics"] += request.get("metrics", [])
            run["params"].update((param["key"], param["value"]) for param in request.get("params", []))
        elif call == "runs/set-tag":
            run["tags"].append({"key": request["key"], "value": request["value"]})
        elif call == "runs/update":
            run["status"] = request["status"]
        return self.answer({})

    def log_message(self, *_):
        pass


class Exports(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cluster = Cluster()
        cls.addClassCleanup(cls.cluster.__exit__, None, None, None)
        cluster = cls.cluster
        cluster.start_coordinator()
        path = write_sweep(cluster.folder, "demo", **{"rank: [2, 4]": "rank: [2, 8]"})
        assert cluster.ctl("submit", path).returncode == 0
        cls.before = cluster.ctl("export", "demo", "--format", "tensorboard", "--out", os.path.join(cluster.folder, "none"))
        cls.early = cluster.ctl("predictions", "demo")
        cluster.start_worker("one", "--slots", "2")
        # What is there while it runs is what there is.
        cluster.wait(lambda: cluster.succeeded("demo") >= 2, "the first results")
        cls.while_it_runs = [cluster.ctl("predictions", "demo"), cluster.ctl("methods", "demo"),
                             cluster.ctl("export", "demo", "--format", "csv", "--out", os.path.join(cluster.folder, "running"))]
        cluster.wait(lambda: cluster.finished("demo"), "the sweep ends", 300)
        adapters = "select count(*) from artifacts where kind = 'adapter'"
        cluster.wait(lambda: query(cluster.database(), adapters) == [(6,)], "the adapters have come")

    def ok(self, *arguments):
        done = self.cluster.ctl(*arguments)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def path(self, name):
        return os.path.join(self.cluster.folder, name)

    def both(self, *arguments):
        """What comes through the coordinator, which is what comes from the file."""
        remote = self.ok(*arguments)
        self.assertEqual(remote, self.ok(*arguments, "--db", self.cluster.data))
        return remote

    def test_nothing_yet_is_said_and_leaves_nothing(self):
        self.assertNotEqual(self.before.returncode, 0)
        self.assertIn("no trial of sweep demo has been started yet", self.before.stderr)
        self.assertNotEqual(self.early.returncode, 0)
        self.assertIn("has a result yet", self.early.stderr)
        self.assertEqual([name for name in os.listdir(self.cluster.folder) if name.startswith("none")], [])

    def test_while_it_runs(self):
        for done in self.while_it_runs:
            self.assertEqual(done.returncode, 0, done.stderr)
        trials = {(line["configuration"], line["seed"]) for line in map(json.loads, self.while_it_runs[0].stdout.splitlines())}
        self.assertGreaterEqual(len(trials), 2)

    def test_predictions_are_what_the_database_has(self):
        lines = [json.loads(line) for line in self.both("predictions", "demo").splitlines()]
        rows = query(self.cluster.database(), "select r.configuration, r.seed, p.split, p.document_id, p.summary, p.rouge1 "
                                              "from predictions p join results r using (trial_id)")
        self.assertEqual(sorted((line["configuration"], line["seed"], line["split"], line["id"], line["text"], line["rouge1"])
                                for line in lines), sorted(rows))
        self.assertEqual(len(rows), TRIALS * 24)
        path = self.path("some.jsonl")
        self.ok("predictions", "demo", "--split", "test", "--configuration", "lora rank=8", "--seed", "2", "--out", path)
        with open(path, encoding="utf-8") as file:
            self.assertEqual(sum(1 for _ in file), 12)
        # As the trainer's own scorer reads them.
        references = self.path("references.jsonl")
        with open(references, "w", encoding="utf-8") as file:
            for name, text in query(self.cluster.database(), "select id, reference from documents where split = 'test'"):
                file.write(json.dumps({"id": name, "text": text}) + "\n")
        scored = subprocess.run([os.path.join(BIN, "sweep-trainer"), "rouge", "--references", references, "--predictions", path,
                                 "--sentence-split", "auto"], capture_output=True, text=True, check=True, timeout=60)
        mean = json.loads(scored.stdout.splitlines()[-1])["mean"]
        stored = query(self.cluster.database(), "select test_rouge1, test_rougeLsum from results "
                                                "where configuration = 'lora rank=8' and seed = 2")[0]
        self.assertAlmostEqual(mean["rouge1"]["f1"], stored[0], 12)
        self.assertAlmostEqual(mean["rougeLsum"]["f1"], stored[1], 12)

    def test_a_recipe_gives_the_same_numbers(self):
        script = self.both("reproduce", "lora rank=8 seed=1")
        folder = self.path("again")
        os.mkdir(folder)
        again = subprocess.run(["sh", "-eu", "-c", script], cwd=folder, capture_output=True, text=True, check=True, timeout=300,
                               env={**os.environ, "PATH": BIN + ":" + os.environ["PATH"]})
        result = json.loads(again.stdout.splitlines()[-1])
        stored = query(self.cluster.database(), "select test_rouge1, validation_loss, kept_step from results "
                                                "where configuration = 'lora rank=8' and seed = 1")[0]
        self.assertEqual((result["test"]["rouge"]["rouge1"], result["validation_loss"], result["kept_step"]), stored)

    def test_two_trials_side_by_side(self):
        text = self.both("diff", "full seed=1", "lora rank=8 seed=1", "--documents", "2")
        self.assertIn("train.learning_rate", text)
        self.assertIn("The 2 documents of test whose ROUGE-1 changed most", text)
        self.assertEqual(len(json.loads(self.both("diff", "full seed=1", "lora rank=8 seed=1", "--json"))["documents"]), 5)
        unknown = self.cluster.ctl("diff", "full seed=1", "lora rnak=8 seed=1")
        self.assertEqual(unknown.returncode, 2)
        self.assertIn("did you mean 'lora rank=8 seed=1'?", unknown.stderr)

    def test_the_paragraph(self):
        text = self.both("methods", "demo")
        for words in ("48 documents of train.jsonl.gz", "LoRA of rank 2 and 8", "2 seeds (1, 2)", "decoded greedily"):
            self.assertIn(words, text)

    def test_event_files(self):
        out = self.path("tensorboard")
        self.ok("export", "demo", "--format", "tensorboard", "--out", out)
        files = [os.path.join(folder, name) for folder, _, names in os.walk(out) for name in names]
        self.assertEqual(len(files), TRIALS)
        found = scalars(next(path for path in files if "lora-rank=8/seed=2/" in path))
        curve = query(self.cluster.database(), "select m.step, m.value from metrics m join results r using (attempt_id) where "
                                               "r.configuration = 'lora rank=8' and r.seed = 2 and m.name = 'train_loss' order by 1")
        self.assertEqual([step for step, _ in found["train_loss"]], [step for step, _ in curve])
        for (_, value), (_, stored) in zip(found["train_loss"], curve):
            self.assertAlmostEqual(value, stored, 5)
        self.assertEqual(len(found["result/test_rouge1"]), 1)
        again = self.cluster.ctl("export", "demo", "--format", "tensorboard", "--out", out)
        self.assertEqual(again.returncode, 2)
        self.assertIn("is not empty", again.stderr)

    def test_csv(self):
        out = self.path("csv")
        self.ok("export", "demo", "--format", "csv", "--out", out, "--db", self.cluster.database())
        counts = {}
        for name in sorted(os.listdir(out)):
            with open(os.path.join(out, name), newline="", encoding="utf-8") as file:
                counts[name] = len(list(csv.DictReader(file)))
        self.assertEqual(counts["results.csv"], TRIALS)
        self.assertEqual(counts["rouge_table.csv"], 6)
        self.assertEqual(counts["predictions.csv"], TRIALS * 24)
        self.assertEqual(counts["metrics.csv"], query(self.cluster.database(), "select count(*) from metrics")[0][0])

    def test_a_card_beside_its_adapter(self):
        for name, more in (("card", []), ("card-of-file", ["--db", self.cluster.data])):
            out = self.path(name)
            self.ok("export", "demo", "--format", "card", "--out", out, "--trial", "lora rank=8 seed=2",
                    "--base-model", "example/t5", *more)
            self.assertEqual(sorted(os.listdir(out)), ["README.md", "adapter_config.json", "adapter_model.safetensors"])
            with open(os.path.join(out, "README.md"), encoding="utf-8") as file:
                self.assertTrue(file.read().startswith('---\nbase_model: "example/t5"\nlibrary_name: peft\n'))
        fetched = self.path("fetched")
        self.ok("fetch", "lora rank=8 seed=2", "--out", fetched)
        for name in os.listdir(fetched):
            with open(os.path.join(fetched, name), "rb") as one, open(os.path.join(self.path("card-of-file"), name), "rb") as two:
                self.assertEqual(one.read(), two.read(), name)

    def test_runs_for_mlflow(self):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Mlflow)
        server.experiment, server.runs = "", []
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        to = ["--to", f"http://127.0.0.1:{server.server_port}"]
        for _ in range(2):
            self.ok("export", "demo", "--format", "mlflow", *to)
            self.assertEqual(len(server.runs), TRIALS)
        self.assertEqual(server.experiment, "demo")
        run = next(run for run in server.runs if run["name"] == "lora rank=8 seed=1")
        self.assertEqual((run["status"], run["params"]["lora.rank"]), ("FINISHED", "8"))
        self.assertEqual(sum(metric["key"] == "train_loss" for metric in run["metrics"]), 12)

    def test_the_pages_queries_find_something(self):
        with open(os.path.join(SOURCE, "docs", "schema.md"), encoding="utf-8") as file:
            block = re.search(r"```sql\n(.*?)```", file.read(), re.S)[1]
        queries = [text.strip() for text in re.split(r";\n", block) if text.strip()]
        self.assertGreaterEqual(len(queries), 10)
        for text in queries:
            with self.subTest(text.splitlines()[0]):
                rows = query(self.cluster.database(), text)
                if "failed" not in text.splitlines()[0]:
                    self.assertTrue(rows)

    def test_this_test_bites(self):
        self.assertEqual(crc32c(b"123456789"), 0xE3069283)
        self.assertEqual(fields(b"\x08\x96\x01\x12\x01x"), [(1, 150), (2, b"x")])


if __name__ == "__main__":
    unittest.main(verbosity=1)
