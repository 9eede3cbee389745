"""live_rows.py WORK MIRRORD [-p PATTERN] [-r ROUNDS] [-t SECONDS] [-o OUTPUTS] [-c NAME=COMMAND]:
the rows of live.sh, which builds what this needs and says what the options are."""

import argparse
import fnmatch
import os
import shutil
import statistics
import subprocess
import sys

from live_bed import HERE, Bed

RATE = 150000  # frames a second: idle gaps at lower ones, drops at higher ones change the costs
OUTPUTS = "xdp:{out_if} afpacket:{out_if} udp: vxlan:vx0 libnet:{out_if}"
PKTMINERG = 3848 / 2005  # x k_u32, from the README of the test bed: both, collector, 150 k/s


def verdict(value, mark, at_least=False):
    """What is to be said of a ratio that has a mark."""
    if value is None:
        return "not measured"
    sign, reached = (">=", value >= mark) if at_least else ("<=", value <= mark)
    return f"{value:.2f}, mark {sign} {mark:.2f}: {word(reached)}"


def word(reached):
    return "reached" if reached else "MISSED"


def best(rows, labels, key, pick=min):
    """(value, label) of the best of these, or (None, '')."""
    found = [(rows[o][key], o) for o in labels if o in rows and rows[o].get(key) is not None]
    return pick(found) if found else (None, "")


def print_failures(failed):
    for label, reason in failed.items():
        print(f"  {label:12} absent: {reason.splitlines()[-1][:140]}")


# ---------------------------------------------------------------- CPU per copy

def print_costs(report, marks):
    print(f"  {'':12}{'CPU ns/copy':>12} {'[min-max]':15}{'x k_u32':>8}{'drop %':>8}{'wrong':>7}"
          f"{'ports':>7}{'busy':>6}")
    for label, row in report["summary"].items():
        if row["cpu_ns"] is None:
            continue
        spread = f"[{row['cpu_ns_min']:.0f}-{row['cpu_ns_max']:.0f}]"
        print(f"  {label:12}{row['cpu_ns']:12.0f} {spread:15}{row['vs_k_u32'] or 0:8.2f}"
              f"{100 * row['drop']:8.2f}{row['wrong']:7}{row['sports']:7}{row['busy']:6.2f}")
    print_failures(report["failed"])
    for labels, mark, text in marks:
        value, label = best(report["summary"], labels, "vs_k_u32")
        print(f"  {text} ({label or 'none'} / k_u32): {verdict(value, mark)}")


def ingress_sink(bed):
    """CPU per copy, ingress, as a driver delivers, into an ifb device, which forgets copies."""
    labels = [o for o in ("xdp", "afpacket", "udp") if o in bed.outputs]
    report = bed.run(["base", "k_u32", "k_vx"], bed.commands(labels), "--sink", "--generator",
                     "xgen", "--direction", "in", "--rate", str(RATE), ifb=True)
    print_costs(report, [(labels, 0.45, "best")])


def ingress_drop(bed):
    """The same into the test bed's own sink, whose driver drops each copy and says so."""
    report = bed.run(["base", "k_u32"], bed.commands(["xdp"]), "--sink", "--generator", "xgen",
                     "--direction", "in", "--rate", str(RATE))
    print_costs(report, [])


def both_collector(bed):
    """CPU per copy, both directions, IMIX, collector included."""
    commands = {**bed.commands(), **bed.peers}
    report = bed.run(["base", "k_u32", "k_enc"], commands, "--rate", str(RATE))
    rows = report["summary"]
    print_costs(report, [(bed.outputs, 0.80, "best"), (["udp"], 1.30, "UDP sockets, mixed sizes")])
    value, label = best(rows, bed.outputs, "cpu_ns")
    if rows.get("pktminerg", {}).get("cpu_ns"):
        ratio = value / rows["pktminerg"]["cpu_ns"] if value else None
        print(f"  best ({label} / pktminerg): {verdict(ratio, 0.40)}")
    else:
        ratio = rows[label]["vs_k_u32"] / PKTMINERG if label and rows[label]["vs_k_u32"] else None
        print(f"  best ({label} / pktminerg): {verdict(ratio, 0.40)} - by the anchor of the test "
              f"bed's README ({PKTMINERG:.2f} x k_u32): pktminerg is not measured")


