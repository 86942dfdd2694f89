#!/usr/bin/env bash
# Compares the trainer live with transformers and peft on random models, batches, trainings, adapters and generation
# settings from a seed that is printed. Ends with a table of worst deviations; exit 1 where one is too large.
#
# usage: tests/parity/run.sh PEERS [--seed N] [live/run.py's other options]     PEERS: a virtual environment with
# tests/parity/requirements.txt
set -euo pipefail
cd "$(dirname "$0")/../.."
[ $# -ge 1 ] || { sed -n 's/^# usage/usage/p' "$0" >&2; exit 2; }
peers=$1; shift
deploy/build.sh release -DLORIKEET_TESTS=ON >&2
PYTHONDONTWRITEBYTECODE=1 exec "$peers/bin/python" tests/parity/live/run.py build/release "$@"
