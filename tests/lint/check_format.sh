#!/usr/bin/env bash
# Every C++ file of ours is as clang-format leaves it. usage: check_format.sh SOURCE_DIR
set -euo pipefail
cd "$1"
mapfile -t files < <(find common sweeps coordinator worker tests \( -name '*.cc' -o -name '*.h' \) | sort)
[ ${#files[@]} -gt 0 ]
clang-format --dry-run --Werror "${files[@]}"
echo "${#files[@]} files are formatted"
