"""`masq init`: make a node."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from masq_cli.commands.options import DEFAULT_DATA_DIR, Json, PassphraseFile
from masq_cli.commands.passphrases import ask_passphrase
from masq_cli.making import MadeNode, NodePlan, make_node
from masq_cli.making.node import refuse_used
from masq_cli.making.wallets import checked_words, new_words, wallets_from_words
from masq_kernel.clock import SystemClock
from masq_kernel.entropy import OsEntropy
from masq_kernel.errors import OperatorError
from masq_kernel.identity.keystore import CONSUMING_MAX

__all__ = ["init"]

_RPC_HELP = "A JSON-RPC server of the chain, to pay debts there; can be given more than once."
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
    rpc_url: Annotated[list[str] | None, typer.Option(help=_RPC_HELP)] = None,
    words_file: Annotated[
        Path | None,
        typer.Option(
            help="Restore the wallets from a file with their words (BIP-39); - asks for them."
        ),
    ] = None,
    consuming_wallets: Annotated[
        int,
        typer.Option(
            min=1,
            max=CONSUMING_MAX,
            help="How many wallets pay, each another creditors; more tell creditors less.",
        ),
    ] = 1,
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
        rpc_urls=tuple(rpc_url or ()),
    )
    plan.checked_chain()
    refuse_used(plan.data_dir)  # before anybody is asked for a passphrase
    passphrase = ask_passphrase(passphrase_file, is_new=True)
    entropy = OsEntropy()
    words = new_words(entropy) if words_file is None else _given_words(words_file)
    wallets = wallets_from_words(words, consuming_wallets)
    made = make_node(plan, wallets, passphrase, clock=SystemClock(), entropy=entropy)
    shown = None if words_file else words
    if as_json:
        typer.echo(json.dumps(_facts(made, shown)))
    else:
        _explain(made, shown, is_default=data_dir == DEFAULT_DATA_DIR)


def _given_words(file: Path) -> str:
    """Return the words of wallets that exist already.

    Raises:
        OperatorError: the file cannot be read, or they are none.
    """
    if str(file) == "-":
        text: str = typer.prompt("The words of your wallets", hide_input=True, err=True)
        return checked_words(text)
    try:
        return checked_words(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        problem = f"The words in {file} cannot be read: {reason}."
        raise OperatorError(problem, remedy="Give another file with --words-file.") from None


def _facts(made: MadeNode, words: str | None) -> dict[str, Any]:
    facts = {
        "config": str(made.config),
        "descriptor": made.descriptor.text,
        "consuming_wallet": made.consuming.text,
        "consuming_wallets": [each.text for each in (made.consuming, *made.siblings)],
        "earning_wallet": made.earning.text,
    }
    return facts if words is None else {**facts, "words": words}


def _explain(made: MadeNode, words: str | None, *, is_default: bool) -> None:
    option = "" if is_default else f" --config {made.config}"
    others = "".join(f"\n{'':20}{each.text}" for each in made.siblings)
    paying = f"{made.consuming.text}  pays for your traffic{others}"
    typer.echo(f"""\
Made a node in {made.config.parent}

  descriptor        {made.descriptor.text}
  consuming wallet  {paying}
  earning wallet    {made.earning.text}  is paid for what you carry
""")
    if words is not None:
        _show_words(words.split())
    typer.echo(f"Next: masq up{option}")


def _show_words(listed: list[str]) -> None:
    typer.echo(f"""\
Write these {len(listed)} words down; they restore both wallets. This is the only time they are
shown, and whoever has them has the money:
""")
    for at in range(0, len(listed), 6):
        row = " ".join(f"{word:<10}" for word in listed[at : at + 6])
        typer.echo(f"  {row.rstrip()}")
    typer.echo()
