"""`masq init`: make a node."""

import json
from pathlib import Path
from typing import Annotated

import typer

from masq_cli.commands.options import DEFAULT_DATA_DIR, Json, PassphraseFile
from masq_cli.commands.passphrases import ask_passphrase
from masq_cli.making import MadeNode, NodePlan, make_node
from masq_cli.making.node import refuse_used
from masq_cli.making.wallets import new_words, wallets_from_words
from masq_kernel.clock import SystemClock
from masq_kernel.entropy import OsEntropy

__all__ = ["init"]

_NEIGHBOR_HELP = "The descriptor of a node to begin with; can be given more than once."


def init(
    data_dir: Annotated[
        Path, typer.Option("--data-dir", help="Where the node's files will be.")
    ] = DEFAULT_DATA_DIR,
    chain: Annotated[str, typer.Option(help="The chain the node lives on.")] = "base-mainnet",
    neighbor: Annotated[list[str] | None, typer.Option(help=_NEIGHBOR_HELP)] = None,
    address: Annotated[
        str | None, typer.Option(help="The IP address at which others can dial this node.")
    ] = None,
    port: Annotated[
        int | None, typer.Option(help="The port at which others can dial it.", min=1, max=65535)
    ] = None,
    passphrase_file: PassphraseFile = None,
    as_json: Json = False,
) -> None:
    """Make a node: keys, wallets, configuration, a token for its API."""
    plan = NodePlan(
        data_dir=data_dir.absolute(),
        chain=chain,
        neighbors=tuple(neighbor or ()),
        address=address,
        port=port,
        passphrase_file=None if passphrase_file is None else passphrase_file.absolute(),
    )
    plan.checked_chain()
    refuse_used(plan.data_dir)  # before anybody is asked for a passphrase
    passphrase = ask_passphrase(passphrase_file, is_new=True)
    entropy = OsEntropy()
    words = new_words(entropy)
    wallets = wallets_from_words(words)
    made = make_node(plan, wallets, passphrase, clock=SystemClock(), entropy=entropy)
    if as_json:
        typer.echo(json.dumps(_facts(made, words)))
    else:
        _explain(made, words, is_default=data_dir == DEFAULT_DATA_DIR)


def _facts(made: MadeNode, words: str) -> dict[str, str]:
    return {
        "config": str(made.config),
        "descriptor": made.descriptor.text,
        "consuming_wallet": made.consuming.text,
        "earning_wallet": made.earning.text,
        "words": words,
    }


def _explain(made: MadeNode, words: str, *, is_default: bool) -> None:
    listed = words.split()
    rows = [" ".join(f"{word:<10}" for word in listed[at : at + 6]) for at in range(0, 24, 6)]
    option = "" if is_default else f" --config {made.config}"
    typer.echo(f"""\
Made a node in {made.config.parent}

  descriptor        {made.descriptor.text}
  consuming wallet  {made.consuming.text}  pays for your traffic
  earning wallet    {made.earning.text}  is paid for what you carry

Write these {len(listed)} words down; they restore both wallets. This is the only time they are
shown, and whoever has them has the money:
""")
    for row in rows:
        typer.echo(f"  {row.rstrip()}")
    typer.echo(f"\nNext: masq up{option}")
