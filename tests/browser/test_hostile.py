"""A hostile agent's words, wherever an agent can put words: seen in every view of the page, no script of them runs."""

import urllib.parse
from contextlib import suppress

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.conftest import arrive
from tests.browser.hub import Hub
from tests.browser.test_page import words

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

RUN = "globalThis.broken=(globalThis.broken||0)+1"
CORPUS = (
    f"<script>{RUN}</script>",
    f"<img src=x onerror={RUN}>",
    f'"><img src=x onerror="{RUN}">',
    f"'><svg/onload={RUN}>",
    f"<svg><animate onbegin={RUN} attributeName=x dur=1s>",
    f"<iframe srcdoc='<script>parent.{RUN}</script>'></iframe>",
    f"<a href=javascript:{RUN}>x</a>",
    f"[x](javascript:{RUN})",
    f"[x](JaVaScRiPt&colon;{RUN})",
    f"[x](data:text/html,<script>{RUN}</script>)",
    f"![x](x' onerror='{RUN})",
    f"<math><mtext><table><mglyph><style><img src=x onerror={RUN}></style></mglyph></table></mtext></math>",
    f"<noscript><p title='</noscript><img src=x onerror={RUN}>'>",
    f"<template><img src=x onerror={RUN}></template>",
    f"<details open ontoggle={RUN}><summary>x</summary></details>",
    f"<input autofocus onfocus={RUN}>",
    f"<form><button formaction=javascript:{RUN}>x</button></form>",
    f"<base href='javascript:{RUN}//'>",
    f"<link rel=stylesheet href='data:text/css,*{{background:url(javascript:{RUN})}}'>",
    f"<meta http-equiv=refresh content='0;url=javascript:{RUN}'>",
    f"```html\n<img src=x onerror={RUN}>\n```",
    f"```javascript\n</code></pre><img src=x onerror={RUN}>\n```",
    f"`</code><img src=x onerror={RUN}>`",
    f"| <img src=x onerror={RUN}> | b |\n|---|---|\n| <svg onload={RUN}> | 2 |",
    f"</textarea></title></script><img src=x onerror={RUN}>",
    f"{{{{constructor.constructor('{RUN}')()}}}}",
    f"${{{RUN}}}",
    f"\u202e\u2066<img src=x onerror={RUN}>\u2069",
    f"&lt;img src=x onerror={RUN}&gt; &#x3c;svg onload={RUN}&#x3e;",
    "https://a.example/\"onmouseover='" + RUN + "'",
    "@scout<img src=x onerror=" + RUN + ">",
    "<!--><img src=x onerror=" + RUN + ">-->",
    "<img src=x:x onerror\x0b=" + RUN + ">",
)
LINE = f"<img src=x onerror={RUN}>"
"""Where only a short line fits."""

VIEWS = ("#needs", "#@scout", "#rail", *(f"#page/{name}" for name in ("health", "agents", "tokens", "invitations")))
ADMIN_VIEWS = ("#page/channels", "#page/audit", "#page/settings", "#page/you")


def plant(hub: Hub) -> tuple[str, str]:
    """Hostile words in every place that an agent, a bridge or another program can write to; a channel and a message."""
    scout = hub.make_agent("scout", displayName=LINE, limits={"message": 0, "reaction": 0, "invite": 0})
    place = hub.call("POST", "/api/channels", {"name": LINE, "topic": LINE, "description": LINE}, token=scout)["id"]
    hub.call("PUT", f"/api/channels/{place}/members/maya", {"role": "member"})
    said = [
        hub.call("POST", "/api/messages", {"channelId": place, "content": content}, token=scout)["message"]
        for content in CORPUS
    ]
    first = said[0]["id"]
    for emoji in ("<b>", "'\">"):  # what is no emoji is refused, or shown as text
        try_call(hub, "PUT", f"/api/messages/{first}/reactions/{urllib.parse.quote(emoji, safe='')}", None, scout)
    thread = hub.call(
        "POST", "/api/threads", {"channelId": place, "parentMessageId": first, "title": LINE}, token=scout
    )
    for content in CORPUS[:6]:
        reply = {"channelId": place, "content": content, "threadId": thread["id"]}
        hub.call("POST", "/api/messages", reply, token=scout)
    data = {"to": LINE, LINE: LINE, "nested": {"html": CORPUS[0]}}
    hub.call("POST", f"/api/channels/{place}/collaboration", {"type": "handover", "data": data}, token=scout)
    try_call(hub, "PUT", f"/api/channels/{place}/presence", {"status": "online", "customStatus": LINE}, scout)
    for kind in ("agent.direct_message", "agent.notification", "agent.command", "agent.invite"):
        asks = {"actionRequired": True, "channelId": place} if kind in ("agent.command", "agent.invite") else {}
        told = {"type": kind, "data": {"content": CORPUS[1], **asks}}
        hub.call("POST", "/api/agents/maya/events", told, token=scout)
    hub.call("POST", "/api/tokens", {"agentId": "scout", "name": LINE})
    for severity in ("info", "critical"):
        spoken = {"type": "system.announcement", "data": {"message": CORPUS[2], "severity": severity}}
        hub.call("POST", "/api/global", spoken)
    hub.publish(LINE, CORPUS[3])
    return place, first


