#!/usr/bin/env python3
"""The JSON Schema of the sweep file beside the reader: what the reader takes the schema takes, and what both can know to be
wrong both refuse.

The files: the examples, the fuzzer's corpus, the pages' examples, and every file that spec_tests puts to the reader, which it
writes down where LORIKEET_SWEEP_FILES names a folder. What only the reader knows has a name here and in
docs/sweep-file.md.

usage: schema_test.py SPEC_TESTS, with LORIKEET_BIN_DIR and LORIKEET_SOURCE_DIR set
"""
import collections
import glob
import json
import os
import re
import subprocess
import sys
import tempfile
import unittest

import jsonschema
import yaml

BIN = os.environ["LORIKEET_BIN_DIR"]
SOURCE = os.environ["LORIKEET_SOURCE_DIR"]
SPEC_TESTS = None
MOST_NODES = 20_000  # with aliases written out

# Name in docs/sweep-file.md -> the reader's mistakes that are such.
READER_ONLY = {
    "YAML itself": r"a second time|a YAML tag|not YAML|second YAML document|a tab before|not UTF-8|NUL byte|nested too deep"
                   r"|a sweep file has at most|holds itself|as a key: a key is a plain word",
    "How a number is written": r": -?\d+\.0*: a whole number, at least|a finite number|that a double can hold",
    "Over several sections": r"(epochs|learning_rate): missing|learning_rate: Adafactor with relative_step",
    "Two numbers": r"at most batch_size|at most max_new_tokens|another key than the other field's",
    "A prompt's text": r"init_text: missing|read with `init: text` only",
    "The baseline": r": baseline: |no arm full, which is the baseline",
    "How much": r"trials \(configurations × seeds\): at most|: at least \d+ms|: at least 1B",
    "Tuning": r"tune\.axes: .*a key that has a list of values in an arm|tune\.seeds: .*seeds that are not in",
    "Paths": r"variable|\$\{|empty once its variables",
    "Combinations": r"arms\.\w+: '|of which rank\?|each value of an axis once",
}


class Core(yaml.SafeLoader):
    """YAML 1.2's core schema, which the reader and editors go by; PyYAML's own is 1.1's (`on`, `1e-3` a text)."""

    yaml_implicit_resolvers = {}

    def construct_mapping(self, node, deep=False):
        return {key.value if isinstance(key, yaml.ScalarNode) else str(key): self.construct_object(value, deep=True)
                for key, value in node.value}


for tag, pattern, first in (("bool", r"^(?:true|True|TRUE|false|False|FALSE)$", "tTfF"),
                            ("null", r"^(?:~|null|Null|NULL|)$", ["~", "n", "N", ""]),
                            ("int", r"^[-+]?[0-9]+$", "-+0123456789"),
                            ("float", r"^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$", "-+.0123456789"),
                            ("float", r"^(?:[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$", "-+.")):
    Core.add_implicit_resolver("tag:yaml.org,2002:" + tag, re.compile(pattern), list(first))
Core.add_constructor("tag:yaml.org,2002:int", lambda loader, node: int(node.value.replace("_", "x"), 10))
Core.add_constructor("tag:yaml.org,2002:map", lambda loader, node: loader.construct_mapping(node, deep=True))


def size_of(node, known):
    """How many nodes there are with aliases written out; too many where one holds itself."""
    if id(node) in known:
        return known[id(node)]
    known[id(node)] = MOST_NODES
    size = 1
    if isinstance(node, yaml.SequenceNode):
        size += sum(size_of(child, known) for child in node.value)
    elif isinstance(node, yaml.MappingNode):
        size += sum(size_of(key, known) + size_of(value, known) for key, value in node.value)
    known[id(node)] = size
    return size


def load(text):
    """The document; raises ValueError where there is none for an editor to look at."""
    try:
        if size_of(yaml.compose(text, Core), {}) >= MOST_NODES:
            raise ValueError("too large")
        return yaml.load(text, Core)
    except (yaml.YAMLError, RecursionError, UnicodeError) as error:
        raise ValueError(str(error)) from error


def read_by_sweepctl(path):
    """The reader's mistakes, a line each; none where it takes the file."""
    done = subprocess.run([os.path.join(BIN, "sweepctl"), "submit", "--dry-run", path], capture_output=True, timeout=60, check=False,
                          env={"PATH": os.environ["PATH"], "HOME": "/nonexistent", "DATA": "/data"})
    if done.returncode == 0:
        return []
    assert done.returncode == 2, done.stderr
    return done.stderr.decode(errors="replace").strip().splitlines()


