"""The management API, seen from a client."""

from masq_cli.client.api import ApiClient
from masq_cli.client.place import ApiPlace, find_api

__all__ = ["ApiClient", "ApiPlace", "find_api"]
