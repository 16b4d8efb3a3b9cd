"""An echo server on CPython: asyncio|uvloop streams|protocol BUFFER."""

import asyncio
import sys

LOOP, STYLE, BUFFER = sys.argv[1:]


class Echo(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.transport.write(data)


async def echo(reader, writer):
    try:
        while data := await reader.read(int(BUFFER)):
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass
    finally:
        writer.close()


async def serve():
    # TCP_NODELAY is what both loops set by default.
    if STYLE == "streams":
        server = await asyncio.start_server(echo, "127.0.0.1", 0)
    else:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(Echo, "127.0.0.1", 0)
    print("port", server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def main():
    if LOOP == "uvloop":
        try:
            import uvloop
        except ImportError as error:
            print("skip", error, flush=True)
            return
        uvloop.run(serve())
    else:
        asyncio.run(serve())


main()
