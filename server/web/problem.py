"""From an error to application/problem+json (RFC 9457): one table, one shape."""

from http import HTTPStatus
from typing import Any

import msgspec
from aiohttp import web

from server.core import errors

STATUS: dict[type[errors.HubError], int] = {
    errors.Malformed: 400,
    errors.Unauthorized: 401,
    errors.Forbidden: 403,
    errors.NotFound: 404,
    errors.Conflict: 409,
    errors.Unchanged: 409,
    errors.TooLarge: 413,
    errors.Misdirected: 421,
    errors.Invalid: 422,
    errors.TooMany: 429,
    errors.Unavailable: 503,
    errors.Damaged: 503,
    errors.StorageFull: 507,
}

_WORDS = {
    404: ("not_found", "there is nothing at this URL; /api/openapi.json lists what there is"),
    405: ("method_not_allowed", "this URL does not take this method; the header Allow names those that it takes"),
    408: ("too_slow", "the body did not arrive in time; nothing was done"),
    413: ("body_too_large", "the body is over 256 KiB; nothing was done"),
    415: ("wrong_content_type", "send the body as JSON, with Content-Type: application/json"),
}


def of_hub_error(error: errors.HubError) -> web.Response:
    """The answer to what the hub refused."""
    return _response(STATUS[type(error)], error.code, error.detail, error.extra)


def of_http_error(error: web.HTTPException) -> web.Response:
    """The answer to what aiohttp itself refused, in our shape."""
    status = error.status
    code, detail = _WORDS.get(status, ("http_error", HTTPStatus(status).phrase))
    response = _response(status, code, detail, {})
    for name in ("Allow", "Location"):
        if name in error.headers:
            response.headers[name] = error.headers[name]
    return response


def of_crash(request_id: str) -> web.Response:
    """The answer to our own mistake; the log says more under the same id."""
    detail = "the hub made a mistake; the log tells more under this request id"
    return _response(500, "internal_error", detail, {"requestId": request_id})


def _response(status: int, code: str, detail: str, extra: dict[str, Any]) -> web.Response:
    body = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": detail,
        **extra,
    }
    response = web.Response(
        status=status, body=msgspec.json.encode(body), content_type="application/problem+json", headers=NO_STORE
    )
    if "retryAfter" in extra:
        response.headers["Retry-After"] = str(extra["retryAfter"])
    if status == 401:
        response.headers["WWW-Authenticate"] = 'Bearer realm="openclaw-hub"'
    return response


NO_STORE = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
}
"""Headers of everything under /api, and of every refusal."""
