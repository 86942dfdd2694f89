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
            self.assertEqual((done.returncode, done.stderr), (0, "Kept with the results of tiny: 6 rows.\n"))
            report = json.loads(done.stdout)
            self.assertTrue(report["kept"])
            rows = self.look_at(report)
            kept = query(cluster.database(), "select case variant when 'base' then 'base model' else configuration end, "
                                             "variant, latency_p50_seconds, tokens_per_second from benchmark_table")
            self.assertEqual(kept, [(*key, row["latency_p50_seconds"], row["tokens_per_second"])
                                    for key, row in rows.items()])
            table = json.loads(cluster.ctl("table", "tiny", "--json").stdout)
            self.assertEqual([row["variant"] for row in table["benchmarks"]], [variant for _, variant in rows])
            self.assertEqual(rows["lora rank=2", "merged"]["trial"], "lora rank=2 seed=1")
            share = query(cluster.database(), "select trainable_share from results where configuration = 'lora rank=2'")
            self.assertAlmostEqual(rows["lora rank=2", "merged"]["trainable_share"], share[0][0])

            done = cluster.ctl("bench", "tiny", *few, "--rows", "rank=4", "--seed", "2", "--format", "csv", timeout=300)
            self.assertEqual((done.returncode, done.stderr), (0, "Kept with the results of tiny: 3 rows.\n"))
            self.assertEqual(query(cluster.database(), "select count(*) from benchmarks"), [(6,)])
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
            self.assertEqual((done.returncode, done.stderr), (0, "Not kept: --db is read without a coordinator.\n"))
            self.look_at(json.loads(done.stdout))

    def test_beside_trials_it_is_refused_or_not_kept(self):
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
            few = ("bench", "tiny", "--documents", "2", "--rows", "rank=2")
            refused = cluster.ctl(*few)
            self.assertEqual((refused.returncode, refused.stdout), (2, ""))
            self.assertRegex(refused.stderr, r"this host's worker \S+ ran 1 trial .*Pause the sweep or wait")
            done = cluster.ctl(*few, "--beside", timeout=300)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertRegex(done.stderr, r"^Not kept: this host's worker \S+ ran 1 trial .* while it was measured\.$")
            self.assertEqual(query(cluster.database(), "select count(*) from benchmarks"), [(0,)])


if __name__ == "__main__":
    unittest.main()
