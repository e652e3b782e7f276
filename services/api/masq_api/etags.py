"""The ETag of a resource is its revision; a change must carry that which it replaces (RFC 9110)."""

import re

from masq_api.problems import ProblemError

__all__ = ["changed", "etag", "revision_of"]

_ETAG = re.compile('"([0-9]{1,18})"')


def etag(revision: int) -> str:
    """Return the header's value."""
    return f'"{revision}"'


def revision_of(if_match: str | None, path: str) -> int:
    """Return the revision that a change replaces.

    Args:
        if_match: the header; None: there was none.
        path: of the resource, for people.

    Raises:
        ProblemError: 428 without a header, 412 with one that never was.
    """
    if if_match is None:
        detail = f"Send the ETag of GET {path} as If-Match."
        raise ProblemError(428, "precondition-required", detail)
    found = _ETAG.fullmatch(if_match)
    if found is None:
        raise changed(path)
    return int(found[1])


def changed(path: str) -> ProblemError:
    """Return what is said when somebody else was faster.

    Args:
        path: of the resource, for people.
    """
    what = path.rsplit("/", 1)[-1].replace("-", " ")
    detail = f"Other {what} are in force by now; look at them and send their ETag."
    return ProblemError(412, "precondition-failed", detail)
