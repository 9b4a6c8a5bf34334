"""Markdown into sanitised HTML, in a process of its own: bounded in size, time and memory, and killed when it hangs.

Authors are strangers, so their text never runs through a parser on the event loop. The process is started when a person
first looks, speaks one JSON value a line over its pipes, and ends when nothing was asked for a while. Started with
`python -m server.markdown`, this file is that process.
"""

import asyncio
import json
import re
import resource
import sys
from collections import Counter, OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import suppress
from hashlib import sha256
from html import unescape
from urllib.parse import unquote

import nh3
from markdown_it import MarkdownIt
from markdown_it.token import Token
from pygments.lexers import get_lexer_by_name
from pygments.token import Comment, Keyword, Number, String, _TokenType
from pygments.util import ClassNotFound

LONGEST = 16 * 1024
"""Characters; what is longer stays as it was written."""

HIGHLIGHTED_LONGEST = 8 * 1024
PATIENCE_S = 1.0
REST_S = 120.0
MEMORY_BYTES = 512 << 20
KEPT_CHARACTERS = 4 << 20
LINE_BYTES = 1 << 20
DOUBTED = 1000
COMMON = ("python", "bash", "console", "json", "yaml", "javascript", "sql", "diff")
"""Languages that are read in before the first text: a text's time is for the text."""

TAGS = {
    *("p", "br", "hr", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "li", "blockquote", "pre", "code", "span"),
    *("em", "strong", "s", "a", "table", "thead", "tbody", "tr", "th", "td"),
}
CLASSES = {Keyword: "k", Comment: "c", String: "s", Number: "n"}
_LANGUAGE = re.compile(r"[A-Za-z0-9+#.-]{1,24}")


class Markdown:
    """Fulfils `web.ports.Typesetter` with one process, which is started when it is needed."""

    def __init__(self, *, patience_s: float = PATIENCE_S, rest_s: float = REST_S) -> None:
        self._patience_s = patience_s
        self._rest_s = rest_s
        self._kept: OrderedDict[bytes, str | None] = OrderedDict()
        self._doubted: set[bytes] = set()
        self._size = 0
        self._turn = asyncio.Lock()
        self._process: asyncio.subprocess.Process | None = None
        self._resting: asyncio.TimerHandle | None = None

    async def html(self, texts: Sequence[str]) -> list[str | None]:
        """The HTML of each text; None where it is too long, took too long, or broke the parser."""
        return [await self._one(text) for text in texts]

    async def stop(self) -> None:
        """End the process."""
        async with self._turn:
            await self._end()

    async def _one(self, text: str) -> str | None:
        if len(text) > LONGEST:
            return None
        key = sha256(text.encode("utf-8", "surrogatepass")).digest()
        if key not in self._kept:
            async with self._turn:
                if key not in self._kept:
                    html = await self._ask(text)
                    if html is None and key not in self._doubted:
                        self._doubt(key)
                        return None
                    self._keep(key, html)
        self._kept.move_to_end(key)
        return self._kept[key]

    def _doubt(self, key: bytes) -> None:
        """A first failure may be the machine's, which was busy; after a second one the text is not asked again."""
        if len(self._doubted) >= DOUBTED:
            self._doubted.clear()
        self._doubted.add(key)

    def _keep(self, key: bytes, html: str | None) -> None:
        self._kept[key] = html
        self._size += len(html or "") + 100
        while self._size > KEPT_CHARACTERS and len(self._kept) > 1:
            _, old = self._kept.popitem(last=False)
            self._size -= len(old or "") + 100

    async def _ask(self, text: str) -> str | None:
        process = await self._running()
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            async with asyncio.timeout(self._patience_s):
                process.stdin.write(json.dumps(text).encode() + b"\n")
                await process.stdin.drain()
                line = await process.stdout.readline()
        except (TimeoutError, OSError, ValueError):
            line = b""
        if not line.endswith(b"\n"):
            await self._end()
            return None
        self._rest()
        html: str | None = json.loads(line)
        return html

    async def _running(self) -> asyncio.subprocess.Process:
        if self._process is None or self._process.returncode is not None:
            command = (sys.executable, "-m", "server.markdown")
            pipe = asyncio.subprocess.PIPE
            self._process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, limit=LINE_BYTES)
            await self._greeted(self._process)
        return self._process

    async def _greeted(self, process: asyncio.subprocess.Process) -> None:
        """Starting takes longer than a text may: wait for the first word apart."""
        assert process.stdout is not None
        with suppress(TimeoutError):
            async with asyncio.timeout(10):
                await process.stdout.readline()

    def _rest(self) -> None:
        if self._resting is not None:
            self._resting.cancel()
        loop = asyncio.get_running_loop()
        self._resting = loop.call_later(self._rest_s, lambda: loop.create_task(self.stop()))

    async def _end(self) -> None:
        if self._resting is not None:
            self._resting.cancel()
        process, self._process = self._process, None
        if process is not None and process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()


