#!/bin/sh
# The programs sniff (with files) and mirror-target-rules.
set -eu
source=$1
programs=$2/examples
cd "$3"
capture=$source/examples/samples/table2.pcap

fail() {
  echo "$1"
  exit 1
}

expect() { # expect STATUS COMMAND...: its output is in the file found
  status=0
  wanted=$1
  shift
  "$@" >found 2>&1 || status=$?
  [ "$status" = "$wanted" ] || fail "$*: status $status, expected $wanted: $(cat found)"
}

expect 0 "$programs/sniff" "$capture"
[ "$(wc -l <found)" = 53 ] || fail "sniff: $(wc -l <found) lines"
expect 0 "$programs/sniff" -p tcp -s 172.16.0.0/24 -d 10.0.0.3/32 -P 80 -n 2 "$capture"
cat >expected <<'LINES'
1735689600.002000 in 172.16.0.5 10000 > 10.0.0.3 80 protocol 6 length 54
1735689600.004000 in 172.16.0.5 10000 > 10.0.0.3 80 protocol 6 length 54
LINES
diff expected found
expect 0 "$programs/sniff" -p icmpv6 "pcap:$capture"
expect 0 "$programs/sniff" -s 2001:db8::/32 "$capture"
expect 1 "$programs/sniff" -P 80 "$capture"
grep -q '^sniff: rule .*port' found || fail "ports without protocol: $(cat found)"
expect 1 "$programs/sniff" -s 10.0.0.1/8 "$capture"
grep -q '10.0.0.0/8' found
expect 1 "$programs/sniff" none.pcap:
expect 2 "$programs/sniff"

cat >rules.json <<'JSON'
{ "traffic_mirror_filters": [ { "id": "f" } ],
  "traffic_mirror_sources": [ { "id": "b", "address": "10.0.0.2" }, { "id": "a" },
    { "id": "c", "address": "2001:db8::3" }, { "id": "d", "address": "10.0.0.4" } ],
  "traffic_mirror_targets": [ { "id": "t", "address": "10.0.9.9", "port": 4790 },
    { "id": "six", "address": "2001:db8::9" } ],
  "traffic_mirror_sessions": [
    { "id": "1", "priority": 1, "traffic_mirror_filter_id": "f",
      "traffic_mirror_sources": ["b", "a"], "traffic_mirror_target_id": "t" },
    { "id": "2", "priority": 2, "traffic_mirror_filter_id": "f",
      "traffic_mirror_sources": ["b"], "traffic_mirror_target_id": "t" },
    { "id": "3", "priority": 3, "traffic_mirror_filter_id": "f",
      "traffic_mirror_sources": ["a", "c"], "traffic_mirror_target_id": "six" },
    { "id": "4", "priority": 4, "traffic_mirror_filter_id": "f", "enabled": false,
      "traffic_mirror_sources": ["d"], "traffic_mirror_target_id": "t" } ] }
JSON
expect 0 "$programs/mirror-target-rules" rules.json
tr '\t' ' ' <found >table
cat >expected <<'LINES'
target address udp_port allow_from source
six 2001:db8::9 4789 ::/0 a
six 2001:db8::9 4789 2001:db8::3/128 c
t 10.0.9.9 4790 0.0.0.0/0 a
t 10.0.9.9 4790 10.0.0.2/32 b
LINES
diff expected table
echo '{ "quotas": {}, "nonsense": 1 }' >wrong.json
expect 3 "$programs/mirror-target-rules" wrong.json
grep -q '^mirror-target-rules: wrong.json:1:.*nonsense' found || fail "$(cat found)"
expect 3 "$programs/mirror-target-rules" none.json
[ "$(grep -c none.json found)" = 1 ] || fail "$(cat found)"
expect 2 "$programs/mirror-target-rules"
expect 2 "$programs/mirror-target-rules" --nonsense
expect 0 "$programs/mirror-target-rules" --version
echo '{}' >empty.json
if [ -c /dev/full ]; then
  status=0
  "$programs/mirror-target-rules" empty.json >/dev/full 2>found || status=$?
  [ "$status" = 1 ]
fi
expect 0 "$programs/mirror-target-rules" empty.json
[ "$(wc -l <found)" = 1 ]
