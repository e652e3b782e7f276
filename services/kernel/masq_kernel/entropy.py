"""Randomness as an input: the machine's, and a seeded one for tests and simulation."""

import os
import random  # noqa: TID251 - this is the one place
from collections.abc import Sequence
from typing import Protocol, TypeVar

__all__ = ["Entropy", "OsEntropy", "SeededEntropy"]

T = TypeVar("T")


class Entropy(Protocol):
    """Where randomness comes from."""

    def token(self, size: int) -> bytes:
        """Return `size` random bytes."""
        ...

    def below(self, limit: int) -> int:
        """Return an integer from 0 up to but not including `limit`."""
        ...

    def fraction(self) -> float:
        """Return a float from 0.0 up to but not including 1.0."""
        ...

    def choice(self, options: Sequence[T]) -> T:
        """Return one of `options`, which must not be empty."""
        ...


class _Random:
    """What both kinds share: everything on top of `random.Random`."""

    def __init__(self, source: random.Random) -> None:
        self._source = source

    def below(self, limit: int) -> int:
        """Return an integer from 0 up to but not including `limit`."""
        return self._source.randrange(limit)

    def fraction(self) -> float:
        """Return a float from 0.0 up to but not including 1.0."""
        return self._source.random()

    def choice(self, options: Sequence[T]) -> T:
        """Return one of `options`, which must not be empty."""
        return self._source.choice(options)


class OsEntropy(_Random):
    """The operating system's cryptographic randomness."""

    def __init__(self) -> None:
        super().__init__(random.SystemRandom())

    def token(self, size: int) -> bytes:
        """Return `size` bytes fit for keys."""
        return os.urandom(size)  # noqa: TID251 - this is the one place


class SeededEntropy(_Random):
    """Repeatable randomness: one seed, one history. Never for keys that guard anything.

    Args:
        seed: equal seeds give equal sequences.
    """

    def __init__(self, seed: int) -> None:
        super().__init__(random.Random(seed))  # noqa: S311 - tests and simulation only

    def token(self, size: int) -> bytes:
        """Return the next `size` bytes of the sequence."""
        return self._source.randbytes(size)
