"""Write both books of a node as CSV, with the day in their names. For cron, every night:

5 0 * * *  python export_books.py ~/.masq/masq.toml /srv/books
"""

import sys
from datetime import UTC, datetime
from pathlib import Path

from masq_cli.client import Node

config, folder = sys.argv[1], Path(sys.argv[2])
folder.mkdir(parents=True, exist_ok=True)
day = datetime.now(UTC).date().isoformat()
with Node.of_config(config) as node:
    node.export("payables", folder / f"payables-{day}.csv")
    node.export("receivables", folder / f"receivables-{day}.csv")
    summary = node.summary()
print(f"{day}: owes {summary['payable_masq']} MASQ, is owed {summary['receivable_masq']} MASQ")
