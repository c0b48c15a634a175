"""The same as asyncio_aiohttp, on uvloop's event loop."""

import asyncio

import uvloop

from asyncio_aiohttp import serve

uvloop.install()
asyncio.run(serve())
