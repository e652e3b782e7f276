"""Which settings are in force: default, file or environment, with secrets hidden."""

import importlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlsplit

from masq_kernel.bus.subjects import Service
from masq_kernel.runtime.settings import NodeSettings, SectionSettings, load_section

__all__ = ["HIDDEN", "Setting", "effective_settings"]

HIDDEN = "(hidden)"

_SECRET_KEY = re.compile(r"(pass(word|phrase)|secret|token|private_key|credentials)(?!.*_file$)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One setting.

    Args:
        section, key: its name.
        value: as JSON writes it.
        origin: what gave it its value.
    """

    section: str
    key: str
    value: Any
    origin: Literal["default", "file", "environment"]


def effective_settings(file: Mapping[str, dict[str, Any]]) -> list[Setting]:
    """Return the settings of the node and of each service, in the file's usual order.

    Raises:
        SettingsError: one cannot be used.
    """
    found = []
    for section in ("node", *Service):
        written = file.get(section, {})
        for key, value in _values(section, written).items():
            origin = _origin(section, key, written)
            shown = _hide(key, value)
            found.append(Setting(section=str(section), key=key, value=shown, origin=origin))
    return found


def _values(section: str, written: dict[str, Any]) -> dict[str, Any]:
    """Return a section with its defaults, or as written if its service is not installed here."""
    kind = NodeSettings if section == "node" else _settings_of(section)
    if kind is None:
        return written
    return load_section(kind, section, file=written).model_dump(mode="json")


def _settings_of(service: str) -> type[SectionSettings] | None:
    """Find `masq_<service>.settings.<Service>Settings`, which every service has."""
    try:
        module = importlib.import_module(f"masq_{service}.settings")
    except ModuleNotFoundError:
        return None
    kind = getattr(module, f"{service.capitalize()}Settings", None)
    return kind if isinstance(kind, type) and issubclass(kind, SectionSettings) else None


def _origin(
    section: str, key: str, written: Mapping[str, Any]
) -> Literal["default", "file", "environment"]:
    variable = f"MASQ_{section}_{key}".upper()
    if any(name.upper() == variable for name in os.environ):
        return "environment"
    return "file" if key in written else "default"


def _hide(key: str, value: Any) -> Any:
    if value is not None and _SECRET_KEY.search(key):
        return HIDDEN
    return _without_userinfo(value) if isinstance(value, str) and "://" in value else value


def _without_userinfo(url: str) -> str:
    """Hide `user:password@` in an address."""
    try:
        userinfo, at, _ = urlsplit(url).netloc.rpartition("@")
    except ValueError:
        return HIDDEN
    return url.replace(f"{userinfo}@", f"{HIDDEN}@", 1) if at else url
