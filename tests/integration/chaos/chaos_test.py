#!/usr/bin/env python3
"""A sweep on three hosts of their own network, while processes are killed, stopped and cut off from each other.

Its results and predictions equal those of the undisturbed run, row by row, and nothing is left over. Where a machine is
through before every disturbance has met a trial, the same sweep is submitted again under another name. The order of
the disturbances comes from a seed, which is printed; CHAOS_SEED=N takes that one.
"""
import os
import random
import signal
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import hosts
from cluster import SOURCE, TRIALS, Cluster, predictions_of, query, results_of, write_sweep

LEASE = 4  # seconds
WORKERS = ("worker-1", "worker-2")
TRAIN = 600  # documents: a trial takes seconds
TRAINER_KILLS = 2


def deploy(script, *words):
    subprocess.run([os.path.join(SOURCE, "deploy", script), *words], check=True, stdout=subprocess.DEVNULL)


class Spread(Cluster):
    """Coordinator and workers each on a host of their own, with TLS and a token between them."""

    def __init__(self, network):
        super().__init__()
        self.network = network
        self.address = f"{network.address('coordinator')}:7070"
        deploy("make-certs.sh", "--out", self.file("tls"), "--server", network.address("coordinator"),
               *(word for worker in WORKERS for word in ("--worker", worker)))
        for role in ("client", "worker"):
            deploy("make-token.sh", role, "test", "--data", self.data, "--out", self.file(role + ".token"))
        self.environment.update(LORIKEET_COORDINATOR=self.address, LORIKEET_TOKEN_FILE=self.file("client.token"),
                                LORIKEET_TLS_CA=self.file("tls/ca.crt"))

    def file(self, name):
        return os.path.join(self.folder, name)

    def enter(self, name):
        return self.network.enter(name if name in self.network.names else "coordinator")

    def start_coordinator(self, *options):
        super().start_coordinator("--lease", str(LEASE), "--tls-certificate", self.file("tls/server.crt"),
                                  "--tls-key", self.file("tls/server.key"), "--tls-client-ca", self.file("tls/ca.crt"),
                                  *options)

    def start_worker(self, name, *options):
        return super().start_worker(name, "--slots", "1", "--threads", "1", "--token-file",
                                    self.file("worker.token"), "--tls-certificate",
                                    self.file(f"tls/worker-{name}.crt"), "--tls-key",
                                    self.file(f"tls/worker-{name}.key"), *options)


def run_undisturbed(folder_of_hosts):
    with Spread(folder_of_hosts) as cluster:
        cluster.start_coordinator()
        for worker in WORKERS:
            cluster.start_worker(worker)
        done = cluster.ctl("submit", write_sweep(cluster.folder, train=TRAIN), "--follow", timeout=300)
        assert done.returncode == 0, done.stderr + cluster.log("coordinator")
        return results_of(cluster.database()), predictions_of(cluster.database())


