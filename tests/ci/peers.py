"""Clients of asyncio for the examples that serve: tests/ci/peers.sh starts those.

    peers.py echo HOST PORT            bytes come back, to many clients at once, in all portions
    peers.py tls HOST PORT CAFILE      the same by TLS
    peers.py chat HOST PORT            what one guest says the others hear
    peers.py http HOST PORT            requests that are sent piecemeal, ahead, and in half
"""

import asyncio
import random
import ssl
import sys


async def echo(host, port, context=None):
    """A client that sends while it receives, in portions of all sizes."""
    options = {"ssl": context, "server_hostname": "localhost"} if context else {}
    reader, writer = await asyncio.open_connection(host, port, **options)
    sent = random.randbytes(random.randrange(1_000_000))

    async def send():
        rest = memoryview(sent)
        while rest:
            portion = random.randrange(1, 70_000)
            writer.write(rest[:portion])
            rest = rest[portion:]
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()

    async def receive():
        # By TLS asyncio cannot say that it has no more to send, so the end is not waited for.
        return await (reader.readexactly(len(sent)) if context else reader.read())

    _, received = await asyncio.gather(send(), receive())
    assert received == sent, f"{len(received)} bytes of {len(sent)}, or others"
    writer.close()
    await writer.wait_closed()


async def many_echoes(host, port, cafile=None):
    context = cafile and ssl.create_default_context(cafile=cafile)
    await asyncio.gather(*(echo(host, port, context) for _ in range(50)))


async def chat(host, port):
    async def come_in(name):
        reader, writer = await asyncio.open_connection(host, port)
        assert await reader.readline() == b"your name?\n"
        writer.write(f"{name}\n".encode())
        return reader, writer

    guests = []
    for name in ("Ada", "Charles", "Mary"):
        guests.append(await come_in(name))
        # Who was there before hears of it; and so the next comes in when this one is there.
        for reader, _ in guests[:-1]:
            assert await reader.readline() == f"* {name} comes in\n".encode()
        if len(guests) == 1:
            # Nobody is there to hear of the first: its own words come back to nobody either.
            guests[0][1].write(b"hello?\n")
    guests[1][1].write(b"Is anybody here?\n")
    for reader in (guests[0][0], guests[2][0]):
        assert await reader.readline() == b"Charles: Is anybody here?\n"
    guests[1][1].close()
    for reader in (guests[0][0], guests[2][0]):
        assert await reader.readline() == b"* Charles leaves\n"


async def http(host, port):
    async def answers(*portions):
        reader, writer = await asyncio.open_connection(host, port)
        for portion in portions:
            writer.write(portion)
            await writer.drain()
            await asyncio.sleep(0)
        writer.write_eof()
        statuses = []
        while line := await reader.readline():
            statuses.append(int(line.split()[1]))
            fields = (await reader.readuntil(b"\r\n\r\n")).lower()
            length = int(fields.split(b"content-length:")[1].split()[0])
            await reader.readexactly(length)
        writer.close()
        return statuses

    get = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
    assert await answers(get, get, get) == [200, 200, 200]
    assert await answers(*(bytes([byte]) for byte in get)) == [200]
    assert await answers(get + b"no request\r\n\r\n" + get) == [200, 400]
    assert await answers(get + get[:10]) == [200, 400]
    assert await answers(b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n" + get) == [200]
    assert await answers(b"\x00" * 100_000) in ([400], [431])
    assert await answers() == []


async def main(what, host, port, *arguments):
    clients = {"echo": many_echoes, "tls": many_echoes, "chat": chat, "http": http}
    async with asyncio.timeout(60):
        await clients[what](host, int(port), *arguments)


asyncio.run(main(*sys.argv[1:]))
