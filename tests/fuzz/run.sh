#!/bin/sh
# run.sh [--seconds N] [--engine libfuzzer|afl] [--keep] [NAME...]: fuzzes, and says of each harness
# how many inputs were executed, how many edges are covered and what was found.
#   --seconds N   for each harness; default 60
#   --engine      libfuzzer (default): clang; afl: AFL++, whose persistent mode is used
#   --keep        what is new joins the stored corpus, which is minimised
#   NAME          classify, match, encap, decap, pcap, pcapng, configuration, uri, api; default: all
# As many run at a time as there are processors. New inputs and findings are in build-fuzz*/work; the
# exit status is 1 if there is a finding. `build-fuzz/tests/fuzz/fuzz_NAME FILE` repeats one.
set -eu

root=$(cd "$(dirname "$0")/../.." && pwd)
seconds=60
engine=libfuzzer
keep=
names=
while [ $# -gt 0 ]; do
  case $1 in
    --seconds) seconds=$2 && shift ;;
    --engine) engine=$2 && shift ;;
    --keep) keep=1 ;;
    -*) sed -n '2,10s/^# \{0,1\}//p' "$0" >&2 && exit 2 ;;
    *) names="$names $1" ;;
  esac
  shift
done
[ -n "$names" ] || names=$(cd "$root/tests/fuzz" && ls fuzz_*.c | sed 's/fuzz_\(.*\)\.c/\1/')

case $engine in
  libfuzzer) build=$root/build-fuzz CC=clang ;;
  afl) build=$root/build-fuzz-afl CC=afl-clang-fast ;;
  *) echo "run.sh: engine is \"$engine\", expected libfuzzer or afl" >&2 && exit 2 ;;
esac
if ! command -v "$CC" >/dev/null 2>&1; then
  echo "run.sh: there is no $CC (Debian: clang, afl++)" >&2
  exit 77
fi
export CC
sh "$root/tests/support/build.sh" "$root" "$build" -DMIRROR_BUILD_FUZZ=ON -DMIRROR_BUILD_TESTS=OFF \
  -DMIRROR_BUILD_EXAMPLES=OFF

fuzz_libfuzzer() { # fuzz_libfuzzer NAME
  "$build/tests/fuzz/fuzz_$1" -max_total_time="$seconds" -max_len=4096 -timeout=20 \
    -rss_limit_mb=3000 -print_final_stats=1 -artifact_prefix="$work/$1/found/" \
    "$work/$1/corpus" "$root/tests/fuzz/corpus/fuzz_$1" >"$work/$1/log" 2>&1
}

fuzz_afl() {
  AFL_SKIP_CPUFREQ=1 AFL_NO_UI=1 AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES=1 AFL_NO_AFFINITY=1 \
    afl-fuzz -V "$seconds" -m none -t 10000 -i "$root/tests/fuzz/corpus/fuzz_$1" \
    -o "$work/$1/afl" -- "$build/tests/fuzz/fuzz_$1" >"$work/$1/log" 2>&1
}

count() { # count FOLDER [PATTERN]: files in it
  find "$1" -type f ! -name README.txt 2>/dev/null | wc -l
}

report_libfuzzer() {
  executions=$(sed -n 's/^stat::number_of_executed_units: *//p' "$work/$1/log")
  edges=$(sed -n 's/^#[0-9]*[[:space:]].* cov: \([0-9]*\) .*/\1/p' "$work/$1/log" | tail -n 1)
  findings=$(count "$work/$1/found")
}

report_afl() {
  executions=$(sed -n 's/^execs_done *: *//p' "$work/$1/afl/default/fuzzer_stats")
  edges=$(sed -n 's/^edges_found *: *//p' "$work/$1/afl/default/fuzzer_stats")
  findings=$(($(count "$work/$1/afl/default/crashes") + $(count "$work/$1/afl/default/hangs")))
}

run_one() { # run_one NAME: one line of the table; status 1 if something was found
  mkdir -p "$work/$1/corpus" "$work/$1/found"
  status=0
  "fuzz_$engine" "$1" || status=$?
  executions='' edges='' findings=0
  "report_$engine" "$1" || true
  printf '%-14s %12s %8s %8s\n' "$1" "${executions:-?}" "${edges:-?}" "$findings"
  [ "$findings" = 0 ] && [ -n "$executions" ] && return 0
  tail -n 40 "$work/$1/log" >&2
  return 1
}

keep_corpus() { # keep_corpus NAME: the fewest inputs that cover what all of them cover
  mkdir -p "$work/$1/kept"
  "$build/tests/fuzz/fuzz_$1" -set_cover_merge=1 -max_len=4096 "$work/$1/kept" \
    "$root/tests/fuzz/corpus/fuzz_$1" "$work/$1/corpus" >>"$work/$1/log" 2>&1
  find "$root/tests/fuzz/corpus/fuzz_$1" -type f ! -name 'found-*' -delete
  cp "$work/$1/kept"/* "$root/tests/fuzz/corpus/fuzz_$1/"
}

work=$build/work
rm -rf "$work"
mkdir -p "$work"
printf '%-14s %12s %8s %8s\n' harness executions edges findings
jobs=$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 1)
running=0
for name in $names; do
  { run_one "$name" || touch "$work/failed"; } &
  running=$((running + 1))
  [ $((running % jobs)) -ne 0 ] || wait
done
wait
if [ -n "$keep" ] && [ "$engine" = libfuzzer ]; then
  for name in $names; do
    keep_corpus "$name"
  done
fi
[ ! -e "$work/failed" ]
