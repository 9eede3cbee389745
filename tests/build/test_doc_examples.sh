#!/bin/sh
# The C programs of README.md and docs/ compile without a warning, run, and say what they should.
set -eu
source=$1
build=$2
work=$3
cd "$work"

# program PAGE: compiles the C blocks of a page, one program each, into ./NAME-N
compile() {
  name=$(basename "$1" .md)
  awk -v name="$name" '/^```/ { inside = $0 == "```c"; n += inside; next }
                       inside { print >(name "-" n ".c") }' "$source/$1"
  for program in "$name"-*.c; do
    # shellcheck disable=SC2086
    "$CC" $CFLAGS -std=c11 -Wall -Wextra -Werror -I"$source/include" "$program" \
      -L"$build" -lmirror -Wl,-rpath,"$build" -o "${program%.c}"
  done
}

rm -rf ./*.c examples copies.pcap
ln -s "$source/examples" examples
for page in README.md $(cd "$source" && grep -l '^```c$' docs/*.md); do
  compile "$page"
done

./README-1
[ "$(wc -c <copies.pcap)" -gt 24 ]                        # more than the file's header
./engine-1 | grep '^key 0: mirrored by rule 1 of '        # the seed's Table 2
./backends-1 | grep '^48 copies, 5019 octets$'            # with VXLAN headers, cut as the session says
[ "$(find . -name '*.c' | wc -l)" = 3 ]                   # no program that is not run here
