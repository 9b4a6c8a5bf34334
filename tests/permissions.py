"""Who may do what, on one page: what each route answers to each role, by the kind of channel it is about.

A line has a letter for each of ROLES, in this order. `author` is a plain member and a person; the message, token,
session and account that a path names are its own. `admin` is an admin who is not in the channel, `reader` a member
whose token has the scope `read` alone.
"""

from typing import Any, NamedTuple

ROLES = ("nobody", "outsider", "reader", "member", "author", "moderator", "owner", "admin")

OUTCOMES = {"+": range(200, 300), "0": (401,), "-": (403,), "?": (404,), "!": (409,), "x": (422,)}
"""Done; who are you; you may not; there is no such thing, or none for you; not as things stand (archived);
not with these words."""


class Row(NamedTuple):
    """A request and its outcomes. The test fills in words in braces; `uses_up` says that it ends what it names."""

    method: str
    path: str
    outcomes: dict[str, str]
    body: Any = None
    query: str = ""
    uses_up: bool = False


def any_kind(letters: str) -> dict[str, str]:
    """Outcomes that no channel has a part in."""
    return {"public": letters}


def kinds(public: str, private: str, archived: str) -> dict[str, str]:
    """Outcomes in a public, a private and an archived public channel."""
    return {"public": public, "private": private, "archived": archived}


#                0 outsider reader member author moderator owner admin
READS = kinds("0+++++++", "0?+++++?", "0+++++++")
MEMBERS_ONLY = kinds("0-+++++-", "0?+++++?", "0-+++++-")
WRITES = kinds("0--++++-", "0?-++++?", "0--!!!!-")
OWNERS = kinds("0-----++", "0?----+?", "0-----++")
ADMINS = any_kind("0------+")
KNOWN = any_kind("0+++++++")
KNOWN_WRITES = any_kind("0+-+++++")
EVERYBODY = any_kind("++++++++")

PASSWORD = "a short sentence is easiest"

