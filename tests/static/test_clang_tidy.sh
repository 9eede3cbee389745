#!/bin/sh
# clang-tidy finds nothing in libmirror/ of what .clang-tidy asks for.
set -eu
source=$1
work=$3

for program in clang clang-tidy; do
  if ! command -v $program >/dev/null; then
    echo "skipped: $program is not installed"
    exit 77
  fi
done
cmake -S "$source" -B "$work/build" -DCMAKE_C_COMPILER=clang -DCMAKE_EXPORT_COMPILE_COMMANDS=ON \
  -DMIRROR_BUILD_TESTS=OFF -DMIRROR_BUILD_EXAMPLES=OFF >"$work/cmake.log"

# The files of this build: not those for other processors. Half of them on each of two cores.
sed -n 's/.*"file": "\(.*\)".*/\1/p' "$work/build/compile_commands.json" | sort -u >"$work/files"
[ -s "$work/files" ]
xargs -P 2 -n 6 clang-tidy --quiet -p "$work/build" <"$work/files" 2>"$work/log" || {
  grep -v 'warnings generated' "$work/log" || true
  exit 1
}
