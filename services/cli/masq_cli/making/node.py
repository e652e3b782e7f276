"""Write a new node's files, all of them private.

    <data_dir>/            0700
        keystore.json      0600  identity, consuming-wallet (and -2, -3 ...), earning-wallet
        api-tokens.json    0600  hashes of tokens
        cli-token          0600  the token that the `masq` command uses
        bus/               0700  each service's password on the bus
        masq.toml          0600  settings, no secrets

The last is written last: its presence says that everything else is there.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from masq_cli.making.config_file import render_config_file
from masq_cli.making.plan import NodePlan
from masq_cli.making.wallets import WalletKeys
from masq_cli.nats.server import write_bus_files
from masq_kernel.clock import Clock
from masq_kernel.entropy import Entropy
from masq_kernel.errors import OperatorError
from masq_kernel.identity.descriptor import Descriptor
from masq_kernel.identity.keys import IdentityKey, WalletAddress
from masq_kernel.identity.keystore import STANDARD, KeyStore, Work, consuming_entry
from masq_kernel.identity.proofs import wallet_of
from masq_kernel.identity.tokens import SCOPES, TokenStore

__all__ = [
    "CLI_TOKEN_FILE",
    "CONFIG_FILE",
    "TOKENS_FILE",
    "MadeNode",
    "make_data_dir",
    "make_node",
    "refuse_used",
    "write_private",
]

CONFIG_FILE = "masq.toml"
CLI_TOKEN_FILE = "cli-token"  # noqa: S105 - a file's name
TOKENS_FILE = "api-tokens.json"

_OTHER_PLACE = "Choose another with --data-dir; nothing was changed."


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeNode:
    """A node that has its files.

    Args:
        config: its configuration file.
        descriptor: what to give to others.
        consuming, earning: the addresses of its wallets.
        siblings: further consuming wallets.
        token: opens its API; also in its file `cli-token`.
    """

    config: Path
    descriptor: Descriptor
    consuming: WalletAddress
    siblings: tuple[WalletAddress, ...]
    earning: WalletAddress
    token: str


def refuse_used(data_dir: Path) -> None:
    """Check that a node can be made here.

    Raises:
        OperatorError: something is there already, or it cannot be looked at.
    """
    try:
        is_used = data_dir.exists() and any(data_dir.iterdir())
    except OSError as error:
        problem = f"The data directory {data_dir} cannot be used: {error.strerror}."
        raise OperatorError(problem, remedy=_OTHER_PLACE) from None
    if is_used:
        problem = f"The data directory {data_dir} is not empty."
        raise OperatorError(problem, remedy=_OTHER_PLACE, exit_code=4)


def make_node(
    plan: NodePlan,
    wallets: WalletKeys,
    passphrase: str,
    *,
    clock: Clock,
    entropy: Entropy,
    work: Work = STANDARD,
) -> MadeNode:
    """Write all files of a new node.

    Raises:
        OperatorError: the plan is not possible, or there is a node in its data directory.
    """
    chain = plan.checked_chain()
    data_dir = plan.data_dir
    make_data_dir(data_dir)
    identity = IdentityKey.generate(entropy)
    store = KeyStore.create(data_dir / "keystore.json", passphrase, entropy, work=work)
    store.put("identity", identity.seed())
    for number, key in enumerate(wallets.consuming, start=1):
        store.put(consuming_entry(number), key)
    store.put("earning-wallet", wallets.earning)
    write_bus_files(data_dir, entropy)
    tokens = TokenStore(data_dir / TOKENS_FILE)
    token = tokens.create("masq command", SCOPES, entropy, clock.unix())
    write_private(data_dir / CLI_TOKEN_FILE, token + "\n")
    config = data_dir / CONFIG_FILE
    write_private(config, render_config_file(plan))
    return MadeNode(
        config=config,
        descriptor=Descriptor(
            chain=chain,
            node_id=identity.node_id,
            addresses=() if plan.address is None else (plan.address,),
            ports=() if plan.port is None else (plan.port,),
        ),
        consuming=wallet_of(wallets.consuming[0]),
        siblings=tuple(wallet_of(key) for key in wallets.consuming[1:]),
        earning=wallet_of(wallets.earning),
        token=token,
    )


def make_data_dir(path: Path) -> None:
    """Make a folder that only its owner can enter.

    Raises:
        OperatorError: something is there already, or it cannot be made.
    """
    refuse_used(path)
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.chmod(0o700)
    except OSError as error:
        problem = f"The data directory {path} cannot be made: {error.strerror}."
        raise OperatorError(problem, remedy=_OTHER_PLACE) from None


def write_private(path: Path, text: str) -> None:
    """Write a new file that only its owner can read."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
