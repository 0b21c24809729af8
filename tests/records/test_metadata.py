"""What a bench says of all its sessions reaches the header and ``show --json``; a plan adds specimen and targets."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from controller.config.loading import load_bench
from controller.config.problems import ConfigError
from controller.daemon import describe
from controller.daemon.compose import Instruments
from controller.records import words
from controller.records.reader import open_session
from controller.records.session import Recorder
from controller.versions import dependencies
from drivers.contract import Identity

RECORDS = """records:
  folder: sessions
  metadata:
    title: Cooled needle in bovine liver
    creators: [{name: A. Miller, orcid: 0000-0002-1825-0097}]
    organisation: Institute of Tests
    licence: CC-BY-4.0
    instruments: {gen: "inventory 0815"}
  calibration:
    tc.tip_c: {date: 2026-05-01, certificate: D-K-4711, uncertainty: 0.2}
"""


def bench_file(folder: Path, records: str) -> Path:
    shipped = files("controller").joinpath("data/benches/cooled-rf-sim.yaml").read_text(encoding="utf-8")
    assert shipped.count("records: {folder: sessions}\n") == 1
    path = folder / "bench.yaml"
    path.write_text(shipped.replace("records: {folder: sessions}\n", records), encoding="utf-8")
    return path


def header(path: Path) -> dict[str, Any]:
    bench = load_bench(str(path)).fixed().bench
    instruments = SimpleNamespace(
        declarations=dict, identities={"gen": Identity("AG 0313", "SN 7", "1.4", {"rf": "2.7"})}
    )
    return describe.header(bench, path.read_text(), cast(Instruments, instruments), True, "ab" * 32)[0]


def test_the_header_says_who_with_what_and_how_it_was_calibrated(tmp_path: Path) -> None:
    head = header(bench_file(tmp_path, RECORDS))
    assert set(head) <= set(words.HEADER)
    assert head["metadata"]["creators"] == [{"name": "A. Miller", "orcid": "0000-0002-1825-0097"}]
    assert head["calibration"] == {"tc.tip_c": {"date": "2026-05-01", "certificate": "D-K-4711", "uncertainty": 0.2}}
    assert head["devices"]["gen"] == {"model": "AG 0313", "serial": "SN 7", "firmware": "1.4", "rf": "2.7"}
    assert head["drivers"]["gen"]["driver"] == "tc-cxn"
    assert head["drivers"]["gen"]["distribution"] == "openablate"
    assert set(head["software"]) >= {"openablate", "python", "sqlite", "system"}
    assert head["dependencies"]["numpy"] == dependencies()["numpy"]
    assert set(head["who"]) == {"user", "host"}
    assert head["outbox"] == []


def test_the_metadata_of_a_session(tmp_path: Path) -> None:
    recorder = Recorder.create(tmp_path, header(bench_file(tmp_path, RECORDS)), [], threaded=False)
    recorder.event(1.0, "protocol", {"name": "demo-30s", "sha256": "cd", "who": "B. Novak"})
    specimen = {"organ": "liver", "label": "bovine 37"}
    plan = {"plan": "liver-pair", "specimen": specimen, "targets": [{"target": "t1"}, {"target": "t2"}]}
    recorder.event(1.0, "plan", {"name": "liver-pair", "plan": plan, "who": ""})
    recorder.close()
    with open_session(recorder.path) as session:
        told = session.metadata()
    assert (told["title"], told["licence"]) == ("Cooled needle in bovine liver", "CC-BY-4.0")
    assert told["identifier"] == recorder.session_id
    assert told["instruments"]["gen"] == {
        "model": "AG 0313",
        "serial": "SN 7",
        "firmware": "1.4",
        "driver": "tc-cxn",
        "identifier": "inventory 0815",
    }
    assert told["operators"] == ["B. Novak"]
    assert told["protocols"] == [{"name": "demo-30s", "sha256": "cd"}]
    assert (told["plan"], told["specimen"], told["targets"]) == ("liver-pair", specimen, ["t1", "t2"])
    assert (told["simulated"], told["applicator"]) == (True, "cooled-needle-17g-3cm")


WRONG = {
    "channel": ("tc.tip_c:", "tc.tp_c:", "there is no channel tc.tp_c; did you mean tc.tip_c?"),
    "device": ("{gen:", "{generator:", "there is no device generator"),
    "orcid": ("0000-0002-1825-0097", "none", "records.metadata.creators"),
    "key": ("licence:", "license:", "license"),
}


@pytest.mark.parametrize(("old", "new", "said"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_in_the_bench_file_is_said_with_its_line(tmp_path: Path, old: str, new: str, said: str) -> None:
    path = bench_file(tmp_path, RECORDS.replace(old, new))
    with pytest.raises(ConfigError) as caught:
        load_bench(str(path))
    assert said in str(caught.value)
    assert f"{path}:" in str(caught.value)
