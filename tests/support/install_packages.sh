#!/bin/sh
# install_packages.sh build|tests|extras...: sees to it that what is needed is there.
#   build   C compiler, CMake, pkg-config, libpcap, jansson; on Linux libmnl, libxdp and libnet
#   tests   what the tests need besides: cmocka, libnet
#   mirrord what mirrord needs besides: libseccomp, libcap-ng, libmicrohttpd
#   coverage  gcovr and python3, for `run.sh --coverage`
#   extras  what some tests use and skip without: tshark, tcpdump, iproute2, nftables, tcpreplay,
#           python3, cppcheck, clang and its tools, a C++ compiler, abidiff, doxygen, mandoc,
#           debootstrap, spin, valgrind, qemu-user and cross compilers, mypy, what pip needs without
#           network, and the libraries that `pkg-config --static libpcap` names
# Installs with apt-get; for other package managers it says what to install.
set -eu

cmake_needed=3.25
missing=

have() {
  command -v "$1" >/dev/null 2>&1
}

library() {
  have pkg-config && pkg-config --exists "$1"
}

# A program with `#include <$1>` compiles and links with -l$2.
header() {
  have cc && printf '#include <%s>\nint main(void) { return 0; }\n' "$1" |
    cc -x c - "-l$2" -o /dev/null 2>/dev/null
}

# What `pkg-config --static` names for a library is there.
links_statically() {
  # shellcheck disable=SC2046
  echo 'int main(void) { return 0; }' |
    cc -x c - $(pkg-config --static --libs "$1") -o /dev/null 2>/dev/null
}

# A Python that installs packages into virtual environments without network.
python_installs() {
  for python in python3 /usr/bin/python3; do
    "$python" -c 'import ensurepip, setuptools, wheel' 2>/dev/null && return
  done
  return 1
}

need() { # need PACKAGE TEST...
  package=$1
  shift
  "$@" || missing="$missing $package"
}

find_missing() {
  missing=
  for group in "$@"; do
    case $group in
      build)
        need compiler have cc
        need make have make
        need cmake have cmake
        need pkg-config have pkg-config
        need libpcap library libpcap
        need jansson library jansson
        if [ "$(uname)" = Linux ]; then
          need libmnl library libmnl
          need libnet header libnet.h net
          need libxdp library libxdp
        fi
        ;;
      tests)
        need cmocka library cmocka
        need libnet header libnet.h net
        ;;
      mirrord)
        need libseccomp library libseccomp
        need libcap-ng library libcap-ng
        need libmicrohttpd library libmicrohttpd
        ;;
      coverage)
        need gcovr have gcovr
        need python3 have python3
        ;;
      extras)
        need tshark have tshark
        need tcpdump have tcpdump
        need iproute2 have ip
        need nftables have nft
        need tcpreplay have tcpreplay
        need cppcheck have cppcheck
        need clang have clang
        need clang-tools have scan-build
        need clang-format have clang-format
        need clang-tidy have clang-tidy
        need c++ have c++
        need abigail-tools have abidiff
        need doxygen have doxygen
        need mandoc have mandoc
        need debootstrap have debootstrap
        need dpkg-dev have dpkg-shlibdeps
        need spin have spin
        need valgrind have valgrind
        need qemu-user have qemu-s390x
        need gcc-s390x-linux-gnu have s390x-linux-gnu-gcc
        need gcc-i686-linux-gnu have i686-linux-gnu-gcc
        need python3 have python3
        need mypy have mypy
        need python3-setuptools python_installs
        need libpcap-static-dependencies links_statically libpcap
        ;;
      *)
        echo "install_packages.sh: unknown group '$group'" >&2
        exit 2
        ;;
    esac
  done
}

debian_name() {
  case $1 in
    compiler) echo gcc libc6-dev ;;
    c++) echo g++ ;;
    libpcap) echo libpcap-dev ;;
    jansson) echo libjansson-dev ;;
    libmnl) echo libmnl-dev ;;
    libxdp) echo libxdp-dev ;;
    cmocka) echo libcmocka-dev ;;
    libnet) echo libnet1-dev ;;
    libseccomp | libcap-ng | libmicrohttpd) echo "$1-dev" ;;
    python3-setuptools) echo python3-venv python3-setuptools python3-wheel ;;
    libpcap-static-dependencies) echo libdbus-1-dev libsystemd-dev ;;
    *) echo "$1" ;;
  esac
}

debian_names() {
  for package in $missing; do
    debian_name "$package"
  done | tr '\n' ' '
}

give_up() {
  echo "Please install:$missing" >&2
  for manager in apt-get:'apt-get install' dnf:'dnf install' pacman:'pacman -S' apk:'apk add' brew:'brew install'; do
    if have "${manager%%:*}"; then
      case ${manager%%:*} in
        apt-get) echo "  ${manager#*:} $(debian_names)" >&2 ;;
        dnf) echo "  such as: dnf install gcc make cmake pkgconf libpcap-devel jansson-devel libmnl-devel libxdp-devel libcmocka-devel libnet-devel" >&2 ;;
        pacman) echo "  such as: pacman -S gcc make cmake pkgconf libpcap jansson libmnl libxdp cmocka libnet" >&2 ;;
        apk) echo "  such as: apk add build-base cmake pkgconf libpcap-dev jansson-dev libmnl-dev libxdp-dev cmocka-dev libnet-dev" >&2 ;;
        brew) echo "  such as: brew install cmake pkg-config libpcap jansson cmocka libnet" >&2 ;;
      esac
    fi
  done
  exit 1
}

install_missing() {
  if ! have apt-get; then
    give_up
  elif [ "$(id -u)" = 0 ]; then
    root=
  elif have sudo; then
    root=sudo
  else
    echo "Installing packages needs root, and there is no sudo." >&2
    give_up
  fi
  packages=$(debian_names)
  echo "Installing: $packages"
  log=$(mktemp)
  # shellcheck disable=SC2086
  if ! { $root apt-get update && $root env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y --no-install-recommends $packages; } >"$log" 2>&1 </dev/null; then
    tail -n 20 "$log" >&2
    rm -f "$log"
    give_up
  fi
  rm -f "$log"
}

check_cmake() {
  found=$(cmake --version | sed -n 's/^cmake version \([0-9]*\.[0-9]*\).*/\1/p')
  lowest=$(printf '%s\n%s\n' "$cmake_needed" "$found" | sort -t. -k1,1n -k2,2n | head -n 1)
  if [ "$lowest" != "$cmake_needed" ]; then
    echo "CMake $cmake_needed or later is needed, found $found." >&2
    echo "A newer one: https://cmake.org/download/, or 'pip install cmake'." >&2
    exit 1
  fi
}

find_missing "$@"
if [ -n "$missing" ]; then
  install_missing
  find_missing "$@"
  [ -z "$missing" ] || give_up
fi
check_cmake
