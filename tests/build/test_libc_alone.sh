#!/bin/sh
# Without optional backends and JSON the library needs libc alone, and does its job.
set -eu
source=$1
work=$3
unset CFLAGS # sanitizers bring libraries of their own

sh "$source/tests/support/build.sh" "$source" "$work/build" -DMIRROR_WITH_PCAP=OFF \
  -DMIRROR_WITH_JSON=OFF -DMIRROR_WITH_NETLINK=OFF -DMIRROR_WITH_LIBNET=OFF -DMIRROR_BUILD_TESTS=OFF -DMIRROR_BUILD_EXAMPLES=OFF

needed=$(readelf -d "$work/build/libmirror.so" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p')
echo "needed: $needed"
for library in $needed; do
  case $library in
    libc.so.* | libc.musl-* | ld-*) ;;
    *)
      echo "the library needs $library, not libc alone"
      exit 1
      ;;
  esac
done

"$CC" -std=c11 -Wall -Werror -I"$source/include" "$source/tests/build/libc_alone.c" \
  -L"$work/build" -lmirror -o "$work/libc_alone"
LD_LIBRARY_PATH=$work/build "$work/libc_alone"
