"""Keeping a node's processes alive: start, restart with back-off, orderly stop."""

from masq_cli.supervisor.backoff import Backoff, RestartPolicy
from masq_cli.supervisor.kept_process import KeptProcess, Outfit, ProcessSpec
from masq_cli.supervisor.node import NodeProcesses, RouterProcesses
from masq_cli.supervisor.report import ProcessEvent, ProcessState

__all__ = [
    "Backoff",
    "KeptProcess",
    "NodeProcesses",
    "Outfit",
    "ProcessEvent",
    "ProcessSpec",
    "ProcessState",
    "RestartPolicy",
    "RouterProcesses",
]
