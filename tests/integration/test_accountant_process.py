"""The accountant as a process: however it dies, each report is booked once."""

import asyncio
import signal
import sqlite3

from masq_accountant.ledger import Account, Kind
from masq_kernel.bus import subjects
from masq_kernel.bus.messages.accountant import LedgerSummaryRequested, VerificationRequested
from masq_kernel.bus.messages.control import HealthRequested
from masq_kernel.bus.subjects import Service
from support.accountant_process import append, ask, make_node, open_books, start, until
from support.nats_server import running_server
from support.postgres import PostgresCluster, require_programs
from support.usage_builders import WALLETS, make_report, make_usage

REPORTS = 300


async def balance(data_dir):
    ledger = await open_books(data_dir)
    standing = ledger.standings().get(Account(Kind.RECEIVABLE, WALLETS[0]))
    await ledger.close()
    return standing.balance if standing else 0


async def test_kills_of_accountant_and_bus_lose_nothing_and_count_nothing_twice(tmp_path):
    """Every report is told twice, under another message id, so that only the books can tell."""
    async with running_server(tmp_path) as server:
        config = make_node(tmp_path, bus_port=server.port)
        router = await server.connect(Service.ROUTER)
        process = await start(config)
        expected = 0
        for number in range(REPORTS):
            amount = 1_000_000_000_000_000_000_000 + number
            report = make_report(str(number), make_usage(amount=str(amount)))
            expected += amount
            await append(router, report, f"{number}")
            await append(router, report, f"{number}-again")
            if number in (100, 200):
                process.kill()
                await process.wait()
                process = await start(config)
            if number == 150:
                await server.kill()
                await server.start()
        async with asyncio.timeout(45):
            while await balance(tmp_path) != expected:
                await asyncio.sleep(0.3)
        await asyncio.sleep(0.5)  # the last repetition must change nothing either
        process.send_signal(signal.SIGTERM)
        _, log = await asyncio.wait_for(process.communicate(), 15)
        assert process.returncode == 0, log.decode()
        await router.close()
    ledger = await open_books(tmp_path)
    assert ledger.standings()[Account(Kind.RECEIVABLE, WALLETS[0])].balance == expected
    assert ledger.count == REPORTS
    assert await ledger.verify() is None
    await ledger.close()


async def test_books_that_were_changed_are_read_only_and_the_operator_is_told(tmp_path):
    """Usage waits in its stream: it is booked once the books are whole again."""
    async with running_server(tmp_path) as server:
        config = make_node(tmp_path, bus_port=server.port)
        router, api = await server.connect(Service.ROUTER), await server.connect(Service.API)
        process = await start(config)
        await append(router, make_report("1"), "1")
        await until_booked(api, 1)
        process.kill()
        await process.wait()
        with sqlite3.connect(tmp_path / "ledger.db") as database:
            [(before,)] = database.execute("SELECT at FROM ledger_transaction").fetchall()
            database.execute("UPDATE ledger_transaction SET at = at + 1")
        database.close()

        process = await start(config)
        await append(router, make_report("2"), "2")
        state = await ask(api, subjects.VERIFY_LEDGER, VerificationRequested())
        told = await ask(api, subjects.health(Service.ACCOUNTANT), HealthRequested())
        assert not told.ready
        assert "read-only, because ledger_transaction 1" in told.dependencies["ledger"]
        assert (state.is_read_only, state.row) == (True, "ledger_transaction 1")
        await asyncio.sleep(0.5)
        await until_booked(api, 1)
        process.send_signal(signal.SIGTERM)
        _, log = await asyncio.wait_for(process.communicate(), 15)
        assert process.returncode == 0, log.decode()

        with sqlite3.connect(tmp_path / "ledger.db") as database:
            database.execute("UPDATE ledger_transaction SET at = ?", (before,))
        database.close()
        process = await start(config)
        await until_booked(api, 2)
        process.kill()
        await process.wait()
        await router.close()
        await api.close()


async def until_booked(api, count):
    await until(
        api,
        subjects.LEDGER_SUMMARY,
        LedgerSummaryRequested(),
        lambda summary: summary.transactions == count,
    )


async def test_books_on_a_postgresql_server(tmp_path):
    """Killed and started again, it goes on with them; its own folder has only the note."""
    cluster = PostgresCluster(require_programs())
    try:
        cluster.start()
        settings = f'ledger_url = "{cluster.create_database()}"\n'
        async with running_server(tmp_path) as server:
            config = make_node(tmp_path, bus_port=server.port, settings=settings)
            router, api = await server.connect(Service.ROUTER), await server.connect(Service.API)
            process = await start(config)
            await append(router, make_report("1"), "1")
            await until_booked(api, 1)
            process.kill()
            await process.wait()
            await append(router, make_report("1"), "1-again")
            await append(router, make_report("2"), "2")
            process = await start(config)
            await until_booked(api, 2)
            told = await ask(api, subjects.health(Service.ACCOUNTANT), HealthRequested())
            assert told.dependencies["ledger"] == "ok"
            process.send_signal(signal.SIGTERM)
            _, log = await asyncio.wait_for(process.communicate(), 15)
            assert process.returncode == 0, log.decode()
            await router.close()
            await api.close()
        assert not (tmp_path / "ledger.db").exists()
        assert (tmp_path / "ledger.anchor").exists()
    finally:
        cluster.remove()


async def test_without_an_earning_wallet_it_says_so(tmp_path):
    async with running_server(tmp_path) as server:
        config = make_node(tmp_path, bus_port=server.port, entries=())
        process = await start(config)
        _, log = await asyncio.wait_for(process.communicate(), 15)
    assert process.returncode == 1
    assert b"no earning wallet" in log
    assert b"Traceback" not in log
