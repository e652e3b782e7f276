"""Write descriptor.json, proof.json and handshake.json once.

Run as `python tests/vectors/make_identity.py` from the project's root. A new file means a new
protocol version: what is there is read for ever.
"""

import hashlib
import json
from pathlib import Path

from masq_kernel.chains import CHAINS
from masq_kernel.entropy import SeededEntropy
from masq_kernel.identity.descriptor import Descriptor
from masq_kernel.identity.keys import IdentityKey
from masq_kernel.identity.proofs import ProofClaim, proof_message, sign_proof, wallet_of
from masq_kernel.rates import DEFAULT_RATES
from masq_kernel.units import UnixSeconds, Wei
from masq_router.wire.handshake import (
    LONE_WORKER,
    DiallerHandshake,
    LinkRole,
    ListenerHandshake,
    Transcript,
)

FOLDER = Path(__file__).parent
SEED_A, SEED_B = bytes(range(32)), bytes(range(32, 64))
ALICE, BOB = IdentityKey.from_seed(SEED_A), IdentityKey.from_seed(SEED_B)
WHERE = [
    ((), ()),
    (("203.0.113.7",), (443,)),
    (("2001:db8::7",), (443, 8443, 1)),
]


def descriptors() -> dict[str, object]:
    valid = [
        {
            "text": Descriptor(chain=chain, node_id=ALICE.node_id, addresses=at, ports=ports).text,
            "chain": chain.name,
            "node_id": ALICE.node_id.raw.hex(),
            "addresses": list(at),
            "ports": list(ports),
        }
        for chain in CHAINS.values()
        for at, ports in WHERE
    ]
    name = ALICE.node_id.text
    refused = [
        f"masq://dev:{name}@203.0.113.7",
        f"masq://dev:{name}@203.0.113.7:0",
        f"masq://dev:{name}@203.0.113.7:65536",
        f"masq://dev:{name}@203.0.113.7:0443",
        f"masq://dev:{name}@203.0.113.07:443",
        f"masq://dev:{name}@2001:db8::7:443",
        f"masq://dev:{name}@[2001:DB8::7]:443",
        f"masq://dev:{name}@:443",
        f"masq://dev:{name}@",
        f"masq://dev:{name[:-1]}@:",
        f"masq://nowhere:{name}@:",
        f"MASQ://dev:{name}@:",
        f"masq://dev:{name}@example.org:443",
        f" masq://dev:{name}@:",
    ]
    return {"valid": valid, "refused": refused}


def proofs() -> list[dict[str, object]]:
    made = []
    for number, chain in enumerate(CHAINS.values()):
        key = hashlib.sha256(b"wallet %d" % number).digest()
        claim = ProofClaim(
            node_id=BOB.node_id,
            secret_hash=hashlib.sha256(b"secret %d" % number).digest(),
            rates=DEFAULT_RATES,
            expires_at=UnixSeconds(1_800_000_000 + number),
            owed=Wei(10**24 * number),
            sequence=1_790_000_000_000 + number,
        )
        made.append(
            {
                "chain": chain.name,
                "private_key": key.hex(),
                "wallet": wallet_of(key).text,
                "node_id": claim.node_id.text,
                "secret_hash": claim.secret_hash.hex(),
                "rates": claim.rates.to_bytes().hex(),
                "expires_at": claim.expires_at,
                "owed": str(claim.owed),
                "sequence": claim.sequence,
                "message": proof_message(chain, claim).hex(),
                "proof": sign_proof(key, chain, claim).hex(),
            }
        )
    return made


WORKER = bytes(range(1, 9))


def handshake() -> dict[str, object]:
    chain, certificate = CHAINS["dev"], hashlib.sha256(b"certificate").digest()
    dialler = DiallerHandshake(
        chain=chain,
        identity=ALICE,
        wanted=BOB.node_id,
        certificate_hash=certificate,
        entropy=SeededEntropy(1),
        worker=WORKER,
    )
    listener = ListenerHandshake(
        chain=chain, identity=BOB, certificate_hash=certificate, entropy=SeededEntropy(2)
    )
    hello = dialler.hello()
    nonce = listener.receive(hello)
    proof = dialler.receive(nonce)
    assert proof is not None
    answer = listener.receive(proof)
    transcript = Transcript(
        chain=chain,
        certificate_hash=certificate,
        dialler=ALICE.node_id,
        listener=BOB.node_id,
        dialler_nonce=hello[-32:],
        listener_nonce=nonce,
    )
    return {
        "chain": chain.name,
        "certificate_hash": certificate.hex(),
        "dialler_seed": SEED_A.hex(),
        "listener_seed": SEED_B.hex(),
        "dialler_worker": WORKER.hex(),
        "messages": [each.hex() for each in (hello, nonce, proof, answer)],
        "signed_by_dialler": transcript.message(LinkRole.DIALLER, WORKER).hex(),
        "signed_by_listener": transcript.message(LinkRole.LISTENER, LONE_WORKER).hex(),
    }


def main() -> None:
    made = {"descriptor": descriptors(), "proof": proofs(), "handshake": handshake()}
    for name, vector in made.items():
        (FOLDER / f"{name}.json").write_text(json.dumps(vector, indent=1) + "\n")


if __name__ == "__main__":
    main()
