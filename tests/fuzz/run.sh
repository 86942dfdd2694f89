#!/usr/bin/env bash
# Runs one fuzz target for a while, beginning with the committed corpus and with what earlier runs in that build folder
# came to. Says in one line what it did; where it found something, how to see that again.
#
# usage: run.sh BUILD_DIR TARGET SECONDS        LORIKEET_FUZZ_SEED=N: libFuzzer's seed, else one is drawn
set -euo pipefail
[ $# -eq 3 ] || { echo "usage: run.sh BUILD_DIR TARGET SECONDS" >&2; exit 2; }
build=$1 target=$2 seconds=$3
here=$(cd "$(dirname "$0")" && pwd)
program=$build/tests/fuzz_$target
[ -x "$program" ] || { echo "run.sh: there is no $program: deploy/build.sh fuzz makes it" >&2; exit 2; }
folder=$build/findings/$target corpus=$build/corpus/$target
mkdir -p "$folder" "$corpus"
seed=${LORIKEET_FUZZ_SEED:-$(od -An -N4 -tu4 /dev/urandom | tr -d ' ')}

options=(-max_total_time="$seconds" -seed="$seed" -timeout=20 -rss_limit_mb=2560 -print_final_stats=1
  -artifact_prefix="$folder/")
[ ! -e "$here/$target.dict" ] || options+=(-dict="$here/$target.dict")
# Memory is asked for all the time: short stacks and a small quarantine make that quicker. An input that is run again
# gets the long ones.
export UBSAN_OPTIONS=print_stacktrace=1 ASAN_OPTIONS=malloc_context_size=4:quarantine_size_mb=32${ASAN_OPTIONS:+:$ASAN_OPTIONS}
log=$folder/log
outcome=0
"$program" "${options[@]}" "$corpus" "$here/corpus/$target" > "$log" 2>&1 || outcome=$?

runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
reached=$(grep -oE 'cov: [0-9]+ ft: [0-9]+ corp: [^ ]+' "$log" | tail -1 || true)
did=$(printf '%s: %s s, seed %s, %s executions, %s' "$target" "$seconds" "$seed" "${runs:-unknown}" "${reached:-no coverage}")
if [ "$outcome" = 0 ]; then
  echo "$did: nothing found" | tee "$folder/summary"
  exit 0
fi
echo "$did: FOUND SOMETHING" | tee "$folder/summary"
tail -n 80 "$log"
input=$(sed -n 's/.*Test unit written to //p' "$log" | tail -1)
cat <<END
run.sh: fuzz_$target ended with $outcome; the whole log is $log
  again:    $program ${input:-$folder/…}
  smaller:  $program -minimize_crash=1 -max_total_time=60 ${input:-$folder/…}
  for good: mend it, then keep the input: cp ${input:-$folder/…} tests/fuzz/corpus/$target/WHAT_IT_IS
END
exit 1
