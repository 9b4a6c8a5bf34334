"""What the hub says to whoever started it: lines for scripts, words and a QR code for a person at a terminal."""

import subprocess
import sys

import pytest

from server.greeting import address_of
from tests.terminal import on_a_terminal

OFFER = "from server.greeting import offer; offer({address!r}, 'c0de')"


def offered(address: str) -> str:
    return on_a_terminal(OFFER.format(address=address))


def test_the_address() -> None:
    assert address_of("127.0.0.1", 8080, tls=False) == "http://127.0.0.1:8080/"
    assert address_of("::1", 8443, tls=True) == "https://[::1]:8443/"


def test_a_script_gets_the_link_and_nothing_else() -> None:
    command = [sys.executable, "-c", OFFER.format(address="http://192.168.1.7:8080/")]
    said = subprocess.run(command, capture_output=True, text=True, check=True)
    assert said.stdout == "http://192.168.1.7:8080/welcome#c0de\n"


def test_a_person_gets_a_code_for_the_phone_where_a_phone_gets_there() -> None:
    assert "█" in offered("http://192.168.1.7:8080/")


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "localhost", "0.0.0.0"])
def test_no_code_for_an_address_that_no_phone_reaches(host: str) -> None:
    said = offered(f"http://{host}:8080/")
    assert "welcome#c0de" in said
    assert "█" not in said
