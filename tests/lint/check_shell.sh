#!/usr/bin/env bash
# Nothing that shellcheck would say about the shell scripts. usage: check_shell.sh SOURCE_DIR
set -euo pipefail
cd "$1"
mapfile -t files < <(find deploy tests sweeps -name '*.sh' | sort)
shellcheck .ci/run "${files[@]}"
echo "$((${#files[@]} + 1)) scripts are clean"
