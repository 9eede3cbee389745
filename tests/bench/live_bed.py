"""The test bed of live mirrors as rows use it: mirrord with each output as a command of its own,
beside set-ups of the bed, in one interleaved run."""

import json
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
BLOCK = 262144


class Bed:
    """`outputs`: label -> URI; `peers`: label -> command."""

    def __init__(self, work, mirrord, outputs, peers, rounds, seconds):
        self.work, self.mirrord = work, mirrord
        self.outputs, self.peers = outputs, peers
        self.rounds, self.seconds = rounds, seconds

    def command(self, output, ring=64, options=""):
        """mirrord with this output and a ring of so many MiB."""
        blocks = f"blocks={(ring << 20) // BLOCK}" + options
        return f"sh {HERE}/live_mirror.sh {self.mirrord} {output} {blocks}"

    def commands(self, labels=None, **how):
        """Label -> command, of these outputs (default: all)."""
        labels = self.outputs if labels is None else [o for o in labels if o in self.outputs]
        return {label: self.command(self.outputs[label], **how) for label in labels}

    def run(self, setups, commands, *arguments, rounds=None, ifb=False):
        """The report of live_bench.py, with labels in the place of cmd, cmd2 ..."""
        names = ["cmd" + (str(i) if i > 1 else "") for i in range(1, len(commands) + 1)]
        with tempfile.NamedTemporaryFile(dir=self.work, suffix=".json") as result:
            words = [sys.executable, "-B", os.path.join(HERE, "live_bench.py"),
                     "--setups", ",".join([*setups, *names]), "--json", result.name,
                     "--rounds", str(rounds or self.rounds), "--seconds", str(self.seconds)]
            for command in commands.values():
                words += ["--cmd", command]
            environment = dict(os.environ, MB_NS=f"mb{os.getpid()}-",
                               MB_PEERS=os.path.join(self.work, "peers"))
            if ifb:
                environment["MB_IFB"] = "1"
            done = subprocess.run(words + list(arguments), env=environment, text=True,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            try:
                report = json.load(result)
            except ValueError:
                raise SystemExit(f"bench_live.py failed:\n{done.stdout}") from None
        labels = dict(zip(names, commands))
        return renamed(report, labels)


def renamed(value, labels):
    """`value` with other keys, at any depth where bench_live.py has set-ups as keys."""
    if not isinstance(value, dict):
        return value
    return {labels.get(key, key): renamed(inner, labels) for key, inner in value.items()}
