#!/bin/sh
# Doxygen makes the API reference of the headers without a warning.
set -eu
if ! command -v doxygen >/dev/null; then
  echo "skipped: doxygen is not installed"
  exit 77
fi
cd "$1"
{
  cat docs/Doxyfile
  echo "OUTPUT_DIRECTORY = $3/api"
} | doxygen -
grep -q 'One batch from input to output' "$3/api/html/tap_8h.html" # comments are in it
