"""Every URL on one page: method, path, handler, who may come (anybody, or known callers), and its area in metrics."""

from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

from aiohttp import web

from server.web import (
    agents,
    audit,
    channels,
    conversation,
    events,
    here,
    messages,
    ops,
    pages,
    people,
    telling,
    threads,
    timings,
    tokens,
    typesetting,
)

OPEN = "open"
KNOWN = "known"

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Place(NamedTuple):
    """What is known of a route before its handler runs."""

    access: str
    area: str


ROUTES: tuple[tuple[str, str, Handler, Place], ...] = (
    ("GET", "/", pages.index, Place(OPEN, "page")),
    ("GET", "/welcome", pages.welcome, Place(OPEN, "page")),
    ("GET", "/static/{path:.+}", pages.static_file, Place(OPEN, "page")),
    ("POST", "/api/messages", messages.post, Place(KNOWN, "messages")),
    ("GET", "/api/messages", messages.history, Place(KNOWN, "messages")),
    ("GET", "/api/messages/html", typesetting.html, Place(KNOWN, "messages")),
    ("GET", "/api/messages/{id}", messages.get, Place(KNOWN, "messages")),
    ("PATCH", "/api/messages/{id}", messages.edit, Place(KNOWN, "messages")),
    ("DELETE", "/api/messages/{id}", messages.delete, Place(KNOWN, "messages")),
    ("GET", "/api/messages/{id}/latency", timings.trace, Place(KNOWN, "messages")),
    ("POST", "/api/latency", timings.report, Place(KNOWN, "ops")),
    ("PUT", "/api/messages/{id}/reactions/{emoji}", conversation.react, Place(KNOWN, "messages")),
    ("DELETE", "/api/messages/{id}/reactions/{emoji}", conversation.unreact, Place(KNOWN, "messages")),
    ("GET", "/api/search", conversation.search, Place(KNOWN, "messages")),
    ("GET", "/api/unread", conversation.unread, Place(KNOWN, "channels")),
    ("GET", "/api/threads", threads.listed, Place(KNOWN, "messages")),
    ("POST", "/api/threads", threads.create, Place(KNOWN, "messages")),
    ("GET", "/api/threads/{id}", threads.get, Place(KNOWN, "messages")),
    ("PATCH", "/api/threads/{id}", threads.alter, Place(KNOWN, "messages")),
    ("PUT", "/api/threads/{id}/read", conversation.read_thread, Place(KNOWN, "channels")),
    ("GET", "/api/channels", channels.listed, Place(KNOWN, "channels")),
    ("POST", "/api/channels", channels.create, Place(KNOWN, "channels")),
    ("GET", "/api/channels/{id}", channels.get, Place(KNOWN, "channels")),
    ("PATCH", "/api/channels/{id}", channels.alter, Place(KNOWN, "channels")),
    ("DELETE", "/api/channels/{id}", channels.delete, Place(KNOWN, "channels")),
    ("POST", "/api/channels/{id}/archive", channels.archive, Place(KNOWN, "channels")),
    ("GET", "/api/channels/{id}/members", channels.members, Place(KNOWN, "channels")),
    ("PUT", "/api/channels/{id}/members/{agentId}", channels.seat, Place(KNOWN, "channels")),
    ("DELETE", "/api/channels/{id}/members/{agentId}", channels.unseat, Place(KNOWN, "channels")),
    ("GET", "/api/channels/{id}/presence", here.presence, Place(KNOWN, "channels")),
    ("PUT", "/api/channels/{id}/presence", here.put_presence, Place(KNOWN, "channels")),
    ("GET", "/api/channels/{id}/typing", here.typing, Place(KNOWN, "channels")),
    ("PUT", "/api/channels/{id}/typing", here.put_typing, Place(KNOWN, "channels")),
    ("PUT", "/api/channels/{id}/read", conversation.read, Place(KNOWN, "channels")),
    ("GET", "/api/channels/{id}/collaboration", telling.works, Place(KNOWN, "channels")),
    ("POST", "/api/channels/{id}/collaboration", telling.collaborate, Place(KNOWN, "channels")),
    ("POST", "/api/global", telling.announce, Place(KNOWN, "events")),
    ("GET", "/api/agents", agents.listed, Place(KNOWN, "agents")),
    ("POST", "/api/agents", agents.enrol, Place(KNOWN, "agents")),
    ("GET", "/api/agents/{id}", agents.get, Place(KNOWN, "agents")),
    ("PATCH", "/api/agents/{id}", agents.revise, Place(KNOWN, "agents")),
    ("DELETE", "/api/agents/{id}", agents.dismiss, Place(KNOWN, "agents")),
    ("GET", "/api/agents/{id}/events", telling.told, Place(KNOWN, "agents")),
    ("POST", "/api/agents/{id}/events", telling.tell, Place(KNOWN, "agents")),
    ("POST", "/api/agents/{id}/events/{seq}/answer", telling.settle, Place(KNOWN, "agents")),
    ("GET", "/api/tokens", tokens.listed, Place(KNOWN, "tokens")),
    ("POST", "/api/tokens", tokens.issue, Place(KNOWN, "tokens")),
    ("DELETE", "/api/tokens/{id}", tokens.revoke, Place(KNOWN, "tokens")),
    ("POST", "/api/welcome", people.welcome, Place(OPEN, "people")),
    ("POST", "/api/login", people.login, Place(OPEN, "people")),
    ("POST", "/api/logout", people.logout, Place(KNOWN, "people")),
    ("GET", "/api/sessions", people.sessions, Place(KNOWN, "people")),
    ("DELETE", "/api/sessions", people.end_sessions, Place(KNOWN, "people")),
    ("GET", "/api/sessions/{id}", people.session, Place(KNOWN, "people")),
    ("DELETE", "/api/sessions/{id}", people.end_session, Place(KNOWN, "people")),
    ("GET", "/api/invitations", people.invitations, Place(KNOWN, "people")),
    ("POST", "/api/invitations", people.invite, Place(KNOWN, "people")),
    ("DELETE", "/api/invitations/{id}", people.withdraw, Place(KNOWN, "people")),
    ("PUT", "/api/me/password", people.change_password, Place(KNOWN, "people")),
    ("GET", "/api/audit", audit.listed, Place(KNOWN, "people")),
    ("GET", "/api/me", agents.me, Place(KNOWN, "people")),
    ("GET", "/api/settings", ops.settings, Place(KNOWN, "ops")),
    ("GET", "/api/health", ops.health, Place(KNOWN, "ops")),
    ("GET", "/api/time", ops.time, Place(OPEN, "ops")),
    ("GET", "/api/events", events.events, Place(KNOWN, "events")),
    ("PATCH", "/api/streams/{id}", events.reshape, Place(KNOWN, "events")),
    ("GET", "/api/openapi.json", ops.openapi, Place(OPEN, "ops")),
    ("GET", "/api/asyncapi.json", ops.asyncapi, Place(OPEN, "ops")),
    ("GET", "/ca.crt", ops.authority, Place(OPEN, "ops")),
    ("GET", "/healthz", ops.healthz, Place(OPEN, "ops")),
    ("GET", "/readyz", ops.readyz, Place(OPEN, "ops")),
    ("GET", "/metrics", ops.metrics, Place(OPEN, "ops")),
)

PLACES: dict[Any, Place] = {handler: place for _, _, handler, place in ROUTES}


def mount(app: web.Application) -> None:
    """Add every route; HEAD answers wherever GET does."""
    for method, path, handler, _ in ROUTES:
        if method == "GET":
            app.router.add_get(path, handler, allow_head=path != "/api/events")
        else:
            app.router.add_route(method, path, handler)
