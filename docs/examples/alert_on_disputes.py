"""Say whose word does not fit the books; exit code 1 when there is anybody.

*/10 * * * *  python alert_on_disputes.py ~/.masq/masq.toml || mail -s disputes ops@example.org
"""

import sys

from masq_cli.client import Node

with Node.of_config(sys.argv[1]) as node:
    disputes = node.disputes()
for each in disputes:
    other = each["node_id"] if each["side"] == "debtor" else each["wallet"]
    print(f"since {each['since']}: we say {each['ours']} wei, {other} says {each['theirs']} wei")
sys.exit(1 if disputes else 0)
