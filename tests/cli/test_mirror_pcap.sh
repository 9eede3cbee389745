#!/bin/sh
# mirror-pcap from the outside: arguments, files, exit statuses, verdict table, explanations.
set -eu
program=$2/examples/mirror-pcap
samples=$1/examples/samples
config=$samples/table2.json
capture=$samples/table2.pcap
tab=$(printf '\t')
failures=0

cd "$3"
rm -rf ./*

fail() {
  echo "FAILED: $*"
  failures=$((failures + 1))
}

# run STATUS ARGUMENT...: runs the program; out and err hold what it said.
run() {
  wanted=$1
  shift
  status=0
  "$program" "$@" >out 2>err || status=$?
  if [ "$status" != "$wanted" ]; then
    fail "exit status $status instead of $wanted: mirror-pcap $*"
    cat err
  fi
}

# says FILE TEXT: a line of FILE holds TEXT.
says() {
  grep -qF -e "$2" "$1" || {
    fail "'$2' is not in $1:"
    cat "$1"
  }
}

messages() { # messages COUNT: that many lines of errors
  [ "$(grep -c '^mirror-pcap: ' err)" = "$1" ] || {
    fail "expected $1 messages:"
    cat err
  }
}

mirror() { # mirror STATUS ARGUMENT...: with the usual options
  wanted=$1
  shift
  run "$wanted" --config "$config" --source eni-03 --direction auto "$@"
}

# Help and version.
run 0 --help
says out "Usage: mirror-pcap"
run 0 --version
says out "mirror-pcap 0."

# Bad arguments: exit status 2, one message.
run 2
says err "missing: --config"
run 2 --config "$config" --source eni-03 in out.pcap
says err "missing: --direction"
run 2 --config "$config" --source eni-03 --direction sideways in out.pcap
says err "expected ingress, egress or auto, found 'sideways'"
mirror 2
says err "missing: IN"
mirror 2 "$capture"
says err "missing: OUT"
mirror 2 "$capture" copies.pcap surplus
says err "found one more: 'surplus'"
for number in 0 -1 x 1x 99999999999999999999999 ''; do
  mirror 2 --explain "$number" "$capture" copies.pcap
  messages 1
done
mirror 2 --nonsense "$capture" copies.pcap
messages 0 # getopt's message has the program's path
says err "nonsense"
run 2 --config "$config" --source nobody --direction auto "$capture" copies.pcap
says err "'nobody' is not in"
says err "  eni-03"

# Files that are one and the same, which writing would destroy.
cp "$capture" same.pcap
ln -s same.pcap link.pcap
mirror 2 same.pcap ./link.pcap
says err "same file"
mirror 2 - same.pcap <same.pcap
says err "same file"
mirror 2 --verdicts same.pcap same.pcap copies.pcap
mirror 2 --verdicts new same.pcap new
says err "same file"
mirror 2 --verdicts new2 same.pcap ./new2
says err "same file"
messages 1
cp "$config" config.json
run 2 --config config.json --source eni-03 --direction auto "$capture" config.json
says err "same file"
cmp same.pcap "$capture" || fail "the input was written to"
cmp config.json "$config" || fail "the configuration was written to"

# Bad configurations: exit status 3, every error and their number; nothing is written.
run 3 --config nowhere.json --source eni-03 --direction auto "$capture" never.pcap
says err "nowhere.json"
messages 1
printf '{ "traffic_mirror_filters": [' >cut.json
run 3 --config cut.json --source eni-03 --direction auto "$capture" never.pcap
says err "cut.json: 1 error;"
sed 's/"port": 4789/"port": 70000/; s/"172\.16\.0\.0\/24"/"172.16.0.9\/24"/' "$config" >wrong.json
run 3 --config wrong.json --source eni-03 --direction auto "$capture" never.pcap
says err "wrong.json: 2 errors;"
says err "70000"
says err "172.16.0.0/24"
messages 3
[ ! -e never.pcap ] || fail "an output was written in spite of a bad configuration"

# Files that cannot be opened or written: exit status 4, one message.
mirror 4 nowhere.pcap copies.pcap
says err "nowhere.pcap"
messages 1
mirror 4 "$capture" nowhere/copies.pcap
says err "nowhere/copies.pcap"
messages 1
mirror 4 --verdicts nowhere/verdicts "$capture" copies.pcap
says err "nowhere/verdicts"
messages 1
echo "this is not a capture" >text
mirror 4 text copies.pcap
says err "text"
messages 1
: >empty
mirror 4 empty copies.pcap
says err '"empty"'
says err "it is empty"
messages 1
mirror 4 - copies.pcap </dev/null
says err "it is empty"
messages 1
mirror 4 . copies.pcap
says err "directory"
messages 1
mirror 4 "$capture" .
says err "directory"
messages 1
of_link_type() { # of_link_type OCTAL: the sample's file header, of another link type
  head -c 20 "$capture"
  printf "\\$1\\0\\0\\0"
}
of_link_type 151 >wifi.pcap # 802.11
mirror 4 wifi.pcap copies.pcap
says err "cannot be mirrored"
messages 1
mkdir -p unwritable
if chmod a-w unwritable && [ ! -w unwritable ]; then # not for root
  mirror 4 "$capture" unwritable/copies.pcap
  says err "unwritable"
  messages 1
fi
if [ -w /dev/full ]; then
  mirror 4 "$capture" /dev/full
  messages 1
  mirror 4 --verdicts /dev/full "$capture" copies.pcap
  messages 1
fi

# Directions are told by the source's MAC, so there must be one.
sed '/"mac":/d' "$config" >nomac.json
run 2 --config nomac.json --source eni-03 --direction auto "$capture" copies.pcap
says err '"mac" is missing'
messages 1
run 0 --config nomac.json --source eni-03 --direction ingress "$capture" copies.pcap
of_link_type 145 >raw.pcap # raw IP
run 2 --config "$config" --source eni-03 --direction auto raw.pcap copies.pcap
says err "raw IP do not tell their direction"
messages 1

# Nobody is hurt if two outputs go to a device.
mirror 0 --verdicts /dev/null "$capture" /dev/null

# The verdict table: a header, and one row of eight columns for each packet.
mirror 0 --verdicts verdicts.tsv "$capture" copies.pcap
[ ! -s err ] || fail "a good run speaks on standard error"
header="n${tab}verdict${tab}session${tab}rule${tab}target${tab}vni${tab}caplen${tab}inner_len"
[ "$(head -n 1 verdicts.tsv)" = "$header" ] || fail "the header of the verdict table"
awk -F '\t' '
  NF != 8 { print "columns:", $0; bad = 1 }
  NR > 1 && $1 != NR - 1 { print "number:", $0; bad = 1 }
  NR > 1 && ($2 == "mirrored") != ($8 != "") { print "inner_len:", $0; bad = 1 }
  NR > 1 && ($2 == "mirrored" || $2 == "dropped") != ($5 != "" && $6 != "") {
    print "target:", $0; bad = 1 }
  NR > 1 && ($2 == "unmatched" || $2 == "unparsable") && $3 $4 $5 $6 != "" {
    print "empty:", $0; bad = 1 }
  END { exit bad }' verdicts.tsv || fail "rows of the verdict table"
for verdict in mirrored rejected unparsable; do
  cut -f 2 verdicts.tsv | grep -qx "$verdict" || fail "the sample shows no verdict $verdict"
done

# The summary counts what the table shows.
for verdict in mirrored rejected unmatched unparsable; do
  wanted=$(awk -F '\t' -v v="$verdict" '$2 == v { n++; o += $7 } END { print n + 0, o + 0 }' verdicts.tsv)
  found=$(awk -v v="$verdict" '$1 == v { print $2, $3; exit }' out)
  [ "$found" = "$wanted" ] || fail "summary of $verdict: '$found' instead of '$wanted'"
done

# Standard streams carry the same octets; the summary moves to standard error.
status=0
"$program" --config "$config" --source eni-03 --direction auto - - \
  <"$capture" >stream.pcap 2>err || status=$?
[ "$status" = 0 ] || fail "standard streams: exit status $status"
cmp stream.pcap copies.pcap || fail "copies on standard output differ"
says err "received"
mirror 0 --verdicts - "$capture" copies2.pcap
cmp out verdicts.tsv || fail "verdicts on standard output differ"
says err "received"

# Nothing that is opened takes the place of a standard stream that is closed.
status=0
"$program" --config "$config" --source eni-03 --direction auto "$capture" closed.pcap \
  <&- >&- 2>err || status=$?
[ "$status" = 4 ] || fail "closed standard streams: exit status $status"
cmp closed.pcap copies.pcap || fail "copies are spoilt if standard streams are closed"

# A reader that goes away is an error like any other.
status_file=$PWD/status
{
  sleep 1 # until it is gone
  status=0
  "$program" --config "$config" --source eni-03 --direction auto "$capture" - 2>err || status=$?
  echo "$status" >"$status_file"
} | true
[ "$(cat "$status_file")" = 4 ] || fail "broken pipe: exit status $(cat "$status_file")"
messages 1
says err "Broken pipe"

# Explanations.
rows=$(($(wc -l <verdicts.tsv) - 1))
packet=1
while [ "$packet" -le "$rows" ]; do
  mirror 0 --explain "$packet" "$capture" /dev/null
  verdict=$(awk -F '\t' -v n="$packet" '$1 == n { print $2 }' verdicts.tsv)
  says out "Packet $packet, "
  grep "^Packet $packet, " out | grep -q ": $verdict" || fail "the explanation of packet $packet"
  packet=$((packet + 1))
done
mirror 2 --explain $((rows + 1)) "$capture" copies2.pcap
says err "the input has no packet $((rows + 1))"
cmp copies2.pcap copies.pcap || fail "a missing packet to explain spoils the copies"

# A damaged capture: everything before the damage, then one error with its offset; exit status 1.
octets=$(wc -c <"$capture")
last=$((octets - 16 - $(tail -n 1 verdicts.tsv | cut -f 7))) # offset of the last record
damaged() { # damaged OFFSET ROWS: damaged.pcap is good up to there, which is that many packets
  mirror 1 --verdicts damaged.tsv damaged.pcap damaged-copies.pcap
  messages 1
  says err "damaged.pcap\" is damaged at octet $1:"
  says out "received"
  head -n $(($2 + 1)) verdicts.tsv | cmp - damaged.tsv || fail "verdicts before octet $1"
  size=$(wc -c <damaged-copies.pcap)
  head -c "$size" copies.pcap | cmp - damaged-copies.pcap || fail "copies before octet $1"
  mirrored=$(cut -f 2 damaged.tsv | grep -c '^mirrored$' || true)
  [ "$mirrored" = 0 ] || [ "$size" -gt 24 ] || fail "no copies before octet $1"
}
for cut in 1 20; do
  head -c $((octets - cut)) "$capture" >damaged.pcap
  damaged "$last" $((rows - 1))
done
head -c $((last + 15)) "$capture" >damaged.pcap
damaged "$last" $((rows - 1))
head -c 30 "$capture" >damaged.pcap
damaged 24 0
{
  cat "$capture"
  printf '\377\377\377\377\377\377\377\377\377\377\377\377\377\377\377\377'
} >damaged.pcap
damaged "$octets" "$rows"
head -c 24 "$capture" >none.pcap
mirror 0 --verdicts none.tsv none.pcap none-copies.pcap
[ "$(cat none.tsv)" = "$header" ] || fail "verdicts of a capture without packets"

# A bar of progress, on a terminal alone.
slowly() {
  head -c $((last / 2)) "$capture"
  sleep 1
  tail -c +$((last / 2 + 1)) "$capture"
}
slowly | "$program" --config "$config" --source eni-03 --direction auto - slow.pcap >out 2>err
[ ! -s err ] || fail "progress where there is no terminal"
if command -v script >/dev/null 2>&1; then
  # shellcheck disable=SC2016
  slowly | program=$program config=$config script -qec '"$program" --config "$config" \
    --source eni-03 --direction auto /dev/fd/3 slow.pcap' /dev/null 3<&0 </dev/null >screen || true
  grep -q "packets in" screen || fail "no progress on a terminal"
fi

# A signal ends a run that waits for its input in good order.
mkfifo fifo
{
  cat "$capture"
  exec sleep 20
} >fifo &
feeder=$!
"$program" --config "$config" --source eni-03 --direction auto --verdicts signal.tsv - \
  signal.pcap <fifo >out 2>err &
child=$!
sleep 1
kill -INT "$child"
status=0
wait "$child" || status=$?
kill "$feeder"
[ "$status" = 130 ] || fail "interrupted: exit status $status instead of 130"
says out "received"
cmp signal.tsv verdicts.tsv || fail "verdicts before the interruption"
cmp signal.pcap copies.pcap || fail "copies before the interruption"

[ "$failures" = 0 ]
