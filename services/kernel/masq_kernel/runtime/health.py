"""How a process says whether it is well, dependency by dependency. Pure."""

__all__ = ["OK", "HealthBoard"]

OK = "ok"


class HealthBoard:
    """The state of each thing a process needs: `ok`, or a sentence saying what is wrong."""

    def __init__(self) -> None:
        self._states: dict[str, str] = {}

    def report(self, dependency: str, state: str) -> None:
        """Set the state of one dependency; the first report adds it."""
        self._states[dependency] = state

    @property
    def ready(self) -> bool:
        """Whether every dependency is ok."""
        return all(state == OK for state in self._states.values())

    @property
    def troubles(self) -> dict[str, str]:
        """The states that are not ok, by name."""
        return {name: state for name, state in self._states.items() if state != OK}

    @property
    def dependencies(self) -> dict[str, str]:
        """A copy of all states, by name."""
        return dict(self._states)
