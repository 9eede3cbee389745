"""Prints the packets of a capture or interface that a configuration mirrors, one a line.

    sniff.py --config examples/samples/table2.json --source eni-03 examples/samples/table2.pcap
"""

import argparse
import datetime
import sys

import libmirror


def line(packet: libmirror.Packet, verdict: libmirror.Verdict) -> str:
    """One packet as a line: time, direction, from, to, length, and the session that takes it."""
    time = datetime.datetime.fromtimestamp(packet.time_ns / 1e9, datetime.timezone.utc)
    direction = verdict.direction.name.lower() if verdict.direction else "?"
    key = libmirror.Key.read(packet)
    ends = [f"{key.source}", f"{key.destination}"]
    if key.source_port is not None:
        ends = [f"{key.source} {key.source_port}", f"{key.destination} {key.destination_port}"]
    return (
        f"{time:%H:%M:%S.%f} {direction} {ends[0]} > {ends[1]} "
        f"protocol {key.protocol} length {packet.length} session {verdict.session_id}"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--config", required=True, help="a configuration file")
    parser.add_argument("--source", required=True, help="whose packets the capture has")
    choices = [direction.name.lower() for direction in libmirror.Direction]
    parser.add_argument("--direction", choices=choices, default="auto")
    parser.add_argument("capture", help="a file, - for standard input, or as afpacket:eth0")
    arguments = parser.parse_args()
    direction = libmirror.Direction[arguments.direction.upper()]
    with libmirror.Context() as context, libmirror.Capture(arguments.capture) as capture:
        context.load(arguments.config)
        for packet, verdict in context.plan().judge(capture, arguments.source, direction):
            if verdict.mirrored:
                print(line(packet, verdict), flush=True)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except libmirror.MirrorError as error:
        sys.exit(f"sniff.py: {error}")
    except KeyboardInterrupt:  # the way to end it on an interface
        pass
