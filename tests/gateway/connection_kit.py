"""Real connections to a real listener: how tests of the socket side speak HTTP byte by byte."""

import asyncio

from gateway.http.listener import Address

Connected = tuple[asyncio.StreamReader, asyncio.StreamWriter]
ANSWER_SECONDS = 10.0


async def connect(address: Address) -> Connected:
    return await asyncio.open_connection(*address)


async def rest(connected: Connected) -> bytes:
    """What comes until the other end closes."""
    reader, writer = connected
    async with asyncio.timeout(ANSWER_SECONDS):
        came = await reader.read()
    writer.close()
    return came


async def answer(connected: Connected) -> tuple[int, dict[str, str], bytes]:
    """The next answer: status, headers, body."""
    reader, _ = connected
    async with asyncio.timeout(ANSWER_SECONDS):
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in head[1:-2])
        body = await reader.readexactly(int(headers["content-length"]))
    return int(head[0].split()[1]), headers, body
