"""Every command and every option says what it is for."""

import pytest
import typer

from masq_cli.main import app


def commands(command, path=("masq",)):
    yield path, command
    for name, child in getattr(command, "commands", {}).items():
        yield from commands(child, (*path, name))


ALL = list(commands(typer.main.get_command(app)))


def test_the_commands_are_those_of_the_manual():
    names = {" ".join(path) for path, command in ALL if not hasattr(command, "commands")}
    expected = {
        *(
            "init",
            "up",
            "demo",
            "simulate",
            "service",
            "status",
            "doctor",
            "disputes",
            "events",
            "settlements",
            "wallets",
            "scan",
            "neighbors",
            "neighborhood",
            "sessions",
            "bans",
            "ban",
            "pardon",
            "whitelist",
            "prefer",
        ),
        "address set",
        *(f"thresholds {name}" for name in ("show", "set", "preview", "history")),
        *(
            "ledger verify",
            "ledger report",
            "ledger reconcile",
            "ledger backup",
            "ledger restore",
            "ledger export",
        ),
        *("exits show", "exits set", "exits clear"),
        *("ledger payables", "ledger receivables", "ledger summary", "config show", "version"),
        *("token create", "token list", "token revoke"),
    }
    assert names == {f"masq {name}" for name in expected}


@pytest.mark.parametrize(("path", "command"), ALL, ids=[" ".join(path) for path, _ in ALL])
def test_it_explains_itself(path, command):
    assert command.help or path == ("masq",)
    unexplained = [p.name for p in command.params if not getattr(p, "help", "")]
    assert unexplained == []
