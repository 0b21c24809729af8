"""``ablate init``: what it writes works, what it is told wrongly is said in the words of the file's own checks."""

from __future__ import annotations

import json
import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from controller.cli import run
from controller.config import setup
from controller.config.loading import declare, load_bench
from controller.config.problems import Problem
from controller.wizard import offers, talk
from controller.wizard.offers import Offer
from controller.wizard.questions import Question
from drivers import registry
from drivers.registry import load_driver
from drivers.tc_cxn.driver import TcCxn
from drivers.tc_cxn.model import TcCxnOptions

GENERATORS = [row.driver for row in offers.instruments("generator")]
FOUND = (Offer("/dev/serial/by-id/usb-a", "FT232R"), Offer("/dev/serial/by-id/usb-b", "SCC1"))


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


class Scripted:
    """Answers by key; what is not given is as usual. Keeps what was asked, and what was wrong."""

    def __init__(self, **answers: Any) -> None:
        self._answers = {key.replace("__", "."): value for key, value in answers.items()}
        self.asked: list[Question] = []
        self.wrong: list[Problem] = []

    def __call__(self, question: Question, problems: Sequence[Problem]) -> Any:
        self.asked.append(question)
        self.wrong += problems
        answer = self._answers.get(question.key, question.default)
        return answer.pop(0) if isinstance(answer, list) else answer


def answered(here: Path, answers: Scripted, ports: Sequence[Offer] = ()) -> dict[str, Any]:
    text = talk.interview(answers, ports, "bench.yaml", "my-bench")
    (here / "bench.yaml").write_text(text, encoding="utf-8")
    load_bench(here / "bench.yaml")
    data: dict[str, Any] = yaml.safe_load(text)
    return data


# ---- what is written


