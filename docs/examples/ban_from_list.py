"""Ban the wallets of a list, one a line, and lift the bans of those that are not on it any more.

    python ban_from_list.py ~/.masq/masq.toml banned-wallets.txt

Bans of other origin are left alone: ours carry a note.
"""

import sys
from pathlib import Path

from masq_cli.client import Node

NOTE = "from the list"

config, file = sys.argv[1], Path(sys.argv[2])
lines = (line.partition("#")[0].strip().lower() for line in file.read_text().splitlines())
wanted = {line for line in lines if line}
with Node.of_config(config) as node:
    ours = {ban["wallet"].lower() for ban in node.bans() if ban.get("note") == NOTE}
    for wallet in sorted(wanted - ours):
        node.ban(wallet, NOTE)
        print(f"banned {wallet}")
    for wallet in sorted(ours - wanted):
        node.withdraw(wallet)
        print(f"withdrawn {wallet}")
print(f"{len(wanted)} wallets are on the list")
