#!/bin/sh
# test_thread_sanitizer.sh SOURCE BUILD WORK: what runs on several threads, under ThreadSanitizer.
set -eu

tests="test_commits test_change test_accounting"
# shellcheck disable=SC2086
if ! { CFLAGS='' cmake -S "$1" -B build -DMIRROR_SANITIZE=thread -DMIRROR_BUILD_EXAMPLES=OFF \
  -DMIRROR_INSTALL=OFF && cmake --build build --target $tests; } >build.log 2>&1; then
  tail -n 30 build.log >&2
  exit 1
fi
for test in $tests; do
  TSAN_OPTIONS=halt_on_error=1 "build/tests/conformance/$test"
done
