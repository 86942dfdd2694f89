"""A real coordinator and real workers as child processes, for the integration tests. Standard library only."""
import contextlib
import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import tempfile
import time

BIN = os.environ["LORIKEET_BIN_DIR"]
SOURCE = os.environ["LORIKEET_SOURCE_DIR"]
# What sanitizers say on standard error.
FINDING = re.compile(r"^.*(?:ERROR: \w+Sanitizer|WARNING: ThreadSanitizer|: runtime error: ).*$", re.M)
DEMO = os.path.join(SOURCE, "sweeps", "examples", "demo")

# Small enough for a test, large enough that every arm trains, validates, generates and can be interrupted.
SWEEP = """\
sweep: {name}
model: {model}
data:
  train: {data}/train.jsonl.gz
  validation: {data}/validation.jsonl.gz
  test: {data}/test.jsonl.gz
  max_source_tokens: 128
  max_target_tokens: 48
  limit: {{train: {train}, validation: 12, test: 12}}
train: {{epochs: 2, batch_size: 8, schedule: constant}}
evaluate: {{beams: 1, max_new_tokens: 24}}
arms:
  full: {{learning_rate: 1.0e-3}}
  lora: {{rank: [2, 4], alpha_over_rank: 2, learning_rate: 1.0e-2}}
  prompt: {{tokens: 5, learning_rate: 0.3}}
  zero_shot: {{}}
  lead: {{sentences: 2}}
seeds: [1, 2]
resources: {{threads: 1}}  # bits are the same at the same number of threads
retry: {{attempts: 2, backoff: 1s}}
"""
TRIALS = 4 * 2 + 2

# What may depend on what was killed, and on the run: names, ids, times and measured costs. Nothing else may.
MAY_DIFFER = {"sweep", "trial_id", "attempt_id", "finished_at", "train_seconds", "tokens_per_second", "peak_memory_bytes",
              "latency_p50_seconds", "latency_p95_seconds", "generated_tokens_per_second"}


def write_sweep(folder, name="tiny", train=48, **replace):
    text = SWEEP.format(name=name, model=os.path.join(DEMO, "model"), data=DEMO, train=train)
    for old, new in replace.items():
        text = text.replace(old, new)
    path = os.path.join(folder, name + ".yaml")
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def query(database, sql):
    with contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=30)) as connection:
        return connection.execute(sql).fetchall()


def results_of(database, sweep="tiny"):
    """Every result of a sweep without what may differ."""
    columns = [name for _, name, *_ in query(database, "pragma table_info(results)") if name not in MAY_DIFFER]
    assert len(columns) > 30, columns
    return query(database, f"select {', '.join(columns)} from results where sweep = '{sweep}' order by configuration, seed")


def predictions_of(database, sweep="tiny"):
    columns = [name for _, name, *_ in query(database, "pragma table_info(predictions)") if name != "trial_id"]
    return query(database, f"select r.configuration, r.seed, {', '.join('p.' + name for name in columns)} "
                           f"from predictions p join results r using (trial_id) where r.sweep = '{sweep}' order by 1, 2, 3, 4")


class Cluster:
    """Use as a context manager; everything is ended and removed at its end."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="lorikeet-test-")
        self.port = free_port()
        self.address = f"127.0.0.1:{self.port}"
        self.data = os.path.join(self.folder, "data")
        self.processes = {}
        self.environment = dict(os.environ, XDG_CONFIG_HOME=os.path.join(self.folder, "config"),
                                LORIKEET_COORDINATOR=self.address, NO_COLOR="1")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in self.processes.values():
            if process.poll() is None:
                process.kill()
            process.wait()
        deadline = time.monotonic() + 10
        while self.trainers() and time.monotonic() < deadline:
            time.sleep(0.1)
        left = self.trainers()
        leaks = [name for name in self.processes for token in self.tokens() if token in self.log(name)]
        findings = [f"--- {name}\n{self.log(name)[found.start():][:6000]}" for name in self.processes
                    if (found := FINDING.search(self.log(name)))]
        shutil.rmtree(self.folder, ignore_errors=True)
        assert not left, f"trainers outlived their workers: {left}"
        assert not leaks, f"tokens stand in the logs of {leaks}"
        assert not findings, "\n".join(findings)

    def tokens(self):
        """Whatever opens a door of this cluster's."""
        found = []
        for folder, _, files in os.walk(self.folder):
            for name in files:
                if name == "token" or name.endswith(".token"):
                    with open(os.path.join(folder, name), encoding="utf-8") as file:
                        found.append(file.read().strip())
        return found

    def enter(self, name):
        """The words before a command of that name's, where it runs elsewhere; they become the command's process."""
        del name
        return []

    def start(self, name, program, *arguments):
        with open(os.path.join(self.folder, name + ".log"), "ab") as log:
            self.processes[name] = subprocess.Popen(
                [*self.enter(name), os.path.join(BIN, program), "--log-level", "debug", *arguments], env=self.environment,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        return self.processes[name]

    def start_coordinator(self, *options):
        self.start("coordinator", "sweep-coordinator", "--data", self.data, "--listen", self.address, *options)
        self.wait(lambda: self.ctl("list").returncode == 0, "the coordinator answers")

    def start_worker(self, name, *options):
        return self.start(name, "sweep-worker", "--coordinator", self.address, "--dir",
                          os.path.join(self.folder, name), "--devices", "cpu", *options)

    def ctl(self, *arguments, timeout=60):
        return subprocess.run([*self.enter("sweepctl"), os.path.join(BIN, "sweepctl"), *arguments],
                              env=self.environment, capture_output=True, text=True, timeout=timeout)

    def json(self, *arguments):
        done = self.ctl(*arguments, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def kill(self, name, how=signal.SIGKILL):
        self.processes[name].send_signal(how)
        return self.processes[name].wait(timeout=60)

    def log(self, name):
        with open(os.path.join(self.folder, name + ".log"), encoding="utf-8", errors="replace") as file:
            return file.read()

    def trainers(self, of=""):
        """Pids of trainers that work for this cluster, or for one worker of it."""
        folder = os.path.join(self.folder, of)
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            with contextlib.suppress(OSError):
                with open(f"/proc/{pid}/cmdline", "rb") as file:
                    words = file.read().decode(errors="replace").split("\0")
                if words[0].endswith("sweep-trainer") and any(folder in word for word in words):
                    found.append(int(pid))
        return found

    def wait(self, condition, what, seconds=120):
        deadline = time.monotonic() + seconds
        while not condition():
            for name, process in self.processes.items():
                if process.poll() not in (None, -signal.SIGKILL, 0):
                    raise AssertionError(f"{name} ended with {process.returncode}:\n{self.log(name)[-4000:]}")
            if time.monotonic() > deadline:
                logs = "\n".join(f"--- {name}\n{self.log(name)[-2000:]}" for name in self.processes)
                raise AssertionError(f"waited {seconds} s for: {what}\n{self.ctl('list').stdout}{logs}")
            time.sleep(0.05)

    def database(self):
        return os.path.join(self.data, "results.db")

    def succeeded(self, sweep):
        return int(self.json("status", sweep)["succeeded"])

    def finished(self, sweep):
        done = self.ctl("status", sweep, "--json")
        return done.returncode == 0 and json.loads(done.stdout)["state"] == "finished"
