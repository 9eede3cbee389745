#!/usr/bin/env python3
"""test_soak.py MIRRORD [SECONDS]: mirrord at 80 % of what it can on this machine, under its system
call filter, with reloads and link flaps: exact to the packet, and nothing grows (R16).

Without SECONDS a short one: five reloads a second, a flap each two seconds. With it that long, with
a reload each second, a flap each minute, and a line of figures each minute.
"""
import json
import os
import shutil
import struct
import sys
import time

import appliance
import lab
from appliance import Scene, configuration, count_of, status_of

SIZES = [64] * 7 + [594] * 4 + [1514]  # IMIX
BACKLOG = 1000  # net.core.netdev_max_backlog


def write_load(path):
    """Frames of 512 flows as a capture file."""
    with open(path, "wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
        for n in range(6144):
            frame = lab.frame(ports=(1000 + n % 512, 2000), size=SIZES[n % 12] - 42)
            file.write(struct.pack("<IIII", 0, n, len(frame), len(frame)) + frame)


class Load:
    """The frames, from far, without end."""

    def __init__(self, scene, *rate):
        path = scene.folder + "/load.pcap"
        write_load(path)
        with scene.outside:
            self.program = lab.Program("tcpreplay", "--intf1=far", "--preload-pcap", "--loop=0",
                                       *rate, path)
        self.program.wait(lambda line: line.startswith("File Cache is enabled"), 10)

    def assert_sending(self):
        lab.equal(self.program.process.poll(), None, "tcpreplay: %r" % self.program.lines)

    def stop(self):
        self.assert_sending()
        self.program.process.terminate()
        self.program.process.wait()


class Collector:
    """The kernel counts copies and drops them."""

    def __init__(self, scene):
        self.namespace = scene.collector
        with self.namespace:
            lab.run("nft", "add table netdev t { chain c { type filter hook ingress device in "
                    "priority 0; udp dport 4789 counter drop; }; }")

    def copies(self):
        with self.namespace:
            rules = json.loads(lab.run("nft", "--json", "list", "table", "netdev", "t"))
        expression, = [rule["rule"]["expr"] for rule in rules["nftables"] if "rule" in rule]
        counter, = [each["counter"] for each in expression if "counter" in each]
        return counter["packets"]


def resident(pid):
    return int(status_of(pid)[0]["VmRSS"].split()[0])


def descriptors(pid):
    return len(os.listdir("/proc/%d/fd" % pid))


def saturation(scene):
    """Packets a second that are mirrored while more come than can be."""
    load = Load(scene, "--topspeed")
    time.sleep(0.5)
    before, begin = scene.mirrord.counters()[0]["sent"], time.monotonic()
    time.sleep(3)
    rate = (scene.mirrord.counters()[0]["sent"] - before) / (time.monotonic() - begin)
    load.stop()
    time.sleep(1)  # for what is in the ring
    return rate


class Soak:
    def __init__(self, scene):
        self.scene, self.collector = scene, Collector(scene)
        self.pid = scene.mirrord.process.pid
        self.reloads = self.flaps = 0
        self.memory = []  # of the time after the first reloads and flaps

    def reload(self):
        self.reloads += 1
        lab.equal(self.scene.mirrord.reload(configuration(vni=self.reloads))[0], True, "taken")

    def flap(self):
        self.flaps += 1
        with self.scene.host:
            lab.ip("link", "set", "near", "down")
            lab.ip("link", "set", "near", "up")
        lab.wait_for_carrier(self.scene.host, "near")

    def figures(self):
        source = self.scene.mirrord.status()["sources"][0]
        return {"received": source["ingress"]["received"]["packets"],
                "dropped": source["kernel_drops"], "reloads": self.reloads, "flaps": self.flaps,
                "KiB": resident(self.pid), "descriptors": descriptors(self.pid)}

    def run(self, seconds, reload_each, flap_each, tell_each):
        begin = time.monotonic()
        tell = begin + tell_each
        while time.monotonic() < begin + seconds:
            time.sleep(reload_each)
            self.reload()
            if time.monotonic() > begin + (self.flaps + 1) * flap_each:
                self.flap()
            if self.flaps:
                self.memory.append((resident(self.pid), descriptors(self.pid)))
            if time.monotonic() > tell:
                tell += tell_each
                print("%6d s: %s" % (time.monotonic() - begin, self.figures()), flush=True)

    def accounts(self):
        """(what the interface counted, what came in, what the kernel dropped), when all is sent."""
        scene = self.scene
        counted = count_of(scene.host, "near", "rx")
        received = scene.mirrord.counters()[0]["received"]
        ingress, _ = scene.mirrord.after(received)
        lab.equal((ingress["mirrored"], ingress["sent"]), (received, received), "mirrored, sent")
        lost = count_of(scene.collector, "in", "rx", "dropped")
        lab.equal(self.collector.copies() + lost, received, "copies at the collector")
        return counted, received, scene.mirrord.status()["sources"][0]["kernel_drops"]

    def assert_exact(self):
        """What waits in the kernel when an interface goes down was counted by it, but taps are not
        told."""
        counted, received, dropped = self.accounts()
        print("%d counted by the interface, %d received, mirrored, sent and collected, %d dropped "
              "by the kernel for want of time; %d reloads, %d flaps" %
              (counted, received, dropped, self.reloads, self.flaps))
        missing = counted - received - dropped
        lab.equal(0 <= missing <= BACKLOG * self.flaps, True, "%d are missing" % missing)

    def assert_constant(self):
        (low, least), (high, most) = min(self.memory), max(self.memory)
        print("%d to %d KiB resident, %d to %d descriptors" % (low, high, least, most))
        lab.equal((high < low + 2048, most), (True, least), "memory and descriptors")


def soak():
    for program in ("tcpreplay", "nft"):
        lab.need(shutil.which(program), "no " + program)
    long = float(sys.argv[2]) if len(sys.argv) > 2 else 0
    scene = Scene()
    soak = Soak(scene)
    rate = saturation(scene)
    print("%d packets a second at most, %d from now on" % (rate, 0.8 * rate), flush=True)
    load = Load(scene, "--pps=%d" % (0.8 * rate), "--pps-multi=16")
    soak.run(*((long, 1.0, 60.0, 60.0) if long else (6.0, 0.2, 2.0, 60.0)))
    load.stop()
    time.sleep(0.5)  # more than a block waits in the ring
    soak.assert_exact()
    soak.assert_constant()
    scene.mirrord.stop()


try:
    lab.main(soak)
finally:
    appliance.clean_up()
