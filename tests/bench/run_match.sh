#!/bin/sh
# run_match.sh [-p PATTERN] [-r ROUNDS] [-w FOLDER] [-t]: our match engine beside its peers on all
# rule lists in MIRROR_SHARED (or ../shared), interleaved in one process, as tables with ratios.
#   -p PATTERN  lists whose name matches this shell pattern, such as 'acl*_1k' (default: all)
#   -r ROUNDS   rounds that a median is taken of (default 15)
#   -w FOLDER   builds, traces and raw outputs (default build-bench)
#   -t          tables of what is measured already, without measuring anew
# Peers need libdpdk-dev; without it our engines are measured alone. Of the environment: NAIVE_MAX
# and BPF_MAX, rules up to which these two are measured (default 1100 and 256).
set -eu

root=$(cd "$(dirname "$0")/../.." && pwd)
shared=${MIRROR_SHARED:-$root/../shared}
pattern='*'
rounds=15
work=$root/build-bench
measure=yes
while getopts p:r:w:t option; do
  case $option in
    p) pattern=$OPTARG ;;
    r) rounds=$OPTARG ;;
    w) work=$OPTARG ;;
    t) measure= ;;
    *) exit 2 ;;
  esac
done
lists=$shared/data/classbench
peers=$shared/peers/classify
[ -d "$lists" ] || { echo "No rule lists: $lists" >&2; exit 2; }
mkdir -p "$work/traces" "$work/raw" "$work/lists"
work=$(cd "$work" && pwd)
bench=$work/mirror/tests/bench
core=$([ "$(getconf _NPROCESSORS_ONLN)" -gt 1 ] && echo 1 || echo 0)

has_peers() {
  pkg-config --exists libdpdk 2>/dev/null
}

build() {
  MIRROR_WERROR=${MIRROR_WERROR:-OFF} sh "$root/tests/support/build.sh" "$root" "$work/mirror" \
    -DMIRROR_BUILD_BENCH=ON -DMIRROR_BUILD_TESTS=OFF -DMIRROR_BUILD_EXAMPLES=OFF
  programs=tracegen
  if has_peers; then programs="tracegen acl_bench v6_bench bpf_bench linear.so"; fi
  for program in $programs; do
    make -s -C "$peers" OUT="$work/peers" "$work/peers/$program" >"$work/peers.log" 2>&1 ||
      { tail "$work/peers.log" >&2; echo "$program: not built" >&2; }
  done
}

# Short ClassBench lists are the first rules of a longer one.
cut_lists() {
  for count in 30 100 256; do
    head -n "$count" "$lists/classbench/acl1_1k" >"$work/lists/acl1_$count"
  done
}

# IPv6 lists of the same shape: prefixes in 2001:db8::/32, hosts with an interface identifier.
widen_lists() {
  for list in classbench/acl1_10k classbench/acl4_10k classbench/fw1_10k classbench/ipc1_10k \
    overlapping/acl_10k overlapping/fw_10k overlapping/ipc_10k overlapping/acl_100k; do
    name=${list##*/}
    awk -F '\t' -v OFS='\t' '
      function wide(prefix, part, octet, network) {
        split(prefix, part, "/")
        split(part[1], octet, ".")
        if (part[2] == 0) return "::/0"
        network = sprintf("2001:db8:%02x%02x:%02x%02x", octet[1], octet[2], octet[3], octet[4])
        if (part[2] < 32) return network "::/" (32 + part[2])
        return network sprintf(":%x:%x:%x:%x/128", (octet[4] * 40503 + octet[3]) % 65536,
          (octet[3] * 40503 + octet[2]) % 65536, (octet[2] * 40503 + octet[1]) % 65536,
          (octet[1] * 40503 + octet[4]) % 65536)
      }
      /^@/ {
        $1 = "@" wide(substr($1, 2))
        $2 = wide($2)
        sub(/^0x01/, "0x3a", $5)
        print
      }' "$lists/$list" >"$work/lists/${name%_*}v6_${name##*_}"
  done
}

rules_of() {
  grep -c '^@' "$1"
}

# Where there is no other program to hold against: ours alone, an instruction set after the other.
measure_alone() { # measure_alone RULES TRACE|'' : one line of JSON for each
  for isa in scalar neon avx2 avx512; do
    "$bench/bench_match" --rules "$1" ${2:+--trace "$2"} --isa "$isa" --json --seconds 1 \
      2>/dev/null || true
  done
}

measure_ipv4() { # measure_ipv4 NAME RULES
  trace=$work/traces/$1
  [ -s "$trace" ] || "$work/peers/tracegen" "$2" "$trace" 262144 uniform 7 10 65536 >/dev/null
  if [ ! -x "$work/peers/acl_bench" ]; then
    measure_alone "$2" "$trace"
    return
  fi
  naive=
  if [ "$(rules_of "$2")" -le "${NAIVE_MAX:-1100}" ]; then naive="-e $work/peers/linear.so"; fi
  # shellcheck disable=SC2086
  "$work/peers/acl_bench" --no-huge --no-pci -m 3000 -l "$core" --no-telemetry --no-shconf \
    --force-max-simd-bitwidth=512 -- "$2" "$trace" -r "$rounds" $naive \
    -e "$bench/libmirror_engines.so" 2>&1 || echo "# acl_bench ended with $?"
  if [ "$(rules_of "$2")" -le "${BPF_MAX:-256}" ] && [ -x "$work/peers/bpf_bench" ]; then
    timeout 120 "$work/peers/bpf_bench" "$2" "$trace" 5 2>&1 || echo "# bpf_bench ended with $?"
  fi
}

measure_ipv6() { # measure_ipv6 RULES
  if [ -x "$work/peers/v6_bench" ]; then
    "$work/peers/v6_bench" "$1" "$rounds" 2>&1 || echo "# v6_bench ended with $?"
  fi
  measure_alone "$1" ''
}

measure_all() {
  for rules in "$lists"/classbench/* "$lists"/overlapping/* "$work"/lists/*; do
    name=${rules##*/}
    # shellcheck disable=SC2254
    case $name in $pattern) ;; *) continue ;; esac
    echo "$name" >&2
    case $name in
      *6_*) measure_ipv6 "$rules" ;;
      *) measure_ipv4 "$name" "$rules" ;;
    esac >"$work/raw/$name.new"
    echo "rules $(rules_of "$rules")" >>"$work/raw/$name.new"
    mv "$work/raw/$name.new" "$work/raw/$name"
  done
}

if [ -n "$measure" ]; then
  build
  cut_lists
  widen_lists
  measure_all
fi
cd "$work/raw"
# shellcheck disable=SC2086
set -- $pattern
[ -e "$1" ] || { echo "No list matches $pattern" >&2; exit 2; }
awk -f "$root/tests/bench/tables.awk" "$@"
