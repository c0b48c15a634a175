"""shop.Orders, whose messages are bytes of any kind: HOST PORT."""

import asyncio
import sys

import grpc
from grpc import aio

gathered = []


async def get(request, context):
    return request


async def missing(request, context):
    await context.abort(grpc.StatusCode.NOT_FOUND, "no such order")


async def broken(request, context):
    await context.abort(grpc.StatusCode.INTERNAL, "broken")


async def late(request, context):
    await context.abort(grpc.StatusCode.DEADLINE_EXCEEDED, "others were late")


async def wait(request, context):
    await asyncio.Event().wait()


async def endless(request, context):
    yield request
    await asyncio.Event().wait()


async def gather(request, context):
    """Answers nobody before 1,000 are there."""
    if not gathered:
        gathered.append(asyncio.Event())
    event = gathered[0]
    gathered.append(None)
    if len(gathered) == 1001:
        gathered.clear()
        event.set()
    await event.wait()
    return request


async def collect(requests, context):
    size = 0
    async for request in requests:
        size += len(request)
    return b"%d" % size


async def list_all(request, context):
    for i in range(int(request)):
        yield b"order %d" % i


async def talk(requests, context):
    async for request in requests:
        yield request


async def main(host, port):
    unary, stream = grpc.unary_unary_rpc_method_handler, grpc.unary_stream_rpc_method_handler
    methods = {name: unary(method) for name, method in
               {"Get": get, "Squeeze": get, "Missing": missing, "Broken": broken, "Late": late, "Wait": wait, "Gather": gather}.items()}
    methods |= {
        "Endless": stream(endless),
        "List": stream(list_all),
        "Collect": grpc.stream_unary_rpc_method_handler(collect),
        "Talk": grpc.stream_stream_rpc_method_handler(talk),
    }
    server = aio.server()
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler("shop.Orders", methods)])
    server.add_insecure_port(f"{host}:{port}")
    await server.start()
    await server.wait_for_termination()


asyncio.run(main(sys.argv[1], sys.argv[2]))
