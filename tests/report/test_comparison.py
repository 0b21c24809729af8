"""Sessions over one another: what differs is told, what does not is only counted."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("matplotlib", reason="matplotlib is not installed: pip install 'openablate[report]'")

from controller import cli
from controller.records.reader import open_session
from controller.report import comparison
from tests.report.applications import HEADER, application
from tests.report.test_report import HOSTILE, Elements


def test_what_differs_is_told_and_what_does_not_is_counted(tmp_path: Path):
    limits = {**HEADER["limits"], "tip_c": 55.0}
    first = application(tmp_path / "a")
    second = application(tmp_path / "b", minutes=0.25, trip=True, limits=limits, seed=2)
    out = tmp_path / "both.html"
    assert cli.run(["sessions", "report", "--compare", str(first), str(second), "-o", str(out)]) == 0
    text = Elements(out.read_text()).text
    for told in (
        "A against B",
        "A delivered",
        "B delivered",
        "B TRIP impedance_high",
        "time since FIRE, s",
        "SIMULATED",
    ):
        assert told in text, told
    with open_session(first) as a, open_session(second) as b:
        asked = [comparison.asked(s, comparison.digest(s)) for s in (a, b)]
        happened = [comparison.happened(s, comparison.digest(s)) for s in (a, b)]
    differ = {name for name in asked[0] if asked[0][name] != asked[1].get(name)}
    assert differ == {"law: duration", "limits: tip", "seed"}
    assert (asked[0]["limits: tip"], asked[1]["limits: tip"]) == ("60 °C", "55 °C")
    assert (happened[0]["result"], happened[1]["result"]) == ("completed", "tripped")
    assert (happened[0].get("trip: hazard"), happened[1]["trip: hazard"]) == (None, "H50")
    assert f"The same in all: {len(asked[0]) - 3} more." in text


def test_the_same_session_differs_in_nothing(tmp_path: Path):
    path = application(tmp_path)
    with open_session(path) as a, open_session(path) as b:
        assert comparison.render([a, b]).count("<p>Nothing.</p>") == 2


def test_hostile_text_stays_text(tmp_path: Path):
    roles = {**HEADER["roles"], HOSTILE: HOSTILE}
    hostile = application(tmp_path / "a", bench=HOSTILE, roles=roles, applicator={HOSTILE: HOSTILE})
    plain = application(tmp_path / "b")
    with open_session(hostile) as a, open_session(plain) as b:
        page = Elements(comparison.render([a, b]))
    assert not {"script", "img"} & page.tags
    assert not [name for _, name, _ in page.attributes if name.startswith("on")]
    assert "<script>alert('x')</script>" in page.text


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--compare", "a"], "1 sessions cannot be compared on one page: give 2 to 6"),
        (["--compare", *"aaaaaaa"], "7 sessions cannot be compared"),
        (["a", "a"], "--compare makes one page of them"),
        (["a", "--junit", "x.xml", "--pdf"], "leave the other options away"),
    ],
)
def test_wrong_use(options: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    path = str(application(tmp_path))
    given = [path if option == "a" else option for option in options]
    assert cli.run(["sessions", "report", *given]) == 2
    assert said in capsys.readouterr().err
