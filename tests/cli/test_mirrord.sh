#!/bin/sh
# mirrord from the outside, without privileges: arguments, --check, a run over a capture file with
# its status, reload and end. Interfaces: tests/live/test_mirrord.py.
set -eu
samples=$1/examples/samples
failures=0
daemon=

# An unprivileged user may not get at the build.
work=$(mktemp -d)
trap 'test -z "$daemon" || kill -KILL $daemon 2>/dev/null; rm -rf "$work"' EXIT
cp "$2/examples/mirrord/mirrord" "$2"/libmirror.so.0 "$samples"/table2.* "$work"
cd "$work"
LD_LIBRARY_PATH=$work
export LD_LIBRARY_PATH
as=
if [ "$(id -u)" = 0 ]; then
  command -v setpriv >/dev/null || {
    echo "no setpriv to become an unprivileged user with"
    exit 77
  }
  chown -R 65534:65534 "$work"
  as="setpriv --reuid=65534 --regid=65534 --clear-groups"
fi
unset NOTIFY_SOCKET JOURNAL_STREAM

fail() {
  echo "FAILED: $*"
  failures=$((failures + 1))
}

# run STATUS ARGUMENT...: runs the program; out and err hold what it said.
run() {
  wanted=$1
  shift
  status=0
  timeout 20 $as ./mirrord "$@" >out 2>err || status=$?
  if [ "$status" != "$wanted" ]; then
    fail "exit status $status instead of $wanted: mirrord $*"
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

# until_says FILE TEXT: soon.
until_says() {
  tries=0
  until grep -qF -e "$2" "$1" 2>/dev/null; do
    tries=$((tries + 1))
    [ $tries -lt 100 ] || break
    sleep 0.1
  done
  says "$1" "$2"
}

# start ARGUMENT...: a mirrord in the background, once it says that it works. The sanitizer's look
# for leaks makes system calls that the filter does not know.
start() {
  rm -f log accounts # of the one before
  ASAN_OPTIONS=detect_leaks=0 $as ./mirrord "$@" >accounts 2>log &
  daemon=$!
  until_says log "mirrord: mirroring "
}

# stop SIGNAL
stop() {
  kill "-$1" $daemon
  status=0
  wait $daemon || status=$?
  daemon=
  [ $status = 0 ] || {
    fail "exit status $status after $1"
    cat log
  }
}

field() { # field JSON-PATH...: of the file out
  python3 -c 'import json, sys
value = json.load(open("out"))
for step in sys.argv[1:]:
    value = value[int(step) if isinstance(value, list) else step]
print(value)' "$@"
}

# Help and version.
run 0 --help
says out "Usage: mirrord"
run 0 --version
says out "mirrord 0."

# Bad arguments.
run 2
says err "missing: --config FILE"
run 2 --no-such-option
run 2 -c table2.json more
says err "expected options only, found 'more'"
run 2 -c table2.json -w 0
says err "--workers: expected 1-64, found '0'"
run 2 -c table2.json -w 1x
run 2 -c table2.json -f 1048577
says err "--fragments: expected 0-1048576"
for cpus in '' x 1, 3-1 1-2-3 1..3 99999; do
  run 2 -c table2.json --cpus "$cpus"
  says err "--cpus: expected a list such as 1,3 or 0-3, found '$cpus'"
done
for input in eni-03 =pcap:x eni-03=x eni-03:pcap; do
  run 2 -c table2.json -i "$input"
  says err "--input: expected SOURCE=URI such as eni-1=afpacket:eth0, found '$input'"
done
run 2 -c table2.json -i eni-03=pcap:a -i eni-03=pcap:b
says err "source 'eni-03' is given twice"
run 2 --once=xml
says err "expected text or json, found 'xml'"
run 2 --once --top
says err "one of --check, --once and --top"
run 2 -c table2.json -u no-such-user
says err "there is no user 'no-such-user'"
run 2 -c table2.json -u root
says err "only root can become 'root'"

# --check.
run 0 --check -c table2.json
says out "source eni-03: interface"
says out "table2.json: good"
[ ! -s err ] || fail "--check says something about a good file: $(cat err)"
sed 's/"priority": 1,/"priority": 70000, "colour": "blue",/' table2.json >bad.json
run 1 --check -c bad.json
says err "70000"
says err "colour"
says err "errors"
[ ! -s out ] || fail "--check prints a summary of a bad file"
run 1 --check -c missing.json
says err "missing.json"
run 1 -c bad.json
says err "colour"

# Nobody runs.
run 3 --once -s none.sock
says err "no mirrord answers at 'none.sock'"
run 3 --top -s none.sock

# What cannot be opened.
run 3 -c table2.json -i eni-03=pcap:missing.pcap -s s.sock
says err "missing.pcap"
run 3 -c table2.json -i no-such=pcap:table2.pcap -s s.sock
says err "source 'no-such' is not in table2.json"
run 3 -c table2.json -i eni-03=afpacket:lo -s s.sock
says err "CAP_NET_RAW"
says err "AmbientCapabilities=CAP_NET_RAW in the systemd unit, or \`setcap CAP_NET_RAW+ep"
run 3 -c table2.json -w 2 -i eni-03=pcap:table2.pcap -s s.sock
says err "several workers share the packets of afpacket inputs only"
run 3 -c table2.json -i eni-03=pcap:table2.pcap -m nonsense:1 -s s.sock
says err "--metrics: expected a port"
run 3 -c table2.json -i eni-03=pcap:table2.pcap -s no/such/folder/s.sock
says err "--socket 'no/such/folder/s.sock'"

# A run over a capture: it goes on when the input has ended, with its status.
grep -v '"interface"' table2.json >config.json
chmod 666 config.json
start -c config.json -i eni-03=pcap:table2.pcap -o pcap:copies.pcap -s s.sock -m 127.0.0.1:0
until_says log "its input 'pcap:table2.pcap' has ended"
run 0 --once -s s.sock
says out "source eni-03: ended, pcap:table2.pcap"
run 0 --once json -s s.sock
[ "$(field sources 0 id)" = eni-03 ] || fail "the first source is $(field sources 0 id)"
packets=$(($(field sources 0 ingress received packets) + $(field sources 0 egress received packets)))
[ "$(field configuration last_reload_good)" = True ] || fail "the first load is not good"

# mirror-pcap counts the same.
if [ -x "$2/examples/mirror-pcap" ]; then
  "$2/examples/mirror-pcap" -c config.json -s eni-03 -d auto table2.pcap other.pcap >summary
  says summary "received"
  [ "$packets" = "$(awk '$1 == "received" { print $2 }' summary)" ] ||
    fail "$packets packets received: $(cat summary)"
  cmp copies.pcap other.pcap || fail "copies differ from those of mirror-pcap"
fi

# The socket: owner and group; a second mirrord does not take it.
[ "$(stat -c %a s.sock)" = 660 ] || fail "mode of the socket: $(stat -c %a s.sock)"
run 3 -c config.json -s s.sock
says err "another mirrord listens there"

# Without a terminal --top is plain. timeout sends SIGCONT behind SIGTERM: a leak checker that has
# just stopped the program for its search would wait for ever.
ASAN_OPTIONS=detect_leaks=0 timeout 3 $as ./mirrord --top -s s.sock >top || true
[ "$(grep -c '^mirrord ' top)" -ge 2 ] || fail "--top printed once: $(cat top)"
says top "packets/s"
if grep -q "$(printf '\033')" top; then fail "--top prints escapes to a file"; fi

# Reload: a bad file changes nothing, and all that is wrong is said; a good one is taken.
cp bad.json config.json
kill -HUP $daemon
until_says log "config.json is not taken"
says log "colour"
run 0 --once json -s s.sock
[ "$(field configuration reloads_refused)" = 1 ] || fail "refused: $(field configuration)"
[ "$(field configuration last_reload_good)" = False ] || fail "last: $(field configuration)"
run 0 --once -s s.sock
says out "also the last one"
sed 's/"virtual_network_id": [0-9]*/"virtual_network_id": 77/' table2.json | grep -v '"interface"' \
  >config.json
kill -HUP $daemon
until_says log "config.json is in force"
run 0 --once json -s s.sock
[ "$(field sessions 0 vni)" = 77 ] || fail "VNI $(field sessions 0 vni) after the reload"

# A source that goes is closed, and opened again when it comes back: that needs no privilege here.
cp config.json whole.json
python3 -c 'import json
config = json.load(open("whole.json"))
del config["traffic_mirror_sources"], config["traffic_mirror_sessions"]
json.dump(config, open("config.json", "w"))'
kill -HUP $daemon
until_says log "source 'eni-03': 'pcap:table2.pcap' is closed"
run 0 --once=text -s s.sock
if grep -q '^source' out; then fail "a source is left: $(cat out)"; fi
sed 's/copies.pcap//' whole.json >config.json
kill -HUP $daemon
until_says log "source 'eni-03': the output 'pcap:copies.pcap' is one file and is written already"
run 0 --once -s s.sock
says out "source eni-03: failed"

# The end: accounts, and the socket is gone.
stop TERM
says accounts "source eni-03: failed"
says accounts "mirrored"
[ ! -e s.sock ] || fail "the socket is still there"

# A socket that is left from one that was killed is taken over; SIGINT ends, too.
start -c config.json -i eni-03=pcap:table2.pcap -s s.sock
kill -KILL $daemon
wait $daemon || true
start -c config.json -i eni-03=pcap:table2.pcap -s s.sock
run 0 --once -s s.sock
cp config.json whole.json
sed 's/"eni-03"/"other"/' whole.json >config.json
kill -HUP $daemon
until_says log "is closed"
cp whole.json config.json
kill -HUP $daemon
until_says log "source 'eni-03': mirroring 'pcap:table2.pcap'"
run 0 --once -s s.sock
says out "source eni-03: "
stop INT

# The unit, with the path that it has when it is installed.
if command -v systemd-analyze >/dev/null 2>&1; then
  sed -e "s|ExecStart=mirrord|ExecStart=$work/mirrord|" -e /^Documentation/d \
    "$1/examples/mirrord/mirrord.service" >mirrord.service
  systemd-analyze verify ./mirrord.service >verified 2>&1 || true
  if grep mirrord verified; then fail "systemd-analyze verify"; fi
fi

[ "$failures" = 0 ] || exit 1
echo "all good"
