#!/bin/sh
# test_helgrind.sh SOURCE BUILD WORK: commits under load, under helgrind, in a build that tells it of
# the orders that come of atomic accesses (libmirror/core/race.h). Nothing may be reported.
set -eu

if ! command -v valgrind >/dev/null 2>&1; then
  echo "There is no valgrind: skipped"
  exit 77
fi
if ! { cmake -S "$1" -B build -DCMAKE_C_FLAGS=-DMIRROR_HELGRIND -DMIRROR_BUILD_EXAMPLES=OFF \
  -DMIRROR_INSTALL=OFF && cmake --build build --target test_commits; } >build.log 2>&1; then
  tail -n 30 build.log >&2
  exit 1
fi
valgrind --tool=helgrind --error-exitcode=1 --fair-sched=yes build/tests/conformance/test_commits \
  >helgrind.log 2>&1 || { head -n 60 helgrind.log >&2 && exit 1; }
grep -E 'commits in|ERROR SUMMARY' helgrind.log
