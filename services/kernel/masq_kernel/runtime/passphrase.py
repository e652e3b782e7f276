"""Where the passphrase of the key store comes from: a file or the environment, never a flag."""

import os
from pathlib import Path

from masq_kernel.errors import OperatorError

__all__ = ["read_passphrase"]

ENVIRONMENT = "MASQ_PASSPHRASE"


def read_passphrase(file: Path | None) -> str:
    """Return the passphrase: the file's first line, or MASQ_PASSPHRASE.

    Raises:
        OperatorError: the file cannot be read, or there is no passphrase anywhere.
    """
    if file is None:
        passphrase = os.environ.get(ENVIRONMENT, "")
        where = f"{ENVIRONMENT} is not set"
    else:
        try:
            passphrase = (file.read_text(encoding="utf-8").splitlines() or [""])[0]
        except (OSError, UnicodeDecodeError):
            problem = f"The passphrase file {file} cannot be read."
            remedy = "Write the passphrase into its first line, or name another file."
            raise OperatorError(problem, remedy=remedy) from None
        where = f"the first line of {file} is empty"
    if not passphrase:
        remedy = f"Set `passphrase_file` in the section [node], or {ENVIRONMENT}."
        raise OperatorError(f"There is no passphrase for the key store: {where}.", remedy=remedy)
    return passphrase
