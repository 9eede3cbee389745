#!/bin/sh
# run.sh [--sanitize]: builds and runs all tests; the last line counts them.
#   --sanitize  everything under AddressSanitizer and UndefinedBehaviorSanitizer
# Captures and expected results beside the project (../shared) are used if they are there.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"

sanitize=
build="build-tests"
case ${1-} in
  '') ;;
  --sanitize)
    sanitize=address,undefined
    build="build-sanitize"
    ;;
  *)
    echo "usage: sh tests/run.sh [--sanitize]" >&2
    exit 2
    ;;
esac

attribute() { # attribute NAME: of the first element of the results
  sed -n "s/.*[[:space:]]$1=\"\([0-9]*\)\".*/\1/p" "$build/results.xml" | head -n 1
}

sh tests/support/install_packages.sh build tests
if [ -n "${CI-}" ] || [ "$(id -u)" = 0 ]; then
  sh tests/support/install_packages.sh mirrord extras || echo "Some tests will be skipped."
fi

if [ -z "${MIRROR_SHARED-}" ] && [ -d ../shared/data ]; then
  MIRROR_SHARED=$(cd ../shared && pwd)
  export MIRROR_SHARED
fi

echo "Building the tests in $build"
sh tests/support/build.sh . "$build" -DCMAKE_BUILD_TYPE=RelWithDebInfo -DMIRROR_SANITIZE="$sanitize"

status=0
jobs=$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 1)
rm -f "$build/results.xml"
ctest --test-dir "$build" --output-on-failure --no-tests=error -j "$jobs" \
  --output-junit "$root/$build/results.xml" </dev/null || status=$?

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
echo "The unit tests among these are $cases single cases that passed."
echo "$((total - failed - not_run)) passed, $failed failed, $not_run skipped"
exit "$status"
