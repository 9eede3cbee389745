#!/bin/sh
# record_shapes.sh [BUILD]: records what lists are compiled into now as what test_engine_shapes
# wants from now on, in tests/unit/engine_shapes.txt. On a machine with AVX-512; BUILD is a folder
# of a build with tests (default: build-tests).
set -eu
cd "$(dirname "$0")/../.."
build=${1:-build-tests}
to=tests/unit/engine_shapes.txt

cmake -S . -B "$build" >/dev/null
cmake --build "$build" --target test_engine_shapes >/dev/null
for isa in scalar avx2 avx512; do
  MIRROR_TEST_ISA=$isa "$build/tests/test_engine_shapes" --print >"$build/shapes-$isa"
done
cat "$build"/shapes-scalar "$build"/shapes-avx2 "$build"/shapes-avx512 |
  grep -E '^(any|scalar|avx2|avx512) ' | LC_ALL=C sort -u >"$build/shapes"
mv "$build/shapes" $to
git diff --stat $to
