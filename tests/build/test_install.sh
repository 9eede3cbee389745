#!/bin/sh
# The installed tree is what tests/packaging/manifest.txt says, and serves find_package and
# pkg-config from any place. (pkg-config --static of the whole library is test_pkgconfig_static.sh.)
set -eu
source=$1
build=$2
work=$3

fail() {
  echo "$1"
  exit 1
}

rm -rf "$work/first" "$work/moved" "$work"/cmake* "$work/make"
cmake --install "$build" --prefix "$work/first" >"$work/log"
mv "$work/first" "$work/moved"
prefix=$work/moved
libdir=$(dirname "$(find "$prefix" -name libmirror.so)")

# Of files that depend on the machine or the kind of build, the manifest has LIBDIR and BUILD.
(cd "$prefix" && find . ! -type d) | sed -e "s|^\./||" -e '\|^lib/systemd/|b' -e "s|^${libdir#"$prefix"/}/|LIBDIR/|" \
  -e 's/-\(noconfig\|debug\|release\|relwithdebinfo\|minsizerel\)\.cmake$/-BUILD.cmake/' |
  LC_ALL=C sort >"$work/found"
if [ -x "$prefix/bin/mirror-pcap" ]; then # a build with all options
  without=^$                              # mirrord, where its libraries are missing
  [ -x "$build/examples/mirrord/mirrord" ] || without=mirrord
  grep -v "$without" "$source/tests/packaging/manifest.txt" | LC_ALL=C sort >"$work/expected"
  diff "$work/expected" "$work/found" || fail "< tests/packaging/manifest.txt, > installed"
fi
if grep -r -l -e "$work/first" -e "$build" "$libdir"/pkgconfig "$libdir"/cmake; then
  fail "an installed file holds the prefix or the build directory"
fi

run() {
  LD_LIBRARY_PATH=$libdir "$@"
}

# needs_libc_alone PROGRAM: neither it nor libmirror-core links with another library.
needs_libc_alone() {
  case $CFLAGS in *sanitize*) return ;; esac # brings its own
  if run ldd "$1" | grep -v -e libmirror-core -e libc.so -e ld-linux -e vdso; then
    fail "$1 is linked with these"
  fi
}

build_with_cmake() { # build_with_cmake SOURCE BUILD
  sh "$source/tests/support/build.sh" "$1" "$2" -DCMAKE_PREFIX_PATH="$prefix" \
    -DCMAKE_C_FLAGS="$CFLAGS"
}

build_with_cmake "$source/tests/build/consumer" "$work/cmake"
for program in mirror mirror_static core core_static; do
  run "$work/cmake/uses_$program"
done
needs_libc_alone "$work/cmake/uses_core"
needs_libc_alone "$work/cmake/uses_core_static"
build_with_cmake "$source/examples/embed-cmake" "$work/cmake-example"
run "$work/cmake-example/wrap" | grep 'a frame of 64 octets in VNI 7'
needs_libc_alone "$work/cmake-example/wrap"

# What is not there is said, or only not offered.
rm -r "$libdir"/cmake/mirror/mirror-core_static*.cmake
if build_with_cmake "$source/tests/build/consumer" "$work/cmake-missing" 2>"$work/log"; then
  fail "a missing component was found"
fi
tr -s '\n ' ' ' <"$work/log" | grep -q 'component core_static of mirror is not installed' ||
  fail "the missing component is not named: $(cat "$work/log")"

PKG_CONFIG_PATH=$libdir/pkgconfig
export PKG_CONFIG_PATH
cp -r "$source/examples/embed-pkgconfig" "$work/make"
make -C "$work/make" CC="$CC" CFLAGS="-Wall -Werror $CFLAGS" LDFLAGS="$CFLAGS"
run "$work/make/sessions" "$source/examples/samples/table2.json" | grep 'table-2: priority 1'
for mode in "" --static; do
  # shellcheck disable=SC2046,SC2086
  "$CC" $CFLAGS "$source/tests/build/consumer.c" \
    $(pkg-config $mode --cflags --libs libmirror-core) -o "$work/by_pkgconfig"
  run "$work/by_pkgconfig"
  needs_libc_alone "$work/by_pkgconfig"
done

# The commands of docs/c-guide.md, but for the build, which there is already.
if [ "$libdir" = "$prefix/lib" ]; then
  rm -rf "$work/guide"
  mkdir -p "$work/guide/home"
  cd "$work/guide"
  ln -s "$build" build
  ln -s "$source/examples" examples
  awk '/^```/ { inside = $0 == "```c"; first = inside; next }
       inside && first { first = 0; n += program = /^#include/ }
       inside && program && n == 2' "$source/docs/c-guide.md" >sniff.c
  {
    echo 'cc() { command "$CC" $CFLAGS "$@"; }'
    awk '/^```/ { inside = $0 == "```sh"; next } inside' "$source/docs/c-guide.md" | sed '/^cmake -S/d'
  } >commands.sh
  [ "$(wc -l <commands.sh)" = 4 ]
  echo './sniff pcap:examples/samples/table2.pcap' >>commands.sh
  HOME=$work/guide/home sh -e commands.sh >printed
  [ "$(grep -c 'octets, session' printed)" = 48 ]
fi

if [ -x "$prefix/bin/mirror-pcap" ]; then
  "$prefix/bin/mirror-pcap" --version # finds its library by itself
fi