class Disturber:
    def __init__(self, cluster, dice):
        self.cluster, self.dice, self.trainers_killed = cluster, dice, 0
        self.sweeps = []  # the names of those submitted

    def worker_killed(self):
        worker = self.dice.choice(WORKERS)
        self.cluster.kill(worker)
        time.sleep(self.dice.uniform(0, LEASE))
        self.cluster.start_worker(worker)

    def host_lost(self):
        """The worker and its trainers at once, for longer than a lease."""
        worker = self.dice.choice(WORKERS)
        for pid in self.cluster.trainers(worker):
            os.kill(pid, signal.SIGKILL)
        self.cluster.kill(worker)
        time.sleep(LEASE + 2)
        self.cluster.start_worker(worker)

    def trainer_killed(self):
        trainers = self.cluster.trainers()
        if trainers:
            os.kill(self.dice.choice(trainers), signal.SIGKILL)
            self.trainers_killed += 1

    def coordinator_killed(self):
        self.cluster.kill("coordinator")
        time.sleep(self.dice.uniform(0, 2))
        self.cluster.start_coordinator()

    def stopped(self, pid, seconds):
        os.kill(pid, signal.SIGSTOP)
        time.sleep(seconds)
        os.kill(pid, signal.SIGCONT)

    def worker_stopped(self):
        """Past its lease: its trial goes to the other; what it says afterwards is stale."""
        self.stopped(self.cluster.processes[self.dice.choice(WORKERS)].pid, LEASE + 3)

    def coordinator_stopped(self):
        self.stopped(self.cluster.processes["coordinator"].pid, LEASE + 1)

    def trainer_stopped(self):
        trainers = self.cluster.trainers()
        if trainers:
            self.stopped(self.dice.choice(trainers), LEASE + 3)

    def cut_off(self):
        worker = self.dice.choice(WORKERS)
        self.cluster.network.cut(worker)
        time.sleep(LEASE + 3)
        self.cluster.network.mend(worker)

    def all_cut_off(self):
        self.cluster.network.cut("coordinator")
        time.sleep(self.dice.uniform(1, LEASE + 2))
        self.cluster.network.mend("coordinator")

    def disturb(self):
        """Each at least once, in an order of the dice's, while something runs."""
        todo = [self.worker_killed, self.host_lost, self.coordinator_killed, self.worker_stopped,
                self.coordinator_stopped, self.trainer_stopped, self.cut_off, self.all_cut_off]
        todo += [self.trainer_killed] * TRAINER_KILLS
        self.dice.shuffle(todo)
        for what in todo:
            self.wait_for_a_trial()
            done = self.cluster.succeeded(self.sweeps[-1])
            print(f"  {what.__name__}, {done} of {TRIALS} trials of {self.sweeps[-1]} done", file=sys.stderr)
            what()

    def wait_for_a_trial(self):
        if not self.sweeps:
            self.submit()
        self.cluster.wait(lambda: self.cluster.trainers() or self.cluster.finished(self.sweeps[-1]), "a trial runs")
        if not self.cluster.trainers():
            self.submit()
            self.cluster.wait(self.cluster.trainers, "a trial runs")

    def submit(self):
        self.sweeps.append(f"tiny-{len(self.sweeps) + 1}")
        submitted = self.cluster.ctl("submit", write_sweep(self.cluster.folder, self.sweeps[-1], TRAIN,
                                                           **{"attempts: 2": "attempts: 10"}))
        assert submitted.returncode == 0, submitted.stderr


class Chaos(unittest.TestCase):
    maxDiff = 2000

    def test_the_results_are_those_of_the_undisturbed_run(self):
        seed = int(os.environ.get("CHAOS_SEED", "0")) or random.SystemRandom().randrange(1, 1_000_000)
        print(f"CHAOS_SEED={seed}", file=sys.stderr)
        with hosts.Hosts(["coordinator", *WORKERS]) as network:
            rows, predictions = run_undisturbed(network)
            with Spread(network) as cluster:
                cluster.start_coordinator()
                for worker in WORKERS:
                    cluster.start_worker(worker)
                disturber = Disturber(cluster, random.Random(seed))
                disturber.disturb()
                for sweep in disturber.sweeps:
                    cluster.wait(lambda: cluster.finished(sweep), f"{sweep} ends", 240)
                    self.assertEqual(results_of(cluster.database(), sweep), rows)
                    self.assertEqual(predictions_of(cluster.database(), sweep), predictions)
                failures = query(cluster.database(), "select coalesce(sum(failures), 0) from trials")[0][0]
                self.assertLessEqual(failures, disturber.trainers_killed, "lost is not failed")
                self.check_tidy(cluster)

    def check_tidy(self, cluster):
        idle = lambda: all(w["slots_busy"] == 0 for w in cluster.json("workers")["workers"])  # noqa: E731
        cluster.wait(lambda: not cluster.trainers() and idle(), "no trainer is left, no slot is held", 60)
        self.assertEqual(query(cluster.database(), "select count(*) from staged_predictions"), [(0,)])
        for name in (*WORKERS, "coordinator"):
            self.assertEqual(cluster.kill(name, signal.SIGTERM), 0, cluster.log(name)[-2000:])
        # Before a reader makes files of its own.
        left = [os.path.join(folder, name) for folder, _, files in os.walk(cluster.folder) for name in files
                if ".tmp" in name or "spool" in name or name.endswith(("-wal", "-shm"))]
        self.assertEqual(left, [])
        check = cluster.ctl("check", "--db", cluster.data)
        self.assertEqual(check.returncode, 0, check.stdout)
        self.assertEqual(query(cluster.database(),
                               "select count(*) from attempts where state in ('granted', 'running', 'lost')"), [(0,)])


if __name__ == "__main__":
    hosts.inside_own_network()
    unittest.main(verbosity=2)
