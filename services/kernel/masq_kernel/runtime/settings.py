"""Settings of a node and of its services: typed, frozen, checked at the start.

One TOML file per node with a section for each service. Precedence: the environment
(`MASQ_<SECTION>_<KEY>`), then the file, then the default. Secrets only come from files or the
environment, and never appear in an error.
"""

import difflib
import tomllib
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict
from pydantic_settings.exceptions import SettingsError as UnreadableSetting

from masq_kernel.bus.subjects import Service
from masq_kernel.chains import chain_named
from masq_kernel.errors import MalformedError, OperatorError

__all__ = ["NodeSettings", "SectionSettings", "SettingsError", "load_section", "read_file"]

S = TypeVar("S", bound="SectionSettings")

_SECTIONS = ("node", *(str(service) for service in Service))


class SettingsError(OperatorError):
    """The configuration cannot be used (exit code 2)."""

    def __init__(self, problem: str, *, remedy: str) -> None:
        super().__init__(problem, remedy=remedy, exit_code=2)


class SectionSettings(BaseSettings):
    """Base of each section's settings: frozen, and unknown keys are refused."""

    model_config = SettingsConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - pydantic's signature
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - pydantic's signature
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - pydantic's signature
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Let the environment win over the file, whose section comes in as arguments."""
        return env_settings, init_settings


class NodeSettings(SectionSettings):
    """Section `[node]`: what all services of a node share.

    Args:
        data_dir: where keys, books and the embedded bus keep their files.
        chain: MASQ's name of the chain.
        bus_host, bus_port: where the embedded nats-server listens.
        nats_url: an existing server or cluster instead of the embedded one.
        passphrase_file: a file whose first line opens the key store; None: MASQ_PASSPHRASE.
        log_level, log_format: how much is logged, and whether for people or machines.
    """

    data_dir: Path
    chain: str = "base-mainnet"
    bus_host: str = "127.0.0.1"
    bus_port: int = Field(default=4222, ge=1, le=65535)
    nats_url: str | None = None
    passphrase_file: Path | None = None
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["json", "console"] = "json"

    @field_validator("chain")
    @classmethod
    def _is_known(cls, value: str) -> str:
        try:
            return chain_named(value).name
        except MalformedError as error:
            raise ValueError(error.reason) from None

    @property
    def bus_url(self) -> str:
        """Where the bus is."""
        return self.nats_url or f"nats://{self.bus_host}:{self.bus_port}"


def read_file(path: Path) -> dict[str, dict[str, Any]]:
    """Return the sections of a node's TOML file.

    Raises:
        SettingsError: missing, unreadable, not TOML, an unknown section or a key outside of one.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        problem = f"There is no configuration file at {path}."
        raise SettingsError(problem, remedy="Make a node with `masq init`.") from None
    except OSError as error:
        problem = f"The configuration file {path} cannot be read: {error.strerror}."
        raise SettingsError(problem, remedy="Correct its permissions.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        problem = f"The configuration file {path} is not valid TOML: {error}."
        raise SettingsError(problem, remedy="Correct that line.") from None
    loose = sorted(key for key, value in content.items() if not isinstance(value, dict))
    if loose:
        problem = f"`{loose[0]}` in {path} stands outside of any section."
        raise SettingsError(problem, remedy="Move it below a line such as [node].")
    unknown = sorted(content.keys() - set(_SECTIONS))
    if unknown:
        problem = f"There is no section [{unknown[0]}], but {path} has one."
        known = ", ".join(f"[{name}]" for name in _SECTIONS)
        raise SettingsError(problem, remedy=f"Correct its name; the sections are {known}.")
    return content


def load_section(kind: type[S], section: str, *, file: dict[str, Any]) -> S:
    """Return the checked settings of one section.

    Args:
        kind: the settings class.
        section: its name in the file and in the environment.
        file: what the file says in this section; the environment wins over it.

    Raises:
        SettingsError: an unknown key or a value that does not fit; names the key, not the value.
    """
    prefix = f"MASQ_{section.upper()}_"
    remedy = f"Correct it in the configuration file or in {prefix}*."
    try:
        return kind(**{"_env_prefix": prefix, **file})
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        key = ".".join(str(part) for part in first["loc"]) or "a value"
        why = _why(key, first["type"], first["msg"], kind)
        problem = f"`{key}` in the section [{section}] is not usable: {why}"
        raise SettingsError(problem, remedy=remedy) from None
    except UnreadableSetting:
        problem = f"A {prefix}* variable is not usable: a list is written as in JSON."
        raise SettingsError(problem, remedy=remedy) from None


def _why(key: str, mistake: str, message: str, kind: type[SectionSettings]) -> str:
    """Say pydantic's finding in the words of this project."""
    if mistake == "missing":
        return "it must be set."
    if mistake != "extra_forbidden":
        return message.removeprefix("Value error, ") + "."
    alike = difflib.get_close_matches(key, kind.model_fields, n=1)
    return "there is no such setting" + (f"; is `{alike[0]}` meant?" if alike else ".")