def test_nobody_at_all_gets_a_simulated_bench_that_takes_a_shipped_protocol(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["init", "--simulated"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "wrote bench.yaml and bench.schema.json (for editors)",
        "next: ablate doctor bench.yaml         every device opened and identified, nothing energised",
        "next: ablate run bench.yaml demo-30s   one application; Ctrl-C is off",
    ]
    assert run(["config", "check", "bench.yaml", "demo-30s"]) == 0
    assert run(["rehearse", "bench.yaml", "demo-30s"]) == 0


def test_the_first_line_leads_an_editor_to_the_schema(here: Path) -> None:
    run(["init", "--simulated", "--out", "lab/ours.yaml"])
    text = (here / "lab" / "ours.yaml").read_text()
    assert text.splitlines()[0] == "# yaml-language-server: $schema=./bench.schema.json"
    assert "\nbench: ours\n" in text
    jsonschema = pytest.importorskip("jsonschema")
    schema = json.loads((here / "lab" / "bench.schema.json").read_text())
    bench = json.loads(json.dumps(yaml.safe_load(text)))  # a JSON schema knows keys of text only
    jsonschema.Draft202012Validator(schema).validate(bench)


@pytest.mark.parametrize("generator", GENERATORS)
def test_every_generator_and_every_applicator_for_it_make_a_bench(generator: str, here: Path) -> None:
    for fitting in offers.fittings(offers.instrument("generator", generator).modality):
        data = answered(here, Scripted(generator=generator, applicator=fitting.name))
        assert data["devices"]["gen"]["driver"] == generator
        assert data["applicator"]["name"] == fitting.name
        assert ("pump" in data["devices"]) is fitting.cooled


@pytest.mark.parametrize("part", ["pump", "thermometer", "contacts", "enable", "flow"])
def test_every_other_instrument_makes_a_bench(part: str, here: Path) -> None:
    for row in offers.instruments(part):
        data = answered(here, Scripted(**{part: row.driver}))
        assert row.driver in [device["driver"] for device in data["devices"].values()]


def test_the_table_of_instruments_says_what_the_drivers_declare() -> None:
    for row in offers.instruments("generator"):
        kind = load_driver(row.driver)
        ports = dict.fromkeys(kind.MORE_PORTS, "sim://x")
        declared = declare(kind, "gen", kind.OPTIONS.model_validate({**row.options, **ports}))
        assert (declared.role, declared.modality) == ("source", row.modality)
        assert declared.power_max_w == row.options["power_limit_w"]


def test_roles_follow_from_the_names_of_sensors_and_contacts(here: Path) -> None:
    channels = {105: "tissue_5mm_c", 106: "critical_nerve_c", 107: "tip_c"}
    pins = {"estop_1_closed": 4, "estop_2_closed": 5, "leak_tray_closed": 6}
    data = answered(here, Scripted(thermometer__channels=channels, contacts__pins=pins))
    assert data["roles"]["tissue"] == ["tc.tissue_5mm_c"]
    assert data["roles"]["critical"] == ["tc.critical_nerve_c"]
    assert data["roles"]["tip"] == "tc.tip_c"
    assert data["roles"]["coolant"] == "flow.coolant_c"  # no sensor of its own: the flow sensor's
    assert data["roles"]["estop"] == ["inputs.estop_1_closed", "inputs.estop_2_closed"]
    assert data["roles"]["leak"] == ["inputs.leak_tray_closed"]
    assert "footswitch" not in data["roles"]


# ---- real ports


def test_ports_that_are_there_are_offered_once_and_must_be_chosen(here: Path) -> None:
    answers = Scripted(where="real", generator__port=FOUND[0].value, flow__port=FOUND[1].value)
    data = answered(here, answers, FOUND)  # the others: what stands in for the answer that must be given
    asked = {question.key: question for question in answers.asked}
    assert asked["generator.port"].must
    assert asked["generator.port"].offers == FOUND
    assert asked["pump.port"].offers == FOUND[1:]
    assert data["devices"]["gen"]["port"] == "/dev/serial/by-id/usb-a"


def test_a_port_that_is_taken_is_refused_at_once(here: Path) -> None:
    answers = Scripted(where="real", generator__port="/dev/ttyS9", pump__port=["/dev/ttyS9", "/dev/ttyS8"])
    assert answered(here, answers)["devices"]["pump"]["port"] == "/dev/ttyS8"
    assert [(problem.message, problem.hint) for problem in answers.wrong] == [
        ("/dev/ttyS9 already belongs to gen", "one owner per port")
    ]


def test_an_emulated_device_among_real_ones_is_refused_at_once(here: Path) -> None:
    answers = Scripted(where="real", pump__port=["sim://pump", "/dev/ttyS8"])
    assert answered(here, answers)["devices"]["pump"]["port"] == "/dev/ttyS8"
    assert [problem.path for problem in answers.wrong] == ["devices.pump.port"]
    assert "real and simulated ports in one bench" in answers.wrong[0].message


# ---- wrong answers


@pytest.mark.parametrize(
    "key, bad, good, message",
    [
        ("bench", "My Bench", "mine", "must match pattern"),
        ("where", "both", "real", "'both' is neither simulated nor real"),
        ("generator", "tc-cnx", "tc-cxn", "tc-cnx"),
        ("applicator", "cooled-needle-17g-3m", "cooled-needle-17g-3cm", "there is no applicator cooled-needle-17g-3m"),
        ("limits.power_w", 900, 100, "900 W is above the generator's 200 W"),
        ("limits.tissue_c", "hot", 90, "valid number"),
        ("enable", "none", "numato-relay", ""),
        ("thermometer.channels", {101: "nose_c"}, {101: "tip_c"}, "nose_c says not which part it plays"),
        ("contacts.pins", {"door_closed": 0}, {"estop_a_closed": 0, "estop_b_closed": 1}, "no E-stop is wired"),
    ],
)
def test_a_wrong_answer_is_told_at_once_and_asked_again(
    key: str, bad: object, good: object, message: str, here: Path
) -> None:
    more = {"generator": "kuhne-kusg"} if key == "enable" else {}  # which has no dead-man of its own
    answers = Scripted(**{**more, key.replace(".", "__"): [bad, good]})
    answered(here, answers)
    asked = [question.key for question in answers.asked]
    assert asked.count(key) == 2
    assert all(asked.count(other) == 1 for other in asked if other != key)
    assert message in answers.wrong[0].message
    if key == "enable":
        assert "this bench has no enable line" in answers.wrong[0].message


class Named(TcCxnOptions):
    shelf: int


class Acme(TcCxn):
    MODEL = "acme-gen"
    OPTIONS = Named
    API_VERSION = 1


def test_a_driver_that_stands_in_no_table_is_asked_for_what_it_needs(here: Path) -> None:
    with registry.lent(registry.GROUP, "acme-gen", Acme):
        answers = Scripted(generator="acme-gen", generator__shelf=3)
        data = answered(here, answers)
    asked = {question.key: question for question in answers.asked}
    assert asked["generator.shelf"].must
    assert data["devices"]["gen"] == {"driver": "acme-gen", "port": "sim://gen", "options": {"shelf": 3}}


# ---- from a file, without a terminal


def test_answers_from_a_file(here: Path) -> None:
    (here / "answers.yaml").write_text(
        "bench: lab-2\ngenerator: sairem-gms\ngenerator.framing: rtu\nlimits.coolant_c: 30\nrecords.folder: data\n"
    )
    assert run(["init", "--from", "answers.yaml", "--out", "b.yaml"]) == 0
    bench = load_bench("b.yaml").bench
    assert (bench.bench, bench.limits.coolant_c, bench.records.folder) == ("lab-2", 30, "data")
    assert bench.devices["gen"].options["framing"] == "rtu"
    assert setup.load("b.yaml", "microwave-40w-10min")


@pytest.mark.parametrize(
    "text, told",
    [
        ("bench: b\ngenrator: tc-cxn\n", "answers.yaml:2: genrator: nothing asks for it; did you mean generator?"),
        (
            "limits.power_w: 900\n",
            "answers.yaml:1: limits.power_w: 900 W is above the generator's 200 W (b.yaml:",
        ),
        ("where: real\n", "answers.yaml:1: generator.port: missing: a real port is named by you alone"),
        ("records.folder: 7\n", "answers.yaml:1: records.folder: is no text; quote it"),
    ],
)
def test_a_file_with_a_wrong_answer_is_no_bench(
    text: str, told: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "answers.yaml").write_text(text)
    assert run(["init", "--from", "answers.yaml", "--out", "b.yaml"]) == 3
    assert told in capsys.readouterr().err
    assert not (here / "b.yaml").exists()


def test_nothing_is_overwritten_unasked(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "bench.yaml").write_text("bench: precious\n")
    assert run(["init", "--simulated"]) == 3
    assert "bench.yaml exists and was left as it is; name another file with --out" in capsys.readouterr().err
    assert (here / "bench.yaml").read_text() == "bench: precious\n"


def test_without_terminal_and_answers_it_says_how(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["init"]) == 2
    assert "give --from ANSWERS.yaml, or --simulated" in capsys.readouterr().err


# ---- a person at a terminal


class Terminal:
    """The command on a pseudo-terminal."""

    def __init__(self, *argv: str) -> None:
        self._fd, theirs = pty.openpty()
        command = [sys.executable, "-m", "controller", "init", *argv]
        environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), "COLUMNS": "120"}
        self.process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment)
        os.close(theirs)
        self.told = ""

    def reads(self, text: str, timeout_s: float = 20.0) -> None:
        """Wait until it has said ``text`` after what was read before."""
        until_s, begin = time.monotonic() + timeout_s, len(self.told)
        while text not in self.told[begin:]:
            assert time.monotonic() < until_s, self.told
            if select.select([self._fd], [], [], 0.1)[0]:
                try:
                    self.told += os.read(self._fd, 4096).decode(errors="replace")
                except OSError:  # the other end is closed
                    assert text in self.told[begin:], self.told

    def types(self, text: str) -> None:
        """Type a line."""
        os.write(self._fd, f"{text}\n".encode())

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._fd)


