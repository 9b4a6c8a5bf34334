"""The least that an HTTP handler in Python can do, which durable ingest is held against: JSON in, JSON out, no more."""

import asyncio
import sys
import uuid

import msgspec
import uvloop
from aiohttp import web


async def post(request: web.Request) -> web.Response:
    """201 with an id and what came."""
    taken = msgspec.json.decode(await request.read())
    answer = {"message": {"id": str(uuid.uuid4()), **taken}, "seq": 1}
    return web.Response(body=msgspec.json.encode(answer), status=201, content_type="application/json")


def application() -> web.Application:
    """The handler and its URL."""
    app = web.Application()
    app.router.add_post("/api/messages", post)
    return app


async def serve(port: int) -> None:
    """Answer until killed."""
    runner = web.AppRunner(application(), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1])))
