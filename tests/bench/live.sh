#!/bin/sh
# live.sh [-p PATTERN] [-r ROUNDS] [-t SECONDS] [-m MIRRORD] [-o OUTPUTS] [-c NAME=COMMAND]
#         [-w FOLDER]: live mirrors side by side: mirrord with each of its outputs, and the kernel's
# own ways, on the test bed of $MIRROR_SHARED (or ../shared) in peers/live, whose README has the
# method. As root; about 25 minutes, and only on a quiet machine of two processors or more.
#   -p PATTERN       rows whose name matches this shell pattern (default: all), of
#                    ingress-sink ingress-drop both-collector udp-equal loss bulk-speed bulk-cpu
#                    latency submit mirror-pcap
#   -r ROUNDS        interleaved rounds that a median is taken of (default 5; bulk 3)
#   -t SECONDS       of each of them (default 3)
#   -m MIRRORD       the program (default: built here, as a release)
#   -o OUTPUTS       URIs, with {out_if} for the way to the collector (default: all that there are)
#   -c NAME=COMMAND  one more peer, run as the README of the test bed says, such as a pktminerg
#   -w FOLDER        builds and raw results (default build-live)
# Debian packages: clang libbpf-dev libelf-dev iproute2 nftables ethtool iperf3 tcpdump tcpreplay
set -eu

root=$(cd "$(dirname "$0")/../.." && pwd)
shared=${MIRROR_SHARED:-$root/../shared}
work=$root/build-live
mirrord=
set -- "$@" -- # what is not for this script is for live_rows.py

while [ "$1" != -- ]; do
  [ "$2" != -- ] || { sed -n '2,3s/^# *//p' "$0" >&2; exit 2; }
  case $1 in
    -w) work=$2 ;;
    -m) mirrord=$(realpath "$2") ;;
    -[prtoc]) set -- "$@" "$1" "$2" ;;
    *) sed -n '2,3s/^# *//p' "$0" >&2; exit 2 ;;
  esac
  shift 2
done
shift

[ "$(id -u)" = 0 ] || { echo "live.sh: needs root" >&2; exit 2; }
[ -d "$shared/peers/live" ] || { echo "live.sh: no test bed: $shared/peers/live" >&2; exit 2; }
mkdir -p "$work"
work=$(cd "$work" && pwd)

build() {
  sh "$root/tests/support/build.sh" "$root" "$work/mirror" -DCMAKE_BUILD_TYPE=Release \
    -DMIRROR_BUILD_BENCH=ON -DMIRROR_BUILD_TESTS=OFF
  rm -rf "$work/peers"
  cp -r "$shared/peers/live" "$work/peers"
  chmod -R u+w "$work/peers"
  make -s -C "$work/peers" >"$work/peers.log" 2>&1 ||
    { cat "$work/peers.log" >&2; echo "live.sh: the test bed was not built" >&2; exit 1; }
}

build
MIRROR_SHARED=$shared exec python3 -B "$root/tests/bench/live_rows.py" "$work" \
  "${mirrord:-$work/mirror/examples/mirrord/mirrord}" "$@"
