"""`masq up`: run this node's processes in the foreground. `masq service`: run one of them."""

import asyncio
import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from masq_cli.commands.options import DEFAULT_DATA_DIR, Config, Json, PassphraseFile
from masq_cli.commands.passphrases import ask_passphrase
from masq_cli.effective import effective_settings
from masq_cli.foreground import run_node, run_processes
from masq_cli.ports import refuse_taken_ports
from masq_cli.supervisor import Outfit, RouterProcesses
from masq_kernel.bus.subjects import Service
from masq_kernel.entropy import OsEntropy
from masq_kernel.errors import OperatorError
from masq_kernel.identity.keystore import KeyStore
from masq_kernel.runtime.passphrase import ENVIRONMENT
from masq_kernel.runtime.settings import NodeSettings, load_section, read_file

__all__ = ["service", "up"]

WORKERS_MAX = 64
WORKERS_VARIABLE = "MASQ_ROUTER_WORKERS"
SCANS_VARIABLE = "MASQ_ACCOUNTANT_SCANS"


class Switch(StrEnum):
    """Whether something happens by itself."""

    ON = "on"
    OFF = "off"


def up(
    config: Config = DEFAULT_DATA_DIR / "masq.toml",
    passphrase_file: PassphraseFile = None,
    scans: Annotated[
        Switch, typer.Option(help="off: debts are paid and debtors judged only by `masq scan`.")
    ] = Switch.ON,
    as_json: Json = False,
) -> None:
    """Run this node here, until Ctrl-C: the bus and all services, kept alive."""
    if scans is Switch.OFF:
        os.environ[SCANS_VARIABLE] = "false"  # before the settings are read, here and by services
    sections = read_file(config)
    settings = effective_settings(sections)  # refuses each service's mistakes before any starts
    node = load_section(NodeSettings, "node", file=sections.get("node", {}))
    passphrase = ask_passphrase(passphrase_file or node.passphrase_file, is_new=False)
    # Once here, so that a wrong passphrase is one sentence and not one from each service.
    KeyStore.open(node.data_dir / "keystore.json", passphrase, OsEntropy())
    refuse_taken_ports(settings)
    environment = {**os.environ, ENVIRONMENT: passphrase}
    routers = next((each.value for each in settings if each.key == "workers"), 1)
    code = asyncio.run(run_node(node, config, environment, routers=routers, as_json=as_json))
    raise typer.Exit(code)


def service(
    name: Annotated[Service, typer.Argument(help="Which service.")],
    config: Config = DEFAULT_DATA_DIR / "masq.toml",
    workers: Annotated[
        int | None,
        typer.Option(
            min=2, max=WORKERS_MAX, help="Run so many router processes here and keep them alive."
        ),
    ] = None,
) -> None:
    """Become one service's process, as a container wants it; the bus must run already.

    With --workers, start so many and stay to keep them alive. They count as the whole node's: where
    further ones run elsewhere, set `workers` in the section [router] to how many there are in all.
    """
    if workers is not None:
        if name is not Service.ROUTER:
            problem = f"The service {name} is one process."
            raise OperatorError(problem, remedy="Leave --workers out.", exit_code=2)
        raise typer.Exit(_run_routers(config, workers))
    command = [sys.executable, "-m", f"masq_{name}", "--config", str(config)]
    sys.stdout.flush()
    os.execv(sys.executable, command)  # noqa: S606 - no shell, and every part is ours


def _run_routers(config: Path, count: int) -> int:
    """Keep router processes alive until Ctrl-C; return the exit code."""
    sections = read_file(config)
    node = load_section(NodeSettings, "node", file=sections.get("node", {}))
    passphrase = ask_passphrase(node.passphrase_file, is_new=False)
    wanted = max(count, sections.get("router", {}).get("workers", 1))
    environment = {**os.environ, ENVIRONMENT: passphrase, WORKERS_VARIABLE: str(wanted)}

    def make(outfit: Outfit, tasks: asyncio.TaskGroup) -> RouterProcesses:
        return RouterProcesses(config, count, outfit, tasks)

    return asyncio.run(run_processes(make, environment, as_json=False))
