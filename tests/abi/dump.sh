#!/bin/sh
# dump.sh LIBRARY INCLUDE OUTPUT: functions and public structs of a shared library, as abidw sees
# them, without what depends on the machine it was built on.
set -eu
abidw --headers-dir "$2" --drop-private-types --exported-interfaces-only --no-corpus-path \
  --no-comp-dir-path --no-show-locs --no-elf-needed --type-id-style hash --out-file "$3" "$1"
sed -i "s|path='[^']*/libmirror/\([a-z]*/[a-z_0-9]*\.[ch]\)'|path='libmirror/\1'|" "$3"
