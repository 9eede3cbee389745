#!/bin/sh
# All C files are laid out as .clang-format says.
set -eu
cd "$1"

if ! command -v clang-format >/dev/null; then
  echo "skipped: clang-format is not installed"
  exit 77
fi
# Releases differ in small things; these are the ones that .clang-format was written with.
case $(clang-format --version) in
  *'version 14.'* | *'version 15.'* | *'version 16.'*) ;;
  *)
    echo "skipped: $(clang-format --version), expected 14 to 16"
    exit 77
    ;;
esac
find include libmirror examples tests -name '*.[ch]' -exec clang-format --dry-run -Werror {} +
