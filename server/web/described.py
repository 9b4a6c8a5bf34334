"""What each route takes and answers, on one page beside `routes`: the OpenAPI document is made of it."""

from server.core import audit as core_audit
from server.core.accounts import Issued
from server.core.events import Envelope, PresencePart
from server.core.health import Health
from server.core.invitations import Open
from server.core.markers import AllUnread, Marker
from server.core.messages import Page
from server.core.model import Agent, Channel, Member, Message, Session, Thread, Token, Told
from server.core.people import Invitation
from server.core.telling import Correspondence
from server.core.threads import Listed
from server.core.timings import Traced
from server.web import (
    agents,
    audit,
    channels,
    conversation,
    events,
    here,
    messages,
    ops,
    people,
    telling,
    threads,
    timings,
    tokens,
    typesetting,
)
from server.web.openapi import Described, Many
from server.web.routes import Handler

_CHANNEL = "9f3c2a1d-5e8f-4b6a-9c1e-2a3b4c5d6e7f"
_MESSAGE = "0199d2f0-7c3a-7b21-8e11-4f0c2f9a1b6d"
_WORDS = {"channelId": _CHANNEL, "content": "Hello! 👋", "id": _MESSAGE}
_KEPT = {
    "id": _MESSAGE,
    "channelId": _CHANNEL,
    "content": "Hello! 👋",
    "senderId": "backend-architect",
    "timestamp": 1708554000000,
    "mentions": [],
    "seq": 7,
}

DESCRIPTIONS: dict[Handler, Described] = {
    messages.post: Described(
        body=messages.Post,
        answer=messages.Posted,
        status=201,
        also=(200,),
        example=_WORDS,
        says={"message": _KEPT, "seq": 7},
    ),
    messages.history: Described(query=messages.History, answer=Page, says={"messages": [_KEPT], "hasMore": False}),
    typesetting.html: Described(
        query=typesetting.Wanted,
        answer=typesetting.Typeset,
        says={"html": {_MESSAGE: "<p>A <strong>bold</strong> word.</p>\n"}},
    ),
    messages.get: Described(answer=Message, says=_KEPT),
    messages.edit: Described(body=messages.Edit, answer=Message, example={"content": "Hello, all!"}),
    messages.delete: Described(status=204),
    timings.trace: Described(answer=Traced),
    timings.report: Described(
        body=timings.Timings,
        status=204,
        example={"stages": {"handle": {"counts": [0, 3, 1, *[0] * 12], "sum": 0.0041}}, "clockErrorMs": 1.5},
    ),
    conversation.react: Described(answer=Message),
    conversation.unreact: Described(status=204),
    conversation.search: Described(query=conversation.Wanted, answer=Page),
    conversation.unread: Described(answer=AllUnread),
    conversation.read: Described(body=conversation.Read, answer=Marker, example={"messageId": _MESSAGE}),
    conversation.read_thread: Described(body=conversation.Read, answer=Thread, example={"messageId": _MESSAGE}),
    threads.create: Described(
        body=threads.Opening,
        answer=Thread,
        status=201,
        also=(200,),
        example={"channelId": _CHANNEL, "parentMessageId": _MESSAGE, "title": "The rebuild"},
    ),
    threads.listed: Described(query=threads.Listing, answer=Listed),
    threads.get: Described(answer=Thread),
    threads.alter: Described(body=threads.Alteration, answer=Thread, example={"resolved": True}),
    channels.listed: Described(answer=Many("channels", Channel)),
    channels.create: Described(
        body=channels.Making, answer=Channel, status=201, example={"name": "engineering", "topic": "The index rebuild"}
    ),
    channels.get: Described(answer=Channel),
    channels.alter: Described(body=channels.Alteration, answer=Channel, example={"topic": "Done on Friday"}),
    channels.archive: Described(answer=Channel),
    channels.delete: Described(status=204),
    channels.members: Described(answer=Many("members", Member)),
    channels.seat: Described(body=channels.Seat, answer=Member, example={"role": "member"}),
    channels.unseat: Described(status=204),
    here.presence: Described(answer=Many("presence", PresencePart)),
    here.put_presence: Described(body=here.Presence, answer=PresencePart, example={"status": "online"}),
    here.typing: Described(answer=Many("typing", str)),
    here.put_typing: Described(body=here.Typing, answer=Many("typing", str), example={"started": True}),
    telling.works: Described(query=telling.Works, answer=telling.WorksPage, says={"events": [], "hasMore": False}),
    telling.collaborate: Described(
        body=telling.Collaboration,
        answer=Envelope,
        status=201,
        example={"type": "task.handover", "data": {"task": "build index 7"}},
    ),
    telling.announce: Described(
        body=telling.Announcement,
        answer=Envelope,
        status=201,
        example={"type": "system.announcement", "data": {"message": "Coffee is ready"}},
    ),
    telling.tell: Described(
        body=telling.Tell,
        answer=Told,
        status=201,
        also=(200,),
        example={"type": "agent.command", "data": {"content": "swap --from 6 --to 7", "actionRequired": True}},
    ),
    telling.told: Described(query=telling.Correspondence, answer=Correspondence),
    telling.settle: Described(body=telling.Answer, answer=Told, example={"decision": "allow"}),
    agents.me: Described(answer=agents.Me),
    agents.listed: Described(answer=Many("agents", Agent)),
    agents.enrol: Described(body=agents.Enrolment, answer=Agent, status=201, example={"id": "scout"}),
    agents.get: Described(answer=Agent),
    agents.revise: Described(body=agents.Revision, answer=Agent, example={"displayName": "Scout"}),
    agents.dismiss: Described(status=204),
    tokens.listed: Described(answer=Many("tokens", Token)),
    tokens.issue: Described(
        body=tokens.Wish, answer=Issued, status=201, example={"agentId": "scout", "name": "the box in the attic"}
    ),
    tokens.revoke: Described(status=204),
    people.welcome: Described(body=people.Arrival, answer=Agent, status=201, also=(200,)),
    people.login: Described(body=people.Login, answer=Agent),
    people.logout: Described(status=204),
    people.invite: Described(body=people.Inviting, answer=Invitation, status=201, example={}),
    people.invitations: Described(answer=Many("invitations", Open)),
    people.withdraw: Described(status=204),
    people.change_password: Described(body=people.NewPassword, status=204),
    people.sessions: Described(answer=Many("sessions", Session)),
    people.session: Described(answer=Session),
    people.end_sessions: Described(status=204),
    people.end_session: Described(status=204),
    audit.listed: Described(query=audit.Wanted, answer=core_audit.Page),
    events.events: Described(query=events.Wanted, answer=str, media="text/event-stream"),
    events.reshape: Described(body=events.Reshaping, answer=events.Shape, example={"bodies": [_CHANNEL]}),
    ops.health: Described(answer=Health),
    ops.settings: Described(answer=dict),
    ops.time: Described(answer=ops.Time),
    ops.readyz: Described(answer=ops.Readiness, also=(503,)),
    ops.authority: Described(answer=str, media="application/x-x509-ca-cert"),
    ops.healthz: Described(answer=str, media="text/plain"),
    ops.metrics: Described(answer=str, media="text/plain"),
    ops.openapi: Described(answer=dict),
    ops.asyncapi: Described(answer=dict),
}