TABLE = (
    # the page
    Row("GET", "/", EVERYBODY),
    Row("GET", "/welcome", EVERYBODY),
    Row("GET", "/static/{path:.+}", any_kind("????????")),
    # messages
    Row("POST", "/api/messages", WRITES, {"channelId": "{channel}", "content": "hello"}),
    Row("GET", "/api/messages", READS, query="?channelId={channel}"),
    Row("GET", "/api/messages", READS, query="?channelId={channel}&threadId={thread}"),
    Row("GET", "/api/messages/html", KNOWN, query="?ids={message}"),
    Row("GET", "/api/messages/{id}", READS),
    Row("GET", "/api/messages/{id}/latency", READS),
    Row("PATCH", "/api/messages/{id}", kinds("0---+---", "0?--+--?", "0---!---"), {"content": "better"}),
    Row("DELETE", "/api/messages/{id}", kinds("0---+++-", "0?--+++?", "0--!!!!-"), uses_up=True),
    Row("PUT", "/api/messages/{id}/reactions/{emoji}", WRITES),
    Row("DELETE", "/api/messages/{id}/reactions/{emoji}", WRITES),
    Row("GET", "/api/search", READS, query="?q=hello&channelId={channel}"),
    Row("GET", "/api/search", KNOWN, query="?q=hello"),
    Row("GET", "/api/unread", KNOWN),
    # threads
    Row("GET", "/api/threads", READS, query="?channelId={channel}"),
    Row("POST", "/api/threads", WRITES, {"channelId": "{channel}", "parentMessageId": "{message}"}),
    Row("GET", "/api/threads/{id}", READS),
    Row("PATCH", "/api/threads/{id}", WRITES, {"resolved": True}),
    Row("PUT", "/api/threads/{id}/read", kinds("0+-+++++", "0?-++++?", "0+-+++++"), {"messageId": "{reply}"}),
    # channels
    Row("GET", "/api/channels", KNOWN),
    Row("POST", "/api/channels", KNOWN_WRITES, {"name": "{new}"}),
    Row("GET", "/api/channels/{id}", READS),
    Row("PATCH", "/api/channels/{id}", kinds("0----+++", "0?---++?", "0----!!!"), {"topic": "{new}"}),
    Row("PATCH", "/api/channels/{id}", kinds("0-----++", "0?----+?", "0-----!!"), {"isPrivate": True}, uses_up=True),
    Row("PATCH", "/api/channels/{id}", OWNERS, {"retentionDays": 30}),
    Row("POST", "/api/channels/{id}/archive", OWNERS, uses_up=True),
    Row("DELETE", "/api/channels/{id}", OWNERS, uses_up=True),
    Row("GET", "/api/channels/{id}/members", READS),
    Row("PUT", "/api/channels/{id}/members/{self}", kinds("0+-+++++", "0?-++++?", "0!-!!!!!"), {}, uses_up=True),
    Row("PUT", "/api/channels/{id}/members/{other}", kinds("0----+++", "0?---++?", "0!-!!!!!"), {}, uses_up=True),
    Row(
        "PUT",
        "/api/channels/{id}/members/{agent}",
        kinds("0-----++", "0?----+?", "0!-!!!!!"),
        {"role": "moderator"},
        uses_up=True,
    ),
    Row("DELETE", "/api/channels/{id}/members/{agentId}", kinds("0---++++", "0?--+++?", "0---++++"), uses_up=True),
    Row("DELETE", "/api/channels/{id}/members/{owner}", kinds("0-----!!", "0?----!?", "0-----!!")),
    # what is going on in a channel
    Row("GET", "/api/channels/{id}/presence", READS),
    Row("PUT", "/api/channels/{id}/presence", WRITES, {"status": "online"}),
    Row("GET", "/api/channels/{id}/typing", READS),
    Row("PUT", "/api/channels/{id}/typing", WRITES, {"started": True}),
    Row("PUT", "/api/channels/{id}/read", kinds("0--++++-", "0?-++++?", "0--++++-"), {"messageId": "{message}"}),
    Row("GET", "/api/channels/{id}/collaboration", READS),
    Row("POST", "/api/channels/{id}/collaboration", WRITES, {"type": "task.handover", "data": {}}),
    # agents
    Row("GET", "/api/agents", KNOWN),
    Row("POST", "/api/agents", ADMINS, {"id": "{new}"}),
    Row("GET", "/api/agents/{id}", KNOWN),
    Row("PATCH", "/api/agents/{id}", any_kind("0---+--+"), {"displayName": "Somebody"}),
    Row("PATCH", "/api/agents/{id}", ADMINS, {"admin": False}),
    Row("PATCH", "/api/agents/{id}", ADMINS, {"limits": {"message": 0, "reaction": 0, "invite": 0}}),
    Row("DELETE", "/api/agents/{doomed}", ADMINS, uses_up=True),
    Row("GET", "/api/agents/{id}/events", any_kind("0---+--+")),
    Row("POST", "/api/agents/{id}/events", KNOWN_WRITES, {"type": "agent.notification", "data": {"content": "x"}}),
    Row("POST", "/api/agents/{id}/events/{seq}/answer", any_kind("0---+---"), {"decision": "allow"}, uses_up=True),
    Row("POST", "/api/global", ADMINS, {"type": "system.announcement", "data": {"message": "x"}}),
    # keys
    Row("GET", "/api/tokens", KNOWN),
    Row("POST", "/api/tokens", any_kind("0---+--+"), {"agentId": "{agent}"}),
    Row("POST", "/api/tokens", any_kind("0---x--x"), {"agentId": "{agent}", "scopes": ["admin"]}),
    Row("DELETE", "/api/tokens/{id}", any_kind("0?-?+??+"), uses_up=True),
    Row("GET", "/api/sessions", KNOWN),
    Row("DELETE", "/api/sessions", KNOWN_WRITES),
    Row("GET", "/api/sessions/{id}", any_kind("0???+??+")),
    Row("DELETE", "/api/sessions/{id}", any_kind("0?-?+??+"), uses_up=True),
    Row("GET", "/api/invitations", ADMINS),
    Row("POST", "/api/invitations", ADMINS, {}),
    Row("DELETE", "/api/invitations/{id}", ADMINS, uses_up=True),
    Row("POST", "/api/invitations", ADMINS, {"agentId": "{agent}"}),
    Row("GET", "/api/audit", ADMINS),
    # people
    Row("POST", "/api/welcome", any_kind("--------"), {"code": "guessed", "password": PASSWORD}),
    Row("POST", "/api/login", EVERYBODY, {"id": "{agent}", "password": PASSWORD}),
    Row("POST", "/api/logout", KNOWN_WRITES),
    Row("PUT", "/api/me/password", any_kind("00-0+000"), {"current": PASSWORD, "password": PASSWORD}),
    Row("GET", "/api/me", KNOWN),
    # the stream
    Row("GET", "/api/events", KNOWN),
    Row("GET", "/api/events", KNOWN, query="?channels={channel}"),
    Row("PATCH", "/api/streams/{id}", any_kind("0?-?+???"), {"bodies": []}),
    # for those who run the hub; the test is on the hub's machine
    Row("POST", "/api/latency", KNOWN_WRITES, {}),
    Row("GET", "/api/health", KNOWN),
    Row("GET", "/api/settings", ADMINS),
    Row("GET", "/api/time", EVERYBODY),
    Row("GET", "/api/openapi.json", EVERYBODY),
    Row("GET", "/api/asyncapi.json", EVERYBODY),
    Row("GET", "/ca.crt", any_kind("????????")),
    Row("GET", "/healthz", EVERYBODY),
    Row("GET", "/readyz", EVERYBODY),
    Row("GET", "/metrics", EVERYBODY),
)
