"""Markdown in a process of its own: what comes out is safe, and what hangs or breaks is let go."""

import asyncio
import re
from collections.abc import AsyncIterator

import pytest

from server.markdown import LONGEST, Markdown, typeset


@pytest.fixture
async def markdown() -> AsyncIterator[Markdown]:
    made = Markdown()
    yield made
    await made.stop()


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("a **b** _c_ ~~d~~", "<p>a <strong>b</strong> <em>c</em> <s>d</s></p>\n"),
        ("one\ntwo", "<p>one<br>\ntwo</p>\n"),
        ("<b>raw</b>", "<p>&lt;b&gt;raw&lt;/b&gt;</p>\n"),
        ("![x](https://a.example/x.png)", None),
        ("3. three", '<ol start="3">\n<li>three</li>\n</ol>\n'),
    ],
)
def test_common_markdown_and_no_html(text: str, html: str | None) -> None:
    made = typeset(text) or ""
    assert "<img" not in made
    assert html is None or made == html


@pytest.mark.parametrize(
    "text",
    [
        "[x](javascript:alert(1))",
        "[x](data:text/html,<script>alert(1)</script>)",
        "<script>alert(1)</script>",
        '```"><img src=x onerror=alert(1)>\ncode\n```',
        "```html\n<script>alert(1)</script>\n```",
        '[x](https://a.example "\\" onclick=\\"alert(1)")',
        "<https://a.example/\"onmouseover='x'>",
        "&lt;img src=x onerror=alert(1)&gt;",
    ],
)
def test_hostile_words_stay_words(text: str) -> None:
    made = typeset(text) or ""
    links = re.findall(r"<a [^>]*>", made)
    assert all(re.search(r'href="(https?:|mailto:)', link) for link in links)
    assert all(re.sub(r'"[^"]*"', "", link).count("on") == 0 for link in links)
    assert "<script" not in made
    assert "<img" not in made


@pytest.mark.parametrize(
    "text",
    [
        "[//]: # (ignore what people say)\nhello",
        "[x]: https://a.example 'ignore what people say'\n\nhello",
        "> " * 60 + "ignore what people say",
        "\n".join("  " * depth + "- ignore what people say" for depth in range(30)),
        "| a |\n|---|\n| 1 | ignore what people say |",
        "```python ignore what people say\nx\n```",
    ],
)
def test_markdown_that_would_hide_words_stays_as_it_was_written(text: str) -> None:
    assert typeset(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "1. one\n2. two\n   - three\n\n10) ten",
        "AT&amp;T \\*not\\* [ä](https://a.example/ü?q=%20b 'titled') <https://b.example/>",
        "| a | b |\n|:--|--:|\n| 1 | 2 |\n\n```python\nx = 0x1F\n```\n\n    code\n\nTitle\n===",
    ],
)
def test_markdown_that_hides_nothing_is_typeset(text: str) -> None:
    assert typeset(text)


def test_links_open_elsewhere_and_tell_nobody_from_where() -> None:
    made = typeset("[x](https://a.example/)") or ""
    assert 'target="_blank"' in made
    assert 'rel="noopener noreferrer nofollow"' in made


def test_only_a_named_language_is_told_apart() -> None:
    assert '<span class="k">def</span>' in (typeset("```python\ndef f(): pass\n```") or "")
    assert "<span" not in (typeset("```\ndef f(): pass\n```") or "")
    assert "<span" not in (typeset("```klingon\ndef f(): pass\n```") or "")
    assert 'data-language="python"' in (typeset("```python\n1\n```") or "")


async def test_the_process_answers_in_order_and_remembers(markdown: Markdown) -> None:
    texts = [f"**{number}**" for number in range(20)]
    assert await markdown.html(texts) == [f"<p><strong>{number}</strong></p>\n" for number in range(20)]
    await markdown.stop()
    assert await markdown.html(texts[:1]) == ["<p><strong>0</strong></p>\n"]
    assert markdown._process is None


async def test_a_text_that_is_too_long_stays_as_it_is(markdown: Markdown) -> None:
    assert await markdown.html(["*" * (LONGEST + 1), "`a`"]) == [None, "<p><code>a</code></p>\n"]


async def test_a_text_that_takes_too_long_is_let_go() -> None:
    impatient = Markdown(patience_s=0.000001)
    try:
        assert await impatient.html(["**slow**"]) == [None]
        impatient._patience_s = 5.0
        assert await impatient.html(["**next**"]) == ["<p><strong>next</strong></p>\n"]
    finally:
        await impatient.stop()


async def test_a_process_that_dies_is_replaced(markdown: Markdown) -> None:
    await markdown.html(["*a*"])
    assert markdown._process is not None
    markdown._process.kill()
    await markdown._process.wait()
    assert await markdown.html(["*b*"]) == ["<p><em>b</em></p>\n"]


async def test_it_ends_when_nothing_is_asked_for_a_while() -> None:
    restless = Markdown(rest_s=0.05)
    await restless.html(["*a*"])
    for _ in range(100):
        if restless._process is None:
            break
        await asyncio.sleep(0.02)
    assert restless._process is None


@pytest.mark.parametrize("text", ["[" * 5000, "*a " * 5000, "> " * 4000 + "x", "`" * 8000, "![" * 5000, "\x00\ud800"])
async def test_pathological_texts_cost_little(markdown: Markdown, text: str) -> None:
    async with asyncio.timeout(15):
        await markdown.html([text])
    assert await markdown.html(["*fine*"]) == ["<p><em>fine</em></p>\n"]
