#!/bin/sh
# live_mirror.sh MIRRORD OUTPUT OPTIONS: a mirrord as the test bed runs a command under test, with
# s0 as source. OPTIONS are those of the afpacket input. Outputs by a vxlan device get one (vx0, which
# the test bed deletes).
set -eu
case $2 in
  vxlan:vx0*)
    ip link add vx0 type vxlan id "$MB_VNI" local "$MB_LOCAL" remote "$MB_TARGET" \
      dstport "$MB_PORT" srcport 49152 65535 nolearning dev "$MB_OUT_IF"
    ip link set vx0 up mtu 8950
    ;;
esac
exec "$1" --config "$MB_RULES" --socket '' --input "src=afpacket:$MB_SRC_IF?$3" --output "$2"
