"""What the tests of sweep-trainer's commands share: the program, a tiny model made by it, tiny data, a trial."""
import json
import os
import subprocess
import tempfile
import unittest

TRAINER = os.path.join(os.environ["LORIKEET_BIN_DIR"], "sweep-trainer")
TOKENIZER = os.path.join(os.environ["LORIKEET_SOURCE_DIR"], "tests/worker/text/tiny_t5")


def run(*args):
    """(exit code, standard output, standard error)"""
    done = subprocess.run([TRAINER, *args], capture_output=True, text=True, timeout=300, stdin=subprocess.DEVNULL)
    return done.returncode, done.stdout, done.stderr


def lines(text):
    return [json.loads(line) for line in text.splitlines()]


def read(path):
    with open(path, "rb") as file:
        return file.read()


def write_lines(path, objects):
    with open(path, "w") as file:
        file.writelines(json.dumps(one) + "\n" for one in objects)
    return path


def documents(first, count):
    for i in range(first, first + count):
        word = ("pain", "fever", "cough")[i % 3]
        yield {"id": f"d{i}", "article": f"patient {i} had {word} . " + f"the {word} was treated . " * (i % 5),
               "abstract": f"patient with {word} ."}


class TrainerTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.TemporaryDirectory()
        cls.model = cls.path("model")
        text = write_lines(cls.path("text.jsonl"), documents(1000, 40))
        rc, out, err = run("pretrain", "--text", text, "--out", cls.model, "--tokenizer", TOKENIZER, "--d-model", "16",
                           "--d-ff", "32", "--d-kv", "4", "--heads", "2", "--layers", "1", "--steps", "3", "--batch",
                           "4", "--length", "24", "--threads", "1")
        if rc != 0:
            raise RuntimeError(err)
        for name, first, count in (("train", 0, 24), ("validation", 100, 4), ("test", 200, 5)):
            write_lines(cls.path(name + ".jsonl"), documents(first, count))

    @classmethod
    def tearDownClass(cls):
        cls.scratch.cleanup()

    @classmethod
    def path(cls, name):
        return os.path.join(cls.scratch.name, name)

    def assert_refused(self, result, *words):
        """Exit code 2 and one clear line, nothing printed."""
        rc, out, err = result
        self.assertEqual(rc, 2, err)
        self.assertLessEqual(len(err.splitlines()), 3, err)
        for word in words:
            self.assertIn(word, err)
        return out
