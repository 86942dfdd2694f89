"""Our side: parity_probe and sweep-trainer, run on files in a temporary folder."""
import json
import pathlib
import subprocess

from safetensors.torch import load_file

TOKENIZER = pathlib.Path(__file__).resolve().parents[2] / "worker/text/tiny_t5"  # spiece.model


class Programs:
    """`build` is a build folder with bin/sweep-trainer and tests/parity_probe; `scratch` takes what they write."""

    def __init__(self, build, scratch):
        self.build, self.trainer, self.prober = build, build / "bin/sweep-trainer", build / "tests/parity_probe"
        self.scratch, self.count = scratch, 0

    def fresh(self, name):
        self.count += 1
        return self.scratch / f"{self.count}-{name}"

    def run(self, *arguments):
        """Standard output; what was printed on standard error is in the exception."""
        done = subprocess.run([str(a) for a in arguments], capture_output=True, text=True, stdin=subprocess.DEVNULL)
        if done.returncode:
            raise RuntimeError(f"{' '.join(str(a) for a in arguments)}: exit {done.returncode}: {done.stderr.strip()}")
        return done.stdout

    def refusal(self, *arguments):
        """What a command says that must refuse its input with exit code 2; None where it does not."""
        done = subprocess.run([str(self.trainer), *(str(a) for a in arguments)], capture_output=True, text=True,
                              stdin=subprocess.DEVNULL)
        return done.stderr if done.returncode == 2 else None

    def probe(self, jobs):
        """Runs parity_probe on jobs (parity_probe.cc says what they hold) and gives each one's tensors."""
        jobs = [{**job, "out": str(self.fresh("probe.safetensors"))} for job in jobs]
        path = self.fresh("jobs.json")
        path.write_text(json.dumps(jobs))
        self.run(self.prober, path)
        return [load_file(job["out"]) for job in jobs]

    def write_lines(self, name, objects):
        path = self.fresh(name + ".jsonl")
        path.write_text("".join(json.dumps(one) + "\n" for one in objects))
        return path

    def generate(self, model, adapter, documents, settings, batch, *more):
        """Settings are a trial's evaluate; returns the lines that were written."""
        out = self.fresh("summaries.jsonl")
        options = [f"--{key.replace('_', '-')}={value}" for key, value in settings.items()]
        if adapter:
            options.append(f"--adapter={adapter}")
        self.run(self.trainer, "generate", "--model", model, "--input", documents, "--output", out, "--threads", "1",
                 "--batch", batch, *options, *more)
        return [json.loads(line) for line in out.read_text().splitlines()]

    def loss(self, model, documents, *more):
        lines = self.run(self.trainer, "loss", "--model", model, "--input", documents, "--threads", "1", *more)
        return [json.loads(line) for line in lines.splitlines()]

    def train(self, trial):
        """Trains one trial; gives its metrics (name -> values by step) and the folder of what was kept."""
        path, out = self.fresh("trial.json"), self.fresh("trained")
        path.write_text(json.dumps(trial))
        metrics = {}
        for line in self.run(self.trainer, "train", "--trial", path, "--out", out, "--threads", "1").splitlines():
            event = json.loads(line)
            if event["event"] == "metric":
                metrics.setdefault(event["name"], []).append(event["value"])
        return metrics, out / "kept"
