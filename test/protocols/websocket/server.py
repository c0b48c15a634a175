"""WebSocket with websockets: HOST PORT. As server.cjs."""

import asyncio
import signal
import sys

from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed
from websockets.extensions.permessage_deflate import ServerPerMessageDeflateFactory


async def talk(socket):
    try:
        await answer(socket)
    except ConnectionClosed:
        pass  # by codes that are errors, or torn


async def answer(socket):
    async for message in socket:
        if message == "ping":
            await (await socket.ping("are you there"))
        elif message == "policy":
            await socket.close(1008, "not so")
        elif message == "ten":
            for i in range(10):
                await socket.send(f"pushed {i}")
        else:
            await socket.send(message)


def admit(socket, request):
    if request.path == "/refused":
        return socket.respond(403, "")
    return None


async def main(host, port):
    stopped = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set_result, None)
    deflate = ServerPerMessageDeflateFactory()
    async with serve(talk, host, int(port), compression=None, extensions=[deflate], process_request=admit,
                     max_size=4_000_000, ping_interval=None):
        await stopped


asyncio.run(main(sys.argv[1], sys.argv[2]))
