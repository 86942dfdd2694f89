#!/usr/bin/env python3
"""Scores from elsewhere, by the real programs: summaries that equal a row's own are scored and tested as that row is."""
import json
import os
import subprocess
import unittest

from cluster import BIN, Cluster, query, write_sweep

ARMS = """\
  lora: {rank: [2, 4], alpha_over_rank: 2, learning_rate: 1.0e-2}
  prompt: {tokens: 5, learning_rate: 0.3}
  zero_shot: {}
"""


class Scores(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cluster = Cluster()
        cls.addClassCleanup(cls.cluster.__exit__, None, None, None)
        cluster = cls.cluster
        cluster.start_coordinator()
        path = write_sweep(cluster.folder, "demo", **{ARMS: "  lora: {rank: [2], alpha_over_rank: 2, learning_rate: 1.0e-2}\n",
                                                      "seeds: [1, 2]": "seeds: [1, 2, 3]"})
        assert cluster.ctl("submit", path).returncode == 0
        cls.early = cluster.ctl("rescore", "demo", "--no-stemmer")
        cluster.start_worker("one", "--slots", "2")
        cluster.wait(lambda: cluster.finished("demo"), "the sweep ends", 300)
        done = cluster.ctl("predictions", "demo", "--split", "test")
        assert done.returncode == 0, done.stderr
        cls.own = [json.loads(line) for line in done.stdout.splitlines()]

    def query(self, sql):
        return query(self.cluster.database(), sql)

    def ok(self, *arguments):
        done = self.cluster.ctl(*arguments)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def refused(self, *arguments):
        done = self.cluster.ctl(*arguments)
        self.assertEqual(done.returncode, 2, done.stdout + done.stderr)
        return done.stderr

    def file(self, lines):
        path = os.path.join(self.cluster.folder, self.id() + ".jsonl")
        with open(path, "w", encoding="utf-8") as file:
            file.writelines(json.dumps(line) + "\n" for line in lines)
        return path

    def theirs(self, of, name):
        return [{"configuration": name, "seed": line["seed"], "id": line["id"], "text": line["text"]} for line in self.own
                if line["configuration"] == of]

    def test_summaries_that_equal_a_rows_own_have_its_scores_and_its_difference(self):
        own = [line for line in self.own if line["configuration"] == "lora rank=2"]
        self.assertEqual(len(own), 3 * 12)
        path = self.file(self.theirs("lora rank=2", "theirs"))
        said = self.ok("import", "demo", "--predictions", path, "--source", "our runs of spring")
        self.assertEqual(said, "'theirs' (3 seeds) stands in the table of sweep demo, scored and tested on 12 documents\n")
        for metric in ("rouge1", "rouge2", "rougeL", "rougeLsum"):
            scores = dict(self.query(f"select seed || '/' || document_id, {metric} from foreign_summaries where name = 'theirs'"))
            self.assertEqual(scores, {f"{line['seed']}/{line['id']}": line[metric] for line in own}, metric)
        columns = ("metric, difference, standard_error, low, high, p_value, p_not_worse, p_equivalent, detectable, documents, seeds, "
                   "baseline_seeds")
        compared = self.query(f"select {columns} from foreign_comparisons where name = 'theirs' order by metric")
        self.assertEqual(compared, self.query(f"select {columns} from comparisons p join configurations c on c.id = p.configuration_id "
                                              "where c.name = 'lora rank=2' and metric in ('rouge1', 'rouge2', 'rougeL', 'rougeLsum') "
                                              "order by metric"))
        self.assertIsNotNone(compared[0][5])
        self.assertEqual(self.query("select extended from sweeps"), [(1,)])
        table = json.loads(self.ok("table", "demo", "--json"))
        lora, theirs = (next(row for row in table["rows"] if row["configuration"] == name) for name in ("lora rank=2", "theirs"))
        self.assertEqual((theirs["arm"], theirs["source"], theirs["seeds"]), ("imported", "our runs of spring", 3))
        for key in ("rouge1_mean", "rouge1_sd", "rougeLsum_mean", "difference", "low", "high", "p"):
            self.assertAlmostEqual(theirs[key], lora[key], places=9, msg=key)
        self.assertIn("theirs‡", self.ok("table", "demo"))
        # Again: the same, and nothing more.
        self.ok("import", "demo", "--predictions", path)
        self.assertEqual(self.query("select count(*) from foreign_summaries where name = 'theirs'"), [(36,)])
        exported = [json.loads(line) for line in self.ok("predictions", "demo", "--configuration", "theirs").splitlines()]
        self.assertEqual([(line["id"], line["text"], line["rouge1"]) for line in exported],
                         [(line["id"], line["text"], line["rouge1"]) for line in own])
        self.assertTrue(all(line["imported"] for line in exported))
        self.ok("import", "demo", "--remove", "theirs")
        self.assertNotIn("theirs", self.ok("table", "demo"))

    def test_what_is_wrong_in_a_file_is_said_with_its_line_and_changes_nothing(self):
        lines = self.theirs("full", "whole")
        wrong = {"stands on line 1 already": lines + [lines[0]],
                 "is missing": lines[1:],
                 "no such document": lines + [dict(lines[0], id="nowhere")],
                 "a whole number": [dict(lines[0], seed="one")],
                 "a configuration 'full' of its own": self.theirs("full", "full"),
                 "control characters": self.theirs("full", "a\x1b[31m"),
                 "no line in it": []}
        for what, content in wrong.items():
            with self.subTest(what):
                said = self.refused("import", "demo", "--predictions", self.file(content))
                self.assertIn(what, said)
                self.assertIn(".jsonl", said)
                self.assertNotIn("\x1b", said)
        self.assertEqual(self.query("select count(*) from foreign_rows where name not in ('theirs', 'scored too')"), [(0,)])

    def test_a_metric_of_ones_own(self):
        lines = [{"configuration": line["configuration"], "seed": line["seed"], "id": line["id"], "score": line["rouge1"] * 100}
                 for line in self.own]
        said = self.ok("score", "demo", "--metric", "mine", "--input", self.file(lines))
        self.assertEqual(said, "mine: 7 runs of 3 rows of sweep demo; `sweepctl table demo --metrics mine` shows them\n")
        columns = "difference, low, high, p_value, p_corrected, documents"
        by = "select configuration_id, {} from comparisons where metric = '{}' order by configuration_id"
        for mine, rouge in zip(self.query(by.format(columns, "mine")), self.query(by.format(columns, "rouge1")), strict=True):
            for one, other in zip(mine, rouge):
                self.assertEqual(one is None, other is None)
                if one is not None:
                    self.assertAlmostEqual(one, other, places=9)
        self.assertEqual(self.query("select count(verdict) from comparisons where metric = 'mine'"), [(0,)])
        table = self.ok("table", "demo", "--metrics", "mine,rouge1")
        self.assertIn("Δ mine", table)
        self.assertIn("'rouge7'", self.refused("table", "demo", "--metrics", "rouge7"))
        self.assertIn("are missing", self.refused("score", "demo", "--metric", "mine", "--input", self.file(lines[:5])))
        self.assertIn("what the trainer scored", self.refused("score", "demo", "--metric", "rouge1", "--input", self.file(lines)))

    def test_rouge_counted_otherwise_has_names_of_its_own(self):
        before = self.query("select * from results") + self.query("select * from predictions")
        said = self.ok("rescore", "demo", "--no-stemmer")
        self.assertIn("rouge1.nostem, rouge2.nostem, rougeL.nostem, rougeLsum.nostem: ", said)
        self.ok("rescore", "demo", "--no-stemmer")
        self.ok("rescore", "demo", "--sentence-split", "newline")
        self.assertEqual(self.query("select * from results") + self.query("select * from predictions"), before)
        # What sweep-trainer says of the same texts.
        references = self.file([{"id": document, "text": text} for document, text in self.query(
            "select id, reference from documents where split = 'test'")])
        predictions = references + ".predictions"
        with open(predictions, "w", encoding="utf-8") as file:
            file.writelines(json.dumps(line) + "\n" for line in self.own if line["configuration"] == "full" and line["seed"] == 2)
        rouge = subprocess.run([os.path.join(BIN, "sweep-trainer"), "rouge", "--no-stemmer", "--sentence-split", "auto", "--references",
                                references, "--predictions", predictions], capture_output=True, text=True, timeout=60, check=True)
        mean = json.loads(rouge.stdout.splitlines()[-1])["mean"]
        for metric in ("rouge1", "rouge2", "rougeL", "rougeLsum"):
            stored = self.query(f"select mean from score_runs where configuration = 'full' and seed = 2 and metric = '{metric}.nostem'")
            self.assertAlmostEqual(stored[0][0], 100 * mean[metric]["f1"], places=9, msg=metric)
        # Only ROUGE-Lsum knows of sentences.
        self.assertEqual([round(value, 9) for value, in self.query(
            "select mean - (select 100 * avg(test_rouge1) from results where configuration = s.configuration) from score_table s "
            "where metric = 'rouge1.newline' and configuration in (select configuration from results)")], [0, 0, 0])
        self.assertIn("rouge1.nostem", self.ok("table", "demo", "--metrics", "rouge1,rouge1.nostem"))
        self.assertIn("scored so already", self.refused("rescore", "demo"))
        self.assertIn("scored so already", self.refused("rescore", "demo", "--sentence-split", "auto"))

    def test_the_database_is_sound(self):
        path = self.file(self.theirs("full", "scored too"))
        self.ok("import", "demo", "--predictions", path)
        self.ok("rescore", "demo", "--sentence-split", "newline")
        self.assertEqual(self.query("select count(*) from foreign_comparisons where name = 'scored too' and metric = 'rougeL.newline'"),
                         [(1,)])
        self.ok("check", "--db", self.cluster.database())

    def test_before_there_are_documents_it_says_so(self):
        self.assertEqual(self.early.returncode, 2)
        self.assertIn("no documents yet", self.early.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=1)
