#!/bin/bash
# Called by OSS-Fuzz in the project's folder, with CC, CFLAGS, LIB_FUZZING_ENGINE and OUT. The
# harnesses are linked by hand so that libpcap and jansson come along: the runner has neither.
set -euo pipefail

cmake -S . -B "$WORK/build" -DCMAKE_BUILD_TYPE=None -DMIRROR_BUILD_FUZZ=ON \
  -DMIRROR_FUZZ_ENGINE="$LIB_FUZZING_ENGINE" -DMIRROR_BUILD_TESTS=OFF -DMIRROR_BUILD_EXAMPLES=OFF \
  -DMIRROR_INSTALL=OFF
cmake --build "$WORK/build" -j "$(nproc)" --target mirror_static fuzz_support

common="$WORK/build/tests/fuzz/libfuzz_support.a $WORK/build/libmirror.a"
for source in tests/fuzz/fuzz_*.c; do
  name=$(basename "$source" .c)
  $CC $CFLAGS -std=c11 -D_GNU_SOURCE -DMIRROR_WITH_PCAP -DMIRROR_WITH_JSON -Iinclude -Ilibmirror \
    -Itests -c "$source" -o "$WORK/$name.o"
  $CXX $CXXFLAGS "$WORK/$name.o" $common $LIB_FUZZING_ENGINE -Wl,-Bstatic \
    $(pkg-config --static --libs libpcap jansson) -Wl,-Bdynamic -lpthread -o "$OUT/$name"
  zip -jqr "$OUT/${name}_seed_corpus.zip" "tests/fuzz/corpus/$name"
done
