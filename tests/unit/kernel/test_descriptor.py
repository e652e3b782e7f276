"""Descriptors have one spelling, and say what is wrong with any other."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from masq_kernel.chains import CHAINS
from masq_kernel.errors import MalformedError
from masq_kernel.identity.descriptor import Descriptor
from masq_kernel.identity.keys import NodeId

NODE = NodeId(bytes(range(32)))
NAME = NODE.text


@pytest.mark.parametrize(
    ("addresses", "ports", "where"),
    [
        (("203.0.113.7",), (4321,), "203.0.113.7:4321"),
        (("203.0.113.7",), (1, 65535), "203.0.113.7:1/65535"),
        (("2001:db8::1",), (4321,), "[2001:db8::1]:4321"),
        ((), (), ":"),
    ],
)
def test_a_descriptor_is_read_as_written(addresses, ports, where):
    descriptor = Descriptor(chain=CHAINS["dev"], node_id=NODE, addresses=addresses, ports=ports)
    assert descriptor.text == f"masq://dev:{NAME}@{where}"
    assert Descriptor.from_text(descriptor.text) == descriptor


@pytest.mark.parametrize(
    "text",
    [
        "",
        f"masq://nowhere:{NAME}@1.2.3.4:5",
        f"masq://dev:{NAME[:-1]}@1.2.3.4:5",
        f"masq://dev:{NAME}@1.2.3.4",
        f"masq://dev:{NAME}@1.2.3.4:",
        f"masq://dev:{NAME}@1.2.3.4:0",
        f"masq://dev:{NAME}@1.2.3.4:05",
        f"masq://dev:{NAME}@1.2.3.4:65536",
        f"masq://dev:{NAME}@1.2.3.4:5/5",
        f"masq://dev:{NAME}@1.2.3.4:1/2/3/4/5/6/7/8/9",
        f"masq://dev:{NAME}@01.2.3.4:5",
        f"masq://dev:{NAME}@[1.2.3.4]:5",
        f"masq://dev:{NAME}@2001:db8::1:5",
        f"masq://dev:{NAME}@[2001:DB8::1]:5",
        f"masq://dev:{NAME}@[fe80::1%eth0]:5",
        f"masq://dev:{NAME}@example.com:5",
        f"MASQ://dev:{NAME}@1.2.3.4:5",
        f" masq://dev:{NAME}@1.2.3.4:5",
        f"masq://dev:{NAME}@1.2.3.4:5\n",
        "masq://" + "x" * 10_000,
    ],
)
def test_anything_else_is_refused(text):
    with pytest.raises(MalformedError):
        Descriptor.from_text(text)


@given(st.text(max_size=300))
def test_no_text_raises_anything_else(text):
    with pytest.raises(MalformedError):
        Descriptor.from_text(text)


def test_every_changed_bit_is_refused_or_names_something_else():
    text = f"masq://dev:{NAME}@203.0.113.7:4321/80"
    original = Descriptor.from_text(text)
    for bit in range(len(text) * 8):
        changed = bytearray(text.encode())
        changed[bit // 8] ^= 1 << (bit % 8)
        try:
            assert Descriptor.from_text(changed.decode("latin-1")) != original
        except MalformedError:
            continue
