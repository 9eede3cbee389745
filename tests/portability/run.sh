#!/bin/sh
# run.sh [ARCHITECTURE...]: builds the library for other architectures, with pcap and jansson, and
# runs the tests that need no kernel of their own under qemu: unit, differential, conformance,
# memory, fuzz, ABI of structs; and the oracle, whose rows are digests, if captures are there.
#   ARCHITECTURE  s390x (big-endian), i386 (32-bit), arm64 (NEON); default: all three
# Needs Debian, its cross compilers and qemu-user; the libraries come from the archive of packages
# into build-ARCHITECTURE/root, and nothing is installed.
set -eu

root=$(cd "$(dirname "$0")/../.." && pwd)
jobs=$(getconf _NPROCESSORS_ONLN)
if [ -z "${MIRROR_SHARED-}" ] && [ -d "$root/../shared/data" ]; then
  MIRROR_SHARED=$(cd "$root/../shared" && pwd)
fi
export MIRROR_SHARED="${MIRROR_SHARED-}"

names() { # names ARCHITECTURE: triple of libraries, of the compiler, and qemu's name
  case $1 in
    s390x) triple=s390x-linux-gnu compiler=s390x-linux-gnu qemu=s390x processor=s390x ;;
    i386) triple=i386-linux-gnu compiler=i686-linux-gnu qemu=i386 processor=i686 ;;
    arm64) triple=aarch64-linux-gnu compiler=aarch64-linux-gnu qemu=aarch64 processor=aarch64 ;;
    *) echo "run.sh: architecture \"$1\", expected s390x, i386 or arm64" >&2 && exit 2 ;;
  esac
  for program in "$compiler-gcc" "qemu-$qemu" apt-get dpkg-deb; do
    if ! command -v "$program" >/dev/null 2>&1; then
      echo "run.sh: there is no $program: skipped (Debian: gcc-$compiler, qemu-user)" >&2
      exit 77
    fi
  done
}

fetch() { # fetch ARCHITECTURE FOLDER: packages with all they need, unpacked into FOLDER/root
  state=$2/apt
  [ ! -e "$state/done" ] || return 0
  mkdir -p "$state/lists/partial" "$state/archives/partial" "$2/root"
  : >"$state/status"
  set -- "$1" "$2" -o Dir::State::lists="$state/lists" -o Dir::State::status="$state/status" \
    -o Dir::Cache="$state" -o Dir::Cache::archives="$state/archives" -o APT::Architecture="$1" \
    -o APT::Architectures="$1" -o APT::Sandbox::User=root -o Debug::NoLocking=1
  folder=$2
  shift 2
  apt-get "$@" update
  apt-get "$@" install -y --download-only --no-install-recommends libc6 libpcap0.8-dev \
    libjansson-dev libcmocka-dev libnet1-dev
  for package in "$state"/archives/*.deb; do
    case ${package##*/} in
      libc6-dev_* | linux-libc-dev_* | libcrypt-dev_*) ;; # the compiler has its own
      *) dpkg-deb -x "$package" "$folder/root" ;;
    esac
  done
  touch "$state/done"
}

build() { # build FOLDER
  libraries=$1/root/usr/lib/$triple
  cat >"$1/toolchain.cmake" <<END
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR $processor)
set(CMAKE_C_COMPILER $compiler-gcc)
set(CMAKE_FIND_ROOT_PATH $1/root)
set(CMAKE_LIBRARY_ARCHITECTURE $triple)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_C_FLAGS_INIT "-isystem $1/root/usr/include")
set(CMAKE_EXE_LINKER_FLAGS_INIT "-L$libraries -Wl,-rpath-link,$libraries:$1/root/lib/$triple")
set(CMAKE_SHARED_LINKER_FLAGS_INIT "\${CMAKE_EXE_LINKER_FLAGS_INIT}")
set(CMAKE_CROSSCOMPILING_EMULATOR $1/run)
END
  cat >"$1/run" <<END
#!/bin/sh
exec qemu-$qemu -L $1/root -E LD_LIBRARY_PATH=$libraries:$1/root/lib/$triple "\$@"
END
  chmod +x "$1/run"
  export PKG_CONFIG_LIBDIR="$libraries/pkgconfig:$1/root/usr/share/pkgconfig"
  export PKG_CONFIG_SYSROOT_DIR="$1/root"
  cmake -S "$root" -B "$1" -DCMAKE_TOOLCHAIN_FILE="$1/toolchain.cmake" -DMIRROR_INSTALL=OFF \
    -DMIRROR_WERROR=ON -DMIRROR_WITH_NETLINK=OFF -DMIRROR_WITH_XDP=OFF -DMIRROR_WITH_LIBNET=OFF
  cmake --build "$1" -j "$jobs"
}

# Programs that a script of Python runs do not go through CMake's emulator.
run_oracle() { # run_oracle FOLDER
  [ -n "$MIRROR_SHARED" ] || return 0
  printf '#!/bin/sh\nexec %s/run %s/examples/mirror-pcap "$@"\n' "$1" "$1" >"$1/mirror-pcap"
  chmod +x "$1/mirror-pcap"
  python3 -B "$root/tests/conformance/test_oracle.py" "$1/mirror-pcap"
}

# qemu-i386 gives a thread that returns from a signal handler the thread-local storage of another
# one: the test with a signal runs on the machine itself, if that has the architecture too.
run_worker() { # run_worker FOLDER
  set -- "$1" "$1/root/lib/ld-linux.so.2"
  if ! "$2" --version >/dev/null 2>&1; then
    echo "i386: test_worker left out: this machine runs no i386 programs"
    return 0
  fi
  "$2" --library-path "$1/root/usr/lib/$triple:$1/root/lib/$triple" "$1/tests/test_worker" \
    >"$1/test_worker.log" 2>&1 || { cat "$1/test_worker.log" && return 1; }
  echo "i386: test_worker passed on this machine itself"
}

# Live, shell and Python tests would test the emulator; it also hands numbers in control messages
# (UDP_SEGMENT) to a kernel of the other byte order as they are.
labels="live|build|portability|packaging|static|model|cli|python"
left_out="test_symbols|test_functions|test_threads|test_baseline|test_oracle|test_containers|"
left_out="${left_out}conformance/test_captures|test_tshark|test_vxlan|test_commits|test_scale|"
left_out="${left_out}test_confine|@"

status=0
[ $# -gt 0 ] || set -- s390x i386 arm64
for architecture in "$@"; do
  names "$architecture"
  folder=$root/build-$architecture
  mkdir -p "$folder"
  if ! { fetch "$architecture" "$folder" && build "$folder"; } >"$folder/build.log" 2>&1; then
    tail -n 40 "$folder/build.log" >&2
    exit 1
  fi
  echo "$architecture: $("$folder/run" "$folder/examples/mirror-pcap" --version | head -n 1)"
  case $architecture in
    s390x) excluded="$left_out|test_io_udp" ;;
    i386) excluded="$left_out|test_worker" ;;
    *) excluded=$left_out ;;
  esac
  ctest --test-dir "$folder" -j "$jobs" --timeout 1200 -LE "$labels" -E "$excluded" \
    --output-on-failure >"$folder/tests.log" 2>&1 ||
    { status=1 && grep -E 'ERROR|LINE|Failed' "$folder/tests.log"; }
  grep 'tests passed' "$folder/tests.log"
  [ "$architecture" != i386 ] || run_worker "$folder" || status=1
  run_oracle "$folder" || status=1
done
exit $status
