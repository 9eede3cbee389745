#!/bin/sh
# Each header with functions says in its opening comment, behind "Thread rule:", which threads may
# call them, and docs/threading.md repeats these words.
set -eu
source=$1

# The rule of a header on one line.
rule() {
  awk '/Thread rule: / { inside = 1; sub(/.*Thread rule: /, " * ") }
    /^ \*\/|^ \*$/ { if (inside) exit }
    inside { sub(/^ \* /, ""); line = line (line == "" ? "" : " ") $0 }
    END { print line }' "$1"
}

page=$(tr '\n' ' ' <"$source/docs/threading.md" | tr -d '`' | tr -s ' ')
count=0
for path in "$source"/include/libmirror/*.h "$source"/include/libmirror/ext/*.h; do
  header=${path#"$source"/include/libmirror/}
  grep -q '^MIRROR_API ' "$path" || continue
  words=$(rule "$path")
  if [ -z "$words" ]; then
    echo "$header has no \"Thread rule:\" in its opening comment"
    exit 1
  fi
  case $page in
    *"| $header | ${words%.} |"*) ;;
    *)
      echo "docs/threading.md needs the line"
      echo "| $header | ${words%.} |"
      exit 1
      ;;
  esac
  count=$((count + 1))
done
echo "the rules of $count headers"
