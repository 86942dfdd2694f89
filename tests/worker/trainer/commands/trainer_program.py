"""What the tests of sweep-trainer's commands share: the program, a tiny model made by it, tiny data, a trial."""
import json
import os
import struct
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


class TrainTest(TrainerTest):
    """With trials of a second or less to train."""

    def trial(self, name, **changes):
        trial = {
            "sweep": "tiny", "configuration": "lora rank=2", "method": "lora", "seed": 1, "model": self.model,
            "data": {"train": self.path("train.jsonl"), "validation": self.path("validation.jsonl"),
                     "test": self.path("test.jsonl"), "max_source_tokens": 32, "max_target_tokens": 16},
            "train": {"epochs": 3, "batch_size": 4, "learning_rate": 0.01},
            "evaluate": {"max_new_tokens": 4},
            "lora": {"rank": 2, "alpha": 4, "targets": ["q", "v"], "dropout": 0.0},
        }
        for key, value in changes.items():
            trial[key] = {**trial.get(key, {}), **value} if isinstance(value, dict) else value
        # None takes a section, or a key of one, away.
        trial = {key: value for key, value in trial.items() if value is not None}
        for key, value in trial.items():
            if isinstance(value, dict):
                trial[key] = {name: one for name, one in value.items() if one is not None}
        with open(self.path(name + ".json"), "w") as file:
            json.dump(trial, file)
        return self.path(name + ".json")

    def train(self, trial, out, *args):
        return run("train", "--trial", trial, "--out", self.path(out), "--threads", "1", "--attempt", "a-1", *args)

    def start(self, trial, out, *args, stderr=None):
        return subprocess.Popen([TRAINER, "train", "--trial", trial, "--out", self.path(out), "--threads", "1",
                                 "--attempt", "a-1", *args], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                stderr=stderr)

    def finish(self, process):
        """The events that are still to come, up to the program's end."""
        rest = [json.loads(line) for line in process.stdout]
        process.wait(60)
        process.stdin.close()
        process.stdout.close()
        return rest

    def kill(self, process):
        process.kill()
        process.communicate()

    def weights(self, out):
        with open(os.path.join(self.path(out), "kept", "adapter_model.safetensors"), "rb") as file:
            return file.read()

    def read_until(self, process, wanted):
        """Reads events up to the first that `wanted` says yes to."""
        seen = []
        for line in process.stdout:
            seen.append(json.loads(line))
            if wanted(seen[-1]):
                return seen
        self.fail(f"ended early: {seen[-1:]}")

    def long_trial(self, name):
        return self.trial(name, train={"epochs": 100000})

    def losses(self, events):
        return {one["step"]: one["value"] for one in events if one.get("name") == "train_loss"}

    def state_step(self, path):
        """The step that a state file is of."""
        data = read(path)
        length = struct.unpack("<Q", data[:8])[0]
        begin, end = json.loads(data[8:8 + length])["state"]["data_offsets"]
        return json.loads(data[8 + length + begin:8 + length + end])["step"]
