"""Write onion.json once: a sealed route with the keys that open it, and sealed DATA packages.

Run as `python tests/vectors/make_onion.py` from the project's root, with `tests` on PYTHONPATH. A
new file means a new protocol version: what is there is read for ever.
"""

import json
from pathlib import Path

from masq_kernel.entropy import SeededEntropy
from masq_router.onion import build_setup, end_to_end_layer, hop_layer, session_id
from support.routes import DEV, make_route

OUTPUT = Path(__file__).with_name("onion.json")


def main() -> None:
    hops = make_route(3)
    setup = build_setup(DEV, [hop.spec for hop in hops], SeededEntropy(2))
    package = end_to_end_layer(DEV, hops[-1].secret).seal(b"plaintext")
    for hop in reversed(hops[:-1]):
        package = hop_layer(DEV, hop.secret).seal(package)
    vector = {
        "chain": DEV.name,
        "setup": setup.hex(),
        "data": package.hex(),
        "plaintext": b"plaintext".hex(),
        "hops": [
            {
                "node_id": hop.node_id.text,
                "onion_secret": hop.keys.secret().hex(),
                "onion_public": hop.keys.public().hex(),
                "hop_secret": hop.secret.hex(),
                "session_id": session_id(DEV, hop.secret).hex(),
                "tag": hop.tag.hex(),
                "wallet": hop.spec.block.wallet.text,
                "proof": hop.spec.block.proof.hex(),
            }
            for hop in hops
        ],
    }
    OUTPUT.write_text(json.dumps(vector, indent=2) + "\n")


if __name__ == "__main__":
    main()
