"""The hub in a Prometheus and a Grafana that are there already: put in with consent, taken out without a trace."""

import re
from pathlib import Path

import pytest

from hubctl.answers import Answers
from hubctl.engine import Stopped, setup
from hubctl.observed import GRAFANA, PROMETHEUS
from hubctl.steps.observing import BEGIN
from tests.unit.hubctl.fake_machine import PROMETHEUS_YML, Machine

WATCHED = Answers(port=9000, monitoring=True)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path / "machine")


def build(machine: Machine, answers: Answers) -> int:
    return setup(machine.recipe(answers), machine.host, machine.receipt, adopt=(), say=lambda _step, _words: None)


def configuration(machine: Machine) -> str:
    return (machine.root / PROMETHEUS[1:]).read_text()


def test_nothing_is_put_there_unasked(machine: Machine) -> None:
    build(machine, Answers())
    assert configuration(machine) == PROMETHEUS_YML
    assert list((machine.root / GRAFANA[1:] / "dashboards").iterdir()) == []


def test_the_block_stands_in_the_lists_and_the_rest_stays_as_it_was(machine: Machine) -> None:
    build(machine, WATCHED)
    text = configuration(machine)
    assert text.replace("  ", "").count(BEGIN) == 2
    assert 'targets: ["127.0.0.1:9000"]' in text
    ours = re.compile(r"^ *# openclaw-hub: begin\n.*?# openclaw-hub: end\n", re.MULTILINE | re.DOTALL)
    assert ours.sub("", text) == PROMETHEUS_YML
    assert "insecure_skip_verify" not in text


def test_it_follows_the_hubs_address(machine: Machine) -> None:
    build(machine, WATCHED)
    build(machine, Answers(port=9001, monitoring=True, tls="self"))
    text = configuration(machine)
    assert 'targets: ["127.0.0.1:9001"]' in text
    assert "9000" not in text
    assert "scheme: https" in text


@pytest.mark.parametrize(
    "before",
    [
        PROMETHEUS_YML,
        "global: {}\n",
        "scrape_configs:\n- job_name: a\n  static_configs: []\n",
        "rule_files: # ours\n\n    - a.yml\nscrape_configs:\n    - job_name: a\n",
    ],
)
def test_it_is_taken_out_byte_for_byte(machine: Machine, before: str) -> None:
    (machine.root / PROMETHEUS[1:]).write_text(before)
    build(machine, WATCHED)
    assert configuration(machine) != before
    build(machine, Answers(port=9000))
    assert configuration(machine) == before


def test_what_prometheus_itself_refuses_is_put_back(machine: Machine) -> None:
    machine.promtool_refuses = True
    with pytest.raises(Stopped, match="promtool refuses it"):
        build(machine, WATCHED)
    assert configuration(machine) == PROMETHEUS_YML


def test_a_list_on_one_line_is_left_alone(machine: Machine) -> None:
    (machine.root / PROMETHEUS[1:]).write_text("rule_files: []\n")
    with pytest.raises(Stopped, match="a line of its own"):
        build(machine, WATCHED)
    assert configuration(machine) == "rule_files: []\n"
