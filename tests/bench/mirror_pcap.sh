#!/bin/sh
# mirror_pcap.sh [MEGABYTES [ROUNDS]]: speed of mirror-pcap on a capture of that size (1500, 5
# rounds) beside `cp` of the same file, `tcpdump -r IN -w OUT` with an equal filter, and
# `tcprewrite`, if it is there, with one new address for all.
# The capture is a classic one repeated: $CAPTURE if set, else the realistic mix of
# $MIRROR_SHARED, else the sample. It and what is written are in a temporary folder, in /dev/shm
# where there is room, so that no disk is measured. Rounds are interleaved; medians are shown.
# A virtual machine may give free memory back to its host, and getting it again can take longer
# than all the rest: so before each run as much of it is used and freed as the run will write.
# $MIRROR_PCAP: the program, else build/examples/mirror-pcap, built as a release.
set -eu

root=$(cd "$(dirname "$0")/../.." && pwd)
megabytes=${1:-1500}
rounds=${2:-5}
mix=${MIRROR_SHARED:-$root/../shared}/data/captures/derived/mix-many-flows.pcap
[ -r "$mix" ] || mix=$root/examples/samples/table2.pcap
capture=${CAPTURE:-}
program=${MIRROR_PCAP:-$root/build/examples/mirror-pcap}

fail() {
  echo "mirror_pcap.sh: $*" >&2
  exit 1
}

make_program() {
  [ -z "${MIRROR_PCAP-}" ] || return 0
  sh "$root/tests/support/build.sh" "$root" "$root/build" -DCMAKE_BUILD_TYPE=Release \
    -DMIRROR_BUILD_TESTS=OFF
}

# The capture, and the largest of what is written: small packets grow by half.
make_folder() {
  needed=$((megabytes * 3)) # in MB
  parent=${TMPDIR:-/tmp}
  room=$(df -Pm /dev/shm 2>/dev/null | awk 'NR == 2 { print $4 }')
  [ "${room:-0}" -lt "$needed" ] || parent=/dev/shm
  folder=$(mktemp -d "$parent/mirror-bench.XXXXXX")
  trap 'rm -rf "$folder"' EXIT
  trap 'exit 1' HUP INT TERM
}

size_of() {
  wc -c <"$1"
}

# tcprewrite ends at a packet whose IP version is not that of its ethertype.
choose_capture() {
  [ -z "$capture" ] || return 0
  capture=seed.pcap
  read_packets "$mix" 'not (ip and ip[0] & 0xf0 != 0x40) and not (ip6 and ip6[0] & 0xf0 != 0x60)' \
    "$capture" 2>/dev/null
}

check_tcprewrite() {
  [ -n "$has_tcprewrite" ] || return 0
  tcprewrite --enet-dmac=02:00:00:00:00:01 -i "$capture" -o out.pcap >tcprewrite.log 2>&1 ||
    { echo "tcprewrite does not take this capture: $(tail -n 1 tcprewrite.log)"; has_tcprewrite=; }
}

make_capture() {
  choose_capture
  check_tcprewrite
  head -c 24 "$capture" >in.pcap
  tail -c +25 "$capture" >records
  while [ "$(size_of records)" -lt $((megabytes << 16)) ]; do # 1/16 of it
    cat records records >twice
    mv twice records
  done
  while [ "$(size_of in.pcap)" -lt $((megabytes << 20)) ]; do
    cat records >>in.pcap
  done
  rm records
}

rule() { # rule PRIORITY ETHERTYPE PROTOCOL PORT
  printf '{"priority": %s, "action": "accept", "ethertype": "%s", "protocol": "%s"' "$1" "$2" "$3"
  [ -z "$4" ] || printf ', "destination_port_range": "%s"' "$4"
  printf '}'
}

# make_configuration PROTOCOL PORT: a session that mirrors what these rules accept
make_configuration() {
  rules="[$(rule 1 IPv4 "$1" "$2"), $(rule 2 IPv6 "$1" "$2")]"
  cat >config.json <<END
{"traffic_mirror_filters": [{"id": "f", "ingress_rules": $rules}],
 "traffic_mirror_sources": [{"id": "eni", "address": "10.255.0.1", "mtu": 9000}],
 "traffic_mirror_targets": [{"id": "t", "type": "eni", "address": "10.255.0.2"}],
 "traffic_mirror_sessions": [{"id": "s", "priority": 1, "traffic_mirror_filter_id": "f",
   "traffic_mirror_sources": ["eni"], "traffic_mirror_target_id": "t",
   "traffic_mirror_target_type": "eni"}]}
END
}

