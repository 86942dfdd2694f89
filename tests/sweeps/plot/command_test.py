"""`sweepctl plot --db` end to end: files that others can read, the terminal's picture, mistakes.

The databases are made from the coordinator's migrations.
"""
import math
import os
import pty
import re
import shutil
import sqlite3
import struct
import subprocess
import tempfile
import unittest
import xml.etree.ElementTree as ElementTree
import zlib

SWEEPCTL = os.path.join(os.environ["LORIKEET_BIN_DIR"], "sweepctl")
MIGRATIONS = os.path.join(os.environ["LORIKEET_SOURCE_DIR"], "coordinator", "store", "migrations")
SVG = "{http://www.w3.org/2000/svg}"
RESULT = {
    "test_documents": 64, "validation_documents": 32, "train_documents": 100, "empty_documents": 0, "kept_step": 30,
    "last_step": 60, "test_sources_cut": 0, "test_targets_cut": 0, "test_outputs_cut": 0, "validation_sources_cut": 0,
    "validation_targets_cut": 0, "validation_outputs_cut": 0, "trainable_share": 0.01, "device": "cpu",
    "device_model": "CPU one", "threads": 1, "micro_batch_size": 4, "precision": "fp32", "tokens_per_second": 1000.0,
    "peak_memory_bytes": 200 << 20, "latency_p50_seconds": 0.1, "latency_p95_seconds": 0.2,
    "generated_tokens_per_second": 300.0, "data_fingerprint": "d", "model_fingerprint": "m", "build": "b",
    "finished_at": "2026-03-01T12:00:00.000Z"}


class Database:
    """A results.db with one sweep."""

    def __init__(self, path, sweep="demo", state="finished", seeds=(1, 2, 3)):
        self.connection = sqlite3.connect(path)
        names = sorted(name for name in os.listdir(MIGRATIONS) if name.endswith(".sql"))
        for name in names:
            with open(os.path.join(MIGRATIONS, name), encoding="utf-8") as file:
                self.connection.executescript(file.read())
        self.connection.execute(f"PRAGMA user_version = {len(names)}")
        self.insert("sweeps", id="s-1", name=sweep, fingerprint="f", text="", state=state, baseline="full",
                    max_attempts=3, backoff_ms=0, trials=0, seeds=str(list(seeds)), notes="[]", build="b",
                    submitted_at="2026-03-01T12:00:00.000Z")
        self.insert("workers", id="w-1", hostname="h", build="b", session=1, state="connected", slots="[]",
                    first_seen_at="", last_seen_at="")
        self.sweep, self.seeds, self.configurations = sweep, seeds, 0

    def insert(self, table, **values):
        marks = ", ".join("?" * len(values))
        self.connection.execute(f"INSERT INTO {table} ({', '.join(values)}) VALUES ({marks})", list(values.values()))

    def add(self, name, arm, axes, rouge, parameters=1000, train_seconds=10.0, curve=None, done=True):
        """A configuration with a trial a seed; `rouge` is the mean, seeds lie a hundredth apart."""
        self.configurations += 1
        identity = self.configurations
        self.insert("configurations", id=identity, sweep_id="s-1", position=identity, name=name, arm=arm, axes=axes,
                    settings="{}", baseline=int(arm == "full"), planned=len(self.seeds))
        for index, seed in enumerate(self.seeds):
            trial, attempt = f"t-{identity}-{seed}", f"a-{identity}-{seed}"
            self.insert("trials", id=trial, sweep_id="s-1", configuration_id=identity, position=0,
                        name=f"{name} seed={seed}", seed=seed, state="succeeded" if done else "running")
            self.insert("attempts", id=attempt, trial_id=trial, number=1, token=1, worker_id="w-1",
                        state="succeeded" if done else "running", granted_at="")
            if curve:
                self.connection.executemany("INSERT INTO metrics VALUES (?, ?, 'train_loss', ?)",
                                            [(attempt, step, value + index * 0.01) for step, value in curve])
            if not done:
                continue
            score = rouge + (index - (len(self.seeds) - 1) / 2) * 0.01
            scores = {f"{split}_rouge{kind}": score for split in ("test", "validation") for kind in ("1", "2", "L", "Lsum")}
            self.insert("results", trial_id=trial, attempt_id=attempt, sweep=self.sweep, arm=arm, configuration=name,
                        seed=seed, trainable_parameters=parameters, train_seconds=train_seconds,
                        adapter_bytes=parameters * 4, **scores, **RESULT)

    def close(self):
        self.connection.execute("UPDATE sweeps SET trials = (SELECT count(*) FROM trials)")
        self.connection.commit()
        self.connection.close()


def run(*arguments, locale="C.UTF-8", **environment):
    variables = {key: value for key, value in os.environ.items() if key not in ("LC_ALL", "LC_CTYPE", "LANG", "NO_COLOR")}
    return subprocess.run([SWEEPCTL, "plot", *arguments], capture_output=True, timeout=60, check=False,
                          env={**variables, "LANG": locale, **environment})


