#!/bin/sh
# run.sh [--sanitize|--coverage]: builds and runs all tests; the last line counts them.
#   --sanitize  everything under AddressSanitizer and UndefinedBehaviorSanitizer
#   --coverage  those that run the library, and then says what of it they covered, room by room;
#               fails if that is not enough (tests/coverage/report.py)
# Captures and expected results beside the project (../shared) are used if they are there.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"

sanitize=
type=RelWithDebInfo
flags=
left_out='^$' # labels
without='^$'
build="build-tests"
case ${1-} in
  '') ;;
  --sanitize)
    sanitize=address,undefined
    build="build-sanitize"
    ;;
  --coverage)
    build="build-coverage"
    type=Debug
    flags="--coverage -fprofile-update=atomic"
    left_out='static|packaging|model|build|abi'
    without='cli/test_mirrord' # confined: it cannot write what it counts
    ;;
  *)
    echo "usage: sh tests/run.sh [--sanitize|--coverage]" >&2
    exit 2
    ;;
esac

attribute() { # attribute NAME: of the first element of the results
  sed -n "s/.*[[:space:]]$1=\"\([0-9]*\)\".*/\1/p" "$build/results.xml" | head -n 1
}

sh tests/support/install_packages.sh build tests
[ -z "$flags" ] || sh tests/support/install_packages.sh coverage
if [ -n "${CI-}" ] || [ "$(id -u)" = 0 ]; then
  sh tests/support/install_packages.sh mirrord extras || echo "Some tests will be skipped."
fi

if [ -z "${MIRROR_SHARED-}" ] && [ -d ../shared/data ]; then
  MIRROR_SHARED=$(cd ../shared && pwd)
  export MIRROR_SHARED
fi

echo "Building the tests in $build"
sh tests/support/build.sh . "$build" -DCMAKE_BUILD_TYPE=$type -DMIRROR_SANITIZE="$sanitize" \
  -DCMAKE_C_FLAGS="$flags"
[ -z "$flags" ] || find "$build" -name '*.gcda' -delete

status=0
jobs=$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 1)
rm -f "$build/results.xml"
ctest --test-dir "$build" --output-on-failure --no-tests=error -j "$jobs" \
  -LE "$left_out" -E "$without" --output-junit "$root/$build/results.xml" </dev/null || status=$?

if [ ! -s "$build/results.xml" ]; then
  echo "ctest gave no results" >&2
  exit 1
fi
total=$(attribute tests)
failed=$(attribute failures)
skipped=$(attribute skipped)
disabled=$(attribute disabled)
not_run=$((skipped + disabled))
cases=$(sed -n 's/^\[  PASSED  \] \([0-9]*\) test(s).*/\1/p' "$build/Testing/Temporary/LastTest.log" |
  awk '{ sum += $1 } END { print sum + 0 }')
if [ -n "$flags" ]; then
  gcovr -r . --object-directory "$build" --filter libmirror/ --exclude-unreachable-branches \
    --json "$build/coverage.json" "$build"/CMakeFiles/mirror*.dir
  python3 tests/coverage/report.py "$build/coverage.json" tests/coverage/uncovered.md || status=1
fi
echo "The unit tests among these are $cases single cases that passed."
echo "$((total - failed - not_run)) passed, $failed failed, $not_run skipped"
exit "$status"
