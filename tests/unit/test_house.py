"""The house rules that a machine can read: who may import whom, sizes, docstrings, names."""

import ast
import graphlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ("server", "hubctl")
DOCUMENTED = (*SOURCES, "tests", "docs")

MAY_IMPORT = {
    # part: the parts of our own that it may import; the longest name that fits counts
    "server": set(),
    "server.assets": set(),
    "server.config": set(),
    "server.dependant": set(),
    "server.log": set(),
    "server.core": {"server.core"},
    "server.store": {"server.core", "server.store"},
    "server.bus": {"server.core", "server.bus"},
    # where its socket lies is known to hubctl too, which knows nothing of the server but the settings
    "server.bus.embedded": {"server.core", "server.bus", "server.config", "server.dependant"},
    "server.markdown": set(),
    "server.metrics": {"server.core"},
    "server.canary": {"server.core"},
    "server.trial": {"server.core", "server.config", "server.datadir", "server.notify"},
    "server.proving": {"server.core", "server.canary", "server.config", "server.dependant", "server.trial"},
    "server.web": {"server.core", "server.web", "server.assets"},
    "server.app": {"server"},
    "server.memory": set(),
    "server.securing": {"server"},
    "server.furnishing": {"server"},
    "server.housework": {"server"},
    "server.__main__": {"server"},
    "hubctl": {"server.config", "hubctl"},
}
ONLY_USER = {"prometheus_client": "server.metrics", "sqlalchemy": "server.store", "redis": "server.bus"}

FORBIDDEN_WORDS = {"manager", "helper", "helpers", "util", "utils", "service", "services", "base", "data", "handle"}

LONGEST_FILE = 400
LONGEST_FUNCTION = 60
USUAL_FUNCTION = 30
USUAL_SHARE = 0.9


def python_files(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


TREES = {path: ast.parse(path.read_text("utf-8"), str(path)) for path in python_files(*DOCUMENTED)}
MODULES = {module_name(path): tree for path, tree in TREES.items() if path.relative_to(ROOT).parts[0] in SOURCES}
PACKAGES = {module_name(path) for path in TREES if path.name == "__init__.py"}


def imported(module: str) -> Iterator[str]:
    """The full names of the modules that a module imports; relative ones and `from package import module` resolved."""
    for node in ast.walk(MODULES[module]):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            source = origin(module, node)
            for name in node.names:
                full = f"{source}.{name.name}"
                yield full if full in MODULES else source


def origin(module: str, node: ast.ImportFrom) -> str:
    """The module named between `from` and `import`, its leading dots resolved."""
    if not node.level:
        return node.module or ""
    above = node.level - (module in PACKAGES)
    parts = module.split(".")
    return ".".join([*parts[: len(parts) - above], *([node.module] if node.module else [])])


def within(module: str, part: str) -> bool:
    return module == part or module.startswith(f"{part}.")


def part_of(module: str) -> str:
    return max((part for part in MAY_IMPORT if within(module, part)), key=len)


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return (function.end_lineno or 0) - function.lineno + 1


def allowed(module: str, other: str) -> bool:
    # The bare package holds the version and nothing else; every part may know it.
    return other == "server" or any(within(other, part) for part in MAY_IMPORT[part_of(module)])


def test_who_imports_whom() -> None:
    ours = [(module, other) for module in MODULES for other in imported(module) if other.split(".")[0] in SOURCES]
    assert [pair for pair in ours if not allowed(*pair)] == []


def test_the_core_knows_the_standard_library_and_msgspec() -> None:
    known = {*sys.stdlib_module_names, "msgspec", "server"}
    core = [module for module in MODULES if within(module, "server.core")]
    assert [(module, name) for module in core for name in imported(module) if name.split(".")[0] not in known] == []


@pytest.mark.parametrize(("library", "home"), ONLY_USER.items())
def test_a_library_has_one_home(library: str, home: str) -> None:
    users = {module for module in MODULES for name in imported(module) if within(name, library)}
    assert sorted(user for user in users if not within(user, home)) == []


def test_no_cycles() -> None:
    graph = {module: {name for name in imported(module) if name in MODULES} for module in MODULES}
    graphlib.TopologicalSorter(graph).prepare()


def test_no_imports_inside_functions() -> None:
    hidden = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path, tree in TREES.items()
        for function in functions(tree)
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    assert hidden == []


def test_every_module_says_why_it_exists() -> None:
    silent = [path for path, tree in TREES.items() if not ast.get_docstring(tree)]
    assert [str(path.relative_to(ROOT)) for path in silent] == []


def test_files_are_short() -> None:
    scripts = [path for ending in ("*.js", "*.css") for path in (ROOT / "static").rglob(ending)]
    sizes = {str(path.relative_to(ROOT)): len(path.read_text("utf-8").splitlines()) for path in (*TREES, *scripts)}
    assert {name: lines for name, lines in sizes.items() if lines > LONGEST_FILE} == {}


def test_functions_are_short() -> None:
    # A migration is a list of tables as they were that day, read from top to bottom.
    long = {
        f"{path.relative_to(ROOT)}:{function.name}": length(function)
        for path, tree in TREES.items()
        if "migrations" not in path.parts
        for function in functions(tree)
        if length(function) > LONGEST_FUNCTION
    }
    assert long == {}


def test_nine_functions_in_ten_fit_into_a_glance() -> None:
    lengths = [length(function) for tree in MODULES.values() for function in functions(tree)]
    assert sum(lines <= USUAL_FUNCTION for lines in lengths) >= USUAL_SHARE * len(lengths)


def test_names_say_something() -> None:
    modules = {module: set(module.rsplit(".", 1)[-1].lower().split("_")) for module in MODULES}
    # What a class is, its last word says: a DataDir is a directory.
    classes = {
        f"{module}.{node.name}": {re.findall(r"[A-Z]+[a-z0-9]*", node.name)[-1].lower()}
        for module, tree in MODULES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
    }
    assert [name for name, words in {**modules, **classes}.items() if words & FORBIDDEN_WORDS] == []


def test_the_rules_see_what_they_judge() -> None:
    # A reader of imports that found none would pass everything.
    assert "server.bus.embedded_conf" in set(imported("server.bus.embedded"))
    assert not allowed("server.core.rules", "server.store")
    assert not allowed("server.web.messages", "server.bus.keys")
    assert not allowed("server.bus.keys", "hubctl.cli")
    assert not allowed("hubctl.cli", "server.app")
    assert allowed("server.app", "server.web.routes")


def test_the_hub_asks_nobody_outside() -> None:
    """Only the canary and the trial of an upgrade make requests, to the hub itself; nobody can make it ask others."""
    clients = re.compile(r"aiohttp\.ClientSession|urllib\.request|http\.client|create_connection\(|open_connection\(")
    sources = (ROOT / "server").rglob("*.py")
    asking = {path.relative_to(ROOT).as_posix() for path in sources if clients.search(path.read_text("utf-8"))}
    assert asking <= {"server/canary.py", "server/proving.py"}
