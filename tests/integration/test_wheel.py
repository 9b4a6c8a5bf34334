"""The wheel: holds static/ and deploy/, finds them, and takes in no file that the checkout ignores."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from hubctl.assets import deploy_dir
from server.assets import static_dir

ROOT = Path(__file__).resolve().parents[2]
TAKEN = ("server", "hubctl", "static", "deploy", "pyproject.toml", "README.md", "LICENSE", ".gitignore")

PLANTED = (
    "static/.env",
    "static/js/x.pyc",
    "static/js/__pycache__/y.cpython-311.pyc",
    "static/css/.style.css.swp",
    "static/node_modules/left/pad.js",
    "deploy/.env.local",
    "deploy/systemd/unit.service~",
    "server/hub.db",
    "server/web/trace.log",
    "hubctl/admin.token",
)
WANTED = ("static/js/planted.js", "deploy/systemd/planted.service", "server/web/templates/planted.html")

ASK = "import hubctl.assets, server.assets; print(server.assets.static_dir(), hubctl.assets.deploy_dir(), sep='\\n')"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel built from a copy of the checkout with files in it that must not slip in, and some that must."""
    checkout = tmp_path_factory.mktemp("checkout")
    for name in TAKEN:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, checkout / name)
        elif source.exists():
            shutil.copy(source, checkout / name)
    for name in (*PLANTED, *WANTED):
        path = checkout / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("planted")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(checkout / "dist")]
    built = subprocess.run(command, cwd=checkout, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stdout + built.stderr
    (file,) = (checkout / "dist").iterdir()
    return file


def inside(name: str) -> str:
    """Where a file of the checkout lies in the wheel."""
    return {"static": "server/", "deploy": "hubctl/"}.get(name.partition("/")[0], "") + name


def test_no_ignored_file_slips_in(wheel: Path) -> None:
    held = set(zipfile.ZipFile(wheel).namelist())
    assert [name for name in PLANTED if inside(name) in held] == []
    assert [name for name in held if "/." in name or name.endswith((".pyc", "~", ".log"))] == []


def test_what_belongs_is_there_once(wheel: Path) -> None:
    held = zipfile.ZipFile(wheel).namelist()
    assert [name for name in WANTED if inside(name) not in held] == []
    assert "hubctl/deploy/requirements.lock" in held
    assert {name.split("/")[0] for name in held if ".dist-info" not in name} == {"server", "hubctl"}
    assert len(held) == len(set(held))


def test_an_installed_wheel_finds_its_files(wheel: Path, tmp_path: Path) -> None:
    zipfile.ZipFile(wheel).extractall(tmp_path)
    said = subprocess.check_output(
        [sys.executable, "-c", ASK], text=True, cwd=tmp_path, env={"PYTHONPATH": str(tmp_path)}
    )
    assert said.splitlines() == [str(tmp_path / "server/static"), str(tmp_path / "hubctl/deploy")]


def test_a_checkout_finds_its_files() -> None:
    assert static_dir() == ROOT / "static"
    assert deploy_dir() == ROOT / "deploy"
    assert (deploy_dir() / "requirements.lock").is_file()
