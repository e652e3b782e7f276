"""Run the accountant process: `python -m masq_accountant --config PATH`."""

from masq_accountant.service import main
from masq_kernel.bus.subjects import Service
from masq_kernel.runtime.service import run

if __name__ == "__main__":
    raise SystemExit(run(Service.ACCOUNTANT, main))
