#!/usr/bin/env bash
# The trainer beside transformers, peft, CTranslate2, sentencepiece and rouge_score on the same work; prints tables with
# ratios. Nothing else should run on the machine meanwhile.
#
# usage: tests/bench/run.sh PEERS [run.py's options]     PEERS: a virtual environment with tests/bench/requirements.txt
#        tests/bench/run.sh scale [scale.sh's options]   how much a coordinator bears
set -euo pipefail
cd "$(dirname "$0")/../.."
[ $# -ge 1 ] || { sed -n 's/^# usage/usage/p' "$0" >&2; exit 2; }
peers=$1; shift
deploy/build.sh release -DLORIKEET_TESTS=ON >&2
[ "$peers" != scale ] || exec tests/bench/scale.sh build/release/bin/sweep-coordinator "$@"
exec python3 tests/bench/run.py build/release "$peers/bin/python" "$@"
