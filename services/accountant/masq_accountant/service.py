"""Wire the accountant process together, run it, and stop it in order."""

from masq_accountant.bookkeeper import Bookkeeper
from masq_accountant.handlers import Handlers, serve
from masq_accountant.metrics import AccountantCollector, register_metrics
from masq_accountant.settings import AccountantSettings
from masq_accountant.store import Ledger, open_engine
from masq_accountant.wallets import Wallets
from masq_kernel.bus import subjects
from masq_kernel.chains import Chain, chain_named
from masq_kernel.errors import MalformedError, OperatorError
from masq_kernel.runtime.service import Runtime

__all__ = ["main"]


async def main(runtime: Runtime) -> None:
    """Run until the process is told to stop."""
    settings = runtime.section(AccountantSettings)
    wallets = Wallets.from_keystore(runtime.open_keystore(), _chain(runtime))
    path = settings.ledger_file or runtime.node.data_dir / "ledger.db"
    ledger = await Ledger.open(await open_engine(path))
    bookkeeper = Bookkeeper(ledger, wallets.own, runtime.clock)
    register_metrics(runtime.metrics, AccountantCollector(ledger, bookkeeper))
    runtime.health.report("ledger", "ok")
    await serve(runtime.bus, Handlers(ledger, wallets))
    await runtime.bus.consume(subjects.USAGE, bookkeeper.on_usage)
    await runtime.stopping.wait()
    await runtime.bus.close()  # finishes the report that is being booked
    await ledger.close()


def _chain(runtime: Runtime) -> Chain:
    try:
        return chain_named(runtime.node.chain)
    except MalformedError as error:
        remedy = "Correct `chain` in the section [node] of the configuration file."
        raise OperatorError(f"Unknown chain: {error.reason}.", remedy=remedy) from None
