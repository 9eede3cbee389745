#!/usr/bin/env python3
"""test_examples.py FOLDER: the example programs appliance and sniff on interfaces."""
import json
import signal
import socket
import struct
import sys
import tempfile

import lab

FOLDER = sys.argv[1]
VXLAN = b"\x08\0\0\0" + struct.pack(">I", 42 << 8)


def tap(device):
    sock = lab.packet_socket(device)
    sock.settimeout(2)
    return sock


def pair(here, name, there, peer):
    lab.veth(here, name, there, peer)
    for namespace, device in ((here, name), (there, peer)):
        with namespace:
            lab.offloads(device, False)
        lab.wait_for_carrier(namespace, device)


class Bump:
    """machine:eth === inside:host:outside === eth:network, and host:out === in:collector"""

    def __init__(self):
        self.machine, self.host, self.network, self.collector = (lab.Namespace() for _ in range(4))
        pair(self.machine, "eth", self.host, "inside")
        pair(self.network, "eth", self.host, "outside")
        pair(self.host, "out", self.collector, "in")
        with self.collector:
            lab.ip("address", "add", "10.9.0.2/24", "dev", "in")
            self.sink = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self.sink.bind(("10.9.0.2", 4789))
            self.sink.settimeout(2)
        with self.machine:
            self.at_machine, self.from_machine = tap("eth"), lab.Sender("eth")
        with self.network:
            self.at_network, self.from_network = tap("eth"), lab.Sender("eth")
        self.config = tempfile.NamedTemporaryFile("w", suffix=".json")
        json.dump(lab.configuration({"t": {"address": "10.9.0.2"}}), self.config)
        self.config.flush()

    def start(self, *ports):
        program = lab.Program(FOLDER + "/appliance", self.config.name, "source", *ports)
        program.wait(lambda line: line == "forwarding" or "appliance:" in line)
        return program


def appliance_forwards_and_mirrors():
    bump = Bump()
    with bump.host:
        lab.ip("address", "add", "10.9.0.1/24", "dev", "out")
        program = bump.start("inside", "outside")
    request, reply = lab.frame(b"request", 1, 2), lab.frame(b"reply", 2, 1, size=1400)
    bump.from_machine.send(request)
    lab.equal(bump.at_network.recv(2000), request, "what passes outward")
    lab.equal(bump.sink.recv(2000), VXLAN + request, "its copy")
    bump.from_network.send(reply)
    lab.equal(bump.at_machine.recv(2000), request, "what the machine sent itself")
    lab.equal(bump.at_machine.recv(2000), reply, "what passes inward")
    lab.equal(bump.sink.recv(2000), VXLAN + reply, "its copy")
    lab.equal(program.finish(signal.SIGINT)[1:], ["received 2, mirrored 2, sent 2"])


def appliance_goes_on_without_a_way_to_the_target():
    bump = Bump()
    with bump.host:
        program = bump.start("inside", "outside")  # no address, no route
    frame = lab.frame(b"request", 1, 2)
    bump.from_machine.send(frame, frame)
    lab.equal([bump.at_network.recv(2000) for _ in range(2)], [frame, frame])
    lab.equal(program.finish(signal.SIGTERM)[1:], ["received 2, mirrored 2, failed_other 2"])


def appliance_says_what_is_wrong():
    bump = Bump()
    with bump.host:
        program = bump.start("inside", "nowhere")
    lab.equal(program.finish(), ["appliance: nowhere: No such device"])


def sniff_shows_what_matches():
    here, there = lab.Namespace(), lab.Namespace()
    pair(here, "near", there, "far")
    with there:
        far = lab.Sender("far")
    with here:
        near = lab.Sender("near")
        program = lab.Program(FOLDER + "/sniff", "-p", "udp", "-P", "2000-2001", "near")
        other = lab.Program(FOLDER + "/sniff", "-d", "10.0.0.7/32", "-n", "1", "near")
    with here:
        lab.until(lambda: lab.run("cat", "/proc/net/packet").count(" 0003 ") == 2, 3, "open inputs")
    far.send(lab.frame(ports=(1, 2000)), lab.frame(ports=(1, 2002)), lab.frame(destination=7))
    near.send(lab.frame(source=2, destination=1, ports=(5, 2001)))
    program.wait(lambda line: "out 10.0.0.2 5 > 10.0.0.1 2001 protocol 17 length 60" in line)
    lab.equal(len(other.finish(seconds=5)), 1, "lines until -n")
    lines = [line.split(" ", 1)[1] for line in program.finish(signal.SIGINT)]
    lab.equal(sorted(lines), sorted(["in 10.0.0.1 1 > 10.0.0.2 2000 protocol 17 length 60",
                                     "in 10.0.0.1 1000 > 10.0.0.7 2000 protocol 17 length 60",
                                     "out 10.0.0.2 5 > 10.0.0.1 2001 protocol 17 length 60"]))


lab.main(appliance_forwards_and_mirrors, appliance_goes_on_without_a_way_to_the_target,
         appliance_says_what_is_wrong, sniff_shows_what_matches)
