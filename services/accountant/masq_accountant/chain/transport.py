"""JSON-RPC over HTTP with limits: a server may be slow, down or hostile, and costs no more.

web3's own provider reads an answer of any size; this one stops at ANSWER_MAX.
"""

import asyncio
import json
from typing import Any

import aiohttp
from web3.providers.async_base import AsyncJSONBaseProvider
from web3.types import RPCEndpoint, RPCResponse

from masq_accountant.errors import ChainUnavailable

__all__ = ["ANSWER_MAX", "BoundedProvider"]

ANSWER_MAX = 8 << 20
"""Bytes of one answer: 10,000 logs are about 6 MB."""

_CHUNK = 64 << 10


class BoundedProvider(AsyncJSONBaseProvider):
    """One server.

    Args:
        url: where it is; may hold a secret, so never printed.
        timeout_s: for one question, all in all.
    """

    def __init__(self, url: str, timeout_s: float) -> None:
        super().__init__()
        self._url, self._timeout_s = url, timeout_s
        self._session: aiohttp.ClientSession | None = None

    async def make_request(self, method: RPCEndpoint, params: Any) -> RPCResponse:
        """Ask one question.

        Raises:
            ChainUnavailable: no answer in time, or none that is JSON-RPC.
        """
        asked = self.encode_rpc_request(method, params)
        try:
            async with asyncio.timeout(self._timeout_s):
                answer = await self._post(asked)
            response: RPCResponse = self.decode_rpc_response(answer)
        except TimeoutError:
            raise ChainUnavailable(f"no answer within {self._timeout_s:g} s") from None
        except aiohttp.ClientError as error:
            raise ChainUnavailable(f"not reached: {type(error).__name__}") from None
        except (OSError, ValueError, json.JSONDecodeError):
            raise ChainUnavailable("the answer is not JSON") from None
        if not _is_response(response):
            raise ChainUnavailable("the answer is not JSON-RPC")
        return response

    async def disconnect(self) -> None:
        """Close its connections."""
        if self._session is not None:
            await self._session.close()

    async def _post(self, asked: bytes) -> bytes:
        if self._session is None:
            self._session = aiohttp.ClientSession(auto_decompress=False)
        headers = {"Content-Type": "application/json", "Accept-Encoding": "identity"}
        async with self._session.post(
            self._url, data=asked, headers=headers, allow_redirects=False
        ) as answered:
            if answered.status == 429:
                raise ChainUnavailable("it asks for fewer questions (HTTP 429)")
            if answered.status not in (200, 400):  # some say what is wrong in the body of a 400
                raise ChainUnavailable(f"HTTP {answered.status}")
            answer = bytearray()
            async for chunk in answered.content.iter_chunked(_CHUNK):
                answer += chunk
                if len(answer) > ANSWER_MAX:
                    raise ChainUnavailable(f"the answer is larger than {ANSWER_MAX >> 20} MiB")
            return bytes(answer)


def _is_response(response: Any) -> bool:
    return isinstance(response, dict) and ("result" in response or "error" in response)
