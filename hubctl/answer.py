"""What a hub answers, read and judged: JSON as it is, problem+json as words for people."""

import json
from dataclasses import dataclass
from typing import Any

import aiohttp

from hubctl import safe
from hubctl.errors import Failure, Refused
from hubctl.target import Target


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer. `body` is decoded JSON, or the text when it is not JSON, or None when it is empty."""

    status: int
    body: Any
    is_json: bool
    location: str = ""
    retry_after_s: float | None = None


async def read(response: aiohttp.ClientResponse) -> Answer:
    """Read `response` to its end."""
    text = (await response.read()).decode("utf-8", "replace")
    is_json = response.content_type in ("application/json", "application/problem+json")
    body: Any = text or None
    if is_json and text:
        try:
            body = json.loads(text)
        except ValueError:
            is_json = False
    retry_after = response.headers.get("Retry-After", "")
    return Answer(
        response.status,
        body,
        is_json,
        response.headers.get("Location", ""),
        float(retry_after) if retry_after.isascii() and retry_after.isdigit() else None,
    )


def checked(answer: Answer, target: Target) -> Any:
    """The JSON of a good answer, None of an empty one. Raises Refused with the hub's reason for any other."""
    if answer.status < 300:
        if answer.body is not None and not answer.is_json:
            raise Failure(f"{target.url} answered, but not as a hub does")
        return answer.body
    if answer.status < 400:
        place = f" to {safe.line(answer.location)}" if answer.location else ""
        raise Failure(f"{target.url} sends elsewhere{place}; set HUB_URL to the hub's own address")
    problem = answer.body if answer.is_json and isinstance(answer.body, dict) else {}
    raise Refused(
        _words(answer, problem, target),
        status=answer.status,
        code=str(problem.get("code", "")),
        retry_after_s=answer.retry_after_s,
    )


def _words(answer: Answer, problem: dict[str, Any], target: Target) -> str:
    detail = safe.line(str(problem.get("detail") or problem.get("title") or f"status {answer.status}"))
    code = safe.line(str(problem.get("code") or answer.status))
    if answer.status == 401:
        if target.token is None:
            return f"the hub at {target.url} wants a token, and none was found in {target.token_source}"
        return f"the hub at {target.url} does not take the token from {target.token_source}: {detail} [{code}]"
    if not problem:
        return f"{target.url} answered with status {answer.status}, and not as a hub does"
    field = safe.line(str(problem.get("field", "")))
    field = f"{field}: " if field and not detail.startswith(field) else ""
    wait = f"; try again in {answer.retry_after_s:.0f} s" if answer.retry_after_s else ""
    return f"{field}{detail} [{code}]{wait}"
