"""Write record.json: one signed record and one signed address statement of fixed keys.

Run from the repository's root, once: `PYTHONPATH=tests python tests/vectors/make_record.py`.
The file is then read for ever; a new one means a new protocol version.
"""

import json
from pathlib import Path

from support.gossip_builders import make_key, sign_record, sign_statement


def main() -> None:
    key, others = make_key(1), [make_key(number).node_id for number in (2, 3, 4)]
    signed = sign_record(key, neighbors=others)
    stated = sign_statement(key, "127.0.1.1", addresses=("127.0.1.1", "2001:db8::1"))
    record = signed.record
    vectors = {
        "chain": "dev",
        "seed": key.seed().hex(),
        "record": {
            "says": {
                "node_id": record.node_id.text,
                "version": record.version,
                "published_at": record.published_at,
                "onion_key": record.onion_key.hex(),
                "onion_expires_at": record.onion_expires_at,
                "earning_wallet": record.earning_wallet.text,
                "rates": record.rates.to_bytes().hex(),
                "accepts_connections": record.accepts_connections,
                "routes_data": record.routes_data,
                "country": record.country,
                "neighbors": [one.text for one in record.neighbors],
            },
            "raw": signed.raw.hex(),
        },
        "statement": {
            "says": {
                "node_id": stated.node_id.text,
                "version": stated.statement.version,
                "introducible": stated.statement.introducible,
                "addresses": list(stated.statement.addresses),
                "ports": list(stated.statement.ports),
            },
            "raw": stated.raw.hex(),
        },
    }
    path = Path(__file__).with_name("record.json")
    path.write_text(json.dumps(vectors, indent=1) + "\n")


if __name__ == "__main__":
    main()
