#!/bin/sh
# record.sh [BUILD]: records the present interface as the one that later changes are compared with.
#   libmirror/libmirror.map    gains functions that are new in the headers, in its newest node
#   tests/abi/constants.txt    constants with their values
#   tests/abi/libmirror.abi    functions and structs, as abidw sees them (x86_64, Debian 12)
# BUILD is a folder of a build with all backends and debug information (default: build-tests).
set -eu
cd "$(dirname "$0")/../.."
build=${1:-build-tests}
map=libmirror/libmirror.map

cat include/libmirror/*.h include/libmirror/ext/*.h | tr '\n' ' ' | sed 's/MIRROR_API/\n&/g' |
  sed -n 's/^MIRROR_API [^(]*\(mirror_[a-z0-9_]*\)(.*/\1/p' | sort >"$build/declared"
new=$(grep -v -x -F -e "$(sed -n 's/^ *\(mirror_[a-z0-9_]*\);.*/\1/p' $map)" "$build/declared" || true)
for name in $new; do
  echo "new: $name"
  sed -i "0,/^  global:/s//  global:\n    $name;/" $map
done
sh tests/support/build.sh . "$build"

"$build/tests/abi/print_constants" | grep -v -e '^MIRROR_VERSION_' -e '^MIRROR_COUNTERS ' \
  >tests/abi/constants.txt
sh tests/abi/dump.sh "$build/libmirror.so" include tests/abi/libmirror.abi
git status --short libmirror/libmirror.map tests/abi
