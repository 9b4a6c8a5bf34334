"""The page's files as they go over the wire: read once, joined, named by their digest and compressed in memory.

A folder of small modules travels as one (`js/elements/*.js` as `js/elements.js`), for aiohttp speaks HTTP/1.1 and each
request costs a round trip. The house rules for those files make the joining plain text work: imports stand on one line
each at the left margin, names are never renamed, and no two files of a folder declare the same name. Comments and
indentation stay at home; so no string runs over several lines.
"""

import gzip
import hashlib
import mimetypes
import re
from dataclasses import dataclass
from pathlib import Path

SHEETS = ("tokens", "ground", "frame", "log", "acts", "write", "pages", "panes", "narrow")
"""The parts of `css/app.css` in order: a later one may say otherwise than an earlier."""

BUNDLES = {
    "js/main.js": ("js/main",),
    "js/store.js": ("js/store",),
    "js/elements.js": ("js/parts", "js/elements"),
    "js/door.js": ("js/door",),
    "js/guide.js": ("js/guide",),
    "js/sheet.js": ("js/sheet",),
    "js/notices.js": ("js/notices",),
    "js/pages.js": ("js/pages",),
    "js/stream.js": ("js/stream",),
    "js/worker.js": ("js/stream", "js/worker"),
}
"""A joined module and the folders and files that it is made of, in order; a file is served by itself too."""

MODULES = {
    "hub/api": "js/api.js",
    "hub/stream": "js/stream.js",
    "hub/store": "js/store.js",
    "hub/elements": "js/elements.js",
    "hub/door": "js/door.js",
    "hub/guide": "js/guide.js",
    "hub/sheet": "js/sheet.js",
    "hub/notices": "js/notices.js",
    "hub/pages": "js/pages.js",
}
"""What the page's import map calls each module."""

_TYPES = {".js": "text/javascript", ".webmanifest": "application/manifest+json"}

TEXTS = {".css", ".js", ".svg", ".json", ".webmanifest"}

_IMPORT = re.compile(r'^import (?:\{([^}\n]*)\} from )?"([^"\n]+)";\n', re.MULTILINE)
_DECLARED = re.compile(r"^(?:export )?(?:async )?(?:function\*?|class|const|let) (\w+)", re.MULTILINE)

_REMARK = re.compile(r"^[ \t]*(?:/\*(?:[^*]|\*(?!/))*\*/|//[^\n]*)[ \t]*\n", re.MULTILINE)
_ASIDE = re.compile(r"(?<=[;{},)\]]) // [^\n\"'`]*$", re.MULTILINE)
"""A remark behind code. One with a quote in it stays, as it could be the end of a string."""

_SOURCE = re.compile(r'"src": "([^"]+)"')
_MARGIN = re.compile(r"^[ \t]+|^\n", re.MULTILINE)
_BREAK = re.compile(r"^((?:(?!//)[^\n])*)(?:(?<=[;{,(\[])\n|\n(?=[}\])]))", re.MULTILINE)
"""The end of a line where none is needed; never one that a remark may end with."""


class BadModule(Exception):
    """A file that cannot be joined; the text says why."""


@dataclass(frozen=True, slots=True)
class StaticFile:
    """One file: its bytes, the same compressed (None when that is no gain), its type and its digest."""

    body: bytes
    gzipped: bytes | None
    content_type: str
    digest: str


class StaticFiles:
    """Every file under `folder` by its path there, joined modules included, and their addresses."""

    def __init__(self, folder: Path) -> None:
        texts = {path.relative_to(folder).as_posix(): path.read_bytes() for path in _files(folder)}
        inside = ("css/", *(part + "/" for parts in BUNDLES.values() for part in parts if not part.endswith(".js")))
        self._files = {name: _static_file(name, body) for name, body in texts.items() if not name.startswith(inside)}
        for name in [name for name in self._files if name.endswith(".webmanifest")]:
            named = _SOURCE.sub(lambda found: f'"src": "{self.url(found[1])}"', texts[name].decode())
            self._files[name] = _static_file(name, named.encode())
        self._files["css/app.css"] = _static_file(
            "css/app.css", b"\n".join(texts[f"css/{name}.css"] for name in SHEETS)
        )
        for name, parts in BUNDLES.items():
            modules = {
                key: texts[key].decode()
                for part in parts
                for key in sorted(texts)
                if key == part or key.startswith(part + "/")
            }
            self._files[name] = _static_file(name, joined(modules).encode())

    def url(self, name: str) -> str:
        """The address of a file, which changes with its content. KeyError when there is no such file."""
        return f"/static/{self._files[name].digest}/{name}"

    def find(self, digest: str, name: str) -> StaticFile | None:
        """The file of that name if it still has that digest."""
        found = self._files.get(name)
        return found if found and found.digest == digest else None

    def import_map(self) -> dict[str, dict[str, str]]:
        """The page's import map: bare names to addresses."""
        return {"imports": {name: self.url(path) for name, path in MODULES.items()}}


def joined(modules: dict[str, str]) -> str:
    """One module out of several, each after those it imports; imports from elsewhere stand first, once each."""
    outside: dict[str, set[str]] = {}
    declared: dict[str, str] = {}
    bodies = []
    for path in _in_order(modules):
        for names, source in _IMPORT.findall(modules[path]):
            if not source.startswith("."):
                outside.setdefault(source, set()).update(name.strip() for name in names.split(",") if name.strip())
        body = _IMPORT.sub("", modules[path])
        for name in _DECLARED.findall(body):
            if name in declared:
                raise BadModule(f"{path} and {declared[name]} both declare {name}")
            declared[name] = path
        bodies.append(f"/* {path} */\n{body}")
    heads = [f'import {{ {", ".join(sorted(names))} }} from "{source}";\n' for source, names in sorted(outside.items())]
    return "".join(heads) + "\n".join(bodies)


def _in_order(modules: dict[str, str]) -> list[str]:
    order: list[str] = []

    def visit(path: str, above: tuple[str, ...]) -> None:
        if path in above:
            raise BadModule(f"{path} imports itself by way of {' and '.join(above)}")
        if path in order:
            return
        for _, source in _IMPORT.findall(modules[path]):
            if source.startswith("."):
                visit(_resolved(path, source, modules), (*above, path))
        order.append(path)

    for path in modules:
        visit(path, ())
    return order


def _resolved(path: str, source: str, modules: dict[str, str]) -> str:
    parts = path.split("/")[:-1]
    for step in source.split("/"):
        if step == "..":
            parts.pop()
        elif step != ".":
            parts.append(step)
    target = "/".join(parts)
    if target not in modules:
        raise BadModule(f"{path} imports {source}, which is not joined with it")
    return target


def _files(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.rglob("*")) if path.is_file() and not path.name.startswith(".")]


def spare(text: str) -> str:
    """A script or a sheet without its comments, without indentation and most ends of lines."""
    return _BREAK.sub(r"\1", _MARGIN.sub("", _ASIDE.sub("", _REMARK.sub("", text))))


def _static_file(name: str, body: bytes) -> StaticFile:
    suffix = Path(name).suffix
    if suffix in (".js", ".css"):
        body = spare(body.decode()).encode()
    content_type = _TYPES.get(suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"
    gzipped = gzip.compress(body, 9, mtime=0) if suffix in TEXTS else None
    digest = hashlib.sha256(body).hexdigest()[:12]
    return StaticFile(body, gzipped if gzipped and len(gzipped) < len(body) else None, content_type, digest)
