"""`masq ledger backup` and `restore`: a real accountant process, stopped, set back, started."""

import asyncio
import json
import signal
import stat

import pytest

from masq_kernel.bus import subjects
from masq_kernel.bus.messages.accountant import (
    BackupRequested,
    LedgerSummaryRequested,
    VerificationRequested,
)
from masq_kernel.bus.subjects import Service
from support.accountant_process import append, ask, make_node, start, until
from support.masq_command import TOKEN, api_stand_in, run_masq
from support.nats_server import free_port, running_server
from support.usage_builders import make_report, make_usage


@pytest.fixture
def masq(monkeypatch):
    monkeypatch.setenv("MASQ_API_TOKEN", TOKEN)
    monkeypatch.setenv("COLUMNS", "200")
    return lambda *arguments: run_masq(*arguments, monkeypatch=monkeypatch)


async def book(router, api, numbers):
    for number in numbers:
        report = make_report(str(number), make_usage(amount="7"))
        await append(router, report, str(number))
    wanted = max(numbers) + 1
    return await until(
        api,
        subjects.LEDGER_SUMMARY,
        LedgerSummaryRequested(),
        lambda summary: summary.transactions == wanted,
    )


async def stop(process):
    process.send_signal(signal.SIGTERM)
    _, log = await asyncio.wait_for(process.communicate(), 15)
    assert process.returncode == 0, log.decode()


async def test_a_copy_is_put_back_and_verified(tmp_path, masq, capsys):
    ports = f"[api]\nport = {free_port()}\n[router]\nproxy_port = {free_port()}\n"
    async with running_server(tmp_path) as server:
        config = make_node(tmp_path, bus_port=server.port, settings=ports)
        router, api = await server.connect(Service.ROUTER), await server.connect(Service.API)
        process = await start(config)
        await book(router, api, range(5))
        await ask(api, subjects.BACK_UP_LEDGER, BackupRequested(start=True))
        made = await until(
            api, subjects.BACK_UP_LEDGER, BackupRequested(), lambda state: not state.is_running
        )
        assert (made.transactions, made.problem) == (5, "")
        await book(router, api, range(5, 9))
        await stop(process)

        assert masq("ledger", "restore", made.folder, "--config", config) == 1
        assert "running already" in capsys.readouterr().err  # the bus is still there
        await server.kill()
        assert masq("ledger", "restore", made.folder, "--config", config) == 0
        [aside] = (tmp_path / "backups").glob("before-*")
        assert {"ledger.db", "ledger.anchor"} <= {path.name for path in aside.iterdir()}
        assert stat.S_IMODE((tmp_path / "ledger.db").stat().st_mode) == 0o600
        await server.start()

        process = await start(config)
        state = await ask(api, subjects.VERIFY_LEDGER, VerificationRequested(start=True))
        state = await until(
            api,
            subjects.VERIFY_LEDGER,
            VerificationRequested(),
            lambda state: not state.is_running and state.finished_at is not None,
        )
        assert (state.is_read_only, state.verified, state.checkpoint) == (False, 5, 5)
        await stop(process)
        await router.close()
        await api.close()


def test_a_folder_that_is_no_copy_changes_nothing(tmp_path, masq, capsys):
    config = make_node(tmp_path, bus_port=free_port())
    (tmp_path / "ledger.db").write_bytes(b"the books")
    assert masq("ledger", "restore", tmp_path / "nothing", "--config", config) == 1
    assert "There is no ledger.db" in capsys.readouterr().err
    assert (tmp_path / "ledger.db").read_bytes() == b"the books"


def test_books_on_a_server_are_not_restored_from_files(tmp_path, masq, capsys):
    url = "postgresql+asyncpg://masq:secret@db.example/books"
    config = make_node(tmp_path, bus_port=free_port(), settings=f'ledger_url = "{url}"\n')
    assert masq("ledger", "restore", tmp_path, "--config", config) == 1
    told = capsys.readouterr().err
    assert "PostgreSQL" in told
    assert "secret" not in told


@pytest.fixture
def made(tmp_path):
    """A copy as the accountant makes it, and what the API says of it."""
    folder = tmp_path / "made"
    folder.mkdir()
    for name in ("ledger.db", "ledger.anchor"):
        (folder / name).write_text(name)
    return {
        "is_running": False,
        "folder": str(folder),
        "transactions": 9,
        "problem": None,
        "finished_at": "2027-01-15T08:00:00Z",
    }


def test_a_copy_is_brought_to_where_it_is_wanted(tmp_path, masq, capsys, made):
    with api_stand_in({"/v1/ledger/backup": made}) as api:
        wanted = tmp_path / "wanted"
        assert masq("ledger", "backup", wanted, "--json", "--url", api.url) == 0
        assert json.loads(capsys.readouterr().out)["folder"] == str(wanted)
        assert (wanted / "ledger.db").read_text() == "ledger.db"
        assert stat.S_IMODE((wanted / "ledger.anchor").stat().st_mode) == 0o600
        assert masq("ledger", "backup", wanted, "--url", api.url) == 2
        assert len(api.asked) == 1  # it was refused before anything was copied


def test_why_there_is_no_copy_is_told(masq, capsys, made):
    problem = "The books are read-only."
    with api_stand_in({"/v1/ledger/backup": {**made, "problem": problem}}) as api:
        assert masq("ledger", "backup", "--url", api.url) == 1
    assert problem in capsys.readouterr().err
