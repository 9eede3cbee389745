#!/bin/sh
# The rules of .editorconfig that a text tool can check, on all files of the project.
set -eu
cd "$1"
found=$3/found
rm -f "$found"

wrong() { # wrong RULE: the places are on standard input
  places=$(cat)
  [ -z "$places" ] || printf '%s:\n%s\n' "$1" "$places" | tee -a "$found"
}

files() { # files TEST...: the project's, but for what is made and what is no text
  find .ci .clang-format .clang-tidy .editorconfig .gitignore ./*.md CMakeLists.txt LICENSE \
    bindings cmake docs examples include libmirror pkg-config tests -type f ! -name '*.pcap' \
    ! -name '*.pyc' ! -path '*/build/*' ! -path '*/corpus/*' ! -path '*.egg-info/*' "$@"
}

tab=$(printf '\t')
return=$(printf '\r')
files -exec grep -n "[ $tab]\$" {} + | wrong "blanks at the end of a line"
files -exec grep -l "$return" {} + | wrong "lines that end in CR LF"
files ! -name Makefile -exec grep -n "^ *$tab" {} + | wrong "tabs for indentation"
files -size +0 -exec sh -c 'for file; do tail -c 1 "$file" | read -r _ || echo "$file"; done' sh {} + |
  wrong "no newline at the end"
files -exec sh -c 'for file; do iconv -f utf-8 -t utf-8 "$file" >/dev/null 2>&1 || echo "$file"; done' \
  sh {} + | wrong "not UTF-8"
files \( -name '*.[ch]' -o -name '*.py' \) -exec env LC_ALL=C.UTF-8 \
  grep -nE '^.{101,}' {} + | wrong "lines of more than 100 characters"
[ ! -s "$found" ]
