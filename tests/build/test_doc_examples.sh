#!/bin/sh
# The C programs of README.md and docs/ (blocks that begin with #include) compile without a warning,
# run, and say what they should; the other blocks of docs/c-guide.md compile one after the other. The
# two examples of README.md have ten lines at most.
set -eu
source=$1
build=$2
work=$3
cd "$work"

# blocks programs|fragments PAGE: the C blocks of this kind, programs into NAME-N.c
blocks() {
  awk -v kind="$1" -v name="$(basename "$2" .md)" '
    /^```/ { inside = $0 == "```c"; first = inside; next }
    inside && first { first = 0; program = /^#include/; n += program }
    inside && program && kind == "programs" { print >(name "-" n ".c") }
    inside && !program && kind == "fragments"' "$source/$2"
}

rm -rf ./*.c examples copies.pcap
ln -s "$source/examples" examples
for page in README.md $(cd "$source" && grep -l '^```c$' docs/*.md); do
  blocks programs "$page"
  [ "$page" = docs/c-guide.md ] || [ -z "$(blocks fragments "$page")" ]
done
for program in *.c; do
  # shellcheck disable=SC2086
  "$CC" $CFLAGS -std=c11 -Wall -Wextra -Werror -I"$source/include" "$program" \
    -L"$build" -lmirror -Wl,-rpath,"$build" -o "${program%.c}"
done
[ "$(echo ./*.c)" = './README-1.c ./backends-1.c ./c-guide-1.c ./c-guide-2.c ./engine-1.c' ] # all are run here

./README-1
[ "$(wc -c <copies.pcap)" -gt 24 ] # more than the file's header
mv copies.pcap by-one-call.pcap
./c-guide-1
cmp copies.pcap by-one-call.pcap
./c-guide-2 pcap:examples/samples/table2.pcap >sniffed
[ "$(grep -c 'octets, session' sniffed)" = 48 ]
if ./c-guide-2 pcap:none 2>refusal; then exit 1; fi
grep none refusal
./engine-1 | grep '^key 0: mirrored by rule 1 of '        # the seed's Table 2
./backends-1 | grep '^48 copies, 5019 octets$'            # with VXLAN headers, cut as the session says

# What the README's program says when something is missing, and its length.
mkdir -p nothing
if (cd nothing && ../README-1 2>../refusal); then exit 1; fi
grep '^examples/samples/table2.json: ' refusal
awk '/^```/ { if (inside && n > 10) exit 1; inside = /^```(c|python)$/; n = 0; next } inside { n++ }' \
  "$source/README.md"

{
  cat <<'BEFORE'
#include <libmirror/libmirror.h>
#include <stdio.h>
void guide(mirror_context *context, mirror_transaction *tx, mirror_filter filter,
           mirror_source source, mirror_target target, mirror_session session,
           mirror_plan *plan, const mirror_packet *packets, uint32_t count,
           mirror_verdict *verdicts, mirror_explanation *explanation, mirror_report report);
void guide(mirror_context *context, mirror_transaction *tx, mirror_filter filter,
           mirror_source source, mirror_target target, mirror_session session,
           mirror_plan *plan, const mirror_packet *packets, uint32_t count,
           mirror_verdict *verdicts, mirror_explanation *explanation, mirror_report report) {
BEFORE
  blocks fragments docs/c-guide.md
  echo '}'
} >guide.c
"$CC" -std=c11 -Wall -Wextra -Werror -fsyntax-only -I"$source/include" guide.c

# mirrord takes the options that the pages show, and the file that docs/configuration.md shows.
mirrord=$build/examples/mirrord/mirrord
if [ -x "$mirrord" ]; then
  awk '/^```/ { inside = !inside; n += inside; next } inside && n == 1' \
    "$source/docs/configuration.md" >config.json
  PATH=$build/examples/mirrord:$PATH
  sed -n '/^mirrord --check/s/#.*//p' "$source/docs/operations.md" >commands.sh
  [ "$(wc -l <commands.sh)" = 1 ]
  sh -e commands.sh
  for option in --top --once; do
    "$mirrord" --help | grep -q -e "$option"
  done
fi

# mirror-target-rules and what docs/operations.md and its manual make of its table.
awk '/^```/ { inside = !inside; n += inside; next } inside && n == 1' \
  "$source/docs/configuration.md" >config.json
cp config.json mirror.json
PATH=$build/examples:$PATH
awk '/^```/ { inside = $0 == "```sh"; next } inside' "$source/docs/operations.md" |
  sed '/^mirrord/d' >commands.sh
sed -n '/^mirror-target-rules mirror.json/,/accept/p' "$source/docs/mirror-target-rules.1" >>commands.sh
sh -e commands.sh >printed
rule='nft add rule inet filter input ip saddr 10.0.0.3/32 udp dport 4789 accept'
[ "$(grep -c -x "$rule" printed)" = 2 ]
grep -q "^sensor$(printf '\t')10.0.9.9" printed

# Commands on the other pages: their syntax, and the files that they name. (Those of docs/c-guide.md
# are run by test_install.sh, pip by bindings/python/tests/test_package.py.)
for page in README.md CONTRIBUTING.md docs/python-guide.md docs/c-guide.md; do
  awk '/^```/ { inside = $0 == "```sh"; next } inside' "$source/$page" >page.sh
  sh -n page.sh
  for file in $(grep -o -E '(^|[ =])(\./)?(tests|examples|bindings|\.ci)/[A-Za-z0-9_./-]+' page.sh); do
    file=${file#./}
    [ -e "$source/$file" ] || [ -e "$build/$file" ] || {
      echo "$page names $file, which is not there"
      exit 1
    }
  done
done

# No block is in a language that no test looks at (python: bindings/python/tests/test_docs.py; json
# and text: test_configuration_doc.sh).
only() { # only LANGUAGES PAGE...: no block of these languages is on another page
  languages=$1
  shift
  grep -n -E "^\`\`\`($languages)$" "$source"/README.md "$source"/CONTRIBUTING.md "$source"/docs/*.md \
    >blocks || true
  for page in "$@"; do
    grep -v "/$page:" blocks >others || true
    mv others blocks
  done
  [ ! -s blocks ] || {
    echo "no test looks at:"
    cat blocks
    exit 1
  }
}
only 'json|text' configuration.md
only python README.md python-guide.md
only sh README.md CONTRIBUTING.md python-guide.md c-guide.md operations.md
if grep -n '^```[a-z]' "$source"/README.md "$source"/CONTRIBUTING.md "$source"/docs/*.md |
  grep -v -E '```(c|sh|python|json|text)$'; then
  echo "no test looks at this language"
  exit 1
fi
