"""The `masq` command: a sentence and an exit code for everything that can go wrong.

0 done, 1 failed, 2 usage, 3 unreachable, 4 refused.
"""

import sys
from importlib.metadata import version as version_of

import typer

from masq_cli.commands.address import address
from masq_cli.commands.copies import backup, restore
from masq_cli.commands.decide import ban, pardon, whitelist
from masq_cli.commands.demo import demo
from masq_cli.commands.doctor import doctor
from masq_cli.commands.events import events
from masq_cli.commands.evidence import disputes, reconcile
from masq_cli.commands.init import init
from masq_cli.commands.look import bans, ledger, neighborhood, neighbors, sessions, status
from masq_cli.commands.prefer import exits, prefer
from masq_cli.commands.settings import config
from masq_cli.commands.settle import scan, settlements, wallets
from masq_cli.commands.simulate import simulate
from masq_cli.commands.thresholds import thresholds
from masq_cli.commands.tokens import token
from masq_cli.commands.up import service, up
from masq_kernel.errors import OperatorError

__all__ = ["app", "main"]

_INTERRUPTED = 130
"""128 + SIGINT, as shells count."""

app = typer.Typer(
    name="masq",
    help="A node of a privacy mesh.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
_LOOKING = (status, doctor, neighbors, neighborhood, sessions, bans, disputes, events)
_DECIDING = (ban, pardon, whitelist, prefer)
_SETTLING = (settlements, wallets, scan)
for _command in (init, up, demo, simulate, service, *_LOOKING, *_DECIDING, *_SETTLING):
    app.command()(_command)
app.add_typer(address, name="address")
for _on_books in (reconcile, backup, restore):
    ledger.command()(_on_books)
app.add_typer(exits, name="exits")
app.add_typer(ledger, name="ledger")
app.add_typer(thresholds, name="thresholds")
app.add_typer(config, name="config")
app.add_typer(token, name="token")


@app.command()
def version() -> None:
    """Print this program's version."""
    typer.echo(version_of("masq-node"))


def main() -> int:
    """Run one command; return its exit code."""
    try:
        app()
    except OperatorError as error:
        return _explain(error)
    except BaseExceptionGroup as group:  # from a TaskGroup
        _, defects = group.split(OperatorError)
        if defects is not None:
            raise
        return _explain(_first(group))
    except KeyboardInterrupt:
        return _INTERRUPTED
    except BrokenPipeError:  # whoever read our output has seen enough
        sys.stderr.close()
        return 0
    return 0


def _explain(error: OperatorError) -> int:
    typer.echo(f"masq: {error.problem}\n{error.remedy}", err=True)
    return error.exit_code


def _first(group: BaseExceptionGroup[BaseException]) -> OperatorError:
    first: BaseException = group
    while isinstance(first, BaseExceptionGroup):
        first = first.exceptions[0]
    assert isinstance(first, OperatorError)
    return first
