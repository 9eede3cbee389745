#!/bin/sh
# The C example of docs/engine.md compiles without a warning and finds the seed's Table 2 rule.
set -eu
source=$1
build=$2
work=$3

cd "$work"
awk '/^```/ { inside = $0 == "```c"; next } inside' "$source/docs/engine.md" >engine.c
[ -s engine.c ]
# shellcheck disable=SC2086
"$CC" $CFLAGS -std=c11 -Wall -Wextra -Werror -I"$source/include" engine.c \
  -L"$build" -lmirror -Wl,-rpath,"$build" -o engine
rm -f examples
ln -s "$source/examples" examples
./engine | tee found.txt
grep -q '^key 0: mirrored by rule 1 of ' found.txt
