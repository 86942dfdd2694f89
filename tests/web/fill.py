"""Fills a results database with sweeps that look real, by SQL, into a schema that a coordinator has made. Standard
library only; the same seed gives the same rows."""
import contextlib
import datetime
import json
import math
import os
import random
import signal
import sqlite3
import subprocess

EPOCH = datetime.datetime(2026, 3, 1, 12, 0, 0, tzinfo=datetime.timezone.utc)
WORDS = ("patients with treatment of the and a in study results were significant trial dose group control response cells "
         "clinical effect increased levels analysis compared disease risk after months mean age using high low data").split()


def moment(seconds):
    return (EPOCH + datetime.timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def make_schema(coordinator, data):
    """An empty results.db, as the coordinator makes it."""
    port_file = os.path.join(data, "..", "schema.port")
    environment = dict(os.environ, XDG_CONFIG_HOME=os.path.join(data, "..", "schema-config"))
    process = subprocess.Popen([coordinator, "--data", data, "--listen", "127.0.0.1:0", "--http", "off", "--port-file", port_file],
                               env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while not os.path.exists(port_file):
            if process.poll() is not None:
                raise RuntimeError(f"{coordinator} ended with {process.returncode}")
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(0.05)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()
    return os.path.join(data, "results.db")


class Filler:
    """Use as a context manager; commits at its end."""

    def __init__(self, database, seed=1):
        self.db = sqlite3.connect(database)
        self.random = random.Random(seed)
        self.count = 0

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind is None:
            self.db.commit()
        self.db.close()

    def insert(self, table, **values):
        names = ", ".join(f'"{name}"' for name in values)
        marks = ", ".join("?" * len(values))
        return self.db.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", list(values.values())).lastrowid

    def id(self, kind):
        self.count += 1
        return f"{kind}-{self.count:014x}"

    def worker(self, hostname, quarantine="", gpus=4):
        slots = [{"index": i, "kind": "cuda", "device": f"cuda:{i}", "device_model": "NVIDIA H100 80GB HBM3",
                  "memory_bytes": 80 << 30, "threads": 8, "quarantine": ""} for i in range(gpus)]
        name = self.id("w")
        self.insert("workers", id=name, hostname=hostname, build="0.1.0 (0123456789ab)", session=1, state="disconnected",
                    slots=json.dumps(slots), first_seen_at=moment(0), last_seen_at=moment(3600), quarantine=quarantine)
        return name

    def text(self, words):
        return " ".join(self.random.choice(WORDS) for _ in range(words)).capitalize() + "."

    def sweep(self, name, configurations, seeds, *, state="finished", trial_state=lambda i: "succeeded", points=0, documents=0,
              worker=None, hostile="", notes=(), offset=0, compare=True):
        """`configurations`: [(arm, axes)], the first `full` one is the baseline. Returns the sweep's id."""
        sweep = self.id("s")
        names = [self.configuration_name(arm, axes) + hostile for arm, axes in configurations]
        baseline = next(each for each, (arm, _) in zip(names, configurations) if arm == "full")
        trials = sum(1 if arm in ("zero_shot", "lead") else len(seeds) for arm, _ in configurations)
        self.insert("sweeps", id=sweep, name=name, fingerprint=self.id("f"), text=f"sweep: {name}\n# as submitted\n", state=state,
                    baseline=baseline, max_attempts=3, backoff_ms=1000, trials=trials, seeds=json.dumps(seeds),
                    notes=json.dumps(list(notes)), build="0.1.0 (0123456789ab)", submitted_at=moment(offset),
                    finished_at=moment(offset + 7200) if state == "finished" else None)
        self.insert("events", time=moment(offset), sweep_id=sweep, kind="submitted", message=f"{trials} trials")
        for position in range(documents):
            for split in ("test", "validation"):
                self.insert("documents", sweep_id=sweep, split=split, id=f"doc {position}{hostile}", position=position,
                            article=" ".join(self.text(20) for _ in range(30)), reference=self.text(40))
        position = 0
        rows = {}
        for place, ((arm, axes), its) in enumerate(zip(configurations, names)):
            once = arm in ("zero_shot", "lead")
            row = self.insert("configurations", sweep_id=sweep, position=place, name=its, arm=arm, axes=json.dumps({key: str(value) for key, value in axes.items()}), settings="{}",
                              baseline=int(its == baseline), planned=1 if once else len(seeds),
                              trial=json.dumps({"method": arm, "seed": 0, **axes}))
            rows[its] = row
            for seed in [0] if once else seeds:
                self.trial(sweep, name, row, its, arm, axes, seed, position, trial_state(position), points, documents, worker, hostile, offset)
                position += 1
        if compare and state == "finished":
            self.compare(sweep, rows, baseline, configurations, names)
        return sweep

    @staticmethod
    def configuration_name(arm, axes):
        return " ".join([arm, *(f"{key}={value}" for key, value in axes.items())])

    def score(self, arm, axes):
        at = {"full": 40.7, "lora": 41 + 0.8 * math.log2(1 + axes.get("rank", 4)), "prompt": 34 + 1.5 * math.log2(1 + axes.get("tokens", 5)),
              "zero_shot": 12.2, "lead": 22.0}[arm]
        return max(0.0, self.random.gauss(at, 0.25)) / 100

    def trial(self, sweep, name, row, configuration, arm, axes, seed, position, state, points, documents, worker, hostile, offset):
        trial = self.id("t")
        failed = {"failure_kind": "oom", "failure_message": f"out of memory at step 3{hostile}"} if state == "failed" else {}
        self.insert("trials", id=trial, sweep_id=sweep, configuration_id=row, position=position,
                    name=configuration if arm in ("zero_shot", "lead") else f"{configuration} seed={seed}", seed=seed, state=state,
                    token=1 if state in ("succeeded", "failed") else 0, failures=int(state == "failed"), **failed)
        if state not in ("succeeded", "failed"):
            return
        attempt = self.id("a")
        begun = offset + 10 + position
        self.insert("attempts", id=attempt, trial_id=trial, number=1, token=1, worker_id=worker, state=state, sequence=points + 1,
                    granted_at=moment(begun), started_at=moment(begun + 2), ended_at=moment(begun + 300), device="cuda:0",
                    device_model="NVIDIA H100 80GB HBM3", threads=8, micro_batch_size=4, build="0.1.0 (0123456789ab)", **failed)
        for after, kind, message in ((0, "granted", ""), (2, "started", ""), (3, "log", f"info: training on cuda:0{hostile}"),
                                     (300, state, "" if state == "succeeded" else f"oom: out of memory at step 3{hostile}")):
            self.insert("events", time=moment(begun + after), sweep_id=sweep, trial_id=trial, attempt_id=attempt, worker_id=worker,
                        kind=kind, message=message)
        if arm not in ("zero_shot", "lead") and points:
            speed = self.random.uniform(0.8, 1.2)
            self.db.executemany("INSERT INTO metrics VALUES (?, ?, ?, ?)",
                                ((attempt, step, "train_loss", 2 + 3 * math.exp(-speed * step / points * 5) + self.random.gauss(0, 0.08))
                                 for step in range(1, points + 1)))
            self.db.executemany("INSERT INTO metrics VALUES (?, ?, ?, ?)",
                                ((attempt, step, "validation_loss", 2.1 + 2 * math.exp(-speed * step / points * 4))
                                 for step in range(max(1, points // 10), points + 1, max(1, points // 10))))
        if state != "succeeded":
            return
        rouge1 = self.score(arm, axes)
        share = {"full": 1.0, "lora": 0.0015 * axes.get("rank", 4), "prompt": 0.0002 * axes.get("tokens", 5)}.get(arm, 0.0)
        scores = {"rouge1": rouge1, "rouge2": rouge1 * 0.4, "rougeL": rouge1 * 0.6, "rougeLsum": rouge1 * 0.9}
        trained = arm not in ("zero_shot", "lead")
        self.insert("results", trial_id=trial, attempt_id=attempt, sweep=name, arm=arm, configuration=configuration, seed=seed,
                    **{f"{split}_{key}": value for split in ("test", "validation") for key, value in scores.items()},
                    test_loss=2.2, validation_loss=2.1, test_documents=documents, validation_documents=documents, train_documents=2000,
                    empty_documents=0, kept_step=points or 100, last_step=points or 100,
                    **{f"{split}_{what}_cut": 0.1 for split in ("test", "validation") for what in ("sources", "targets", "outputs")},
                    trainable_parameters=int(share * 77e6), trainable_share=share, device="cuda:0", device_model="NVIDIA H100 80GB HBM3",
                    threads=8, micro_batch_size=4, precision="bf16", train_seconds=280 * (0.7 + share * 0.3) if trained else None,
                    tokens_per_second=21000.0 if trained else None, peak_memory_bytes=int((8 + 20 * share) * 2**30),
                    latency_p50_seconds=None if arm == "lead" else 0.12, latency_p95_seconds=None if arm == "lead" else 0.31,
                    generated_tokens_per_second=None if arm == "lead" else self.random.uniform(900, 1100),
                    adapter_bytes=int(share * 77e6 * 4), data_fingerprint="d" * 64, model_fingerprint="" if arm == "lead" else "m" * 64,
                    build="0.1.0 (0123456789ab)", finished_at=moment(begun + 300))
        for number in range(documents):
            for split in ("test", "validation"):
                reference = self.db.execute("SELECT reference FROM documents WHERE sweep_id = ? AND split = ? AND position = ?",
                                            (sweep, split, number)).fetchone()[0]
                words = reference.split()
                cut = self.random.randint(5, len(words) - 5)
                off = self.random.gauss(0, 0.05)
                self.insert("predictions", trial_id=trial, split=split, document_id=f"doc {number}{hostile}", position=number,
                            summary=" ".join(words[:cut]) + " " + self.text(8) + hostile, tokens=48,
                            **{key: min(1.0, max(0.0, value + off)) for key, value in scores.items()})

    def outside(self, sweep, hostile=""):
        """What comes from outside: a paper's row, an imported one, a metric beside ROUGE, and what a summary costs."""
        own = self.db.execute("SELECT c.name, c.baseline, c.id, min(t.id) FROM configurations AS c JOIN trials AS t ON t.configuration_id = c.id"
                              " WHERE c.sweep_id = ? GROUP BY c.id ORDER BY c.position", (sweep,)).fetchall()
        baseline = next(row for _, is_baseline, row, _ in own if is_baseline)
        score = {f"{metric}_mean": 41.5 for metric in ("rouge1", "rouge2", "rougeL", "rougeLsum")}
        self.insert("foreign_rows", sweep_id=sweep, name=f"published{hostile}", source=f"the study, table 1{hostile}", rouge1_mean=43.52,
                    rouge1_sd=0.18, trainable_percent=0.6, imported_at=moment(1))
        self.insert("foreign_rows", sweep_id=sweep, name=f"ours last spring{hostile}", source=f"runs of May{hostile}", seeds=3, tested=1,
                    imported_at=moment(2), **score)
        told = {"difference": 0.75, "low": 0.25, "high": 1.25, "p_value": 0.004, "p_corrected": 0.012}
        self.insert("foreign_comparisons", sweep_id=sweep, name=f"ours last spring{hostile}", baseline_id=baseline, metric="rouge1",
                    verdict="better", reason=f"of other builds{hostile}", **told)
        for name, is_baseline, row, _ in own[:3]:
            for seed in (1, 2):
                self.insert("score_runs", sweep_id=sweep, metric=f"bertscore{hostile}", configuration=name, seed=seed, mean=0.85 + 0.01 * seed,
                            documents=12, scored_at=moment(3))
            if not is_baseline:
                self.insert("comparisons", sweep_id=sweep, configuration_id=row, baseline_id=baseline, metric=f"bertscore{hostile}",
                            **{**told, "difference": 0.0123, "low": 0.0023, "high": 0.0223})
        on = {"hostname": f"gpu-7{hostile}", "device": "cpu", "device_model": f"AMD EPYC{hostile}", "threads": 2, "precision": "fp32", "beams": 4,
              "documents": 32, "build": "0.1.0", "batch": 16, "tokens_per_summary": 61.4, "measured_at": moment(4)}
        self.insert("benchmarks", sweep_id=sweep, configuration="", variant="base", latency_p50_seconds=0.0871, latency_p95_seconds=0.1204,
                    tokens_per_second=4321.0, extra_tokens=0, **on)
        for variant, latency in (("unmerged", 0.0987), ("merged", 0.0872)):
            self.insert("benchmarks", sweep_id=sweep, configuration=own[1][0], variant=variant, trial_id=own[1][3], latency_p50_seconds=latency,
                        latency_p95_seconds=1.26, tokens_per_second=4000.0, extra_tokens=20, **on)

    def compare(self, sweep, rows, baseline, configurations, names):
        """Comparisons as they may stand in the table; the page shows what is there."""
        columns = {each[1] for each in self.db.execute("PRAGMA table_info(comparisons)")}
        for (arm, _), name in zip(configurations, names):
            if name == baseline or arm in ("zero_shot", "lead"):
                continue
            mean = lambda which: self.db.execute("SELECT 100 * avg(test_rouge1) FROM results WHERE sweep = (SELECT name FROM sweeps WHERE id = ?)"
                                                 " AND configuration = ?", (sweep, which)).fetchone()[0]
            one, other = mean(name), mean(baseline)
            if one is None or other is None:
                continue
            difference = one - other
            verdict = "better" if difference > 0.6 else "worse" if difference < -0.6 else "equivalent"
            more = {"reason": "", "detectable": 0.4, "documents": 400, "seeds": 5, "baseline_seeds": 5} if "reason" in columns else {}
            self.insert("comparisons", sweep_id=sweep, configuration_id=rows[name], baseline_id=rows[baseline], metric="rouge1",
                        difference=difference, low=difference - 0.4, high=difference + 0.4, p_value=0.001, p_corrected=0.004,
                        verdict=verdict, **more)


USUAL = [("full", {"learning_rate": 0.0001}), *(("lora", {"rank": rank}) for rank in (1, 2, 4, 8, 16, 32)),
         *(("prompt", {"tokens": tokens}) for tokens in (5, 10, 20, 50, 100)), ("zero_shot", {}), ("lead", {"sentences": 3})]
