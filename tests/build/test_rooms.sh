#!/bin/sh
# core, model, packet, match and encap need memory and strings of libc, and no system: no socket,
# file, clock or thread. No object of the library can be changed behind a caller's back: none is
# thread-local, and the one global that is written to is what mirror_isa_force sets.
set -eu
build=$2
work=$3
cd "$build"

objects=CMakeFiles/mirror_common_objects.dir/libmirror
if nm "$objects"/core/*.o | grep -q -e __asan_ -e __tsan_ -e __ubsan_ -e gcov; then
  echo "sanitizers and coverage add names and objects of their own"
  exit 77
fi

for room in core model packet match encap; do
  nm --undefined-only "$objects/$room"/*.o | awk -v room=$room '
    NF == 2 && $2 !~ /^(mri_|mirror_)/ { print room ": " $2 }'
done | sort -u >"$work/used"
[ -s "$work/used" ]
if grep -v -x -E "$(tr -s ' \n' '|' <<'NAMES' | sed 's/^|/[a-z]*: (/; s/|$/)/'
  _GLOBAL_OFFSET_TABLE_ __[a-z]+[dst]i[23] __aarch64_[a-z0-9_]+ __stack_chk_fail(_local)?
  malloc realloc free
  mem(cpy|set|cmp|move|chr) bcmp str(n?len|n?cmp|n?casecmp|chr|n?spn) __(mem|str)[a-z]+_chk
  (__)?v?snprintf(_chk)? (__xpg_)?strerror_r inet_pton inet_ntop
NAMES
)" "$work/used"; then
  echo "these rooms know no system, but they use these"
  exit 1
fi

objdump -t "$objects"/*/*.o CMakeFiles/mirror_objects.dir/libmirror/*/*.o >"$work/objects"
if grep -E '\*COM\*| \.t(data|bss)| O \.(data|bss)' "$work/objects" | grep -v '\.data\.rel\.ro' |
  grep -v ' forced$'; then
  echo "these objects are written to"
  exit 1
fi
grep -q ' O \.bss.* forced$' "$work/objects" # would see them
echo "$(wc -l <"$work/used") names of libc"
