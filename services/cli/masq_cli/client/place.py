"""Where a node's API is, and what opens it."""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from masq_cli.errors import ApiRefused
from masq_cli.making.node import CLI_TOKEN_FILE
from masq_kernel.errors import OperatorError
from masq_kernel.runtime.settings import NodeSettings, load_section, read_file

__all__ = ["DEFAULT_API_HOST", "DEFAULT_API_PORT", "ApiPlace", "find_api"]

DEFAULT_API_HOST = "127.0.0.1"
DEFAULT_API_PORT = 8642
TOKEN_VARIABLE = "MASQ_API_TOKEN"  # noqa: S105 - a variable's name


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiPlace:
    """An API to talk to.

    Args:
        url: without a path.
        token: never printed.
    """

    url: str
    token: str = field(repr=False)


def find_api(config: Path, *, url: str | None, token: str | None) -> ApiPlace:
    """Return the API of the node with this configuration file, as far as not told otherwise.

    Raises:
        OperatorError: no such configuration, or no token.
    """
    given = token or os.environ.get(TOKEN_VARIABLE)
    if url is not None and given:
        return ApiPlace(url=url.rstrip("/"), token=given)
    sections = read_file(config)
    node = load_section(NodeSettings, "node", file=sections.get("node", {}))
    where = url or _url(sections.get("api", {}))
    return ApiPlace(url=where.rstrip("/"), token=given or _read_token(node.data_dir))


def _url(section: dict[str, Any]) -> str:
    host = os.environ.get("MASQ_API_HOST") or section.get("host", DEFAULT_API_HOST)
    port = os.environ.get("MASQ_API_PORT") or section.get("port", DEFAULT_API_PORT)
    reachable = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared
    return f"http://[{reachable}]:{port}" if ":" in reachable else f"http://{reachable}:{port}"


def _read_token(data_dir: Path) -> str:
    path = data_dir / CLI_TOKEN_FILE
    remedy = f"Make one with `masq token create`, and give it as {TOKEN_VARIABLE} or --token."
    try:
        token = path.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        raise ApiRefused(f"There is no token at {path}.", remedy=remedy) from None
    except (OSError, UnicodeDecodeError):
        raise OperatorError(f"The token {path} cannot be read.", remedy=remedy) from None
    if not token:
        raise ApiRefused(f"The token file {path} is empty.", remedy=remedy)
    return token
