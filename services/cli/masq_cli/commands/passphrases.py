"""Where a command gets the passphrase: a file, the environment, or the person at the terminal."""

import os
import sys
from pathlib import Path

import typer

from masq_kernel.errors import OperatorError
from masq_kernel.runtime.passphrase import ENVIRONMENT, read_passphrase

__all__ = ["ask_passphrase"]


def ask_passphrase(file: Path | None, *, is_new: bool) -> str:
    """Return the passphrase of the key store.

    Args:
        file: its first line is the passphrase; None: MASQ_PASSPHRASE, else a prompt.
        is_new: whether it is being chosen, so that it is asked for twice.

    Raises:
        OperatorError: the file cannot be used, or nobody is there to be asked.
    """
    if file is not None or os.environ.get(ENVIRONMENT):
        return read_passphrase(file)
    if not sys.stdin.isatty():
        remedy = f"Set {ENVIRONMENT}, or give --passphrase-file."
        raise OperatorError("There is no terminal to ask for the passphrase.", remedy=remedy)
    prompt = "Choose a passphrase for the key store" if is_new else "Passphrase of the key store"
    answer: str = typer.prompt(prompt, hide_input=True, confirmation_prompt=is_new, err=True)
    return answer
