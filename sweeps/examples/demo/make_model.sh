#!/usr/bin/env bash
# Makes the demo's base model anew with `sweep-trainer pretrain`: 15,000 invented reports to fill gaps in and go on with,
# and 15,000 forms to fill in. Takes about a quarter of an hour on one core; the same build on the same kind of processor
# gives the same bytes. docs/demo-model.md says what is in it and why.
#
# usage: make_model.sh [DIR]      default: model, beside this file; replaced where it exists
#        LORIKEET_BIN names the folder with sweep-trainer (default: the repository's build/release/bin)
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
bin=${LORIKEET_BIN:-$here/../../../build/release/bin}
out=${1:-$here/model}
texts=$(mktemp -d)
trap 'rm -rf "$texts"' EXIT

python3 "$here/make_data.py" --corpus "$texts/reports.jsonl" --forms "$texts/forms.jsonl" --documents 15000 --seed 20
"$bin/sweep-trainer" pretrain --out "$out" --threads 1 --seed 1 \
  --text "$texts/reports.jsonl" --prefix-lm 0.3 --pairs "$texts/forms.jsonl" --pair-share 0.5 --length 192 \
  --vocabulary 640 --d-model 64 --d-ff 192 --d-kv 16 --heads 4 --layers 2 --dropout 0 \
  --steps 4000 --batch 16 --learning-rate 3e-3 --warmup 200
