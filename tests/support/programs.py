"""Programs of this machine that a test needs."""

import os
import shutil

import pytest

__all__ = ["require_programs"]


def require_programs(**packages):
    """Skip where a program is missing; fail where CI should have installed it.

    Args:
        packages: program -> the Debian package that has it.
    """
    missing = [package for program, package in packages.items() if not _find(program)]
    if not missing:
        return
    reason = f"not installed: apt-get install {' '.join(missing)}"
    if os.environ.get("CI") == "true":
        pytest.fail(f"CI must run this test, but {reason}")
    pytest.skip(reason)


def _find(program):
    return shutil.which(program) or shutil.which(program, path="/usr/sbin:/sbin")
