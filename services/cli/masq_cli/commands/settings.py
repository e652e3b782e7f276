"""`masq config show`: the settings in force, and where each comes from."""

import json

import typer
from rich.console import Console

from masq_cli.commands.options import DEFAULT_DATA_DIR, Config, Json
from masq_cli.effective import Setting, effective_settings
from masq_cli.show.tables import print_table
from masq_cli.show.values import plain
from masq_kernel.runtime.settings import read_file

__all__ = ["config"]

config = typer.Typer(help="The node's configuration.", no_args_is_help=True)


@config.callback()
def _family() -> None:
    """Keep `show` a command of its own; Typer would merge an only one into its family."""


@config.command()
def show(config: Config = DEFAULT_DATA_DIR / "masq.toml", as_json: Json = False) -> None:
    """Show each setting in force and where it comes from; secrets stay hidden."""
    settings = effective_settings(read_file(config))
    if as_json:
        typer.echo(json.dumps(_nested(settings), indent=2))
    else:
        rows = [(s.section, s.key, plain(s.value), s.origin) for s in settings]
        print_table(f"Settings of {config}", ("section", "key", "value", "from"), rows, Console())


def _nested(settings: list[Setting]) -> dict[str, dict[str, dict[str, object]]]:
    nested: dict[str, dict[str, dict[str, object]]] = {}
    for setting in settings:
        section = nested.setdefault(setting.section, {})
        section[setting.key] = {"value": setting.value, "from": setting.origin}
    return nested
