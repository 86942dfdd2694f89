#!/usr/bin/env bash
# ROUGE and, where a folder of articles is named, token ids beside rouge_score and transformers.
#
# usage: tests/parity/run_rouge.sh BUILD PYTHON [PUBMED MODEL]
#   BUILD   a build folder, with tests    PYTHON  one with requirements.txt
#   PUBMED  a folder of *.jsonl.gz        MODEL   a folder with spiece.model
set -euo pipefail
[ $# -eq 2 ] || [ $# -eq 4 ] || { sed -n 's/^# usage/usage/p' "$0" >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
"$2" "$here/rouge_live.py" "$1/bin/sweep-trainer" ${3:+--pubmed "$3"}
if [ $# -eq 4 ]; then
  "$2" "$here/tokens_live.py" "$1/tests/text_bench" "$4" "$3"/*.jsonl.gz
fi
