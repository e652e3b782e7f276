"""What the operator prefers on routes, in `preferences.json`; changed through the API.

Unlike gossip's own memory a damaged file stops the node: to go on without it could send traffic
through a node or a country that the operator has ruled out.
"""

import json
from pathlib import Path

from masq_gossip.rules.preferences import Preferences
from masq_kernel.bus.messages.gossip import Liking
from masq_kernel.errors import MalformedError, OperatorError
from masq_kernel.identity.keys import NodeId
from masq_kernel.runtime.files import replace_file, unusable

__all__ = ["PreferenceFile"]

FILE_SIZE_MAX = 1 << 20

_LIKINGS: dict[str, Liking] = {
    "never": "never",
    "less": "less",
    "more": "more",
    "always": "always",
}


class PreferenceFile:
    """The file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def load(self) -> Preferences:
        """Return what is written; nothing is preferred where there is no file.

        Raises:
            OperatorError: it cannot be read, or is damaged.
        """
        try:
            with self._path.open("rb") as file:
                return _parsed(file.read(FILE_SIZE_MAX + 1))
        except FileNotFoundError:
            return Preferences()
        except MalformedError as error:
            raise OperatorError(
                f"{self._path} is damaged: {error.reason}.",
                remedy="Mend it, or delete it to prefer nothing; the node does not guess.",
            ) from None
        except OSError as error:
            raise unusable(self._path, "read", error) from None

    def save(self, preferences: Preferences) -> None:
        """Replace the file.

        Raises:
            OperatorError: it cannot be written.
        """
        content = {
            "exit_countries": [list(tier) for tier in preferences.tiers],
            "strict": preferences.is_strict,
            "nodes": {one.text: liking for one, liking in sorted(preferences.liked.items())},
        }
        try:
            replace_file(self._path, json.dumps(content, indent=1))
        except OSError as error:
            raise unusable(self._path, "written", error) from None


def _parsed(data: bytes) -> Preferences:
    if len(data) > FILE_SIZE_MAX:
        raise MalformedError("preferences", "too long")
    try:
        content = json.loads(data)
        return Preferences(
            tiers=tuple(tuple(map(str, tier)) for tier in content["exit_countries"]),
            is_strict=content["strict"] is True,
            liked={
                NodeId.from_text(one): _LIKINGS[liking] for one, liking in content["nodes"].items()
            },
        )
    except (ValueError, TypeError, KeyError, AttributeError):
        raise MalformedError("preferences", "not what this program writes") from None
