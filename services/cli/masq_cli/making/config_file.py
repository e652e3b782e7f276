"""The text of a new node's masq.toml: every setting that matters, with a word about it. Pure."""

import json
from collections.abc import Sequence

from masq_cli.making.plan import NodePlan

__all__ = ["render_config_file"]


def render_config_file(plan: NodePlan) -> str:
    """Return the file's text; it holds no secrets."""
    return f"""\
# A masq node. Every key can also be set as MASQ_<SECTION>_<KEY>, which wins over this file.
# `masq config show` prints what is in force.

[node]
data_dir = {_text(str(plan.data_dir))}
chain = {_text(plan.chain)}
bus_port = {plan.bus_port}          # the embedded nats-server listens here, on loopback
{_optional("passphrase_file", _path_text(plan))}  # else MASQ_PASSPHRASE opens the key store
# nats_url = "nats://..."  # an existing NATS server with JetStream instead of the embedded one

[gossip]
{_endpoint(plan)}
neighbors = {_list(plan.neighbors)}
# hops_min = 3             # links of a route each way, at least

[router]
{_listener(plan)}
{_optional("bind_address", plan.bind_address)}  # the source address of links to others
proxy_host = "127.0.0.1"   # SOCKS5 and HTTP CONNECT for your programs
proxy_port = {plan.proxy_port}
workers = {plan.workers}  # router processes; more than one let traffic take several processors
# Rules before the default exit policy; the first that fits decides.
exit_policy = {_list(plan.exit_rules)}

[accountant]
# JSON-RPC servers of the chain; without one debts accrue and are not paid. With two or more, what
# is booked must be told alike by two of them. Lines like this may hold keys: keep the file private.
{_rpc(plan)}
{_number("confirmations", plan.confirmations)}  # blocks that make a payment final
# gas_price_max_gwei = 500.0
{_scans(plan)}
# What a wallet may be charged for beyond what it has owned up to.
unvouchered_limit_mib = {plan.unvouchered_limit_mib}

[api]
host = "127.0.0.1"
port = {plan.api_port}
"""


def _rpc(plan: NodePlan) -> str:
    if not plan.rpc_urls:
        return '# rpc_urls = ["https://..."]'
    return f"rpc_urls = {_list(plan.rpc_urls)}"


def _scans(plan: NodePlan) -> str:
    if plan.scan_s is None:
        return "# payables_interval_s = 600.0"
    kinds = ("payables_interval_s", "pending_interval_s", "receivables_interval_s")
    return "\n".join(f"{kind} = {plan.scan_s}" for kind in (*kinds, "scan_interval_s"))


def _number(key: str, value: int | None) -> str:
    return f"# {key} = 12" if value is None else f"{key} = {value}"


def _endpoint(plan: NodePlan) -> str:
    if plan.address is None:
        return '# address = "203.0.113.7"  # where others can dial this node\n# ports = [4321]'
    return f"address = {_text(plan.address)}\nports = [{plan.port}]"


def _listener(plan: NodePlan) -> str:
    if plan.address is None:
        return '# listen_host = "0.0.0.0"\n# listen_port = 4321'
    # A node bound to one address (several on a machine) listens there and nowhere else.
    host = plan.bind_address or ("::" if ":" in plan.address else "0.0.0.0")  # noqa: S104
    return f"listen_host = {_text(host)}\nlisten_port = {plan.port}"


def _path_text(plan: NodePlan) -> str | None:
    return None if plan.passphrase_file is None else str(plan.passphrase_file)


def _optional(key: str, value: str | None) -> str:
    return f'# {key} = ""' if value is None else f"{key} = {_text(value)}"


def _list(values: Sequence[str]) -> str:
    return json.dumps(list(values), ensure_ascii=False)


def _text(value: str) -> str:
    """Quote for TOML, whose basic strings take what JSON writes."""
    return json.dumps(value, ensure_ascii=False)
