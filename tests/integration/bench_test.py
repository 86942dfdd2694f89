#!/usr/bin/env python3
"""sweepctl bench: a sweep's adapters, fetched and measured on this machine, through its coordinator and from the file."""
import csv
import io
import json
import os
import subprocess
import unittest

from cluster import BIN, Cluster, query, write_sweep


class Bench(unittest.TestCase):
    def look_at(self, report):
        rows = {(row["configuration"], row["variant"]): row for row in report["rows"]}
        self.assertEqual(list(rows), [("base model", "base"), ("lora rank=2", "unmerged"), ("lora rank=2", "merged"),
                                      ("lora rank=4", "unmerged"), ("lora rank=4", "merged"), ("prompt", "unmerged")])
        for (name, variant), row in rows.items():
            self.assertGreater(row["latency_p50_seconds"], 0)
            self.assertLessEqual(row["latency_p50_seconds"], row["latency_p95_seconds"])
            self.assertGreater(row["tokens_per_second"], 0)
            self.assertEqual((row["batch"], row["extra_tokens"]), (2, 5 if name == "prompt" else 0))
            self.assertEqual(row["adapter_bytes"] is None, variant == "base")
        for rank in ("2", "4"):  # the same summaries
            self.assertEqual(*(rows["lora rank=" + rank, variant]["tokens_per_summary"] for variant in ("unmerged", "merged")))
        self.assertEqual((report["sweep"], report["documents"], report["threads"], report["device"]),
                         ("tiny", 4, 1, "cpu"))
        return rows

    def test_a_sweep(self):
        with Cluster() as cluster:
            scratch = os.path.join(cluster.folder, "tmp")
            os.mkdir(scratch)
            cluster.environment["TMPDIR"] = scratch
            cluster.start_coordinator()
            sweep = write_sweep(cluster.folder)
            cluster.json("submit", sweep)
            early = cluster.ctl("bench", "tiny")
            self.assertEqual(early.returncode, 2, early.stderr)
            worker = cluster.start_worker("w", "--threads", "1")
            cluster.wait(lambda: cluster.finished("tiny"), "the sweep is finished", 300)
            adapters = "select count(*) from artifacts where kind = 'adapter'"
            cluster.wait(lambda: query(cluster.database(), adapters) == [(6,)], "the adapters are kept")

            few = ("--documents", "4", "--batch", "2")
            done = cluster.ctl("bench", "tiny", *few, "--json", timeout=300)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            rows = self.look_at(json.loads(done.stdout))
            self.assertEqual(rows["lora rank=2", "merged"]["trial"], "lora rank=2 seed=1")
            share = query(cluster.database(), "select trainable_share from results where configuration = 'lora rank=2'")
            self.assertAlmostEqual(rows["lora rank=2", "merged"]["trainable_share"], share[0][0])

            done = cluster.ctl("bench", "tiny", *few, "--rows", "rank=4", "--seed", "2", "--format", "csv", timeout=300)
            self.assertEqual(done.returncode, 0, done.stderr)
            table = list(csv.DictReader(io.StringIO(done.stdout)))
            self.assertEqual([row["trial"] for row in table], ["", "lora rank=4 seed=2", "lora rank=4 seed=2"])

            none = cluster.ctl("bench", "tiny", "--rows", "rank=99")
            self.assertEqual(none.returncode, 2)
            self.assertIn("among those asked for", none.stderr)
            self.assertEqual(cluster.ctl("bench", "nobody").returncode, 2)
            gone = cluster.ctl("bench", "tiny", *few, "--model", os.path.join(cluster.folder, "gone"))
            self.assertEqual(gone.returncode, 2)
            self.assertIn("gone", gone.stderr)
            self.assertEqual(os.listdir(scratch), [], "something was left behind")

            cluster.kill("w", 15)
            cluster.kill("coordinator", 15)
            del worker
            done = subprocess.run([os.path.join(BIN, "sweepctl"), "bench", "tiny", *few, "--json", "--db", cluster.data],
                                  env=cluster.environment, capture_output=True, text=True, timeout=300, check=False)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.look_at(json.loads(done.stdout))

    def test_company_is_warned_of(self):
        with Cluster() as cluster:
            cluster.start_coordinator()
            cluster.start_worker("w", "--threads", "1")
            first = write_sweep(cluster.folder)
            cluster.json("submit", first)
            cluster.wait(lambda: cluster.finished("tiny"), "the sweep is finished", 300)
            cluster.wait(lambda: query(cluster.database(), "select count(*) from artifacts where kind = 'adapter'") == [(6,)],
                         "the adapters are kept")
            cluster.json("submit", write_sweep(cluster.folder, name="other", **{"epochs: 2": "epochs: 2000"}))
            cluster.wait(lambda: cluster.json("status", "other")["running"] > 0, "something runs")
            done = cluster.ctl("bench", "tiny", "--documents", "2", "--rows", "rank=2", timeout=300)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn("this host's worker runs 1 trial", done.stderr)


if __name__ == "__main__":
    unittest.main()
