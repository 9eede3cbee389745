#!/bin/sh
# Names: the shared library exports mirror_ functions alone, in its version node and under its
# SONAME; the static one defines mirror_ and mri_ alone.
set -eu
build=$2

fail() {
  echo "$1"
  exit 1
}

exported=$(nm -D --defined-only "$build/libmirror.so" | awk '$2 != "A" { print $3 }')
[ -n "$exported" ] || fail "nothing is exported"
wrong=$(echo "$exported" | grep -v '^mirror_[a-z0-9_]*@@LIBMIRROR_0$' || true)
case $CFLAGS in
  *sanitize*) ;; # adds names of its own
  *) [ -z "$wrong" ] || fail "exported: $wrong" ;;
esac
readelf -d "$build/libmirror.so" | grep -q 'SONAME.*\[libmirror\.so\.0\]' || fail "wrong SONAME"

defined=$(nm --defined-only --extern-only "$build/libmirror.a" 2>/dev/null |
  awk 'NF == 3 { print $3 }' | grep -v -e '^__asan_' -e '^__odr_asan' -e '^__ubsan_' || true)
wrong=$(echo "$defined" | grep -v -e '^mirror_' -e '^mri_' || true)
[ -z "$wrong" ] || fail "libmirror.a defines: $wrong"

# Every function of the headers is there.
headers=$(cat "$1"/include/libmirror/*.h "$1"/include/libmirror/ext/*.h | tr '\n' ' ' |
  sed 's/MIRROR_API/\n&/g' | sed -n 's/^MIRROR_API [^(]*\(mirror_[a-z0-9_]*\)(.*/\1/p')
for name in $headers; do
  echo "$exported" | grep -q "^$name@@" || fail "declared, but not exported: $name"
done
echo "$(echo "$headers" | wc -w) functions declared, $(echo "$exported" | wc -l) exported"
