#!/bin/sh
# The main job on a sample: packets of a network interface, filtered, leave as VXLAN copies.
# Builds the library and mirror-pcap in build/, and runs it on examples/samples/.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"
out=build/demo

step() {
  printf '\n== %s\n' "$*"
}

table() { # aligns tab-separated columns; "-" where a column is empty
  awk -F '\t' '
    { for (i = 1; i <= NF; i++) { cell[NR, i] = $i == "" ? "-" : $i
        if (length(cell[NR, i]) > width[i]) width[i] = length(cell[NR, i]) } }
    END { for (row = 1; row <= NR; row++) { line = ""
        for (i = 1; i <= NF; i++) line = line sprintf("%-" (width[i] + 2) "s", cell[row, i])
        sub(/ *$/, "", line); print line } }' "$1"
}

step "Looking for a C compiler, CMake, libpcap and jansson"
sh tests/support/install_packages.sh build

step "Building (the log is build/build.log)"
sh tests/support/build.sh . build -DCMAKE_BUILD_TYPE=Release -DMIRROR_BUILD_TESTS=OFF

step "Mirroring examples/samples/table2.pcap by examples/samples/table2.json"
mkdir -p "$out"
build/examples/mirror-pcap --config examples/samples/table2.json --source eni-03 \
  --direction auto --verdicts "$out/verdicts.tsv" examples/samples/table2.pcap \
  "$out/copies.pcap" >"$out/summary.txt"

step "What became of each packet ($out/verdicts.tsv)"
table "$out/verdicts.tsv"

step "Summary"
cat "$out/summary.txt"

if command -v tshark >/dev/null 2>&1; then
  step "The first copies, as tshark sees them"
  tshark -r "$out/copies.pcap" -c 5 2>/dev/null || true
elif command -v tcpdump >/dev/null 2>&1; then
  step "The first copies, as tcpdump sees them"
  tcpdump -nr "$out/copies.pcap" -c 5 2>/dev/null || true
fi

step "Done"
echo "The copies:      $root/$out/copies.pcap   (open it with Wireshark, or: tcpdump -nr FILE)"
echo "The verdicts:    $root/$out/verdicts.tsv"
echo "Why packet 1 got its verdict:"
echo "  build/examples/mirror-pcap --config examples/samples/table2.json --source eni-03 \\"
echo "    --direction auto --explain 1 examples/samples/table2.pcap /dev/null"
