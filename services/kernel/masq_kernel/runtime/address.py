"""Where others dial this node when that has changed at run time: `address.json` (docs/adr/0013).

The configuration file says where a node can be dialled. `masq address set` changes it while the
node runs, and the change is kept here together with the setting it was made over. It holds for as
long as the operator leaves that setting alone: an edit of the configuration file is the later word.

gossip writes the file. gossip, router and `masq config show` read it.
"""

import ipaddress
import json
from dataclasses import asdict, dataclass
from pathlib import Path

from masq_kernel.errors import MalformedError, OperatorError
from masq_kernel.runtime.files import replace_file, unusable

__all__ = ["AddressFile", "Move", "Place"]

_FILE = "address.json"
_FILE_SIZE_MAX = 4096
_PORTS_MAX = 8
_WHAT = "address of this node"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a node can be dialled.

    Args:
        address: an IP address in its canonical text, not one that nobody can dial.
        ports: 1 to 8 different ones, preferred first.

    Raises:
        MalformedError: it cannot be such a place; says why.
    """

    address: str
    ports: tuple[int, ...]

    def __post_init__(self) -> None:
        try:
            address = ipaddress.ip_address(self.address)
        except ValueError:
            raise MalformedError(_WHAT, "not an IP address") from None
        if str(address) != self.address or "%" in self.address:
            raise MalformedError(_WHAT, "not the canonical spelling of an IP address")
        if address.is_unspecified or address.is_multicast:
            raise MalformedError(_WHAT, "nobody can dial such an address")
        if not 1 <= len(self.ports) <= _PORTS_MAX or len(set(self.ports)) != len(self.ports):
            raise MalformedError(_WHAT, f"not 1 to {_PORTS_MAX} different ports")
        if not all(1 <= port <= 0xFFFF for port in self.ports):
            raise MalformedError(_WHAT, "a port is outside 1..65535")


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """A change of place at run time.

    Args:
        setting: what the configuration file said then; None: nothing.
        place: where the node is dialled instead.
    """

    setting: Place | None
    place: Place

    def address(self, configured: str | None) -> str | None:
        """Return what a setting that named the old address means now; others stay as they are."""
        is_old = self.setting is not None and configured == self.setting.address
        return self.place.address if is_old else configured

    def port(self, configured: int | None) -> int | None:
        """Return what a setting that named an old port means now; others stay as they are."""
        if self.setting is None or configured not in self.setting.ports:
            return configured
        return configured if configured in self.place.ports else self.place.ports[0]


class AddressFile:
    """The file, readable by its owner alone, replaced in one step.

    Args:
        data_dir: of the node.
    """

    def __init__(self, data_dir: Path) -> None:
        self._path = data_dir / _FILE

    def load(self) -> Move | None:
        """Return the last move; None: there was none.

        Raises:
            OperatorError: the file cannot be read, or is damaged.
        """
        try:
            with self._path.open("rb") as file:
                return _parsed(file.read(_FILE_SIZE_MAX + 1))
        except FileNotFoundError:
            return None
        except MalformedError as error:
            raise OperatorError(
                f"{self._path} is damaged: {error.reason}.",
                remedy="Delete it to be dialled where the configuration file says.",
            ) from None
        except OSError as error:
            raise unusable(self._path, "read", error) from None

    def load_over(self, setting: Place | None) -> Move | None:
        """Return the last move if it was made over this setting; None: the setting counts.

        Raises:
            OperatorError: as `load`.
        """
        move = self.load()
        return move if move is not None and move.setting == setting else None

    def save(self, move: Move) -> None:
        """Replace the file.

        Raises:
            OperatorError: it cannot be written.
        """
        try:
            replace_file(self._path, json.dumps(asdict(move), indent=1))
        except OSError as error:
            raise unusable(self._path, "written", error) from None

    def remove(self) -> None:
        """Forget the last move: the configuration file counts again.

        Raises:
            OperatorError: the file cannot be removed.
        """
        try:
            self._path.unlink(missing_ok=True)
        except OSError as error:
            raise unusable(self._path, "removed", error) from None


def _parsed(data: bytes) -> Move:
    if len(data) > _FILE_SIZE_MAX:
        raise MalformedError(_WHAT, "too long")
    try:
        content = json.loads(data)
        setting = content["setting"]
        before = None if setting is None else _place(setting)
        return Move(setting=before, place=_place(content["place"]))
    except (ValueError, TypeError, KeyError, AttributeError):
        raise MalformedError(_WHAT, "not what this program writes") from None


def _place(content: dict[str, object]) -> Place:
    ports = content["ports"]
    if not isinstance(ports, list) or not all(type(port) is int for port in ports):
        raise MalformedError(_WHAT, "ports are not numbers")
    return Place(str(content["address"]), tuple(ports))
