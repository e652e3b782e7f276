"""The tables are brought up to date, and Alembic is loaded only for that."""

import subprocess
import sys
from importlib.resources import files

from alembic.config import Config
from alembic.script import ScriptDirectory

from masq_accountant.migrations import HEAD

OPEN_TWICE = """
import asyncio, sys
from pathlib import Path
from masq_accountant.store.engine import open_engine

async def main():
    engine = await open_engine(Path(sys.argv[1]))
    await engine.dispose()
    print("alembic" in sys.modules)

asyncio.run(main())
"""


def test_the_head_is_the_last_step():
    config = Config()
    config.set_main_option("script_location", str(files("masq_accountant") / "migrations"))
    assert ScriptDirectory.from_config(config).get_current_head() == HEAD


def test_a_ledger_that_is_up_to_date_is_opened_without_alembic(tmp_path):
    said = [
        subprocess.run(
            [sys.executable, "-c", OPEN_TWICE, str(tmp_path / "ledger.db")],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for _ in range(2)
    ]
    assert said == ["True", "False"]
