#!/bin/sh
# The library as a part of another project: by add_subdirectory, and by FetchContent. What the
# project does not link is not built.
set -eu
source=$1
work=$3

rm -rf "$work/build" "$work/fetched"
sh "$source/tests/support/build.sh" "$source/tests/build/subdirectory" "$work/build" \
  -DCMAKE_C_FLAGS="$CFLAGS" -DKINDS="mirror;mirror_static"
"$work/build/uses_mirror"
"$work/build/uses_mirror_static"

sh "$source/tests/support/build.sh" "$source/tests/build/subdirectory" "$work/fetched" \
  -DCMAKE_C_FLAGS="$CFLAGS" -DKINDS=core -DFETCH=ON -DMIRROR_WITH_PCAP=OFF -DMIRROR_WITH_JSON=OFF
"$work/fetched/uses_core"
if [ -n "$(find "$work/fetched" -name 'libmirror.so*' -o -name 'libmirror.a')" ]; then
  echo "a library was built that nothing links with"
  exit 1
fi
