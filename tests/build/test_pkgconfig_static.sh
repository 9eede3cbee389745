#!/bin/sh
# pkg-config --static names everything that libmirror.a needs.
set -eu
source=$1
build=$2
prefix=$3/prefix

link() { # link OUTPUT SOURCE PACKAGE
  # shellcheck disable=SC2046,SC2086
  "$CC" $CFLAGS "$2" $(pkg-config --static --cflags --libs "$3") -o "$prefix/$1"
}

rm -rf "$prefix"
cmake --install "$build" --prefix "$prefix" >/dev/null
echo 'int main(void) { return 0; }' >"$prefix/empty.c"
if ! link empty "$prefix/empty.c" libpcap >"$prefix/log" 2>&1; then
  echo "libpcap's own pkg-config --static does not link here (on Debian: install libsystemd-dev)"
  exit 77
fi

# Without libmirror.so, -lmirror means libmirror.a.
find "$prefix" -name 'libmirror.so*' -exec rm {} +
PKG_CONFIG_PATH=$(dirname "$(find "$prefix" -name libmirror.pc)")
export PKG_CONFIG_PATH
link consumer "$source/tests/build/consumer.c" libmirror
"$prefix/consumer"
