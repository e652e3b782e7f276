"""Put a new token into a file and revoke the one that was there, so that none grows old.

    @monthly  python rotate_token.py ~/.masq/masq.toml ci /srv/masq-token ledger:read node:read

Tokens are made on the node's own machine (`masq token`); nobody can make one over the network.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

config, name, file, *scopes = sys.argv[1:]


def masq(*words: str) -> str:
    command = ["masq", "token", *words, "--config", config]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


old = [each["id"] for each in json.loads(masq("list", "--json")) if each["name"] == name]
options = [word for scope in scopes for word in ("--scope", scope)]
made = json.loads(masq("create", "--name", name, "--days", "62", "--json", *options))["token"]
fresh = Path(f"{file}.new")
with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
    out.write(made + "\n")
fresh.replace(file)
for token_id in old:
    masq("revoke", token_id)
print(f"{file} has a new token; {len(old)} revoked")
