#!/bin/sh
# Each public header compiles by itself, as strict C99 and, where there is a compiler, as C++.
set -eu
include=$1/include
cd "$3"

compile() { # compile COMPILER SUFFIX HEADER FLAG...
  compiler=$1 suffix=$2 header=$3
  shift 3
  printf '#include <%s>\n#include <%s>\n' "$header" "$header" >"header.$suffix"
  "$compiler" "$@" -pedantic -Wall -Wextra -Werror -I"$include" -c "header.$suffix" -o header.o || {
    echo "$header is no $suffix by itself"
    exit 1
  }
}

count=0
for path in "$include"/libmirror/*.h "$include"/libmirror/ext/*.h; do
  header=${path#"$include"/}
  compile "$CC" c "$header" -std=c99
  if command -v c++ >/dev/null 2>&1; then
    compile c++ cc "$header" -std=c++11
  fi
  count=$((count + 1))
done
echo "$count headers"
