"""Transactions, the objects of the model, errors."""

import ipaddress
import pickle
import unittest

import libmirror
from libmirror import EGRESS, INGRESS, Code, Filter, MirrorError, Object, Quotas, Rule, Session
from libmirror import Source, Target

import support


class Objects(support.ContextCase):
    def test_come_back_as_they_went_in(self) -> None:
        source = Source(
            "s", "a-source", 9000, "eth7", "02:00:00:00:00:07", "10.0.0.7", "vpc-a", "web"
        )
        target = Target(
            "t", "2001:db8::9", "a-target", libmirror.TargetKind.ELB, 4790, 1400,
            libmirror.Oversize.DROP, 9, False, libmirror.UdpChecksum.COMPUTED, "eth8", "vpc-b",
        )
        session = Session(
            "x", 32766, "web", "t", ["s", "web"], "name", "text", False, 0, 64, 5, 1000, 10
        )
        with self.context.transaction() as change:
            change.connect_vpcs("vpc-a", "vpc-b")
            change.add_session(session)
            change.add_target(target)
            change.add_source(source)
        self.assertEqual(self.context.sources("s"), [source])
        self.assertEqual(self.context.targets("t"), [target])
        self.assertEqual(self.context.sessions(), [*self.context.sessions("web"), session])
        self.assertEqual(self.context.vpc_connections, [("vpc-a", "vpc-b")])
        self.assertEqual(self.context.rules("web"), support.rules())
        self.assertEqual(self.context.filters(), [Filter("web")])

    def test_updates(self) -> None:
        rule = Rule(EGRESS, 9, libmirror.ACCEPT, libmirror.IPV6, description="text")
        with self.context.transaction() as change:
            change.update_filter(Filter("web", "name", "text"))
            change.add_rule("web", Rule(EGRESS, 5, libmirror.ACCEPT))
            change.update_rule("web", 5, Rule(EGRESS, 5, libmirror.REJECT))
            change.add_rule("web", rule)
            change.remove_rule("web", EGRESS, 5)
            change.update_source(Source("web", mtu=1400))
            change.update_target(Target("web", "10.0.9.8"))
            change.update_session(Session("web", 3, "web", "web", ["web"], vni=0))
        self.assertEqual(self.context.filters("web"), [Filter("web", "name", "text")])
        self.assertEqual(self.context.rules()[-1], rule)
        self.assertEqual(self.context.sources()[0].mtu, 1400)
        self.assertEqual(self.context.targets()[0].address, "10.0.9.8")
        self.assertEqual(self.context.sessions()[0].vni, 0)

    def test_removals(self) -> None:
        with self.context.transaction() as change:
            change.remove_session("web")
            change.remove_target("web")
            change.remove_source("web")
            change.remove_filter("web")
        context = self.context
        found = [context.filters(), context.sources(), context.targets(), context.sessions()]
        self.assertEqual(found, [[], [], [], []])

    def test_clear_and_disconnect(self) -> None:
        with self.context.transaction() as change:
            change.connect_vpcs("a", "b")
            change.connect_vpcs("b", "c")
            change.disconnect_vpcs("b", "a")
        self.assertEqual(self.context.vpc_connections, [("b", "c")])
        with self.context.transaction() as change:
            change.clear()
        self.assertEqual((self.context.vpc_connections, self.context.filters()), ([], []))

    def test_quotas(self) -> None:
        self.assertEqual(self.context.quotas, Quotas())
        with self.context.transaction() as change:
            change.set_quotas(Quotas(sessions_per_context=5))
        self.assertEqual(self.context.quotas.sessions_per_context, 5)
        with self.assertRaises(libmirror.QuotaError) as caught:
            with self.context.transaction() as change:
                change.set_quotas(Quotas(ingress_rules_per_filter=1))
        self.assertEqual(caught.exception.code, Code.QUOTA_INGRESS_RULES)

    def test_addresses_of_ipaddress(self) -> None:
        network = ipaddress.ip_network("10.1.0.0/16")
        with self.context.transaction() as change:
            change.add_rule("web", Rule(EGRESS, 1, libmirror.ACCEPT, source_cidr=network))
        self.assertEqual(self.context.rules()[-1].source_cidr, "10.1.0.0/16")


