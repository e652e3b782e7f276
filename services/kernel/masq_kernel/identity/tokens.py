"""Who may use a node's management API: bearer tokens, kept as hashes (api.md section 1).

    masq_<id>_<secret>      id 16 hexadecimal digits, secret 64

A token's secret has 256 bits of chance, so a plain SHA-256 keeps it as well as a slow hash would,
and costs the same for a right one and for a wrong one.
"""

import hashlib
import hmac
import json
import os
import re
import tempfile
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from masq_kernel.entropy import Entropy
from masq_kernel.errors import OperatorError
from masq_kernel.units import UnixSeconds

__all__ = ["SCOPES", "Token", "TokenStore"]

SCOPES = (
    "node:read",
    "neighbors:write",
    "ledger:read",
    "thresholds:write",
    "bans:write",
    "scans:run",
    "settlements:run",
    "tokens:admin",
    "metrics:read",
)
"""Everything that a token can allow."""

_ID_SIZE, _SECRET_SIZE = 8, 32
_FORM = re.compile(r"masq_([0-9a-f]{16})_([0-9a-f]{64})")
_NO_HASH = bytes(32).hex()


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A token as it is kept, without its secret.

    Args:
        token_id: 16 hexadecimal digits; not secret.
        name: what it is for, in the operator's words.
        scopes: what it allows.
        sha256: of the secret, in hexadecimal.
        created_at: when it was made.
        expires_at: from when on it is worth nothing; None: never.
    """

    token_id: str
    name: str
    scopes: tuple[str, ...]
    sha256: str
    created_at: UnixSeconds
    expires_at: UnixSeconds | None = None


class TokenStore:
    """The tokens of one node, in a file that only its owner can read.

    Args:
        path: of the file; it is read again whenever it has changed.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamp: tuple[int, int, int] | None = None
        self._tokens: dict[str, Token] = {}

    def create(
        self,
        name: str,
        scopes: Iterable[str],
        entropy: Entropy,
        now: UnixSeconds,
        *,
        expires_at: UnixSeconds | None = None,
    ) -> str:
        """Make a token and return it; this is the only time that its secret is known.

        Raises:
            OperatorError: a scope that does not exist, or the file cannot be written.
        """
        wanted = tuple(dict.fromkeys(scopes))
        unknown = [scope for scope in wanted if scope not in SCOPES]
        if unknown or not wanted:
            problem = f"{unknown[0]!r} is no scope." if unknown else "A token needs a scope."
            raise OperatorError(problem, remedy=f"Scopes are {', '.join(SCOPES)}.", exit_code=2)
        token_id, secret = entropy.token(_ID_SIZE).hex(), entropy.token(_SECRET_SIZE).hex()
        made = Token(
            token_id=token_id,
            name=name,
            scopes=wanted,
            sha256=_hash(secret),
            created_at=now,
            expires_at=expires_at,
        )
        self._load()
        self._save({**self._tokens, token_id: made})
        return f"masq_{token_id}_{secret}"

    def find(self, text: str, now: UnixSeconds) -> Token | None:
        """Return the token of this text; None: there is none, or its time is over.

        Raises:
            OperatorError: the file cannot be read.
        """
        self._load()
        form = _FORM.fullmatch(text)
        token_id, secret = form.groups() if form else ("", "")
        known = self._tokens.get(token_id)
        is_right = hmac.compare_digest(_hash(secret), known.sha256 if known else _NO_HASH)
        if known is None or not is_right:
            return None
        is_over = known.expires_at is not None and now >= known.expires_at
        return None if is_over else known

    def list(self) -> list[Token]:
        """Return all tokens, oldest first.

        Raises:
            OperatorError: the file cannot be read.
        """
        self._load()
        return sorted(self._tokens.values(), key=lambda token: (token.created_at, token.token_id))

    def revoke(self, token_id: str) -> bool:
        """Forget a token; False when there is none of this id.

        Raises:
            OperatorError: the file cannot be read or written.
        """
        self._load()
        if token_id not in self._tokens:
            return False
        self._save({each: token for each, token in self._tokens.items() if each != token_id})
        return True

    def _load(self) -> None:
        try:
            status = self._path.stat()
            stamp = status.st_mtime_ns, status.st_size, status.st_ino
            if stamp != self._stamp:
                self._tokens = _parse(self._path.read_bytes())
                self._stamp = stamp
        except FileNotFoundError:
            self._tokens, self._stamp = {}, None
        except (OSError, ValueError, TypeError, KeyError):
            problem = f"The file of API tokens {self._path} cannot be read."
            remedy = "Restore it, or delete it and make new tokens with `masq token create`."
            raise OperatorError(problem, remedy=remedy) from None

    def _save(self, tokens: dict[str, Token]) -> None:
        text = json.dumps([asdict(token) for token in tokens.values()], indent=1)
        try:
            handle, temporary = tempfile.mkstemp(dir=self._path.parent, prefix=".tokens-")  # 0600
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).replace(self._path)
        except OSError as error:
            problem = f"The file of API tokens {self._path} cannot be written: {error.strerror}."
            raise OperatorError(problem, remedy="Correct the permissions.") from None
        self._tokens, self._stamp = tokens, None


def _parse(content: bytes) -> dict[str, Token]:
    items: list[dict[str, Any]] = json.loads(content)
    tokens = [replace(Token(**item), scopes=tuple(item["scopes"])) for item in items]
    return {token.token_id: token for token in tokens}


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode("ascii")).hexdigest()
