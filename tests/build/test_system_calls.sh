#!/bin/sh
# R6: whatever the library asks of the system can be made to fail, and a test does so: each name that
# a file of io, config, plan, tap or runtime takes from a library is one that cannot fail in a way
# that matters, and stands below with the reason, or the test of that file makes it fail, by a name
# that the linker sends there (--wrap: without that the wrapper would not link).
set -eu
source=$1
build=$2
work=$3
cd "$build"

common=CMakeFiles/mirror_common_objects.dir/libmirror
optional=CMakeFiles/mirror_objects.dir/libmirror
if nm "$common"/core/*.o | grep -q -e __asan_ -e __tsan_ -e __ubsan_ -e gcov; then
  echo "sanitizers and coverage add names of their own"
  exit 77
fi

# Regular expressions for whole names, or for FILE:NAME.
grep -v '^ *#' <<'NAMES' | tr -s ' \n' '\n\n' | sed '/^$/d' >"$work/harmless"
  # Of the language, and of memory and text alone. Allocations: tests/memory.
  _GLOBAL_OFFSET_TABLE_ __[a-z]+[dst]i[23] __aarch64_[a-z0-9_]+ __stack_chk_fail(_local)?
  __errno_location bcmp mem(cpy|set|cmp|move|chr) str[a-z]+ v?snprintf qsort inet_ntop
  # jansson and libmnl: of jansson what works on memory; of libmnl what does, and not its sockets.
  json_[a-z_]+ mnl_(attr|nlmsg|cb)_[a-z0-9_]+
  # libpcap: questions to a capture, texts, and settings that it takes until it is active.
  pcap_datalink(_val_to_(name|description))? pcap_geterr pcap_statustostr
  pcap_get_(required_select_timeout|tstamp_precision)
  pcap_set_(buffer_size|promisc|snaplen|timeout|tstamp_precision)
  # A file header into memory that has room for it.
  pcap_dump_(flush|ftell|close)
  # A packet of a savefile: what fails is the read behind it.
  io/pcap_input\.c:pcap_next_ex
  # libnet and libxdp: the descriptor of what is open.
  libnet_getfd xsk_socket__fd
  # Streams over memory: nothing is read, written or allocated.
  setvbuf __fpurge __fsetlocking clearerr ftello
  # The end of something. What the system had to tell of it is no longer of use to anybody.
  (io|runtime)/[a-z_]+\.c:close fclose munmap pcap_close libnet_destroy
  xsk_(socket|umem)__delete pthread_(join|attr_destroy)
  # With arguments that are right these have no failure: known clock and name, own descriptors that
  # are open, default attributes, masks of all signals. A name for a thread may be refused.
  clock_gettime sysconf sigfillset runtime/worker\.c:fcntl
  pthread_(sigmask|self|setname_np|mutexattr_[a-z]+)
  pthread_(mutex_(init|destroy|lock|trylock|unlock)|cond_(init|destroy|signal|wait))
  # A nap that ends early: who naps looks again.
  nanosleep
NAMES

# tests_of FILE: those that make its calls fail. A name has to be in one of them.
tests_of() {
  case $1 in
    config/*) echo live/test_faults_configuration.c ;;
    io/pcap_live.c | io/wait.c) echo live/test_faults_pcap_live.c ;;
    io/pcap*) echo live/test_faults_pcap.c ;;
    io/afpacket*) echo live/test_faults_afpacket.c ;;
    io/raw* | io/hops*) echo live/test_faults_raw.c ;;
    io/udp*) echo live/test_faults_udp.c ;;
    io/vxlan*) echo live/test_faults_vxlan.c ;;
    io/libnet.c) echo live/test_faults_libnet.c ;;
    runtime/worker.c) echo unit/test_worker.c ;;
    *) echo none ;;
  esac
}

# failed_in TEST NAME: does it make this one fail? Either through faults.c or by a wrapper of its own.
failed_in() {
  [ "$1" != none ] && grep -q -e "\"$2\"" -e "__wrap_$2(" "$source/tests/$1"
}

# Other names of the same call: for long files, and of -D_FORTIFY_SOURCE.
names_in() {
  nm --undefined-only "$1" | awk 'NF == 2 && $2 !~ /^(mri_|mirror_)/ { print $2 }' |
    sed 's/^__\(.*\)_chk$/\1/; s/^__\(.*\)_2$/\1/; s/\([a-z]\)64$/\1/' | sort -u
}

status=0
calls=0
for object in "$common"/plan/*.o "$common"/tap/*.o "$common"/runtime/*.o \
  "$optional"/io/*.o "$optional"/config/*.o; do
  file=${object#*/libmirror/}
  file=${file%.o}
  test=$(tests_of "$file")
  for name in $(names_in "$object"); do
    if failed_in "$test" "$name"; then
      calls=$((calls + 1))
    elif ! printf '%s\n' "$name" "$file:$name" | grep -q -x -E -f "$work/harmless"; then
      echo "libmirror/$file calls $name, which no test makes fail (looked at: $test)"
      status=1
    fi
  done
done
[ "$calls" -gt 20 ] # would see them
echo "$calls names in files are made to fail"
exit $status
