"""The configuration of a node's embedded nats-server. Pure.

Each service is a user of its own that may use its own subjects and nothing else
(architecture.md section 2): a compromised api process cannot read usage or forge a link.
"""

import json
from collections.abc import Mapping
from pathlib import Path

from masq_kernel.bus.codec import MESSAGE_SIZE_MAX
from masq_kernel.bus.permissions import permissions_of
from masq_kernel.bus.subjects import Service

__all__ = ["render_config"]

FILE_STORE_MAX = "1GB"
MEMORY_STORE_MAX = "16MB"


def render_config(
    *, host: str, port: int, store_dir: Path, passwords: Mapping[Service, str]
) -> str:
    """Return the text of nats.conf; it holds passwords, so its file must be 0600.

    Args:
        host: address to listen on; loopback unless TLS is set up around it.
        port: TCP port.
        store_dir: where JetStream keeps its files.
        passwords: one for each service. Plain, because the file is as private as the password
            files beside it, and bcrypt would cost each start of each service 70 ms and more.
    """
    users = ",\n    ".join(_user(service, passwords[service]) for service in Service)
    return f"""\
listen: {_text(f"{host}:{port}")}
server_name: masq
max_payload: {MESSAGE_SIZE_MAX}
max_connections: 256
jetstream {{
  store_dir: {_text(str(store_dir))}
  max_memory_store: {MEMORY_STORE_MAX}
  max_file_store: {FILE_STORE_MAX}
}}
authorization {{
  users: [
    {users}
  ]
}}
"""


def _user(service: Service, password: str) -> str:
    allowed = permissions_of(service)
    return (
        f"{{user: {_text(service)}, password: {_text(password)}, permissions: {{"
        f"publish: {{allow: {_list(allowed.publish)}}}, "
        f"subscribe: {{allow: {_list(allowed.subscribe)}}}, "
        'allow_responses: {max: 1, expires: "1m"}}}'
    )


def _list(subjects: tuple[str, ...]) -> str:
    return "[" + ", ".join(_text(subject) for subject in subjects) + "]"


def _text(value: str) -> str:
    """Quote for NATS's configuration language, whose double-quoted strings are as in JSON."""
    return json.dumps(value)
