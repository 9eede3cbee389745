#!/bin/sh
# Every public function is bound by the Python package, is called by tests in C, and is in the list
# of CHANGELOG.md. (That tests of the package call every one: python/test_package.)
set -eu
source=$1
build=$2
work=$3
cd "$source"

sed -n 's/^ *\(mirror_[a-z0-9_]*\);$/\1/p' libmirror/libmirror.map | sort >"$work/functions"
find tests -name '*.c' -exec cat {} + | grep -o 'mirror_[a-z0-9_]*)\{0,1\}(' | tr -d '()' | sort -u |
  comm -12 "$work/functions" - >"$work/tests"
sed -n '/^New API calls/,$p' CHANGELOG.md | grep -o 'mirror_[a-z0-9_]*' | sort -u |
  comm -12 "$work/functions" - >"$work/changes"
python=none
if command -v python3 >/dev/null && [ -z "${CFLAGS-}" ]; then # python3 has no sanitizer
  LIBMIRROR_PATH=$build PYTHONPATH=bindings/python python3 -B -c '
from libmirror._library import lib
print(*sorted(vars(lib)), sep="\n")' | sort | comm -12 "$work/functions" - >"$work/python"
  python=$(wc -l <"$work/python")
fi

all=$(wc -l <"$work/functions")
echo "$all functions: Python package $python, tests $(wc -l <"$work/tests"), changes $(wc -l <"$work/changes")"
status=0
for list in tests changes $([ "$python" = none ] || echo python); do
  comm -23 "$work/functions" "$work/$list" | sed "s/^/not in $list: /" | grep . && status=1
done
exit $status