def pixels(png):
    """Width, height and the decompressed rows of a PNG."""
    width, height = struct.unpack(">II", png[16:24])
    at, data = 8, b""
    while at < len(png):
        length, kind = struct.unpack(">I4s", png[at:at + 8])
        if kind == b"IDAT":
            data += png[at + 8:at + 8 + length]
        at += length + 12
    return width, height, zlib.decompress(data)


class Plot(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="lorikeet-plot-")
        self.addCleanup(shutil.rmtree, self.folder)
        self.database = os.path.join(self.folder, "results.db")

    def make(self, **options):
        database = Database(self.database, **options)
        curve = [(step, 2 + math.exp(-step / 20)) for step in range(1, 101)]
        database.add("full", "full", "{}", 0.43, 1_000_000, 60.0, curve)
        for rank in (1, 4, 16):
            database.add(f"lora rank={rank}", "lora", f'{{"rank": {rank}}}', 0.40 + 0.01 * math.log2(rank), 1000 * rank,
                         20.0 + rank, curve)
        database.close()

    def file(self, name):
        with open(os.path.join(self.folder, name), "rb") as file:
            return file.read()

    def draw(self, name, *arguments):
        path = os.path.join(self.folder, name)
        done = run("demo", "--db", self.folder, "--out", path, *arguments)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stdout.decode(), path + "\n")
        return self.file(name)

    def refused(self, *arguments, code=2):
        done = run(*arguments)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        self.assertEqual(done.stdout, b"")
        return done.stderr.decode()

    def test_svg_has_the_points_where_their_values_say(self):
        self.make()
        root = ElementTree.fromstring(self.draw("a.svg"))
        self.assertEqual(root.tag, SVG + "svg")
        self.assertEqual(root.find(SVG + "title").text, "demo: sensitivity of ROUGE-1")
        self.assertIn("3 seeds; 64 test documents; 95 % interval over seeds", root.find(SVG + "desc").text)
        circles = []
        for path in root.iter(SVG + "path"):
            if re.search(r"fill:rgb\(0%,44\.\d+%,69\.\d+%\)", path.get("style", "")):
                circles.append(tuple(map(float, re.match(r"M (\S+) (\S+)", path.get("d")).groups())))
        self.assertEqual(len(circles), 3)
        (x0, y0), (x1, y1), (x2, y2) = circles
        # Two doublings and two points of ROUGE from each to the next.
        self.assertAlmostEqual(x1 - x0, x2 - x1, delta=0.05)
        self.assertAlmostEqual(y0 - y1, y1 - y2, delta=0.05)
        self.assertGreater(x1 - x0, 50)
        self.assertGreater(y0 - y1, 10)

    def test_the_same_database_makes_the_same_bytes(self):
        self.make()
        for name in ("a.svg", "a.png", "a.pdf"):
            for kind in ("sensitivity", "curves", "pareto"):
                first = self.draw(name, "--kind", kind)
                self.assertEqual(self.draw("b" + name, "--kind", kind), first, (name, kind))

    def test_png_is_as_large_as_asked_and_not_blank(self):
        self.make()
        for kind in ("sensitivity", "curves", "pareto"):
            width, height, rows = pixels(self.draw("a.png", "--kind", kind, "--width", "300", "--height", "700"))
            self.assertEqual((width, height), (900, 2100))
            self.assertGreater(len(set(rows)), 50, "colours")
            self.assertLess(rows.count(b"\xff"), len(rows))
        self.assertTrue(self.draw("a.pdf").startswith(b"%PDF-"))

    def test_the_terminal_gets_text_and_a_pipe_no_colours(self):
        self.make()
        for kind in ("sensitivity", "curves", "pareto"):
            done = run("demo", "--db", self.database, "--kind", kind)
            self.assertEqual(done.returncode, 0, done.stderr)
            text = done.stdout.decode()
            self.assertNotIn("\x1b", text)
            self.assertIn("demo: ", text)
            self.assertTrue(any("\u2800" < character < "\u2900" for character in text), "braille")
            self.assertLessEqual(max(map(len, text.splitlines())), 80)
            plain = run("demo", "--db", self.database, "--kind", kind, locale="C").stdout
            self.assertTrue(plain.isascii())
            self.assertIn(b"o", plain)

    def on_terminal(self, **environment):
        master, slave = pty.openpty()
        variables = {**os.environ, "LANG": "C.UTF-8", **environment}
        variables.pop("LC_ALL", None)
        process = subprocess.Popen([SWEEPCTL, "plot", "demo", "--db", self.database, "--height", "5"], stdout=slave, env=variables)
        os.close(slave)
        seen = b""
        while True:
            try:
                some = os.read(master, 65536)
            except OSError:
                break
            if not some:
                break
            seen += some
        os.close(master)
        self.assertEqual(process.wait(30), 0)
        return seen

    def test_colours_on_a_terminal_unless_no_color(self):
        self.make()
        self.assertIn(b"\x1b[38;5;", self.on_terminal(NO_COLOR=""))
        self.assertNotIn(b"\x1b", self.on_terminal(NO_COLOR="1"))

    def test_hostile_names_are_escaped(self):
        database = Database(self.database, sweep="demo")
        name = "</title><script>alert(1)</script>&\x1b[2J\u202e"
        database.add("full", "full", "{}", 0.4)
        database.add(name, name, '{"<b>&\\u001b[2J": "]]>"}', 0.41)
        database.close()
        for kind in ("sensitivity", "pareto"):
            root = ElementTree.fromstring(self.draw("a.svg", "--kind", kind))
            self.assertFalse([element for element in root.iter() if "script" in element.tag])
            text = run("demo", "--db", self.database, "--kind", kind).stdout.decode()
            self.assertNotIn("\x1b", text)
            self.assertNotIn("\u202e", text)

    def test_missing_seeds_and_one_point(self):
        database = Database(self.database, state="running", seeds=(1,))
        database.add("full", "full", "{}", 0, done=False, curve=[(1, 5.0)])
        database.add("lora rank=4", "lora", '{"rank": 4}', 0.4, curve=[(1, 5.0), (2, None)][:1])
        database.close()
        for kind in ("sensitivity", "curves", "pareto"):
            ElementTree.fromstring(self.draw("a.svg", "--kind", kind))
        text = run("demo", "--db", self.database).stdout.decode()
        self.assertIn("1 of 2 trials have results.", text)
        self.assertIn("The baseline has no result yet.", text)

    def test_five_hundred_curves(self):
        database = Database(self.database, seeds=(1, 2, 3, 4, 5))
        curve = [(step, 2 + math.exp(-step / 100)) for step in range(1, 1001)]
        for rank in range(100):
            database.add(f"lora rank={rank}", "lora" if rank else "full", f'{{"rank": {rank}}}', 0.4, curve=curve)
        database.close()
        svg = self.draw("a.svg", "--kind", "curves")
        ElementTree.fromstring(svg)
        self.assertLess(len(svg), 3_000_000)
        text = run("demo", "--db", self.database, "--kind", "curves").stdout.decode()
        self.assertIn("and 91 more", text)

    def test_mistakes_name_the_nearest(self):
        self.make()
        demo = ("--db", self.database)
        self.assertIn("holds no sweep 'dmeo'; did you mean 'demo'?", self.refused("dmeo", *demo))
        self.assertIn("did you mean 'curves'", self.refused("demo", *demo, "--kind", "curve"))
        self.assertIn("there is no metric 'rouge'; did you mean 'rouge1'?; there are: rouge1, rouge2",
                      self.refused("demo", *demo, "--metric", "rouge"))
        self.assertIn("there is no axis 'rnak'; did you mean 'rank'?", self.refused("demo", *demo, "--axis", "rnak"))
        self.assertIn("did you mean 'train_seconds'", self.refused("demo", *demo, "--kind", "pareto", "--cost", "train_second"))
        self.assertIn("there is no learning curve 'loss'", self.refused("demo", *demo, "--kind", "curves", "--metric", "loss"))
        self.assertIn("ends in .svg, .png or .pdf", self.refused("demo", *demo, "--out", self.folder + "/a.jpg"))
        self.assertIn("an axis is of --kind sensitivity", self.refused("demo", *demo, "--kind", "pareto", "--axis", "rank"))
        self.assertIn("a width of 5 columns", self.refused("demo", *demo, "--width", "5"))
        self.assertFalse(os.path.exists(self.folder + "/a.jpg"))
        self.refused("demo", *demo, "--out", self.folder + "/none/a.svg")

    def test_nothing_yet_says_what_is_missing(self):
        database = Database(self.database, state="running")
        database.add("full", "full", "{}", 0, done=False)
        database.add("lora rank=4", "lora", '{"rank": 4}', 0, done=False)
        database.close()
        demo = ("--db", self.database)
        self.assertIn("no configuration with an axis has a result yet; it is running, 0 of 6 trials have succeeded",
                      self.refused("demo", *demo))
        self.assertIn("no trial has reported a step yet", self.refused("demo", *demo, "--kind", "curves"))
        self.assertIn("no trial has a result yet", self.refused("demo", *demo, "--kind", "pareto"))

    def test_no_font_is_said_and_drawn_without(self):
        self.make()
        configuration = os.path.join(self.folder, "fonts.conf")
        with open(configuration, "w", encoding="utf-8") as file:
            file.write("<fontconfig></fontconfig>\n")
        path = os.path.join(self.folder, "a.svg")
        done = run("demo", "--db", self.database, "--out", path, FONTCONFIG_FILE=configuration)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(b"has no font", done.stderr)
        ElementTree.parse(path)


if __name__ == "__main__":
    unittest.main()
