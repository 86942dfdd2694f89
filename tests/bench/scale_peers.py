#!/usr/bin/env python3
"""No-op trials a second of Optuna and Ray Tune on this machine, to stand beside coordinator_load's first row.

usage: scale_peers.py [--trials N] [--processes 4] [--scratch DIR]    in a virtual environment with scale_requirements.txt

Optuna: processes that share a study in a SQLite file, random sampler, an objective that returns 0; each trial is on disk
when its process goes on. Ray Tune: trials that report once, as many at a time as there are processes, actors used again;
its experiment state is saved every so often, as is its default. Starting processes is not counted for Optuna (they wait
for each other), nor is ray.init for Ray Tune.
"""
import argparse
import multiprocessing
import os
import tempfile
import time


def optuna_process(url, trials, ready, ended):
    import optuna
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.load_study(study_name="no-op", storage=url, sampler=optuna.samplers.RandomSampler())
    ready.wait()
    study.optimize(lambda trial: 0.0, n_trials=trials)
    ended.wait()


def measure_optuna(trials, processes, scratch):
    import optuna
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    url = f"sqlite:///{scratch}/optuna.db"
    study = optuna.create_study(study_name="no-op", storage=url)
    context = multiprocessing.get_context("spawn")
    ready, ended = context.Barrier(processes + 1), context.Barrier(processes + 1)
    children = [context.Process(target=optuna_process, args=(url, trials // processes, ready, ended))
                for _ in range(processes)]
    for child in children:
        child.start()
    ready.wait()
    start = time.monotonic()
    ended.wait()
    seconds = time.monotonic() - start
    for child in children:
        child.join()
    done = sum(trial.state == optuna.trial.TrialState.COMPLETE for trial in study.get_trials(deepcopy=False))
    return f"Optuna {optuna.__version__}, SQLite, {processes} processes", done, seconds


def no_op(config):
    from ray import tune
    tune.report({"loss": 0.0})


def measure_ray(trials, processes, scratch):
    os.environ.update(RAY_AIR_NEW_OUTPUT="0", RAY_USAGE_STATS_ENABLED="0", TUNE_DISABLE_AUTO_CALLBACK_LOGGERS="1")
    import logging
    import ray
    from ray import tune
    ray.init(num_cpus=processes, include_dashboard=False, logging_level=logging.ERROR)
    tuner = tune.Tuner(no_op, param_space={"seed": tune.grid_search(list(range(trials)))},
                       tune_config=tune.TuneConfig(metric="loss", mode="min", reuse_actors=True),
                       run_config=tune.RunConfig(storage_path=os.path.abspath(scratch), name="no-op", verbose=0))
    start = time.monotonic()
    results = tuner.fit()
    seconds = time.monotonic() - start
    done = len(results) - results.num_errors
    ray.shutdown()
    return f"Ray Tune {ray.__version__}, {processes} at a time", done, seconds


def main():
    parser = argparse.ArgumentParser(description="No-op trials a second of Optuna and Ray Tune")
    parser.add_argument("--trials", type=int, default=400)
    parser.add_argument("--processes", type=int, default=4)
    parser.add_argument("--scratch", default=".", help="a folder on a disk")
    arguments = parser.parse_args()
    for measure in (measure_optuna, measure_ray):
        with tempfile.TemporaryDirectory(prefix="peers-", dir=arguments.scratch) as folder:
            try:
                name, trials, seconds = measure(arguments.trials, arguments.processes, folder)
            except ImportError as error:
                print(f"{measure.__name__[8:]}: not measured: {error}")
                continue
        print(f"{name}: {trials / seconds:.1f} no-op trials a second ({trials} in {seconds:.1f} s)", flush=True)


if __name__ == "__main__":
    main()
