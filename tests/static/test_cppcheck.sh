#!/bin/sh
# cppcheck finds nothing in the library, the examples and the tests.
set -eu
source=$1

if ! command -v cppcheck >/dev/null; then
  echo "skipped: cppcheck is not installed"
  exit 77
fi
cd "$source"
cppcheck --quiet --std=c11 --enable=warning,performance,portability --error-exitcode=1 -j 2 \
  -I include -I libmirror -DMIRROR_WITH_PCAP -DMIRROR_WITH_JSON -DMIRROR_WITH_NETLINK \
  -DMIRROR_WITH_LIBNET libmirror examples tests
