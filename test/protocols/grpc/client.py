"""Calls of all kinds: HOST PORT COUNT."""

import asyncio
import sys

import grpc
from grpc import aio

host, port, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
few = count // 10


async def fails(call, *codes):
    try:
        await call
    except aio.AioRpcError as error:
        assert error.code() in codes, error
    else:
        raise SystemExit(f"not {codes}")


async def stream(n):
    for i in range(n):
        yield b"part %d" % i


async def main():
    async with aio.insecure_channel(f"{host}:{port}") as channel:
        unary = lambda name: channel.unary_unary(f"/shop.Orders/{name}")
        for i in range(count):
            assert await unary("Get")(b"%d" % i) == b"%d" % i
        await asyncio.to_thread(sys.stdin.read)
        for _ in range(few):
            await fails(unary("Missing")(b"?"), grpc.StatusCode.NOT_FOUND)
            await fails(unary("Broken")(b"?"), grpc.StatusCode.INTERNAL)
            await fails(unary("Late")(b"?", timeout=60), grpc.StatusCode.DEADLINE_EXCEEDED)
            # A server in Go resets the stream, too, perhaps first.
            await fails(unary("Wait")(b"?", timeout=0.2), grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.CANCELLED)
            await fails(unary("Unheard")(b"?"), grpc.StatusCode.UNIMPLEMENTED)
            assert await channel.stream_unary("/shop.Orders/Collect")(stream(5)) == b"30"
            assert len([each async for each in channel.unary_stream("/shop.Orders/List")(b"7")]) == 7
            assert len([each async for each in channel.stream_stream("/shop.Orders/Talk")(stream(4))]) == 4
            assert await unary("Squeeze")(b"x" * 5000, compression=grpc.Compression.Gzip) == b"x" * 5000
            call = channel.unary_stream("/shop.Orders/Endless")(b"go")
            assert await call.read() == b"go"
            call.cancel()
            assert await call.code() == grpc.StatusCode.CANCELLED
        answers = await asyncio.gather(*(unary("Gather")(b"g") for _ in range(1000)))
        assert answers == [b"g"] * 1000


asyncio.run(main())
