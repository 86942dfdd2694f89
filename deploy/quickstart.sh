#!/usr/bin/env bash
# From a fresh Debian 12 to a ROUGE table: installs what is missing, builds, runs the demo sweep, says what is next.
# usage: deploy/quickstart.sh [DATA_FOLDER]      default ./lorikeet-data
set -euo pipefail
here=$PWD
cd "$(dirname "$0")/.."
data=${1:-lorikeet-data}
case "$data" in /*) ;; *) data=$here/$data ;; esac

deploy/bootstrap.sh
deploy/build.sh release -DLORIKEET_TESTS=OFF >&2
build/release/bin/sweepctl run sweeps/examples/demo.yaml --data "$data"

bin=$(realpath --relative-to="$here" build/release/bin)
shown=$(realpath --relative-to="$here" "$data")
cat <<TEXT

The results database is $shown/results.db (plain SQLite). Next:
  sqlite3 -box $shown/results.db 'select * from rouge_table'
  $bin/sweepctl table demo --db $shown/results.db --format markdown
  cp sweeps/examples/pubmed-tiny.yaml mine.yaml    # your model, your data: docs/sweep-file.md
  $bin/sweepctl run mine.yaml
TEXT
