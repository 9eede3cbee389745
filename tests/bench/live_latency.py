"""live_latency.py WORK --cmd LABEL=COMMAND ...: latency of mirrors, beside the kernel's, on the
test bed in WORK/peers. In a mount namespace of its own (unshare --mount --propagation private)."""

import argparse
import json
import os
import signal
import sys

MARKS = {False: 1000.0, True: 50.0}  # microseconds, p50: default, low latency
KERNEL = ("k_u32", "k_enc")


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("work")
    parser.add_argument("--cmd", action="append", default=[])
    parser.add_argument("--frames", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=2)
    return parser.parse_args()


def probe(bed, lab, name, options):
    """One set-up, one series."""
    program = os.path.join(options.work, "mirror", "tests", "bench", "live_probe")
    collector = f"/run/netns/{bed.NS_PREFIX}tgt"
    with lab.mirror(name):
        words = [program, "g0", "t0", collector, str(options.frames)]
        return json.loads(bed.run(bed.pinned(0) + bed.ns("gen") + words))


def measure(bed, lab, names, options):
    """Label -> series of all rounds; one that fails is said to be absent."""
    series = {name: [] for name in names}
    for _ in range(options.rounds):
        for name in names:
            try:
                series[name].append(probe(bed, lab, name, options))
            except bed.LabError as error:
                series[name].append({"failed": str(error)})
    return series


def print_series(label, rounds):
    failed = [r["failed"] for r in rounds if "failed" in r]
    if failed:
        print(f"  {label:14} absent: {failed[0][-140:]}")
        return
    words = [f"{r.get('p50', 0):8.1f}{r.get('p99', 0):9.1f}{r['received']:6}/{r['sent']}"
             for r in rounds]
    line = f"  {label:14}" + " |".join(words)
    if label not in KERNEL:
        worst = max(r.get("p50", float("inf")) for r in rounds)
        mark = MARKS[label.endswith(" low")]
        line += f"   mark p50 <= {mark:.0f}: {'reached' if worst <= mark else 'MISSED'}"
    print(line, flush=True)


def main():
    options = arguments()
    os.environ["MB_NS"] = f"ml{os.getpid()}-"
    sys.path.insert(0, os.path.join(options.work, "peers"))
    import bench_live as bed  # what it needs is in the path only now

    bed.libc.prctl(bed.PR_SET_CHILD_SUBREAPER, 1)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, frame: sys.exit(128 + number))
    labels = dict(command.split("=", 1) for command in options.cmd)
    how = argparse.Namespace(sink=False, underlay_mtu=9000, drain=4.0, cmd_vxlan=False, settle=1.0,
                             commands=labels, mirror_cpu=1 if os.cpu_count() > 1 else -1)
    with bed.Lab(how) as lab:
        series = measure(bed, lab, [*KERNEL, *labels], options)
    print(f"  {'':14}{'p50 us':>8}{'p99 us':>9}  copies, of each of {options.rounds} rounds")
    for label, rounds in series.items():
        print_series(label, rounds)


if __name__ == "__main__":
    main()
