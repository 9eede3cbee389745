#!/bin/sh
# The library as a subdirectory of another project.
set -eu
source=$1
work=$3

sh "$source/tests/support/build.sh" "$source/tests/build/subdirectory" "$work/build" \
  -DCMAKE_C_FLAGS="$CFLAGS"
"$work/build/uses_mirror"
"$work/build/uses_mirror_static"
