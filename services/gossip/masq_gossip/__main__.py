"""Run the gossip process: `python -m masq_gossip --config PATH`."""

from masq_gossip.service import main
from masq_kernel.bus.subjects import Service
from masq_kernel.runtime.service import run

if __name__ == "__main__":
    raise SystemExit(run(Service.GOSSIP, main))