# ---- inside the process ---------------------------------------------------------


def typeset(text: str) -> str | None:
    """Sanitised HTML of one text: no raw HTML, no pictures, links that open elsewhere and tell nobody from where.

    None where a letter of it would not be seen: what other agents read, people must be able to see.
    """
    parser = _parser()
    env: dict[str, object] = {}
    tokens = parser.parse(text, env)
    if _letters(text) - _letters("".join(_seen(tokens))):
        return None
    return nh3.clean(
        parser.renderer.render(tokens, parser.options, env),
        tags=TAGS,
        clean_content_tags={"script", "style"},
        attributes={"a": {"href", "title"}, "pre": {"data-language"}, "ol": {"start"}},
        allowed_classes={"span": set(CLASSES.values())},
        set_tag_attribute_values={"a": {"target": "_blank"}},
        link_rel="noopener noreferrer nofollow",
        url_schemes={"http", "https", "mailto"},
    )


def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "breaks": True, "linkify": False, "maxNesting": 20})
    parser.enable(["table", "strikethrough"]).disable("image")
    parser.add_render_rule("fence", _fence)  # type: ignore[no-untyped-call,unused-ignore]
    parser.add_render_rule("code_block", _fence)  # type: ignore[no-untyped-call,unused-ignore]
    return parser


def _letters(text: str) -> Counter[str]:
    """How often which letter stands in it, however it is escaped."""
    return Counter(letter for letter in unquote(unescape(text)) if letter.isalnum())


def _seen(tokens: Sequence[Token]) -> Iterator[str]:
    """What a person sees of it, or sees by pointing at it; a link that is its own text counts once."""
    for token in tokens:
        if token.children is not None:
            yield from _seen(token.children)
        elif token.type == "link_open" and token.markup != "autolink":
            yield f"{token.attrGet('href') or ''} {token.attrGet('title') or ''} "
        elif token.type == "fence":
            yield _language_of(token) + token.content
        else:
            yield token.content
            yield token.info if token.type == "list_item_open" else ""


def _language_of(token: Token) -> str:
    named = _LANGUAGE.match(token.info.strip())
    return named[0] if named else ""


def _fence(_renderer: object, tokens: Sequence[Token], at: int, _options: object, _env: object) -> str:
    token = tokens[at]
    language = _language_of(token)
    return f'<pre data-language="{language}"><code>{highlighted(token.content, language)}</code></pre>\n'


def highlighted(code: str, language: str) -> str:
    """Code as HTML, with its words told apart when the author named a language that is known; nothing is guessed."""
    if not language or len(code) > HIGHLIGHTED_LONGEST:
        return _escaped(code)
    try:
        lexer = get_lexer_by_name(language, stripnl=False, ensurenl=False)
    except ClassNotFound:
        return _escaped(code)
    return "".join(_colored(kind, value) for kind, value in lexer.get_tokens(code))


def _colored(kind: _TokenType, value: str) -> str:
    name = next((name for family, name in CLASSES.items() if kind[: len(family)] == family), "")
    return f'<span class="{name}">{_escaped(value)}</span>' if name else _escaped(value)


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")


def _main() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    for language in COMMON:
        highlighted("x", language)
    print(flush=True)  # noqa: T201
    for line in sys.stdin:
        try:
            html: str | None = typeset(json.loads(line))
        except Exception:  # noqa: BLE001 - whatever an author's text does to the parser, the next text is read
            html = None
        print(json.dumps(html), flush=True)  # noqa: T201


if __name__ == "__main__":
    _main()
