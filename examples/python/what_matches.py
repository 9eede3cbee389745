"""Says which rule of a configuration decides about a packet of a capture file, and why.

    what_matches.py --config examples/samples/table2.json --source eni-03 \\
        examples/samples/table2.pcap 3
"""

import argparse
import itertools
import sys

import libmirror


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--config", required=True, help="a configuration file")
    parser.add_argument("--source", required=True, help="whose packets the capture has")
    choices = [direction.name.lower() for direction in libmirror.Direction]
    parser.add_argument("--direction", choices=choices, default="auto")
    parser.add_argument("capture", help="a capture file")
    parser.add_argument("number", type=int, help="which of its packets, from 1")
    arguments = parser.parse_args()
    direction = libmirror.Direction[arguments.direction.upper()]
    with libmirror.Context() as context, libmirror.Capture(arguments.capture) as capture:
        context.load(arguments.config)
        packet = next(itertools.islice(capture, arguments.number - 1, None), None)
        if packet is None:
            sys.exit(f"what_matches.py: {arguments.capture} has no packet {arguments.number}")
        explanation = context.plan().explain(packet, arguments.source, direction)
        print(explanation)
        return 0 if explanation.verdict.mirrored else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except libmirror.MirrorError as error:
        sys.exit(f"what_matches.py: {error}")
