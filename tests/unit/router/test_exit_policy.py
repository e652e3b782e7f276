"""Which targets an exit carries."""

import ipaddress

import pytest

from masq_kernel.errors import OperatorError
from masq_router.exit.policy import ExitPolicy


def permits(policy, address, port=443):
    return policy.permits(ipaddress.ip_address(address), port)


DEFAULT = ExitPolicy.parse((), own=[ipaddress.ip_address("8.8.4.4")])


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0", "10.0.0.1", "100.64.0.1", "127.0.0.1", "127.255.255.254", "169.254.169.254",
        "172.16.0.1", "172.31.255.255", "192.0.2.1", "192.168.0.1", "198.18.0.1", "203.0.113.1",
        "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255",
        "::", "::1", "::127.0.0.1", "::10.0.0.1", "fc00::1", "fd12::1",
        "fe80::1", "ff02::1", "2001:db8::1", "2001::1",
        "::ffff:10.0.0.1", "::ffff:127.0.0.1", "64:ff9b::10.0.0.1", "64:ff9b::127.0.0.1",
        "2002:a00:1::", "2002:7f00:1::", "8.8.4.4", "::ffff:8.8.4.4",
    ],
)  # fmt: skip
def test_private_local_and_own_addresses_are_refused_however_they_are_written(address):
    assert not permits(DEFAULT, address)


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "1.1.1.1", "172.32.0.1", "2606:4700::1111", "::ffff:8.8.8.8"]
)
def test_public_addresses_are_carried(address):
    assert permits(DEFAULT, address)


@pytest.mark.parametrize("port", [25, 465, 587])
def test_mail_is_refused(port):
    assert not permits(DEFAULT, "8.8.8.8", port)
    assert not permits(DEFAULT, "2606:4700::1111", port)


def test_the_operators_rules_come_first_and_in_order():
    policy = ExitPolicy.parse(
        ("accept 10.1.2.3:443", "reject 8.8.8.0/24:*", "accept 8.8.8.8:53", "accept *:25")
    )
    assert permits(policy, "10.1.2.3")
    assert not permits(policy, "10.1.2.3", 80)
    assert not permits(policy, "8.8.8.8", 53)
    assert permits(policy, "9.9.9.9", 25)


@pytest.mark.parametrize(
    ("rule", "address", "port"),
    [
        ("accept 10.0.0.0/8:80-90", "10.9.9.9", 85),
        ("accept [fd00::]/8:*", "fd00::5", 1),
        ("accept *4:*", "127.0.0.1", 22),
        ("accept *6:443", "::1", 443),
        ("accept *:*", "192.168.1.1", 25),
    ],
)
def test_the_grammar(rule, address, port):
    assert permits(ExitPolicy.parse((rule,)), address, port)


def test_families_are_kept_apart():
    assert not permits(ExitPolicy.parse(("accept *6:*",)), "127.0.0.1")
    assert not permits(ExitPolicy.parse(("accept *4:*",)), "::1")


def test_a_rule_for_wrapped_addresses_must_let_both_through():
    policy = ExitPolicy.parse(("accept [64:ff9b::]/96:*",))
    assert not permits(policy, "64:ff9b::10.0.0.1")
    assert permits(policy, "64:ff9b::8.8.8.8")


@pytest.mark.parametrize(
    "rule",
    [
        "", "accept", "accept everything", "allow *:*", "accept 10.0.0.1", "accept 10.0.0.0/33:*",
        "accept 300.0.0.1:*", "accept *:0", "accept *:90-80", "accept *:65536", "accept ::1:80",
        "accept 10.0.0.1/8:*", "reject *:*\naccept *:*",
    ],
)  # fmt: skip
def test_a_rule_that_cannot_be_read_is_named(rule):
    with pytest.raises(OperatorError) as caught:
        ExitPolicy.parse((rule,))
    assert repr(rule) in caught.value.problem


def test_no_rule_carries_port_0():
    assert not permits(ExitPolicy.parse(("accept *:*",)), "8.8.8.8", 0)
