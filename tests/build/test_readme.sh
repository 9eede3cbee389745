#!/bin/sh
# The C example of README.md compiles without a warning and does what it says.
set -eu
source=$1
build=$2
work=$3

cd "$work"
awk '/^```/ { inside = $0 == "```c"; next } inside' "$source/README.md" >example.c
[ -s example.c ]
# shellcheck disable=SC2086
"$CC" $CFLAGS -std=c11 -Wall -Wextra -Werror -I"$source/include" example.c \
  -L"$build" -lmirror -Wl,-rpath,"$build" -o example
rm -rf examples copies.pcap
ln -s "$source/examples" examples
./example
[ "$(wc -c <copies.pcap)" -gt 24 ] # more than the file's header
