"""The management API, seen from a client."""

from masq_cli.client.api import ApiClient
from masq_cli.client.place import ApiPlace, find_api
from masq_cli.client.scripting import AsyncNode, Node

__all__ = ["ApiClient", "ApiPlace", "AsyncNode", "Node", "find_api"]
