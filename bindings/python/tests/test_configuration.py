"""Configuration files, and the log."""

import json
import logging
import os
import tempfile
import unittest
from typing import Any

import libmirror
from libmirror import Code
from libmirror.context import log_callback

import support

WRONG = """{
  "traffic_mirror_filters": [{"id": "f", "ingress_rules": [{"priority": 0}]}],
  "nonsense": 1
}"""


class Files(unittest.TestCase):
    def setUp(self) -> None:
        self.context = libmirror.Context()
        self.addCleanup(self.context.close)

    def test_load_format_parse_save(self) -> None:
        self.context.load(support.CONFIGURATION)
        text = self.context.format()
        self.assertIn("traffic_mirror_sessions", json.loads(text))
        with libmirror.Context() as other, tempfile.TemporaryDirectory() as folder:
            other.parse(text)
            self.assertEqual(other.sessions(), self.context.sessions())
            path = os.path.join(folder, "saved.json")
            other.save(path)
            with open(path) as file:
                self.assertEqual(file.read(), text)

    def test_parse_takes_memory(self) -> None:
        for kind in (bytes, bytearray, memoryview):
            self.context.parse(kind(b"{}"))

    def test_all_errors_with_their_places(self) -> None:
        with self.assertRaises(libmirror.ConfigurationError) as caught:
            self.context.parse(WRONG, "wrong.json")
        first, *others = caught.exception.errors
        self.assertEqual(str(first), str(caught.exception))
        self.assertGreaterEqual(len(others), 2)
        self.assertEqual((first.file, first.line), ("wrong.json", 2))
        self.assertEqual(others[-1].code, Code.UNKNOWN_FIELD)
        self.assertEqual((others[-1].field, others[-1].line), ("nonsense", 3))
        self.assertEqual(self.context.filters(), [])

    def test_missing_file(self) -> None:
        with self.assertRaises(libmirror.CaptureError) as caught:
            self.context.load("no/such/file")
        self.assertEqual((caught.exception.code, caught.exception.os_error), (Code.OS, 2))
        self.assertEqual(len(caught.exception.errors), 1)
        self.assertRaises(libmirror.MirrorError, self.context.save, "no/such/file")


class Log(unittest.TestCase):
    def test_lines_become_records(self) -> None:
        logger = logging.getLogger("libmirror.test")
        callback = log_callback(logger)
        with self.assertLogs(logger, logging.INFO) as caught:
            for severity in libmirror.Severity:
                callback(None, severity, b"a line with 100 %s")
        levels = [record.levelname for record in caught.records]
        self.assertEqual(levels, ["ERROR", "WARNING", "INFO"])
        self.assertEqual(caught.records[0].getMessage(), "a line with 100 %s")

    def big_list(self, **options: Any) -> libmirror.ListInfo:
        """Compiles a list of 400 rules."""
        with libmirror.Context(**options) as context, context.transaction() as change:
            change.set_quotas(libmirror.Quotas(ingress_rules_per_filter=400))
            change.add_filter(libmirror.Filter("big"), map(self.rule, range(1, 401)))
            change.add_source(libmirror.Source("big"))
            change.add_target(libmirror.Target("big", "10.0.9.9"))
            change.add_session(libmirror.Session("big", 1, "big", "big", ["big"]))
            change.commit()
            return context.plan().list_info("big", libmirror.INGRESS)

    def rule(self, number: int) -> libmirror.Rule:
        return libmirror.Rule(
            libmirror.INGRESS, number, libmirror.ACCEPT, protocol=6,
            source_cidr=f"10.0.{number % 250}.0/24", destination_ports=(number, number + 9),
        )

    def test_lines_of_a_commit(self) -> None:
        logger = logging.getLogger("mine")
        fast = self.big_list()
        self.assertFalse(fast.slower)
        with self.assertLogs(logger, logging.WARNING) as caught:
            slow = self.big_list(logger=logger, list_memory=fast.memory - 1)
        self.assertTrue(slow.slower)
        self.assertIn("a list of 400 rules", caught.records[0].getMessage())
