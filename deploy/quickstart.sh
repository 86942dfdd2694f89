#!/usr/bin/env bash
# From a fresh Debian 12 to a ROUGE table: installs what is missing, builds, runs the demo sweep, says what is next.
# Run again, it installs and builds nothing, and prints the table of the sweep that is there.
# usage: deploy/quickstart.sh [DATA_FOLDER]      default ./lorikeet-data
set -euo pipefail
here=$PWD
case "${1:-}" in -*) echo "usage: deploy/quickstart.sh [DATA_FOLDER]" >&2; exit 2 ;; esac
data=${1:-lorikeet-data}
case "$data" in /*) ;; *) data=$here/$data ;; esac
cd "$(dirname "$0")/.."

deploy/bootstrap.sh
deploy/build.sh release -DLORIKEET_TESTS=OFF >&2
status=0
build/release/bin/sweepctl run sweeps/examples/demo.yaml --data "$data" || status=$?
[ -e "$data/results.db" ] || exit "$status"

bin=$(realpath --relative-to="$here" build/release/bin)
shown=$(realpath --relative-to="$here" "$data")
examples=$(realpath --relative-to="$here" sweeps/examples)
cat <<TEXT

The results database is $shown/results.db (plain SQLite). Next:
  sqlite3 -box $shown/results.db 'select configuration, seeds, rouge1_mean, rouge1_sd from rouge_table'
  $bin/sweepctl table demo --db $shown/results.db --format markdown
  $bin/sweepctl submit --dry-run $examples/flan-t5-small.yaml
  $bin/sweepctl run your-own.yaml    # docs/sweep-file.md says what goes in
TEXT
exit "$status"
