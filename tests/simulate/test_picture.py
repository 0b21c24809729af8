"""The picture of a burn: made of every kind, whole or not at all."""

import json

import numpy as np
import pytest

from controller.cli import run
from sim import picture
from sim.world.applicator import Antenna, AntennaGroup, Conductor, ElectrodeGroup, Needle
from tests.simulate.test_command import quick  # noqa: F401 - a fixture

ANTENNA = Antenna("a", "s", 2.45e9, 0.9e-3, 0.02, 0.004, 0.7, 0.5, 0.05, 1000.0, True)


def burnt(signed=False):
    r_mm = np.linspace(0.5, 29.5, 30)
    if signed:
        r_mm = np.concatenate([-r_mm[::-1], r_mm])
    z_mm = np.linspace(-30.0, 50.0, 80)
    off = np.hypot(r_mm[:, None], z_mm[None, :] - 15.0)
    return {
        "r_mm": r_mm,
        "z_mm": z_mm,
        "temperature_c": 20.0 + 80.0 * np.exp(-off / 12.0),
        "damage": np.exp(12.0 - off),
        "necrosis": np.exp(15.0 - off),
    }


@pytest.mark.parametrize(
    "applicator",
    [
        Needle(0.7e-3, 0.03),
        ANTENNA,
        AntennaGroup(ANTENNA, ((-0.01, 0.0), (0.01, 0.0))),
        ElectrodeGroup((Conductor(((0.0, 0.0, 0.0), (0.0, 0.0, 0.02)), ((0.0, 0.0, 0.02),), 0.7e-3, True),), ((0,),)),
    ],
)
@pytest.mark.parametrize("suffix", [".png", ".svg", ".pdf"])
def test_every_applicator_in_every_format(tmp_path, applicator, suffix):
    path = tmp_path / f"zone{suffix}"
    picture.draw(path, burnt(signed=not isinstance(applicator, Needle | Antenna)), applicator, "a $title_")
    head = path.read_bytes()[:8]
    assert head.startswith({".png": b"\x89PNG", ".svg": b"<?xml", ".pdf": b"%PDF"}[suffix])
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_words_of_the_picture(tmp_path):
    path = tmp_path / "zone.svg"
    picture.draw(path, burnt(), Needle(0.7e-3, 0.03), "title")
    text = path.read_text()
    for words in ("temperature, °C", "10 mm", "white zone", "necrosis", "along the axis, mm"):
        assert words in text


def test_the_same_picture_twice(tmp_path):
    for name in ("a.svg", "b.svg"):
        picture.draw(tmp_path / name, burnt(), Needle(0.7e-3, 0.03), "title")
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()


def test_cold_tissue_has_no_edge(tmp_path):
    data = burnt()
    cold = {**data, "temperature_c": np.full_like(data["temperature_c"], 20.0), "damage": np.zeros_like(data["damage"])}
    picture.draw(tmp_path / "zone.png", {**cold, "necrosis": cold["damage"]}, Needle(0.7e-3, 0.03), "title")
    assert (tmp_path / "zone.png").stat().st_size > 0


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "zone.png"
    path.write_bytes(b"old")

    def fails(_):
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        picture.atomically(path, fails)
    assert [p.name for p in tmp_path.iterdir()] == ["zone.png"]
    assert path.read_bytes() == b"old"


def test_refusals(tmp_path):
    assert picture.refusal(tmp_path / "zone.PNG") == ""
    assert "by its suffix" in picture.refusal(tmp_path / "zone.jpg")
    assert "by its suffix" in picture.refusal(tmp_path / "zone")
    assert "there is no folder" in picture.refusal(tmp_path / "no" / "zone.png")
    (tmp_path / "folder.png").mkdir()
    assert "is a folder" in picture.refusal(tmp_path / "folder.png")
    with pytest.raises(ValueError, match="by its suffix"):
        picture.draw(tmp_path / "zone.gif", burnt(), Needle(0.7e-3, 0.03), "title")


def test_the_command_writes_it(quick, tmp_path, capsys):  # noqa: F811
    path = tmp_path / "zone.png"
    assert run(["simulate", quick, "--picture", str(path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["duration_s"] == pytest.approx(20.0)
    assert path.read_bytes().startswith(b"\x89PNG")
