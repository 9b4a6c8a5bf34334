"""`hubctl send`: say something in a channel, once, even when the connection breaks under it."""

import sys
import time
import uuid

import click

from hubctl import safe
from hubctl.client import Hub
from hubctl.commands.options import Json, find_channel, json_option, print_json, with_hub
from hubctl.errors import Absent, Failure, Unreachable

PAUSE_S = 0.5


@click.command()
@click.argument("name_or_id", metavar="CHANNEL")
@click.argument("text", metavar="TEXT")
@click.option("--thread", "thread_id", metavar="ID", help="Reply in this thread.")
@click.option("--id", "message_id", metavar="UUID", type=click.UUID, help="The message's id, to repeat a send safely.")
@with_hub
@json_option
def send(
    hub: Hub, name_or_id: str, text: str, thread_id: str | None, message_id: uuid.UUID | None, as_json: bool
) -> None:
    """Post TEXT to CHANNEL. With - as TEXT it is read from standard input."""
    content = _standard_input() if text == "-" else text
    found = find_channel(hub, name_or_id)
    body: Json = {"channelId": found["id"], "content": content, "id": str(message_id or uuid.uuid4())}
    if thread_id is not None:
        body["threadId"] = thread_id
    answer = _posted(hub, body)
    if as_json:
        print_json(answer)
    else:
        click.echo(f"sent to #{safe.line(found['name'])} (seq {answer['seq']})")


def _posted(hub: Hub, body: Json) -> Json:
    try:
        answer: Json = hub.post("/api/messages", body)
    except Absent:
        raise
    except Unreachable:
        # Perhaps it was stored and only the answer was lost. The same id makes a second try safe: one message.
        time.sleep(PAUSE_S)
        try:
            answer = hub.post("/api/messages", body)
        except Unreachable as again:
            raise Failure(
                f"{again.message}\nWhether the message was stored is not known; "
                f"the same command with `--id {body['id']}` sends it if it was not."
            ) from None
    return answer


def _standard_input() -> str:
    try:
        text = sys.stdin.buffer.read().decode("utf-8")
    except UnicodeDecodeError as error:
        raise click.UsageError(f"standard input is not UTF-8 (byte {error.start})") from None
    return text.removesuffix("\n").removesuffix("\r")