@pytest.fixture
def terminal() -> Iterator[list[Terminal]]:
    opened: list[Terminal] = []
    yield opened
    for one in opened:
        one.close()


@pytest.mark.process
def test_enter_throughout_makes_the_bench_that_is_made_without_a_person(here: Path, terminal: list[Terminal]) -> None:
    terminal.append(person := Terminal("--out", "mine.yaml"))
    person.reads("What is the bench called?")
    for _ in range(40):
        person.types("")
    person.reads("next: ablate run mine.yaml demo-30s")
    assert person.process.wait(10) == 0
    assert "an hour" not in person.told
    assert "  it opens when nobody refreshes it: energy ends even when this computer has died" in person.told
    run(["init", "--simulated", "--out", "mine-2.yaml"])
    assert (here / "mine.yaml").read_text() == (here / "mine-2.yaml").read_text().replace("mine-2", "mine")


@pytest.mark.process
def test_a_person_chooses_by_number_errs_and_may_keep_the_old_file(here: Path, terminal: list[Terminal]) -> None:
    (here / "bench.yaml").write_text("bench: precious\n")
    terminal.append(first := Terminal("--simulated"))
    first.reads("bench.yaml exists. Replace it?")
    first.types("")
    assert first.process.wait(10) == 3
    assert (here / "bench.yaml").read_text() == "bench: precious\n"
    terminal.append(second := Terminal("--simulated"))
    second.reads("Replace it?")
    second.types("y")
    second.reads("What is the bench called?")
    second.types("Lab 1")
    second.reads("bench: must match pattern")
    second.types("lab-1")
    second.reads("Which generator gives the energy?")
    second.types("2")
    for _ in range(40):
        second.types("")
    second.reads("wrote bench.yaml")
    assert second.process.wait(10) == 0
    bench = load_bench("bench.yaml").bench
    assert (bench.bench, bench.devices["gen"].driver) == ("lab-1", "ae-bus")
