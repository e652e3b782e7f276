"""How the demo lays out its nodes, and the sizes it understands."""

import pytest

from masq_cli.demo.plan import lay_out
from masq_cli.demo.sizes import read_size
from masq_kernel.errors import OperatorError


def test_each_node_has_its_own_address_ports_and_folder(tmp_path):
    plans = lay_out(12, tmp_path, exit_rules=["accept 127.0.0.1:9"])
    assert [plan.address for plan in plans] == [f"127.0.1.{number}" for number in range(1, 13)]
    assert len({plan.data_dir for plan in plans}) == 12
    loopback = [port for p in plans for port in (p.bus_port, p.proxy_port, p.api_port)]
    assert len(set(loopback)) == 36
    for plan in plans:
        assert plan.checked_chain().name == "dev"
        assert plan.bind_address == plan.address
        assert plan.exit_rules == ("accept 127.0.0.1:9",)


@pytest.mark.parametrize(
    ("text", "size"),
    [("50MB", 50_000_000), ("200 kB", 200_000), ("4096", 4096), ("1G", 10**9), ("7B", 7)],
)
def test_sizes_as_people_write_them(text, size):
    assert read_size(text) == size


@pytest.mark.parametrize("text", ["", "MB", "0", "-5MB", "1.5MB", "50MiB", "3GB", "9" * 50])
def test_anything_else_is_wrong_usage(text):
    with pytest.raises(OperatorError, match="is not a size") as caught:
        read_size(text)
    assert caught.value.exit_code == 2