def collect():
    """[(what it is called, its bytes, mistakes)]"""
    files = []
    for path in sorted(glob.glob(os.path.join(SOURCE, "sweeps", "examples", "*.yaml")) +
                       glob.glob(os.path.join(SOURCE, "tests", "fuzz", "corpus", "sweep_file", "*"))):
        with open(path, "rb") as file:
            files.append((os.path.relpath(path, SOURCE), file.read(), read_by_sweepctl(path)))
    with tempfile.TemporaryDirectory() as folder:
        for page in ("README.md", "docs/sweep-file.md", "docs/tutorial.md"):
            if not os.path.exists(os.path.join(SOURCE, page)):
                continue
            with open(os.path.join(SOURCE, page), encoding="utf-8") as file:
                for i, block in enumerate(re.findall(r"^```yaml\n(.*?)^```$", file.read(), re.M | re.S)):
                    path = os.path.join(folder, "block.yaml")
                    with open(path, "w", encoding="utf-8") as out:
                        out.write(block)
                    if block.startswith(("sweep:", "# yaml-language-server")):
                        files.append((f"{page}, block {i}", block.encode(), read_by_sweepctl(path)))
        done = subprocess.run([SPEC_TESTS, "--gtest_brief=1"], env={**os.environ, "LORIKEET_SWEEP_FILES": folder}, capture_output=True,
                              timeout=600, check=False)
        assert done.returncode == 0, done.stdout
        for path in sorted(glob.glob(os.path.join(folder, "*.sweep"))):
            with open(path, "rb") as file, open(path[:-6] + ".mistakes", "rb") as mistakes:
                files.append((os.path.basename(path), file.read(), mistakes.read().decode(errors="replace").splitlines()))
    return files


class Schema(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        text = subprocess.run([os.path.join(BIN, "sweepctl"), "schema"], capture_output=True, text=True, check=True).stdout
        cls.text, cls.schema = text, json.loads(text)
        cls.validator = jsonschema.Draft7Validator(cls.schema)
        cls.files = collect()

    def test_it_is_a_schema(self):
        jsonschema.Draft7Validator.check_schema(self.schema)

    def test_the_committed_one_is_what_is_printed(self):
        with open(os.path.join(SOURCE, "docs", "sweep-file.schema.json"), encoding="utf-8") as file:
            self.assertEqual(file.read(), self.text, "sweepctl schema > docs/sweep-file.schema.json")

    def test_beside_the_reader(self):
        taken = refused_by_both = lenient = 0  # yaml-cpp takes some bytes that YAML has not, as a mutation puts there
        used = collections.Counter()
        for name, data, mistakes in self.files:
            try:
                document = load(data.decode("utf-8-sig"))
            except (ValueError, UnicodeError):
                lenient += not mistakes
                continue
            valid = self.validator.is_valid(document)
            if not mistakes:
                taken += 1
                why = jsonschema.exceptions.best_match(self.validator.iter_errors(document))
                self.assertTrue(valid, f"{name}: the reader takes it, the schema does not: {why}\n{data.decode()}")
            elif not valid:
                refused_by_both += 1
            else:
                for mistake in mistakes:
                    names = [rule for rule, pattern in READER_ONLY.items() if re.search(pattern, mistake)]
                    self.assertTrue(names, f"{name}: the schema takes it, and no rule of the reader alone is: {mistake}")
                    used.update(names[:1])
        print(f"{len(self.files)} files: {taken} taken by both, {refused_by_both} refused by both, and by the reader alone: {dict(used)}")
        self.assertGreater(taken, 200)
        self.assertGreater(refused_by_both, 400)
        self.assertLess(lenient, taken / 10)
        self.assertEqual(set(READER_ONLY), set(used), "a rule that no file breaks")

    def test_the_page_names_what_only_the_reader_knows(self):
        with open(os.path.join(SOURCE, "docs", "sweep-file.md"), encoding="utf-8") as file:
            page = file.read()
        section = page[page.index("### What the schema leaves to the program"):]
        section = section[:section.index("\n## ")]
        self.assertEqual(set(re.findall(r"^- \*\*(.+?)\*\*", section, re.M)), set(READER_ONLY))

    def test_this_test_bites(self):
        good = load("{sweep: a, model: m, data: {train: a, validation: b, test: c}, seeds: [1], arms: {full: {steps: 1, learning_rate: 1e-3}}}")
        self.assertTrue(self.validator.is_valid(good))
        self.assertEqual(good["arms"]["full"]["learning_rate"], 0.001)
        for spoil in (lambda d: d.pop("seeds"), lambda d: d.update(seed=[1]), lambda d: d["arms"]["full"].update(steps="1"),
                      lambda d: d["arms"]["full"].update(epochs=2), lambda d: d["data"].update(train="~/x"),
                      lambda d: d.update(sweep="a b"), lambda d: d["arms"].update(lora={"learning_rate": 1}),
                      lambda d: d.update(time_limit="6"), lambda d: d["arms"]["full"].update(optimizer={"name": "adafactor", "eps": 1})):
            bad = json.loads(json.dumps(good))
            spoil(bad)
            self.assertFalse(self.validator.is_valid(bad), bad)


if __name__ == "__main__":
    SPEC_TESTS = sys.argv.pop(1)
    unittest.main(verbosity=1)
