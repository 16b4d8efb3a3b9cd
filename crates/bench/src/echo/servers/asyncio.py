"""An echo server on CPython: asyncio|uvloop streams|protocol CORE."""

import asyncio
import os
import sys

BUFFER = 16 * 1024


class Echo(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.transport.write(data)


async def echo(reader, writer):
    try:
        while data := await reader.read(BUFFER):
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass
    finally:
        writer.close()


async def serve(style):
    # TCP_NODELAY is what both loops set by default.
    if style == "streams":
        server = await asyncio.start_server(echo, "127.0.0.1", 0)
    else:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(Echo, "127.0.0.1", 0)
    print("port", server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def main():
    loop, style, core = sys.argv[1:]
    os.sched_setaffinity(0, {int(core)})
    if loop == "uvloop":
        try:
            import uvloop
        except ImportError as error:
            print("skip", error, flush=True)
            return
        uvloop.run(serve(style))
    else:
        asyncio.run(serve(style))


main()