def try_call(hub: Hub, method: str, path: str, body: object, token: str) -> None:
    """What may be refused."""
    with suppress(RuntimeError):
        hub.call(method, path, body, token=token)


def unharmed(page: Page) -> None:
    """That nothing of it ran, nor became an element that could; the fixture fails on any violation of the policy."""
    assert page.evaluate("globalThis.broken ?? 0") == 0
    assert page.locator("body :is(script:not([src], [type]), iframe, object, embed, base, form[action])").count() == 0
    handlers = "all => all.flatMap((one) => one.getAttributeNames().filter((name) => name.startsWith('on')))"
    assert page.locator("body *").evaluate_all(handlers) == []
    links = page.locator("a[href]").evaluate_all("links => links.map((link) => link.protocol)")
    assert {link for link in links if link not in ("http:", "https:")} == set()
    assert page.locator("img").count() == 0


def test_no_words_of_an_agent_run_anywhere(context: BrowserContext, hub: Hub) -> None:
    context.set_extra_http_headers({"User-Agent": f"Mozilla/5.0 {LINE}"})
    page = context.new_page()
    arrive(page, hub)
    place, first = plant(hub)
    page.goto(f"{hub.address}/#{place}")
    expect(words(page).last).to_be_visible()
    page.wait_for_timeout(2500)  # the HTML of the words comes when they were looked at
    unharmed(page)
    scroll = page.locator(".main .scroll")
    for _ in range(8):
        scroll.evaluate("(it) => it.scrollBy(0, -it.clientHeight)")
        page.wait_for_timeout(200)
    unharmed(page)
    page.goto(f"{hub.address}/#{place}/{first}/thread")
    expect(page.get_by_role("complementary", name="Thread")).to_be_visible()
    page.wait_for_timeout(1500)
    unharmed(page)
    page.keyboard.press("Control+k")
    page.keyboard.type("onerror")
    expect(page.get_by_role("option").first).to_be_visible()
    unharmed(page)
    page.keyboard.press("Escape")
    for view in (*VIEWS, *ADMIN_VIEWS):
        page.goto(f"{hub.address}/{view}")
        page.wait_for_timeout(700)
        unharmed(page)
    page.reload()  # the first state stands in the page itself
    page.goto(f"{hub.address}/#{place}")
    expect(words(page).last).to_be_visible()
    unharmed(page)


def test_the_policy_forbids_what_would_run(page: Page, hub: Hub) -> None:
    """The second wall, were the first to fall: markup put in past every rule of the page does nothing."""
    script = """(run) => {
      const told = [];
      addEventListener("securitypolicyviolation", (event) => told.push(event.effectiveDirective));
      const make = (tag, more) => document.body.appendChild(Object.assign(document.createElement(tag), more));
      const tries = [
        () => { document.querySelector("p").innerHTML = `<img src=x onerror=${run}>`; },
        () => make("script", { text: run }),
        () => eval(run),
        () => new Function(run)(),
        () => setTimeout(run),
        () => { document.body.setAttribute("onclick", run); document.body.click(); },
        () => make("a", { href: `javascript:${run}` }).click(),
        () => fetch("https://evil.example/").catch(() => {}),
        () => make("iframe", { src: "https://evil.example/" }),
        () => make("img", { src: "https://evil.example/x.png" }),
      ];
      const all = () => tries.forEach((one) => { try { one(); } catch { told.push("threw"); } });
      // later, since a debugger's own call may do more than the page
      return new Promise((done) => setTimeout(() => { all(); setTimeout(() => done([...new Set(told)]), 1000); }));
    }"""
    quiet = page.context.browser.new_context(storage_state=page.context.storage_state())  # type: ignore[union-attr]
    try:
        bare = quiet.new_page()
        bare.goto(hub.address)
        expect(bare.get_by_role("heading", level=1, name="general")).to_be_visible()
        found = bare.evaluate(script, RUN)
        assert bare.evaluate("globalThis.broken ?? 0") == 0, found
        assert {"require-trusted-types-for", "connect-src", "frame-src", "img-src", "threw"} <= set(found)
        assert any(word.startswith("script-src") for word in found)
    finally:
        quiet.close()
