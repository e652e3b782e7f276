"""Which settings are in force: default, file, environment or run time; secrets are hidden."""

import importlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from masq_kernel.bus.subjects import Service
from masq_kernel.runtime.address import AddressFile, Place
from masq_kernel.runtime.settings import NodeSettings, SectionSettings, load_section

__all__ = ["HIDDEN", "Setting", "effective_settings"]

HIDDEN = "(hidden)"

_SECRET_KEY = re.compile(r"(pass(word|phrase)|secret|token|private_key|credentials)(?!.*_file$)")


Origin = Literal["default", "file", "environment", "run time"]


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
    origin: Origin


def effective_settings(file: Mapping[str, dict[str, Any]]) -> list[Setting]:
    """Return the settings of the node and of each service, in the file's usual order.

    Raises:
        SettingsError: one cannot be used.
        OperatorError: the address set at run time cannot be read.
    """
    found = []
    for section in ("node", *Service):
        written = file.get(section, {})
        for key, value in _values(section, written).items():
            origin = _origin(section, key, written)
            shown = _hide(key, value)
            found.append(Setting(section=str(section), key=key, value=shown, origin=origin))
    return _moved(found)


def _moved(settings: list[Setting]) -> list[Setting]:
    """Show what an address set at run time makes of the settings (docs/adr/0013)."""
    value = {(one.section, one.key): one.value for one in settings}
    address, ports = value.get(("gossip", "address")), value.get(("gossip", "ports"))
    setting = Place(address, tuple(ports)) if address and ports else None
    move = AddressFile(Path(value["node", "data_dir"])).load_over(setting)
    if move is None:
        return settings
    now = {
        ("gossip", "address"): move.place.address,
        ("gossip", "ports"): list(move.place.ports),
        ("router", "listen_host"): move.address(value.get(("router", "listen_host"))),
        ("router", "listen_port"): move.port(value.get(("router", "listen_port"))),
        ("router", "bind_address"): move.address(value.get(("router", "bind_address"))),
    }
    return [
        replace(one, value=now[name], origin="run time")
        if (name := (one.section, one.key)) in now and now[name] != one.value
        else one
        for one in settings
    ]


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


def _origin(section: str, key: str, written: Mapping[str, Any]) -> Origin:
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
