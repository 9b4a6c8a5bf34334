"""The shell page: always 200, its headers, its first state, and files that last for ever."""

import json
import re
from collections.abc import AsyncIterator
from typing import Any, cast

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from server.core.hub import Hub
from server.web import pages
from server.web.keys import HUB

# The middleware hands the caller over under a plain name; aiohttp would rather have a key object.
pytestmark = pytest.mark.filterwarnings("ignore:It is recommended to use web.RequestKey")

Client = TestClient[web.Request, web.Application]


class FakeHub:
    def has_human(self) -> bool:
        return False


@web.middleware
async def caller_of_header(request: web.Request, handler: Any) -> web.StreamResponse:
    request["caller"] = request.headers.get("X-Caller")
    response: web.StreamResponse = await handler(request)
    return response


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    app = web.Application(middlewares=[caller_of_header])
    app[HUB] = cast("Hub", FakeHub())
    app.router.add_get("/", pages.index)
    app.router.add_get("/welcome", pages.welcome)
    app.router.add_get("/static/{path:.+}", pages.static_file)
    async with TestClient(TestServer(app)) as made:
        yield made


def state_in(text: str) -> dict[str, object]:
    found = re.search(r'<script type="application/json" id="state">(.*?)</script>', text)
    assert found
    state: dict[str, object] = json.loads(found[1])
    return state


@pytest.mark.parametrize(
    ("path", "headers", "view"),
    [("/", {}, "login"), ("/welcome", {}, "welcome")],
)
async def test_the_page_is_always_there(client: Client, path: str, headers: dict[str, str], view: str) -> None:
    response = await client.get(path, headers=headers)
    assert response.status == 200
    state = state_in(await response.text())
    assert (state["view"], state["needsFirstHuman"]) == (view, True)


async def test_scripts_come_from_here_only(client: Client) -> None:
    texts, nonces = [], set()
    for _ in range(2):
        response = await client.get("/")
        policy = response.headers["Content-Security-Policy"]
        nonces.update(re.findall(r"'nonce-([^']+)'", policy))
        texts.append(await response.text())
        assert "unsafe" not in policy
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["Cache-Control"] == "no-store"
    assert len(nonces) == 2
    # what runs without a nonce has an address here
    inline = re.findall(r"<script(?![^>]*(?:src=|nonce=|application/json))", texts[0])
    assert inline == []
    assert " style=" not in texts[0]


async def test_files_last_for_ever_and_come_compressed(client: Client) -> None:
    text = await (await client.get("/")).text()
    addresses = re.findall(r'(?:href|src)="(/static/[^"]+)"', text)
    assert len(addresses) >= 7
    for address in addresses:
        response = await client.get(address, headers={"Accept-Encoding": "gzip"})
        assert response.status == 200
        assert response.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert (response.headers.get("Content-Encoding") == "gzip") is not address.endswith(".png")
        again = await client.get(address, headers={"If-None-Match": response.headers["ETag"]})
        assert again.status == 304


@pytest.mark.parametrize("path", ["/static/000000000000/js/main.js", "/static/x", "/static/../pyproject.toml"])
async def test_nothing_else_is_a_file(client: Client, path: str) -> None:
    response = await client.get(path)
    assert response.status == 404


@pytest.mark.parametrize(("cookie", "shown"), [("dark", True), ("light", True), ('"><script>', False), ("", False)])
async def test_the_theme_is_a_word_of_ours(client: Client, cookie: str, shown: bool) -> None:
    text = await (await client.get("/", headers={"Cookie": f"theme={cookie}"})).text()
    assert (f'data-theme="{cookie}"' in text) is shown
    assert text.count("<script>") == 0


def test_state_cannot_end_its_element() -> None:
    words = "</script><!--<script>\u2028"
    text = pages.inline_json({"name": words})
    assert "<" not in text
    assert "\u2028" not in text
    assert json.loads(text) == {"name": words}
