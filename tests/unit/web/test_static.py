"""The page's files: joined, named by digest, and whole in the checkout as it is."""

import gzip
import re
from pathlib import Path

import pytest

from server.assets import static_dir
from server.web.static import MODULES, SHEETS, BadModule, StaticFiles, joined


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
    addresses = [files.url(name) for name in ("css/app.css", "icons/hub.svg", "js/main.js", *MODULES.values())]
    sizes = {}
    for address in addresses:
        _, _, digest, name = address.split("/", 3)
        found = files.find(digest, name)
        assert found is not None
        assert found.gzipped is not None
        assert gzip.decompress(found.gzipped) == found.body
        sizes[name] = len(found.gzipped)
    assert sum(size for name, size in sizes.items() if name.endswith(".js")) <= 45_000
    assert sizes["css/app.css"] <= 14_000
    assert files.find("0" * 12, "css/app.css") is None


def test_scripts_never_take_words_for_markup() -> None:
    forbidden = re.compile(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|\beval\b|new Function")
    sources = [path for path in static_dir().rglob("*.js") if forbidden.search(path.read_text("utf-8"))]
    assert sources == []


def test_elements_do_not_know_each_other_nor_the_wire() -> None:
    for path in (static_dir() / "js" / "elements").glob("*.js"):
        imports = re.findall(r'from "([^"]+)"', path.read_text("utf-8"))
        assert all(source == "hub/store" or source.startswith("../parts/") for source in imports), path.name
