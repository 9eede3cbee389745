#!/bin/sh
# The Debian packages install in a clean root, and the README's examples work there.
set -eu
source=$1
work=$3

skip() {
  echo "skipped: $1"
  exit 77
}

[ "$(id -u)" = 0 ] || skip "debootstrap needs root"
for program in debootstrap cpack dpkg-shlibdeps chroot; do
  command -v $program >/dev/null || skip "$program is not installed"
done
# shellcheck disable=SC1091
. /etc/os-release
[ "${ID-}" = debian ] || skip "this is not Debian, but ${ID-unknown}"
archive=$(cat /etc/apt/sources.list.d/*.sources /etc/apt/sources.list 2>/dev/null |
  sed -n -e 's/^URIs: *\([^ ]*\).*/\1/p' -e 's/^deb  *\(\[[^]]*\] *\)\{0,1\}\([a-z]*:[^ ]*\).*/\2/p' | head -n 1)
[ -n "$archive" ] || skip "apt has no source of packages"

root=$work/root
clean() {
  umount "$root/proc" 2>/dev/null || true # debootstrap's, if it was interrupted
  mountpoint -q "$root/proc" || rm -rf "$root"
}
trap clean EXIT
trap 'exit 1' INT TERM
clean

echo "Building the packages"
sh "$source/tests/support/build.sh" "$source" "$work/build" -DCMAKE_INSTALL_PREFIX=/usr \
  -DCMAKE_BUILD_TYPE=RelWithDebInfo -DMIRROR_BUILD_TESTS=OFF
rm -rf "$work/packages"
(cd "$work/build" && cpack -G DEB -B "$work/packages") >"$work/cpack.log" 2>&1 || {
  cat "$work/cpack.log"
  exit 1
}

echo "Making a clean root of $VERSION_CODENAME"
debootstrap --variant=minbase \
  --include=gcc,libc6-dev,pkg-config,libpcap-dev,libjansson-dev,libmnl-dev,libnet1-dev,libxdp-dev,python3,libseccomp2,libcap-ng0,libmicrohttpd12 \
  "$VERSION_CODENAME" "$root" "$archive" >"$work/debootstrap.log" 2>&1 || {
  tail -n 3 "$work/debootstrap.log"
  skip "debootstrap did not make a root"
}

# block LANGUAGE: the first snippet of that language in the README
block() {
  awk -v fence="\`\`\`$1" '$0 == fence { inside = 1; next } /^```/ && inside { exit } inside' \
    "$source/README.md"
}
mkdir "$root/packages" "$root/example"
cp "$work/packages"/*.deb "$root/packages"
cp -r "$source/examples" "$root/example/examples"
cp "$source/tests/build/consumer.c" "$root/example"
block c >"$root/example/mirror.c"
block python >"$root/example/mirror.py"
[ -s "$root/example/mirror.c" ] && [ -s "$root/example/mirror.py" ]

# What follows runs in the root, and is shown.
cat >"$root/example/smoke.sh" <<'SMOKE'
set -e
show() {
  echo "\$ $*"
  eval "$*"
}
find /usr -name '*mirror*' | sort >before
show 'dpkg -i /packages/*.deb >/dev/null && dpkg -l | grep mirror | cut -c 1-90'
show 'gcc -Wall -Werror mirror.c $(pkg-config --cflags --libs libmirror) -o mirror'
show './mirror && ls -l copies.pcap && cksum copies.pcap'
show 'mv copies.pcap by-c.pcap; python3 mirror.py && cmp copies.pcap by-c.pcap'
show 'gcc consumer.c $(pkg-config --static --cflags --libs libmirror-core) -o core && ./core'
show 'test -z "$(ldd core | grep -v -e libmirror-core -e libc.so -e ld-linux -e vdso)"'
show 'cd examples/samples && mirror-pcap -c table2.json -s eni-03 -d auto table2.pcap /tmp/o.pcap | head -n 4; cd ../..'
if dpkg -s mirrord >/dev/null 2>&1; then
  show 'mirrord --check -c examples/samples/table2.json | tail -n 1'
fi
for package in $(dpkg-query -W -f '${Package}\n' '*mirror*'); do
  [ -s "/usr/share/doc/$package/copyright" ]
done
show 'dpkg --purge $(dpkg-query -W -f "\${Package} " "*mirror*") >/dev/null'
find /usr -name '*mirror*' | sort | diff before - || { echo "> left behind"; exit 1; }
SMOKE
echo "In the root:"
chroot "$root" /bin/sh -c 'cd /example && exec sh smoke.sh'
