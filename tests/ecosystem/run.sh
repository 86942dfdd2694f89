#!/usr/bin/env bash
# Opens what Lorikeet exports with the tools that it is for: TensorBoard, a real MLflow server, Hugging Face's hub library,
# pandas; and the database itself with pandas and Datasette while a sweep writes it.
#
# usage: tests/ecosystem/run.sh [TOOLS]     TOOLS: a virtual environment with tests/ecosystem/requirements.txt; made where it
# is not there (some 1.5 GB). Without: ${XDG_CACHE_HOME:-~/.cache}/lorikeet/ecosystem. Needs build/release/bin.
set -euo pipefail
cd "$(dirname "$0")/../.."
[ $# -le 1 ] || { sed -n 's/^# usage/usage/p' "$0" >&2; exit 2; }
tools=${1:-${XDG_CACHE_HOME:-$HOME/.cache}/lorikeet/ecosystem}
for program in sweepctl sweep-coordinator sweep-worker sweep-trainer; do
  [ -x "build/release/bin/$program" ] || { echo "build/release/bin/$program is missing: deploy/build.sh release makes it" >&2; exit 2; }
done
if ! [ -x "$tools/bin/python" ]; then
  echo "installing the tools into $tools" >&2
  python3 -m venv "$tools"
  "$tools/bin/python" -m pip install --disable-pip-version-check -q -r tests/ecosystem/requirements.txt || {
    rm -rf "$tools"  # all of it or nothing
    exit 1
  }
fi
PYTHONDONTWRITEBYTECODE=1 LORIKEET_SOURCE_DIR=$PWD LORIKEET_BIN_DIR=$PWD/build/release/bin exec "$tools/bin/python" tests/ecosystem/live.py
