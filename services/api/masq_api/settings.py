"""What an operator sets in the section `[api]`, or as `MASQ_API_*`."""

import ipaddress
from pathlib import Path
from typing import Annotated

from pydantic import Field, field_validator

from masq_kernel.errors import OperatorError
from masq_kernel.runtime.settings import SectionSettings

__all__ = ["ApiSettings"]


class ApiSettings(SectionSettings):
    """The api process's settings.

    Args:
        host, port: where it listens; port 0: any free one.
        tls_certificate, tls_key: PEM files; needed on any address but loopback.
        behind_proxy: another program in front does TLS.
    """

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8642
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    behind_proxy: bool = False

    @field_validator("host")
    @classmethod
    def _is_address(cls, value: str) -> str:
        return str(ipaddress.ip_address(value))

    def check_exposure(self) -> None:
        """Refuse to send tokens over a network in the clear.

        Raises:
            OperatorError: an address that others reach, without TLS.
        """
        has_tls = self.tls_certificate is not None and self.tls_key is not None
        if ipaddress.ip_address(self.host).is_loopback or has_tls or self.behind_proxy:
            return
        problem = f"The API would listen at {self.host} without TLS, and tokens would be readable."
        remedy = (
            "Set `tls_certificate` and `tls_key` in the section [api], or `behind_proxy = true` "
            "when a reverse proxy does TLS, or listen on 127.0.0.1."
        )
        raise OperatorError(problem, remedy=remedy, exit_code=2)
