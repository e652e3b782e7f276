"""Look whether a node can have its ports, before its first process is started."""

import errno
import socket
from collections.abc import Mapping, Sequence

from masq_cli.effective import Setting
from masq_kernel.errors import OperatorError

__all__ = ["refuse_taken_ports"]

_LISTENERS = (
    ("The bus", "node", "bus_host", "bus_port"),
    ("The router's links", "router", "listen_host", "listen_port"),
    ("The router's proxy", "router", "proxy_host", "proxy_port"),
    ("The API", "api", "host", "port"),
)


def refuse_taken_ports(settings: Sequence[Setting]) -> None:
    """Check every address and port at which a node with these settings will listen.

    A port that is taken afterwards is told by the process that needs it.

    Raises:
        OperatorError: one of them cannot be had.
    """
    values = {(each.section, each.key): each.value for each in settings}
    for who, section, host_key, port_key in _LISTENERS:  # or none, where it is not installed
        host, port = values.get((section, host_key)), values.get((section, port_key))
        if host and port and _is_needed(values, port_key):
            _probe(who, host, port, where=f"`{port_key}` in the section [{section}]")


def _is_needed(values: Mapping[tuple[str, str], object], port_key: str) -> bool:
    match port_key:
        case "bus_port":
            return values["node", "nats_url"] is None
        case "proxy_port":
            return bool(values["router", "proxy"])
        case _:
            return True


def _probe(who: str, host: str, port: int, *, where: str) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            problem = f"{who} cannot listen on {host} port {port}: {error.strerror}."
            raise OperatorError(problem, remedy=_remedy(error.errno, where)) from None


def _remedy(number: int | None, where: str) -> str:
    match number:
        case errno.EADDRINUSE:
            return f"Is this node running already? Else choose another {where}."
        case errno.EACCES:
            return f"Choose {where} above 1023, or let this user have lower ports."
        case _:
            return f"Give an address of this machine beside {where}."
