"""asyncio with aiohttp as server and client; as many connections as there are calls."""

import asyncio
import signal

import aiohttp
from aiohttp import web

import front_end


async def serve():
    session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))

    async def call(letter, path):
        async with session.get(front_end.call_url(letter, path)) as response:
            response.raise_for_status()
            await response.read()

    async def answer(request):
        try:
            await call("a", request.path)
            await asyncio.gather(call("b", request.path), call("c", request.path))
            await call("d", request.path)
        except Exception as error:
            front_end.fail(error)
        return web.Response(text="ok")

    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, backlog=4096)
    await site.start()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, front_end.finish)
    front_end.ready(runner.addresses[0][1])
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve())
