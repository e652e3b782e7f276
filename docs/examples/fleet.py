"""Show several nodes side by side. Their addresses and tokens are in a file, one node a line:

paris   https://paris.example:8642   masq_...
tokyo   https://tokyo.example:8642   masq_...

python fleet.py nodes.txt
"""

import asyncio
import sys
from pathlib import Path

from masq_cli.client import AsyncNode
from masq_kernel.errors import OperatorError


async def line_of(name: str, url: str, token: str) -> str:
    try:
        async with AsyncNode(url, token) as node:
            state, summary, disputes = await asyncio.gather(
                node.state(), node.summary(), node.disputes()
            )
    except OperatorError as error:
        return f"{name:<12} {error.problem}"
    return (
        f"{name:<12} {state['stage']:<10} {state['neighbors']} neighbors  "
        f"{state['sessions']:>4} sessions  owes {summary['payable_masq']} MASQ  "
        f"is owed {summary['receivable_masq']} MASQ  {len(disputes)} disputes"
    )


async def main() -> None:
    rows = [line.split() for line in Path(sys.argv[1]).read_text().splitlines() if line.strip()]
    for line in await asyncio.gather(*(line_of(*row) for row in rows)):
        print(line)


asyncio.run(main())
