"""Run the api process: `python -m masq_api --config PATH`."""

from masq_api.service import main
from masq_kernel.bus.subjects import Service
from masq_kernel.runtime.service import run

if __name__ == "__main__":
    raise SystemExit(run(Service.API, main))
