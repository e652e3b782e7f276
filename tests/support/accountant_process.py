"""The accountant as a process of its own, with a key store that is always the same."""

import asyncio
import os
import sys

from masq_accountant.store import Anchor, Ledger, LedgerKeys, open_engine
from masq_accountant.store.vault import Vault
from masq_kernel.bus import subjects
from masq_kernel.bus.errors import BusError, BusUnavailable
from masq_kernel.chains import chain_named
from masq_kernel.entropy import OsEntropy
from masq_kernel.identity.keys import IdentityKey
from masq_kernel.identity.keystore import LIGHT, KeyStore
from support.ledgers import DATA_KEY
from support.nats_server import HOST

PASSPHRASE = "correct horse battery staple"


def make_node(
    data_dir,
    *,
    bus_port,
    entries=("earning-wallet", "consuming-wallet", "identity"),
    settings="",
):
    store = KeyStore.create(data_dir / "keystore.json", PASSPHRASE, OsEntropy(), work=LIGHT)
    for number, entry in enumerate(entries, start=1):
        store.put(entry, bytes(31) + bytes([number]))
    store.put("ledger-key", DATA_KEY)
    config = data_dir / "masq.toml"
    config.write_text(
        f'[node]\ndata_dir = "{data_dir}"\nchain = "dev"\n'
        f'bus_host = "{HOST}"\nbus_port = {bus_port}\n'
        f"[accountant]\n{settings}"
    )
    return config


async def start(config):
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "masq_accountant", "--config", str(config)),
        env={**os.environ, "MASQ_PASSPHRASE": PASSPHRASE},
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )


async def append(router, report, message_id):
    """Append as the router does: until it is stored."""
    while True:
        try:
            return await router.append(subjects.USAGE, report, message_id=message_id)
        except BusUnavailable:
            await asyncio.sleep(0.05)


async def ask(api, subject, message):
    """Ask until the accountant is there."""
    async with asyncio.timeout(20):
        while True:
            try:
                return await api.request(subject, message)
            except BusError:
                await asyncio.sleep(0.1)


async def until(api, subject, message, condition):
    """Ask until the answer is as wanted, and return it."""
    async with asyncio.timeout(20):
        while not condition(state := await ask(api, subject, message)):
            await asyncio.sleep(0.1)
    return state


async def open_books(folder):
    """Open the books as the accountant of `make_node` would, once it has stopped or died."""
    identity = IdentityKey.from_seed(bytes(31) + b"\x03")
    keys = LedgerKeys(Vault(DATA_KEY, OsEntropy()), identity, chain_named("dev"))
    engine = await open_engine(folder / "ledger.db")
    return await Ledger.open(engine, keys, Anchor(folder / "ledger.anchor", keys.vault))
