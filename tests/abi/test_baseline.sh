#!/bin/sh
# The binary interface beside the recorded one (record.sh): functions, structs and constants may be
# added, and members at the end of structs that begin with their size; nothing may change or go.
set -eu
source=$1
build=$2
work=$3
cd "$work"

"$build/tests/abi/print_constants" | sort >constants
sort "$source/tests/abi/constants.txt" >recorded
if ! comm -23 recorded constants | tee gone | cmp -s - /dev/null; then
  echo "constants that were recorded otherwise or are gone:"
  cat gone
  exit 1
fi

case $CFLAGS in
  *sanitize*)
    echo "the interface of functions is not that of a release under sanitizers"
    exit 77
    ;;
esac
if ! command -v abidiff >/dev/null 2>&1; then
  echo "no abidiff (Debian: abigail-tools)"
  exit 77
fi
if [ "$(uname -m)" != x86_64 ]; then
  echo "the recorded interface is that of x86_64"
  exit 77
fi
if ! readelf -S "$build/libmirror.so" | grep -q '\.debug_info'; then
  echo "libmirror.so was built without debug information"
  exit 77
fi
sh "$source/tests/abi/dump.sh" "$build/libmirror.so" "$source/include" found.abi

changed() {
  cat
  echo "The interface is not the recorded one. Before a release that may change it:"
  echo "  sh tests/abi/record.sh"
  exit 1
}

# Allows structs to grow at their end, and lets changes inside them pass unseen.
abidiff --no-added-syms --suppressions "$source/tests/abi/allowed.abignore" \
  "$source/tests/abi/libmirror.abi" found.abi >difference || changed <difference

# STRUCT OFFSET MEMBER TYPE, one line each.
members() {
  tr "'" '"' <"$1" | awk -F '"' '/<class-decl name="mirror_/ { struct = $2 }
    /<data-member / { offset = $4 } /<\/class-decl>/ { struct = "" }
    /<var-decl / && struct != "" { print struct, offset, $2, $4 }' | sort -u
}
members "$source/tests/abi/libmirror.abi" >recorded_members
[ -s recorded_members ]
members found.abi >found_members
comm -23 recorded_members found_members >difference
[ ! -s difference ] || changed <difference
echo "$(wc -l <recorded_members) members of structs, $(wc -l <recorded) constants"
