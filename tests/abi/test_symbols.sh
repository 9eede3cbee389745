#!/bin/sh
# Names: the shared libraries export exactly the functions of libmirror.map, each in its node, which
# are those of the headers; the static one defines mirror_ and mri_ alone. Neither refers to what
# prints, ends the program, reads the environment or starts threads, but for workers.
set -eu
source=$1
build=$2
work=$3

fail() {
  echo "$1"
  exit 1
}

awk '/^LIBMIRROR_[0-9.]+ \{/ { node = $1 } /^ *mirror_[a-z0-9_]+;/ { sub(/;/, "", $1); print $1 "@@" node }' \
  "$source/libmirror/libmirror.map" | sort >"$work/listed"
[ -s "$work/listed" ] || fail "libmirror.map lists no function"
for library in libmirror libmirror-core; do # two libraries, one interface
  readelf -d "$build/$library.so" | grep -q "SONAME.*\[$library\.so\.0\]" || fail "wrong SONAME"
  nm -D --defined-only "$build/$library.so" | awk '$2 != "A" { print $3 }' | sort >"$work/exported"
  case $CFLAGS in
    *sanitize*) # adds names of its own
      grep '^mirror_' "$work/exported" >"$work/ours"
      mv "$work/ours" "$work/exported"
      ;;
  esac
  diff "$work/listed" "$work/exported" ||
    fail "< listed in libmirror.map, > exported (sh tests/abi/record.sh adds new functions)"
done

sed 's/@@.*//' "$work/listed" >"$work/names"
cat "$source"/include/libmirror/*.h "$source"/include/libmirror/ext/*.h | tr '\n' ' ' |
  sed 's/MIRROR_API/\n&/g' | sed -n 's/^MIRROR_API [^(]*\(mirror_[a-z0-9_]*\)(.*/\1/p' |
  sort >"$work/declared"
diff "$work/names" "$work/declared" || fail "< listed in libmirror.map, > declared in a header"

for library in libmirror libmirror-core; do
  defined=$(nm --defined-only --extern-only "$build/$library.a" 2>/dev/null |
    awk 'NF == 3 { print $3 }' | grep -v -e '^__asan_' -e '^__odr_asan' -e '^__ubsan_' || true)
  wrong=$(echo "$defined" | grep -v -e '^mirror_' -e '^mri_' || true)
  [ -z "$wrong" ] || fail "$library.a defines: $wrong"

  # snprintf and vsnprintf write into memory.
  # What starts threads, when asked to: runtime/worker.c, by mirror_worker_start, and pcap outputs,
  # by mirror_pcap_output.
  nm --undefined-only "$build/$library.a" 2>/dev/null | awk '
      /^[^ ]*:$/ { worker = $1 == "worker.c.o:" || $1 == "pcap_writer.c.o:" }
      NF == 2 && !(worker && ($2 == "pthread_create" || $2 == "pthread_sigmask")) { print $2 }' |
    sort -u >"$work/used"
  [ -s "$work/used" ] || fail "$library.a uses nothing"
  wrong=$(grep -x -E "$(tr -s ' \n' '|' <<'NAMES' | sed 's/^|//; s/|$//'
  (__)?v?(f|d)?w?printf(_chk)? putc putchar f?puts (un)?putc_unlocked putchar_unlocked perror psignal
  v?(warn|err)x?c? error error_at_line v?syslog stdout stderr stdin
  _?_?exit _Exit quick_exit abort __assert.* raise kill longjmp siglongjmp
  (secure_)?getenv setenv putenv unsetenv clearenv environ
  signal sigaction sigprocmask pthread_sigmask atexit on_exit
  pthread_create thrd_create clone v?fork posix_spawnp? system popen exec[vl]p?e?
  strtok strerror gmtime localtime asctime ctime rand srand setlocale
NAMES
)" "$work/used" || true)
  case $CFLAGS in
    *sanitize*) ;; # sanitizers print and abort
    *) [ -z "$wrong" ] || fail "$library.a uses: $wrong" ;;
  esac
done
echo "$(wc -l <"$work/exported") functions exported; $(echo "$defined" | wc -l) names defined"
