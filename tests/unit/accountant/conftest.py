"""Where the books are kept in a test: a SQLite file, and a database of a PostgreSQL server."""

import pytest

from support.postgres import PostgresCluster, require_programs


@pytest.fixture(scope="session")
def postgres():
    cluster = PostgresCluster(require_programs())
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.remove()


@pytest.fixture(params=["sqlite", "postgresql"])
def books_url(request):
    """Where a test's books are; None: in a SQLite file of its own folder."""
    if request.param == "sqlite":
        return None
    return request.getfixturevalue("postgres").create_database()
