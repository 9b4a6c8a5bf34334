"""The page for people: one shell for the chat, signing in and the first start, and the files that it loads.

The shell is answered signed in or not (`GET /` is always 200); what it shows is decided by the caller that the
middleware found. Scripts come from here only; the import map is the one inline script and carries a fresh nonce.
"""

import functools
import json
import secrets
from collections.abc import Mapping

import jinja2
from aiohttp import web

from server import __version__
from server.assets import static_dir
from server.web.first import first_state
from server.web.keys import HUB
from server.web.static import StaticFiles

CSP = (
    "default-src 'none'; script-src 'self' 'nonce-{nonce}'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
    "manifest-src 'self'; require-trusted-types-for 'script'; trusted-types hub"
)

SAFETY = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
"""Headers of everything that this module answers."""

THEMES = {"light", "dark"}


async def index(request: web.Request) -> web.Response:
    """GET /: the chat for a signed-in person, else the form to sign in (or, before anyone is, where the link is)."""
    caller = request.get("caller")
    if caller is None:
        return _page(request, "login")
    return _page(request, "chat", await first_state(request.app[HUB], caller, request.cookies.get("channel", "")))


async def welcome(request: web.Request) -> web.Response:
    """GET /welcome: where a one-time link leads. The code stands behind the `#` and never reaches the server."""
    return _page(request, "welcome")


async def static_file(request: web.Request) -> web.Response:
    """GET /static/DIGEST/PATH: a file for ever; another digest than today's is a 404, as the page is newer too."""
    digest, _, name = request.path.removeprefix("/static/").partition("/")
    found = static_files().find(digest, name)
    if found is None:
        raise web.HTTPNotFound
    headers = {**SAFETY, "Cache-Control": "public, max-age=31536000, immutable", "ETag": f'"{found.digest}"'}
    if request.if_none_match and any(tag.value == found.digest for tag in request.if_none_match):
        return web.Response(status=304, headers=headers)
    body = found.body
    if found.gzipped is not None:
        headers["Vary"] = "Accept-Encoding"
        if "gzip" in request.headers.get("Accept-Encoding", ""):
            body, headers["Content-Encoding"] = found.gzipped, "gzip"
    charset = "utf-8" if found.content_type.startswith("text/") else None
    return web.Response(body=body, headers=headers, content_type=found.content_type, charset=charset)


@functools.cache
def static_files() -> StaticFiles:
    """The page's files, read at the first call; call it at start so that no request waits for it."""
    return StaticFiles(static_dir())


def inline_json(value: Mapping[str, object]) -> str:
    """JSON that can stand in a script element: nothing in it can end the element or begin another."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _page(request: web.Request, view: str, first: Mapping[str, object] | None = None) -> web.Response:
    nonce = secrets.token_urlsafe(16)
    files = static_files()
    theme = request.cookies.get("theme", "")
    state = {
        "view": view,
        "signedIn": request.get("caller") is not None,
        "needsFirstHuman": not request.app[HUB].has_human(),
        "version": __version__,
        "worker": files.url("js/worker.js"),
        **(first or {}),
    }
    text = _template().render(
        view=view,
        theme=theme if theme in THEMES else "",
        nonce=nonce,
        url=files.url,
        modules=[files.url(name) for name in ("js/api.js", "js/store.js", "js/elements.js")],
        import_map=inline_json(files.import_map()),
        state=inline_json(state),
    )
    headers = {**SAFETY, "Content-Security-Policy": CSP.format(nonce=nonce), "Cache-Control": "no-store"}
    response = web.Response(text=text, content_type="text/html", headers=headers)
    response.enable_compression()
    return response


@functools.cache
def _template() -> jinja2.Template:
    loader = jinja2.PackageLoader("server.web")
    environment = jinja2.Environment(
        loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    )
    return environment.get_template("page.html")
