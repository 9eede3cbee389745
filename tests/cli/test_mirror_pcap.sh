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
messages 1
if [ -w /dev/full ]; then
  mirror 4 "$capture" /dev/full
  messages 1
  mirror 4 --verdicts /dev/full "$capture" copies.pcap
  messages 1
fi

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

# A reader that goes away is an error like any other.
status_file=$PWD/status
{
  status=0
  "$program" --config "$config" --source eni-03 --direction auto "$capture" - 2>err || status=$?
  echo "$status" >"$status_file"
} | true
case $(cat "$status_file") in
  0 | 4) ;; # the sample may fit into the pipe before its reader is gone
  *) fail "broken pipe: exit status $(cat "$status_file")" ;;
esac

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

# A cut capture: everything before the cut, then one error with the offset; exit status 1.
octets=$(wc -c <"$capture")
head -c $((octets - 1)) "$capture" >damaged.pcap
mirror 1 --verdicts damaged.tsv damaged.pcap damaged-copies.pcap
messages 1
grep -q '[0-9]' err || fail "no offset in the message about damage"
head -n "$rows" verdicts.tsv | cmp - damaged.tsv || fail "verdicts before the damage"
[ "$(wc -c <damaged-copies.pcap)" -gt 24 ] || fail "no copies before the damage"

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
