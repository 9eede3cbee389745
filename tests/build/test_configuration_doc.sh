#!/bin/sh
# docs/configuration.md: its first example works, its second has the errors that it shows.
set -eu
source=$1
program=$2/examples/mirror-pcap
cd "$3"

# block N: what stands in the Nth fence of the page
block() {
  awk -v wanted="$1" '/^```/ { inside = !inside; fences += inside; next } inside && fences == wanted' \
    "$source/docs/configuration.md"
}

block 1 >good.json
"$program" --config good.json --source eni-03 --direction auto \
  "$source/examples/samples/table2.pcap" copies.pcap >summary
grep -q web-to-sensor summary

block 2 >mirror.json
block 3 >expected
[ -s expected ]
status=0
"$program" --config mirror.json --source eni-03 --direction auto in.pcap out.pcap 2>found || status=$?
[ "$status" = 3 ]
diff expected found
