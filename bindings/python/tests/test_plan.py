"""Judging packets: verdicts, explanations, what a plan consists of."""

import unittest

import libmirror
from libmirror import INGRESS, EGRESS, Code, Field, Isa, Packet, StepOutcome, VerdictKind

import support


class Match(support.ContextCase):
    def setUp(self) -> None:
        super().setUp()
        self.plan = self.context.plan()
        self.addCleanup(self.plan.close)

    def test_verdict(self) -> None:
        verdict = self.plan.match(support.WEB, "web", INGRESS)[0]
        self.assertEqual(verdict.kind, VerdictKind.MIRRORED)
        self.assertEqual((verdict.session_id, verdict.rule_id), ("web", "clients"))
        self.assertEqual((verdict.target_id, verdict.vni), ("web", 7))
        self.assertEqual((verdict.rule_priority, verdict.inner_length), (2, len(support.WEB)))
        self.assertEqual((verdict.direction, verdict.output_status), (INGRESS, Code.OK))
        self.assertEqual(str(verdict), "mirrored by session web rule 2")
        self.assertIsNone(verdict.reason)

    def test_other_verdicts(self) -> None:
        blocked = Packet(support.WEB, blocked=True)
        frames = [support.OTHER, support.REFUSED, b"short", blocked]
        found = self.plan.match(frames, "web", INGRESS)
        kinds = [each.kind.name for each in found]
        self.assertEqual(kinds, ["UNMATCHED", "REJECTED", "UNPARSABLE", "BLOCKED"])
        self.assertIsNone(found[0].vni)
        self.assertEqual(found[2].reason, libmirror.Unparsable.LINK_SHORT)
        self.assertIn("(", str(found[2]))

    def test_direction_by_mac(self) -> None:
        verdict = self.plan.match(support.WEB, "web", libmirror.AUTO)[0]
        self.assertEqual(verdict.direction, INGRESS)

    def test_no_source(self) -> None:
        verdict = self.plan.match(support.WEB, 4711, INGRESS)[0]
        self.assertTrue(verdict.flags & libmirror.VerdictFlag.NO_SOURCE)
        with self.assertRaises(libmirror.NotFoundError):
            self.plan.match(support.WEB, "nowhere", INGRESS)

    def test_explanation(self) -> None:
        with self.plan.explain(support.OTHER, "web", INGRESS) as explanation:
            self.assertEqual(explanation.verdict.kind, VerdictKind.UNMATCHED)
            steps = explanation.steps
            self.assertEqual(steps[0].outcome, StepOutcome.MISMATCH)
            self.assertEqual(steps[0].field, Field.SOURCE_CIDR)
            self.assertEqual((steps[0].session_id, steps[0].filter_id), ("web", "web"))
            self.assertEqual(steps[0].action, libmirror.REJECT)
            self.assertEqual(steps[1].rule_id, "clients")
            self.assertEqual(steps[-1].outcome, StepOutcome.NO_MATCH)
            self.assertIn("clients", str(explanation))
        self.assertRaises(ValueError, lambda: explanation.text)

    def test_rule_verdict(self) -> None:
        index = self.plan.match_packets("web", INGRESS, [support.WEB])[0]
        verdict = self.plan.rule_verdict("web", INGRESS, index)
        self.assertEqual((verdict.rule_id, verdict.vni), ("clients", 7))
        nothing = self.plan.rule_verdict("web", INGRESS, libmirror.NO_RULE)
        self.assertEqual(nothing.kind, VerdictKind.UNMATCHED)
        with self.assertRaisesRegex(LookupError, "rule 99 of source 'web'"):
            self.plan.rule_verdict("web", INGRESS, 99)

    def test_info(self) -> None:
        self.assertEqual(self.plan.info.sources, 1)
        self.assertGreater(self.plan.info.rules, 0)
        info = self.plan.list_info("web", INGRESS)
        self.assertEqual((info.rules_ipv4, info.rules_ipv6), (2, 1))
        self.assertEqual(info.isa, self.context.isa)
        self.assertEqual(self.plan.list_info("web", EGRESS).rules_ipv4, 0)
        with self.assertRaises(libmirror.ModelError):
            self.plan.list_info(4711, INGRESS)

    def test_source_without_sessions(self) -> None:
        with self.context.transaction() as change:
            change.add_source(libmirror.Source("lonely"))
        with self.context.plan() as plan:
            found = plan.match_packets("lonely", INGRESS, [support.WEB])
            self.assertEqual(list(found), [libmirror.NO_RULE])
            self.assertEqual(plan.list_info("lonely", INGRESS).rules_ipv4, 0)
            self.assertEqual(plan.match(support.WEB, "lonely")[0].session_id, None)

    def test_packets_without_octets(self) -> None:
        frames = [b"", bytearray(), memoryview(b"")]
        kinds = {verdict.kind for verdict in self.plan.match(frames, "web", INGRESS)}
        self.assertEqual(kinds, {VerdictKind.UNPARSABLE})

    def test_generations(self) -> None:
        with self.context.transaction() as change:
            change.remove_rule("web", INGRESS, 2)
        with self.context.plan() as newer:
            self.assertGreater(newer.generation, self.plan.generation)
            self.assertFalse(newer.match(support.WEB, "web", INGRESS)[0].mirrored)
        self.assertTrue(self.plan.match(support.WEB, "web", INGRESS)[0].mirrored)

    def test_judge(self) -> None:
        frames = [support.WEB, support.OTHER] * 300
        judged = list(self.plan.judge(frames, "web", INGRESS))
        self.assertEqual([frame for frame, _ in judged], frames)
        self.assertEqual([verdict.mirrored for _, verdict in judged], [True, False] * 300)


class InstructionSets(unittest.TestCase):
    def test_scalar(self) -> None:
        self.assertTrue(libmirror.isa_available(Isa.SCALAR))
        with libmirror.Context(isa=Isa.SCALAR) as context:
            self.assertEqual(context.isa, Isa.SCALAR)

    def test_force(self) -> None:
        self.addCleanup(libmirror.force_isa, Isa.AUTO)
        libmirror.force_isa(Isa.SCALAR)
        with libmirror.Context() as context:
            self.assertEqual(context.isa, Isa.SCALAR)

    def test_unavailable(self) -> None:
        absent = [isa for isa in Isa if not libmirror.isa_available(isa)]
        for isa in absent:
            self.assertRaises(libmirror.UnsupportedError, libmirror.Context, isa=isa)
        self.assertRaises(libmirror.MirrorError, libmirror.isa_available, 77)

    def test_list_memory(self) -> None:
        with libmirror.Context(list_memory=1) as context:
            with self.assertRaises(libmirror.MirrorError) as caught:
                support.add_web(context)
            self.assertEqual(caught.exception.code, Code.LIST_MEMORY)