# As the library does, behind up to two VLAN tags.
behind_tags() {
  echo "$1 or (vlan and ($1 or (vlan and ($1))))"
}

run_cp() {
  cp in.pcap out.pcap
}

# read_packets IN EXPRESSION OUT. As root tcpdump would become another user and could not write here.
read_packets() {
  if [ "$(id -u)" = 0 ]; then
    tcpdump -Z root -r "$1" -w "$3" "$2"
  else
    tcpdump -r "$1" -w "$3" "$2"
  fi
}

run_tcpdump() {
  read_packets in.pcap "$expression" out.pcap 2>tcpdump.log
}

run_tcprewrite() {
  tcprewrite --enet-dmac=02:00:00:00:00:01 -i in.pcap -o out.pcap >tcprewrite.log 2>&1
}

run_mirror() {
  "$program" --config config.json --source eni --direction ingress in.pcap out.pcap >summary
}

measure() { # measure NAME: one run, its nanoseconds at the end of NAME.times
  rm -f out.pcap
  head -c $((megabytes * 3 << 19)) /dev/zero >warm
  rm warm
  start=$(date +%s%N)
  "run_$1"
  end=$(date +%s%N)
  echo $((end - start)) >>"$1.times"
}

median() {
  sort -n "$1.times" | sed -n "$(((rounds + 1) / 2))p"
}

show() { # show NAME TITLE
  awk -v title="$2" -v ns="$(median "$1")" -v cp="$(median cp)" -v packets="$packets" \
    -v octets="$(size_of in.pcap)" -v tcpdump="$(median tcpdump)" -v tcprewrite="$tcprewrite" 'BEGIN {
      printf "  %-12s %8.3f s %8.2f Mpps %6.2f GB/s %7.2f x cp %7.2f x tcpdump", title, ns / 1e9,
        packets * 1e3 / ns, octets / ns, cp / ns, tcpdump / ns
      if (tcprewrite) printf " %7.2f x tcprewrite", tcprewrite / ns
      print "" }'
}

measure_all() {
  measure cp
  measure tcpdump
  [ -z "$has_tcprewrite" ] || measure tcprewrite
  measure mirror
}

compare() { # compare TITLE: cp, tcpdump and mirror-pcap in turn
  measure_all # memory that was never used is slow the first time
  rm -f ./*.times
  round=0
  while [ "$round" -lt "$rounds" ]; do
    measure_all
    round=$((round + 1))
  done
  packets=$(awk '$1 == "received" { print $2; exit }' summary)
  copies=$(awk '$1 == "mirrored" { print $2; exit }' summary)
  written=$(tcpdump -r in.pcap -w - "$expression" 2>/dev/null | tcpdump -r - --count 2>/dev/null |
    awk '{ print $1 }' || true)
  echo "$1: $packets packets of $(($(size_of in.pcap) / packets - 16)) octets, $copies mirrored," \
    "tcpdump writes ${written:-?}; medians of $rounds rounds"
  tcprewrite=0
  [ -z "$has_tcprewrite" ] || tcprewrite=$(median tcprewrite)
  show cp cp
  show tcpdump tcpdump
  [ -z "$has_tcprewrite" ] || show tcprewrite tcprewrite
  show mirror mirror-pcap
}

command -v tcpdump >/dev/null 2>&1 || fail "tcpdump is needed"
has_tcprewrite=$(command -v tcprewrite || echo)
[ -n "$has_tcprewrite" ] || echo "tcprewrite (Debian: tcpreplay) is not there"
make_program
make_folder
cd "$folder"
make_capture
echo "$(basename "${CAPTURE:-$mix}") repeated to $(($(size_of in.pcap) >> 20)) MiB, in $(dirname "$folder")"

make_configuration ALL ''
expression=$(behind_tags 'ip or ip6')
compare "All IP packets"

make_configuration TCP 80
expression=$(behind_tags 'tcp dst port 80')
compare "TCP port 80"
