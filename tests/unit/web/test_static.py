"""The page's files: joined, named by digest, and whole in the checkout as it is."""

import gzip
import json
import re
from collections import Counter
from pathlib import Path

import pytest

from server.assets import static_dir
from server.web.static import MODULES, SHEETS, BadModule, StaticFiles, joined, spare


def test_modules_are_joined_after_what_they_import() -> None:
    text = joined(
        {
            "js/a/one.js": 'import { two } from "./two.js";\nexport const one = two + 1;\n',
            "js/a/two.js": 'import { h } from "hub/x";\nexport const two = h;\n',
            "js/b/three.js": 'import { a, h } from "hub/x";\nimport { one } from "../a/one.js";\none(a, h);\n',
        }
    )
    assert text.count("import") == 1
    assert text.startswith('import { a, h } from "hub/x";\n')
    assert text.index("const two") < text.index("const one") < text.index("one(a, h)")


@pytest.mark.parametrize(
    ("modules", "reason"),
    [
        ({"a.js": "const x = 1;\n", "b.js": "function x() {}\n"}, "both declare x"),
        ({"a.js": 'import { b } from "./b.js";\n', "b.js": 'import { a } from "./a.js";\n'}, "imports itself"),
        ({"a.js": 'import { b } from "./b.js";\n'}, "not joined with it"),
    ],
)
def test_what_cannot_be_joined_says_why(modules: dict[str, str], reason: str) -> None:
    with pytest.raises(BadModule, match=reason):
        joined(modules)


def test_an_address_changes_with_the_content_alone(tmp_path: Path) -> None:
    (tmp_path / "css").mkdir()
    for name in SHEETS:
        (tmp_path / "css" / f"{name}.css").touch()
    style = tmp_path / "css" / "ground.css"
    addresses = set()
    for content in ("a { color: red }", "a { color: blue }", "a { color: red }"):
        style.write_text(content)
        addresses.add(StaticFiles(tmp_path).url("css/app.css"))
    assert len(addresses) == 2


def test_the_page_has_all_its_files_and_stays_within_its_budget() -> None:
    files = StaticFiles(static_dir())
    first = ("js/api.js", "js/store.js", "js/elements.js", "js/main.js", "js/worker.js")
    later = set(MODULES.values()) - set(first)
    addresses = [files.url(name) for name in ("css/app.css", "icons/hub.svg", "hub.webmanifest", *first, *later)]
    sizes = {}
    for address in addresses:
        _, _, digest, name = address.split("/", 3)
        found = files.find(digest, name)
        assert found is not None
        assert found.gzipped is not None
        assert gzip.decompress(found.gzipped) == found.body
        sizes[name] = len(found.gzipped)
    assert sum(sizes[name] for name in first) <= 45_000
    assert sizes["css/app.css"] <= 14_000
    assert sum(size for name, size in sizes.items() if name not in later) <= 70_000  # of 80; the page itself comes too
    assert files.find("0" * 12, "css/app.css") is None


def test_comments_and_indentation_stay_at_home() -> None:
    text = (
        '/** Why. */\nconst a = "/* no */ // no"; // gone\nf("; // kept"); // `kept`\n'
        "  /* two\n   * lines */\n  // one\n\n  f(a);\n"
    )
    assert spare(text) == 'const a = "/* no */ // no";\nf("; // kept"); // `kept`\nf(a);'
    assert spare("if (a) {\n  b();\n  c()\n}\nd\n") == "if (a) {b();c()}\nd\n"
    assert spare("a; // it's;\nb(\n  c, // isn't {\n  d\n)\n") == "a; // it's;\nb(c, // isn't {\nd)\n"
    assert "\n/*" not in spare((static_dir() / "css" / "tokens.css").read_text("utf-8"))


def test_a_manifest_names_its_icons_by_their_addresses() -> None:
    files = StaticFiles(static_dir())
    _, _, digest, name = files.url("hub.webmanifest").split("/", 3)
    found = files.find(digest, name)
    assert found is not None
    icons = [icon["src"] for icon in json.loads(found.body)["icons"]]
    assert files.url("icons/hub-512.png") in icons


def test_scripts_never_take_words_for_markup() -> None:
    """One place does: it takes the hub's own sanitised HTML, past the page's policy."""
    forbidden = re.compile(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|\beval\b|new Function")
    sources = [path for path in static_dir().rglob("*.js") if forbidden.search(path.read_text("utf-8"))]
    assert [path.name for path in sources] == ["typeset.js"]
    text = sources[0].read_text("utf-8")
    assert forbidden.findall(text) == ["innerHTML"]
    assert "template.innerHTML = trusted.html(html);" in text
    policies = [path.name for path in static_dir().rglob("*.js") if "createPolicy" in path.read_text("utf-8")]
    assert policies == ["policy.js"]


def test_elements_do_not_know_each_other_nor_the_wire() -> None:
    for path in (static_dir() / "js" / "elements").glob("*.js"):
        imports = re.findall(r'from "([^"]+)"', path.read_text("utf-8"))
        assert all(source == "hub/store" or source.startswith("../parts/") for source in imports), path.name


@pytest.mark.parametrize("catalogue", ["parts/say.js", "pages/text.js"])
def test_each_word_of_a_catalogue_is_there_once(catalogue: str) -> None:
    """JavaScript takes the last of two without a word."""
    names = re.findall(r"^  (\w+):", (static_dir() / "js" / catalogue).read_text("utf-8"), re.MULTILINE)
    assert [name for name, count in Counter(names).items() if count > 1] == []
