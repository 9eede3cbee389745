#!/bin/sh
# clang compiles the library and the examples without a warning, and its analyzer finds nothing.
set -eu
source=$1
work=$3

for program in clang scan-build; do
  if ! command -v $program >/dev/null; then
    echo "skipped: $program is not installed"
    exit 77
  fi
done

analyze() {
  scan-build --status-bugs --use-cc=clang -o "$work/findings" "$@"
}

rm -rf "$work/build" "$work/findings"
analyze cmake -S "$source" -B "$work/build" -DCMAKE_BUILD_TYPE=Debug -DMIRROR_WERROR=ON \
  -DMIRROR_BUILD_TESTS=OFF >/dev/null
analyze make -C "$work/build" -j 2
