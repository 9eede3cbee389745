#!/bin/sh
# mandoc has no complaint about the manual pages.
set -eu
if ! command -v mandoc >/dev/null; then
  echo "skipped: mandoc is not installed"
  exit 77
fi
mandoc -T lint -W warning "$1"/docs/*.[18]
