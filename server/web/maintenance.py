"""What a hub answers whose database is damaged: to all alike, what happened and what restores it."""

import msgspec
from aiohttp import web

from server import __version__
from server.core.errors import Damaged
from server.web.problem import NO_STORE, of_hub_error

RESTORE = "hubctl restore FILE"
"""FILE is a backup: /var/backups/openclaw-hub/ on an installed machine, else DATA_DIR/backups/."""

_PAGE = f"""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<title>OpenClaw Hub: maintenance</title>
<h1>The hub is down for maintenance</h1>
<p>Its database is damaged. It was left as it is, and nothing is read from it or written to it.</p>
<p>Whoever runs this hub puts a backup in its place:</p>
<pre>{RESTORE}</pre>
<p>Backups lie in <code>/var/backups/openclaw-hub</code> on an installed machine, else in <code>backups</code> in the
hub's data directory. A hub that was started by hand is stopped first and started again afterwards.
The damaged database is kept beside the restored one.</p>
</html>
"""


def maintenance(error: Damaged) -> web.Application:
    """An application that has one answer, in the words of whoever asks."""

    async def answer(request: web.Request) -> web.Response:
        if request.path == "/healthz":
            return web.Response(text="ok\n", headers=NO_STORE)
        if request.path == "/readyz":
            parts = {"database": error.detail}
            body = msgspec.json.encode({"ready": False, "version": __version__, "parts": parts})
            return web.Response(status=503, body=body, content_type="application/json", headers=NO_STORE)
        if "text/html" in request.headers.get("Accept", ""):
            return web.Response(status=503, text=_PAGE, content_type="text/html", headers=NO_STORE)
        return of_hub_error(error)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    return app
