#!/bin/sh
# test_harnesses.sh SOURCE BUILD WORK: the core library, compiled for a big-endian machine and for a
# 32-bit one, judges the stored inputs of the harnesses under qemu: what the naive reading of the
# specification says is said there, too. run.sh runs all tests that way.
set -eu
source=$1
harnesses="fuzz_classify fuzz_match fuzz_encap fuzz_decap"
unset CFLAGS # the compiler that they are for is another one
ran=0

judge() { # judge QEMU TRIPLE
  if ! command -v "qemu-$1" >/dev/null 2>&1 || ! command -v "$2-gcc" >/dev/null 2>&1; then
    echo "$1: skipped, there is no qemu-$1 or no $2-gcc (Debian: qemu-user, gcc-$2)"
    return 0
  fi
  mkdir -p "$1"
  # shellcheck disable=SC2086
  if ! {
    "$2-gcc" -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -I"$source/include" -I"$source/tests" -c \
      "$source/tests/fuzz/run_corpus.c" -o "$1/run_corpus.o" &&
      cmake -S "$source" -B "$1" -DCMAKE_SYSTEM_NAME=Linux -DCMAKE_SYSTEM_PROCESSOR="$1" \
        -DCMAKE_C_COMPILER="$2-gcc" -DCMAKE_C_FLAGS=-O1 -DCMAKE_BUILD_TYPE=None \
        -DCMAKE_EXE_LINKER_FLAGS=-static -DMIRROR_WERROR=ON -DMIRROR_BUILD_FUZZ=ON \
        -DMIRROR_FUZZ_ENGINE="$PWD/$1/run_corpus.o" -DMIRROR_BUILD_TESTS=OFF \
        -DMIRROR_BUILD_EXAMPLES=OFF -DMIRROR_INSTALL=OFF -DMIRROR_WITH_PCAP=OFF \
        -DMIRROR_WITH_JSON=OFF -DMIRROR_WITH_NETLINK=OFF -DMIRROR_WITH_LIBNET=OFF &&
      cmake --build "$1" -j 2 --target $harnesses
  } >"$1.log" 2>&1; then
    tail -n 30 "$1.log" >&2
    exit 1
  fi
  for harness in $harnesses; do
    "qemu-$1" "$1/tests/fuzz/$harness" "$source/tests/fuzz/corpus/$harness" >"$1.log" 2>&1 ||
      { tail -n 5 "$1.log" >&2 && exit 1; }
    echo "$1: $harness: $(tail -n 1 "$1.log")"
  done
  ran=$((ran + 1))
}

judge s390x s390x-linux-gnu
judge i386 i686-linux-gnu
[ $ran -gt 0 ] || exit 77
