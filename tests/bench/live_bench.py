"""live_bench.py ARGUMENT...: bench_live.py of the folder $MB_PEERS. With MB_IFB set, --sink is an
ifb device, which takes copies and forgets them, as that of the anchors in the README there. The
transmit function of the test bed's own sink drops them and says so to who sends past queues: a
transmit ring fails with ENOBUFS, and AF_XDP ends its system call, after each copy."""

import json
import os
import sys

sys.path.insert(0, os.environ["MB_PEERS"])
import bench_live as bed  # noqa: E402 - it is in that folder


class IfbLab(bed.Lab):
    """The test bed with an ifb device as k0. (Not for k_enc: what tc clones to one comes back.)"""

    def setup(self):
        super().setup()
        out = self.out
        self.ip("link", "del", out.dev)
        self.ip("link", "add", out.dev, "address", out.smac, "mtu", str(self.opt.underlay_mtu),
                "type", "ifb")
        # The device would count joined copies as one.
        bed.run(bed.ns("src") + ["ethtool", "-K", out.dev, "tx-udp-segmentation", "off"])
        self.ip("address", "add", f"{out.local}/24", "dev", out.dev)
        self.ip("link", "set", out.dev, "up")
        self.ip("neigh", "replace", out.target, "lladdr", out.dmac, "dev", out.dev,
                "nud", "permanent")

    def collector(self, reset=True):
        counters = super().collector(reset)
        link = json.loads(self.ip("-s", "-j", "link", "show", self.out.dev))[0]
        counters["copies"] = link["stats64"]["rx"]["dropped"]
        return counters


if __name__ == "__main__":
    if "MB_IFB" in os.environ:
        bed.Lab = IfbLab
    sys.exit(bed.main())
