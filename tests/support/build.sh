#!/bin/sh
# build.sh SOURCE BUILD [CMAKE ARGUMENT...]: configures and builds quietly; the log on failure.
# Of the environment: MIRROR_WERROR=ON makes compiler warnings errors.
set -eu

source=$1
build=$2
shift 2

mkdir -p "$build"
log=$build/build.log
jobs=$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 1)
if ! { cmake -S "$source" -B "$build" -DMIRROR_WERROR="${MIRROR_WERROR:-OFF}" "$@" &&
  cmake --build "$build" -j "$jobs"; } >"$log" 2>&1; then
  tail -n 60 "$log" >&2
  echo "The build failed; the whole log is $log" >&2
  exit 1
fi