def udp_equal(bed):
    """CPU per copy of UDP sockets where all frames have one size (UDP GSO), all accepted."""
    for size in (1400, 64):
        report = bed.run(["base", "k_u32"], bed.commands(["udp", "xdp"]), "--rate", str(RATE),
                         "--size", str(size), "--accept", "100")
        print(f"  frames of {size} octets")
        print_costs(report, [(["udp"], 0.45, "UDP sockets, equal sizes")])


# ---------------------------------------------------------------- loss

def loss(bed):
    """Copies lost at 60 % of the load that each output can take, with a ring of 64 MiB."""
    commands = bed.commands(["xdp", "afpacket", "udp"])
    full = bed.run(["base"], commands, "--rate", "0", rounds=2)
    print_failures(full["failed"])
    for label, command in commands.items():
        if label in full["failed"]:
            continue
        most = full["summary"][label]["copies_per_s"] / 0.8  # frames: so many are accepted
        report = bed.run(["base"], {label: command}, "--rate", str(0.6 * most), rounds=3)
        if report["failed"]:
            print_failures(report["failed"])
            continue
        rounds = report["rounds"][label]
        lost = sum(r["accepted"] - r["copies"] for r in rounds)
        print(f"  {label:12} saturated at {most / 1e3:.0f} k frames/s; at 60 %: {lost} of "
              f"{sum(r['accepted'] for r in rounds)} copies lost, mark 0: {word(not lost)}")


# ---------------------------------------------------------------- bulk TCP

def bulk_summary(part):
    """Label -> medians, of the part of a report that has one state of the offloads."""
    rows = {}
    for label, rounds in part["rounds"].items():
        if not rounds:
            continue
        row = {key: statistics.median(r[key] for r in rounds)
               for key in ("gbps", "mirror_cpu", "copies", "copy_bytes", "tcp_bytes", "fragments")}
        row["speeds"] = [r["gbps"] for r in rounds]
        row["part"] = statistics.median(r["copy_bytes"] / max(1, r["tcp_bytes"]) for r in rounds)
        row["ns"] = statistics.median(r["mirror_cpu"] / max(1, r["copies"]) for r in rounds)
        row["check"] = part["checks"].get(label)
        rows[label] = row
    for row in rows.values():
        row["of_base"] = row["gbps"] / rows["base"]["gbps"] if "base" in rows else None
    return rows


def print_bulk(rows, failed):
    print(f"  {'':12}{'Gbit/s':>8} {'[min-max]':15}{'x base':>7}{'copied/TCP':>11}"
          f"{'CPU ns/copy':>12}{'fragments':>10} |{'checked':>8}{'>1514':>6}{'cut':>5}"
          f"{'bad sums':>9}")
    for label, row in rows.items():
        spread = f"[{min(row['speeds']):.2f}-{max(row['speeds']):.2f}]"
        check = row["check"]
        print(f"  {label:12}{row['gbps']:8.2f} {spread:15}{row['of_base'] or 0:7.2f}"
              f"{row['part']:11.2f}{row['ns']:12.0f}{row['fragments']:10.0f} |" +
              (f"{check['frames']:8}{check['oversize']:6}{check['truncated']:5}"
               f"{check['bad_checksum']:9}" if check else ""))
    print_failures(failed)


def bulk_speed(bed):
    """Bulk TCP as fast as it goes, by an interface with offloads: what the mirror costs it."""
    labels = ["xdp", "udp", "vxlan"]
    for direction in ("in", "eg"):
        report = bed.run(["base", "k_u32"], bed.commands(labels, ring=128), "--bulk", "--direction",
                         direction, "--offload", "on", rounds=min(bed.rounds, 3))
        rows = bulk_summary(report["offload_on"])
        print(f"  {'received' if direction == 'in' else 'sent'} by the source; joined copies and "
              "super-frames, which a NIC takes apart, are seen as they are")
        print_bulk(rows, report["offload_on"]["failed"])
        for key, what, mark in (("of_base", "throughput ({} / no mirror)", 0.95),
                                ("part", "octets copied ({} / TCP payload)", 1.0)):
            value, label = best(rows, labels, key, max)
            print(f"  {what.format(label)}: {verdict(value, mark, at_least=True)}")


