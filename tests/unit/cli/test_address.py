"""How an address is written on the command line."""

import pytest

from masq_cli.commands.address import parsed_place
from masq_kernel.errors import OperatorError


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("203.0.113.9", {"address": "203.0.113.9"}),
        ("203.0.113.9:443", {"address": "203.0.113.9", "ports": [443]}),
        ("2001:db8::9", {"address": "2001:db8::9"}),
        ("2001:0DB8::9", {"address": "2001:db8::9"}),
        ("[2001:db8::9]", {"address": "2001:db8::9"}),
        ("[2001:db8::9]:443", {"address": "2001:db8::9", "ports": [443]}),
    ],
)
def test_it_is_read(text, wanted):
    assert parsed_place(text) == wanted


@pytest.mark.parametrize(
    "text", ["", "masq.ai", "203.0.113.9:", "203.0.113.9:0", "203.0.113.9:65536", "1.2.3", ":443"]
)
def test_anything_else_is_wrong_usage(text):
    with pytest.raises(OperatorError) as wrong:
        parsed_place(text)
    assert wrong.value.exit_code == 2
