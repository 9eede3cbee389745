#!/bin/sh
# What the public headers declare keeps to the ABI rules of CONTRIBUTING.md, read as text: types of
# fixed width, nothing by value, statuses apart from results, contexts for callbacks, owners named.
set -eu
source=$1
work=$3
cd "$source/include/libmirror"

# Headers without comments and preprocessor, one declaration or member a line.
cat ./*.h ext/*.h | sed -e '/^#/d' -e '/^extern "C" {$/d' -e '/^}$/d' | tr '\n' ' ' |
  sed 's|/\*[^*]*\*\+\([^/*][^*]*\*\+\)*/||g' | tr ';' '\n' | tr -s ' ' |
  sed -e 's/^ //' -e '/^ *$/d' >"$work/declared"

awk '
function wrong(why) { print why ": " $0; failed = 1 }

# A type and a name: a number of fixed width or a callback; else a pointer. In structs also arrays,
# and other structs.
function check(text, inside) {
  if (text ~ /^((u?int(8|16|32|64)_t)|mirror_[a-z0-9_]+_fn) [a-z0-9_]+$/) return
  if (text ~ /^(const )?(void|char|u?int(8|16|32|64)_t|mirror_[a-z0-9_]+) (\*|\*\*|\*const \*)[a-z0-9_]+$/) return
  if (inside && text ~ /^(char|uint8_t) [a-z0-9_]+\[[0-9]+\]$/) return
  if (inside && text ~ /^mirror_count [a-z0-9_]+(\[MIRROR_[A-Z_]+\])?$/) return
  wrong("\"" text "\" is no type for the ABI")
}

function parameters(text, i, count, each) {
  sub(/^[^(]*(\(\*[a-z0-9_]+\))?\(/, "", text)
  sub(/\)$/, "", text)
  if (text == "void") return
  count = split(text, each, /, /)
  for (i = 1; i <= count; i++) {
    check(each[i], 0)
    if (each[i] ~ /_fn [a-z_]+$/ && each[i + 1] !~ /^void \*/) wrong("a callback without context")
  }
}

# A status, a text, a number that cannot be taken for a status, or nothing.
function result(text) {
  if (text ~ /^(int32_t|void|const char \*)$/) return
  if (text ~ /^uint(32|64)_t$/ && $0 !~ /mirror_report/) return
  wrong("\"" text "\" is no result")
}

/^MIRROR_API / {
  functions++
  text = $0
  sub(/^MIRROR_API /, "", text)
  name = text
  sub(/\(.*/, "", name)
  sub(/.*[ *]/, "", name)
  back = substr(text, 1, index(text, name) - 1)
  sub(/ $/, "", back)
  result(back)
  if (name ~ /_(destroy|close|free)$/ || name == "mirror_plan_release") {
    if (back != "void") wrong("what destroys returns something")
    print name >destroyers
  }
  parameters(text)
  next
}
/\(\*[a-z0-9_]+\)\(/ { # types of callbacks, and slots
  callbacks++
  if ($0 !~ /\(\*[a-z0-9_]+\)\(void \*(user|state)/) wrong("a callback without context")
  if ($0 !~ /^(typedef )?(int32_t|uint32_t|void|void \*) ?\(/) wrong("no result of a callback")
  parameters($0)
  next
}
/^typedef struct [a-z0-9_]+ \{ / {
  structs++
  name = $3
  sized = $5 == "uint32_t" && $6 == "size"
  if (!sized && name !~ /^mirror_(packet|verdict|copy|key|key4|key6|count|memory_copy)$/)
    wrong("neither with its size first nor a frozen element of arrays")
  text = $0
  sub(/^[^{]*\{ /, "", text)
  check(text, 1)
  next
}
/^typedef struct [a-z0-9_]+ [a-z0-9_]+$/ { handles++; print $3 >handles_file; next }
/^} [a-z0-9_]+$/ { next }
/_ns( |$)/ && !/^int64_t/ { wrong("nanoseconds are int64_t") }
{ check($0, 1) }
END {
  print functions " functions, " callbacks " callbacks, " structs " structs, " handles " handles"
  exit failed || !functions || !callbacks || !structs || !handles
}' destroyers="$work/destroyers" handles_file="$work/handles" "$work/declared"

# Handles are made through an out-parameter; what destroys one is called with NULL by a test.
while read -r handle; do
  grep -q "$handle \*\*" "$work/declared" || {
    echo "no function makes a $handle"
    exit 1
  }
done <"$work/handles"
while read -r name; do
  grep -q "$name(NULL" "$source/tests/abi/test_handles.c" || {
    echo "$name(NULL) is in no test: tests/abi/test_handles.c"
    exit 1
  }
done <"$work/destroyers"

# Who owns what a function makes or returns is said by the comment in front of it, or of its group.
awk '
/^\/\*/ { comment = "" }
/^\/\*/, /\*\// { comment = comment $0 "\n"; next }
/^MIRROR_API / { text = "" ; inside = 1 }
inside { text = text $0 }
inside && /;$/ {
  inside = 0
  if (text ~ /mirror_[a-z]+ \*\*|char \*\*|^MIRROR_API const char/ && text !~ /_stop\(/ &&
      tolower(comment) !~ /returns-(owned|borrowed)/) {
    print FILENAME ": who owns it? " text
    failed = 1
  }
}
END { exit failed }' ./*.h ext/*.h
