#!/bin/sh
# The installed library serves find_package and pkg-config from any prefix. (pkg-config --static
# is test_pkgconfig_static.sh.)
set -eu
source=$1
build=$2
work=$3

rm -rf "$work/first" "$work/moved" "$work/cmake"
cmake --install "$build" --prefix "$work/first" >"$work/log"
mv "$work/first" "$work/moved"
prefix=$work/moved
libdir=$(dirname "$(find "$prefix" -name libmirror.so)")

run() {
  LD_LIBRARY_PATH=$libdir "$@"
}

sh "$source/tests/support/build.sh" "$source/tests/build/consumer" "$work/cmake" \
  -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_C_FLAGS="$CFLAGS"
run "$work/cmake/uses_mirror"
"$work/cmake/uses_mirror_static"

PKG_CONFIG_PATH=$libdir/pkgconfig
export PKG_CONFIG_PATH
# shellcheck disable=SC2046,SC2086
"$CC" $CFLAGS "$source/tests/build/consumer.c" $(pkg-config --cflags --libs libmirror) \
  -o "$work/by_pkgconfig"
run "$work/by_pkgconfig"

if [ -x "$prefix/bin/mirror-pcap" ]; then
  "$prefix/bin/mirror-pcap" --version
  [ -n "$(find "$prefix" -name mirror-pcap.1)" ]
fi
if grep -r -l -e "$work/first" -e "$build" "$libdir"/pkgconfig "$libdir"/cmake; then
  echo "an installed file holds the prefix or the build directory"
  exit 1
fi