def bulk_cpu(bed):
    """Bulk TCP at 1 Gbit/s, by an interface without offloads: every copy is whole, at what CPU."""
    plain = {"sendmmsg": bed.command("udp:?gso=0")}
    labels = ["xdp", "udp", "vxlan"]
    report = bed.run(["base"], {**plain, **bed.commands(labels)}, "--bulk", "--direction", "in",
                     "--offload", "off", "--bulk-rate", "1G", rounds=min(bed.rounds, 3))
    rows = bulk_summary(report["offload_off"])
    print_bulk(rows, report["offload_off"]["failed"])
    for row in rows.values():
        row["of_plain"] = row["ns"] / rows["sendmmsg"]["ns"] if rows.get("sendmmsg") else None
    value, label = best(rows, labels, "of_plain")
    print(f"  CPU of the process ({label} / plain sendmmsg): {verdict(value, 0.45)}")
    for label in labels:
        check = rows.get(label, {}).get("check")
        if check:
            broken = check["bad_checksum"] + check["oversize"] + int(rows[label]["fragments"])
            print(f"  {label:12} copies that are no whole frames, and outer fragments: {broken}, "
                  f"mark 0: {word(not broken)}")


# ---------------------------------------------------------------- programs of their own

def latency(bed):
    """From a frame's send to its copy's arrival at the collector, one frame each 5 ms."""
    names = ["xdp", "udp"]
    commands = bed.commands(names)
    commands.update({f"{label} low": bed.command(bed.outputs[label], options="&low_latency=1")
                     for label in names if label in bed.outputs})
    words = [sys.executable, "-B", os.path.join(HERE, "live_latency.py"), bed.work]
    for label, command in commands.items():
        words += ["--cmd", f"{label}={command}"]
    subprocess.run(["unshare", "--mount", "--propagation", "private", *words], check=True)


def submit(bed):
    """mirror_tap_submit beside a target that stalls (R10)."""
    program = os.path.join(bed.work, "mirror", "tests", "bench", "bench_submit")
    subprocess.run(["unshare", "--net", program], check=True)


def mirror_pcap(bed):
    """mirror-pcap beside cp, tcpdump and tcprewrite on 1.5 GB in memory."""
    program = os.path.join(bed.work, "mirror", "examples", "mirror-pcap")
    subprocess.run(["sh", os.path.join(HERE, "mirror_pcap.sh"), "1500", str(min(bed.rounds, 5))],
                   env=dict(os.environ, MIRROR_PCAP=program), check=True)


ROWS = [ingress_sink, ingress_drop, both_collector, udp_equal, loss, bulk_speed, bulk_cpu, latency,
        submit, mirror_pcap]


def arguments():
    parser = argparse.ArgumentParser(prog="live.sh")
    parser.add_argument("work")
    parser.add_argument("mirrord")
    parser.add_argument("-p", default="*", dest="pattern")
    parser.add_argument("-r", type=int, default=5, dest="rounds")
    parser.add_argument("-t", type=float, default=3, dest="seconds")
    parser.add_argument("-o", default=OUTPUTS, dest="outputs")
    parser.add_argument("-c", action="append", default=[], dest="peers")
    return parser.parse_args()


def main():
    options = arguments()
    outputs = {uri.split(":", 1)[0]: uri for uri in options.outputs.split()}
    peers = dict(peer.split("=", 1) for peer in options.peers)
    if "pktminerg" not in peers and shutil.which("pktminerg"):
        print("pktminerg is installed: -c 'pktminerg=COMMAND' measures it")
    bed = Bed(options.work, options.mirrord, outputs, peers, options.rounds, options.seconds)
    for row in ROWS:
        name = row.__name__.replace("_", "-")
        if not fnmatch.fnmatch(name, options.pattern):
            continue
        print(f"{name}: {row.__doc__.strip()}", flush=True)
        before = os.getloadavg()[0]
        row(bed)
        print(f"  load average {before:.2f} before, {os.getloadavg()[0]:.2f} after, on "
              f"{os.cpu_count()} processors", flush=True)


if __name__ == "__main__":
    main()
