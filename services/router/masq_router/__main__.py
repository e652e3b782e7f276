"""Run the router process: `python -m masq_router --config PATH`."""

from masq_kernel.bus.subjects import Service
from masq_kernel.runtime.service import run
from masq_router.service import main

if __name__ == "__main__":
    raise SystemExit(run(Service.ROUTER, main))
