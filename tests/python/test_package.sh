#!/bin/sh
# The tests of the Python package, against the library of this build.
set -eu
source=$1
export LIBMIRROR_PATH="$2"

if ! python3 -c 'import sys; sys.exit(sys.version_info < (3, 9))' 2>/dev/null; then
  echo "no python3, or one older than 3.9"
  exit 77
fi
case $CFLAGS in
  *thread*)
    echo "python3 itself was not built with the thread sanitizer"
    exit 77
    ;;
  *sanitize*) # the sanitizer must come before python3, whose own memory is not looked at
    LD_PRELOAD=$("$CC" -print-file-name=libasan.so)
    [ -e "$LD_PRELOAD" ] || exit 77
    export LD_PRELOAD ASAN_OPTIONS=detect_leaks=0 PYTHONMALLOC=malloc
    ;;
esac
exec python3 -B "$source/bindings/python/tests/run.py"
