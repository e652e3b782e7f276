"""What a new node shall be. Pure.

Checked completely before the first file is written, so that a mistake leaves nothing behind.
"""

import ipaddress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from masq_kernel.chains import CHAINS, Chain, chain_named
from masq_kernel.errors import MalformedError, OperatorError
from masq_kernel.identity.descriptor import Descriptor

__all__ = ["NodePlan"]


@dataclass(frozen=True, slots=True, kw_only=True)
class NodePlan:
    """A node before it exists.

    Args:
        data_dir: where its files will be.
        chain: MASQ's name of the chain.
        neighbors: descriptors of nodes to begin with.
        address: the IP address at which others dial it; None: it cannot be dialled.
        port: the port it is dialled at; None exactly when there is no address.
        bus_port: of the embedded nats-server, on loopback.
        proxy_port: of the proxy for clients, on loopback.
        api_port: of the management API, on loopback.
        bind_address: the source address of its dials; None: the machine's choice.
        exit_rules: put before the default exit policy.
        passphrase_file: opens the key store; None: MASQ_PASSPHRASE does.
        workers: router processes.
        unvouchered_limit_mib: what a wallet may be charged for beyond what it has owned up to.
        rpc_urls: JSON-RPC servers of the chain; none: debts accrue and are not paid.
        confirmations: how many blocks make a payment final; None: what suits the chain.
        scan_s: how often all scans are done; None: as often as they are by default.
    """

    data_dir: Path
    chain: str = "base-mainnet"
    neighbors: tuple[str, ...] = ()
    address: str | None = None
    port: int | None = None
    bus_port: int = 4222
    proxy_port: int = 1080
    api_port: int = 8642
    bind_address: str | None = None
    exit_rules: tuple[str, ...] = ()
    passphrase_file: Path | None = None
    workers: int = 1
    unvouchered_limit_mib: int = 4_096
    rpc_urls: tuple[str, ...] = ()
    confirmations: int | None = None
    scan_s: float | None = None

    def checked_chain(self) -> Chain:
        """Check the whole plan; return its chain.

        Raises:
            OperatorError: something in it cannot be (exit code 2).
        """
        try:
            chain = chain_named(self.chain)
        except MalformedError:
            problem = f"{self.chain!r} is not the name of a chain."
            raise _wrong(problem, f"Choose one of {', '.join(CHAINS)}.") from None
        self._check_endpoint()
        for text in self.neighbors:
            _check_neighbor(text, chain)
        for url in self.rpc_urls:
            if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
                raise _wrong("An RPC server is a URL.", "Give one such as https://example.org/KEY.")
        return chain

    def _check_endpoint(self) -> None:
        if (self.address is None) != (self.port is None):
            problem = "An address and a port only make sense together."
            raise _wrong(problem, "Give both --address and --port, or neither.")
        try:
            ipaddress.ip_address(self.address or "127.0.0.1")
        except ValueError:
            problem = f"{self.address!r} is not an IP address."
            raise _wrong(problem, "Give --address as digits, such as 203.0.113.7.") from None


def _check_neighbor(text: str, chain: Chain) -> None:
    remedy = "Copy the whole descriptor that the other operator's `masq status` shows."
    try:
        descriptor = Descriptor.from_text(text)
    except MalformedError as error:
        raise _wrong(f"{text!r} is not a descriptor: {error.reason}.", remedy) from None
    if descriptor.chain != chain:
        remedy = f"Give one of {chain.name}, or choose its chain with --chain."
        raise _wrong(f"The neighbor {text!r} lives on another chain.", remedy)
    if not descriptor.addresses:
        raise _wrong(f"The neighbor {text!r} takes no connections.", remedy)


def _wrong(problem: str, remedy: str) -> OperatorError:
    return OperatorError(problem, remedy=remedy, exit_code=2)
