"""Print the API's OpenAPI description: `python -m masq_api.openapi > docs/openapi.json`."""

import json
import sys
from pathlib import Path

from prometheus_client import CollectorRegistry

from masq_api.app import make_app
from masq_api.auth import Guard
from masq_api.node import Node
from masq_kernel.bus.memory import MemoryBroker
from masq_kernel.bus.subjects import Service
from masq_kernel.clock import SystemClock
from masq_kernel.identity.tokens import TokenStore

__all__ = ["description"]


def description() -> str:
    """Return the description as it stands in docs/openapi.json."""
    clock = SystemClock()
    node = Node(MemoryBroker().connect(Service.API), clock)
    app = make_app(node, Guard(TokenStore(Path("none")), clock), CollectorRegistry())
    return json.dumps(app.openapi(), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(description())
