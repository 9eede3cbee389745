#!/bin/sh
# test_model.sh SOURCE BUILD WORK: spin checks the model of publishing, and finds what is wrong with
# each of its broken variants.
set -eu

model=$1/tests/model/publish.pml
for program in spin cc; do
  if ! command -v $program >/dev/null 2>&1; then
    echo "There is no $program: skipped"
    exit 77
  fi
done

check() { # check NAME [DEFINITION...]: the number of errors
  name=$1
  shift
  mkdir -p "$name"
  (cd "$name" && spin "$@" -a "$model" >spin.log && cc -O2 -w -DSAFETY -DCOLLAPSE -o pan pan.c &&
    ./pan -m200000 >pan.log 2>&1)
  if ! grep -q '^State-vector' "$name/pan.log" || grep -q 'max search depth too small' "$name/pan.log"; then
    cat "$name/pan.log" >&2
    echo "error: the search did not end" >&2
    exit 1
  fi
  sed -n 's/.*errors: \([0-9]*\).*/\1/p' "$name/pan.log"
}

errors=$(check as_it_is)
states=$(sed -n 's/^ *\([0-9e+.]*\) states, stored.*/\1/p' as_it_is/pan.log)
echo "as it is: $errors errors in $states states"
[ "$errors" = 0 ]
for variant in BUFFERED_ANNOUNCEMENT BUFFERED_SWAP NO_SECOND_LOOK LOOK_FIRST; do
  errors=$(check $variant -D$variant)
  echo "$variant: $errors errors, $(sed -n 's/^pan:1: \(.*\) (at.*/\1/p' $variant/pan.log)"
  [ "$errors" -gt 0 ]
done