class Transactions(support.ContextCase):
    def test_dropped_on_exception(self) -> None:
        with self.assertRaises(KeyError):
            with self.context.transaction() as change:
                change.add_filter(Filter("dropped"))
                raise KeyError
        self.assertEqual([each.id for each in self.context.filters()], ["web"])

    def test_one_at_a_time(self) -> None:
        with self.context.transaction():
            with self.assertRaises(libmirror.BusyError):
                self.context.transaction()
        self.context.transaction().close()

    def test_check_names_all_errors(self) -> None:
        change = self.context.transaction()
        change.add_session(Session("a", 2, "nowhere", "nobody", ["web"]))
        errors = change.check()
        self.assertEqual(
            [error.code for error in errors], [Code.UNKNOWN_FILTER, Code.UNKNOWN_TARGET]
        )
        self.assertRaises(libmirror.ModelError, change.commit)
        change.remove_session("a")
        self.assertEqual(change.check(), ())
        change.commit()
        change.close()

    def test_closed(self) -> None:
        change = self.context.transaction()
        change.close()
        change.close()
        self.assertTrue(change.closed)
        self.assertRaisesRegex(ValueError, "the transaction is closed", change.commit)

    def test_closed_inside_its_block(self) -> None:
        with self.context.transaction() as change:
            change.add_filter(Filter("dropped"))
            change.close()
        self.assertEqual(len(self.context.filters()), 1)


class Errors(support.ContextCase):
    def test_fields(self) -> None:
        with self.assertRaises(libmirror.ModelError) as caught:
            with self.context.transaction() as change:
                change.add_rule("web", Rule(INGRESS, 70000, libmirror.ACCEPT))
        error = caught.exception
        self.assertEqual(error.code, Code.RULE_PRIORITY)
        self.assertEqual(error.name, "MIRROR_E_RULE_PRIORITY")
        self.assertEqual(error.object, Object.RULE)
        self.assertEqual((error.field, error.value), ("priority", "70000"))
        self.assertIn("65535", error.expected)
        self.assertEqual((error.line, error.column, error.os_error, error.offset), (0, 0, 0, 0))
        self.assertEqual(str(error), error.text)

    def test_not_found(self) -> None:
        with self.assertRaises(LookupError) as caught:
            self.context.filters("nowhere")
        self.assertIn("nowhere", str(caught.exception))
        self.assertRaises(libmirror.NotFoundError, self.context.source_handle, "nowhere")

    def test_pickles(self) -> None:
        error = MirrorError(Code.VNI, "text", field="vni", line=3)
        again = pickle.loads(pickle.dumps(error))
        self.assertEqual(vars(again), vars(error))

    def test_values_that_do_not_fit_a_field(self) -> None:
        with self.context.transaction() as change:
            with self.assertRaisesRegex(ValueError, "vni is -1, expected 0-4294967295"):
                change.add_session(Session("a", 2, "web", "web", ["web"], vni=-1))
            with self.assertRaisesRegex(ValueError, "NUL"):
                change.add_filter(Filter("a\0b"))

    def test_classes(self) -> None:
        for code, expected in (
            (Code.NOMEM, MemoryError), (Code.VNI, libmirror.ModelError),
            (Code.IN_USE, libmirror.ModelError), (Code.QUOTA_SESSIONS, libmirror.QuotaError),
            (Code.JSON_TYPE, libmirror.ConfigurationError), (Code.OS, libmirror.CaptureError),
            (Code.END, libmirror.EndOfInput), (Code.NOT_UDP, libmirror.DecapsulationError),
            (Code.ARGUMENT, MirrorError),
        ):
            self.assertIsInstance(libmirror.errors.from_status(code), expected, code)


if __name__ == "__main__":
    unittest.main()
