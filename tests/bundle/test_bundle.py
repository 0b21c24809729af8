"""The archive holds what is asked for, and none of the secrets that were planted everywhere."""

from __future__ import annotations

import json
import sqlite3
import zipfile
from pathlib import Path

import pytest

from controller.bundle import pack
from controller.bundle.pack import Bundle, StillThere
from controller.bundle.secrets import Secrets
from controller.cli import run
from controller.config.loading import load_bench
from controller.records.annotations import annotate
from controller.records.reader import open_session
from tests.records.recording import write

PASSWORD, TOKEN, VIEWER, BROKER_USER = "hunter2-tungsten", "Zk3tokenOfThePanel", "Vw9tokenOfTheViewer", "bench-account"
AUTHOR, ORCID, LOGIN, UNKNOWN = "Grete Hermann", "0000-0002-1825-0097", "ghermann", "nobody-ever-told-us"
PLANTED = (PASSWORD, TOKEN, VIEWER, BROKER_USER, AUTHOR, ORCID, LOGIN, UNKNOWN, "MIIEvQIBADANBg")
KEY = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBg\n-----END PRIVATE KEY-----"


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A bench that has run, with secrets wherever they may get to."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ABLATE_RUNTIME_DIR", str(tmp_path / "run"))
    monkeypatch.setenv("ABLATE_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("LOGNAME", LOGIN)
    monkeypatch.setenv("USER", LOGIN)
    (tmp_path / "pw").write_text(PASSWORD + "\n")
    (tmp_path / "pw").chmod(0o600)
    text = load_bench("cooled-rf-sim").document.text
    text = text.replace(
        "mqtt: null",
        f"mqtt: {{host: localhost, username: {BROKER_USER}, password_file: {tmp_path}/pw}}",
    ).replace(
        "records: {folder: sessions}",
        f"records: {{folder: sessions, metadata: {{creators: [{{name: {AUTHOR}, orcid: {ORCID}}}]}}}}",
    )
    (tmp_path / "bench.yaml").write_text(text)
    load_bench("bench.yaml")
    run_dir, state = tmp_path / "run" / "cooled-rf", tmp_path / "state" / "cooled-rf"
    for folder in (run_dir, state):
        folder.mkdir(parents=True)
    (run_dir / "panel.json").write_text(json.dumps({"url": "x", "token": TOKEN, "viewer_token": VIEWER}))
    (run_dir / "daemon.log").write_text(
        f"connected as {BROKER_USER} with {PASSWORD}\npassword={UNKNOWN}\nopening socket://joe:{UNKNOWN}@10.0.0.4:23\n"
        f'{{"api_key": "{UNKNOWN}"}}\nAuthorization: Bearer {TOKEN}\nGET /#token={VIEWER}\n{KEY}\n/home/{LOGIN}/x\n'
        "coolant_flow tripped: 3.0 ml/min\n"
    )
    (state / "latch.json").write_text('{"trip": {"hazard": "H38"}}')
    (state / "resets.jsonl").write_text(json.dumps({"who": LOGIN, "reason": "tube was kinked"}) + "\n")
    recorder = write(
        tmp_path / "sessions",
        ticks=40,
        bench_text=text,
        who={"user": LOGIN, "host": "lab-pc-7"},
        metadata={"creators": [{"name": AUTHOR, "orcid": ORCID}]},
    )
    annotate(recorder.path, LOGIN, {"note": f"seen by {AUTHOR}, token={UNKNOWN}"})
    return tmp_path


def unpacked(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def test_no_planted_secret_is_anywhere_in_the_archive(lab: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["bundle", "--out", "b.zip"]) == 0
    inside = unpacked(lab / "b.zip")
    for name, data in inside.items():
        for secret in PLANTED:
            assert secret.encode() not in data, f"{secret} is in {name}"
            assert secret not in name
    told = capsys.readouterr().out
    assert not any(secret in told for secret in PLANTED)
    raw = (lab / "b.zip").read_bytes()
    assert not any(secret.encode() in raw for secret in PLANTED)


def test_what_helps_is_inside(lab: Path) -> None:
    run(["bundle", "--out", "b.zip"])
    inside = unpacked(lab / "b.zip")
    log = inside["logs/cooled-rf/daemon.log"].decode()
    assert "coolant_flow tripped: 3.0 ml/min" in log
    assert "connected as <user> with <secret>" in log
    assert "opening socket://<secret>@10.0.0.4:23" in log
    assert json.loads(inside["state/cooled-rf/latch.json"])["trip"]["hazard"] == "H38"
    assert "tube was kinked" in inside["state/cooled-rf/resets.jsonl"].decode()
    assert "driver: tc-cxn" in inside["session/bench.yaml"].decode()
    versions = json.loads(inside["versions.json"])
    assert {"python", "dependencies", "plugins", "installed"} <= set(versions)
    assert versions["installed"]["pydantic"]
    assert any(finding["subject"] == "python" for finding in json.loads(inside["doctor.json"]))
    assert "panel.json" not in " ".join(inside)


def test_the_list_is_printed_and_inside(lab: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(["bundle", "--out", "b.zip"])
    told = capsys.readouterr().out
    contents = unpacked(lab / "b.zip")["CONTENTS.txt"].decode()
    for text in (told, contents):
        assert "  logs/cooled-rf/daemon.log  (" in text
        assert "  cooled-rf/panel.json: tokens of a running panel" in text
        assert "<secret>: " in text
    assert told.rstrip().endswith("wrote b.zip")


def test_the_session_inside_opens_and_says_that_it_is_a_copy(lab: Path, tmp_path: Path) -> None:
    run(["bundle", "--out", "b.zip"])
    inside = unpacked(lab / "b.zip")
    (name,) = [name for name in inside if name.endswith(".ablate")]
    (tmp_path / "copy.ablate").write_bytes(inside[name])
    with open_session(tmp_path / "copy.ablate") as session:
        assert len(session.ticks().t_s) == 40
        assert session.header["who"] == {"host": "<name>", "user": "<name>"}
        assert session.annotations()[0].who == "<name>"
    assert "The original of" in inside["session/README.txt"].decode()
    assert ": it verifies. This copy does not" in inside["session/README.txt"].decode()
    (original,) = (lab / "sessions").rglob("*.ablate")
    assert run(["sessions", "verify", str(original)]) == 0


def test_a_bench_file_that_is_wrong_comes_along_with_what_is_wrong(lab: Path) -> None:
    (lab / "bad.yaml").write_text(f"bench: x\ndevises: {{}}\npassword: {UNKNOWN}\n")
    assert run(["bundle", "--out", "b.zip", "--bench", "bad.yaml"]) == 0
    inside = unpacked(lab / "b.zip")
    assert "bad.yaml:2: devises" in inside["doctor.json"].decode()
    assert inside["files/bad.yaml"].decode() == "bench: x\ndevises: {}\npassword: <secret>\n"


def test_without_any_session_it_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["bundle", "--out", "b.zip"]) == 0
    assert "a session: there are no sessions in sessions" in capsys.readouterr().out


def test_a_damaged_session_is_no_reason_to_send_nothing(lab: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (path,) = (lab / "sessions").rglob("*.ablate")
    path.write_bytes(path.read_bytes()[:5000])
    assert run(["bundle", "--out", "b.zip"]) == 0
    assert "damaged" in capsys.readouterr().out


def test_a_file_that_is_there_is_left_as_it_is(lab: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (lab / "b.zip").write_text("precious")
    assert run(["bundle", "--out", "b.zip"]) == 3
    assert "b.zip: exists and was left as it is; name another file with --out" in capsys.readouterr().err
    assert (lab / "b.zip").read_text() == "precious"


def test_what_slipped_through_stops_the_archive(tmp_path: Path) -> None:
    bundle = Bundle(Secrets({PASSWORD: "<secret>"}))
    bundle.inside["picture.bin"] = b"\0\1" + PASSWORD.encode()
    with pytest.raises(StillThere, match=r"picture\.bin still holds <secret>"):
        bundle.write(tmp_path / "b.zip")
    assert list(tmp_path.iterdir()) == []


def test_long_logs_are_cut_at_the_front(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pack, "LOG_BYTES", 10)
    (tmp_path / "daemon.log").write_text("a" * 50 + "the end 10")
    bundle = Bundle(Secrets({}))
    bundle.file("log", tmp_path / "daemon.log")
    assert bundle.inside["log"] == b"[the first 50 bytes are left out]\nthe end 10"


@pytest.mark.parametrize(
    "text, clean",
    [
        ("password_file: /etc/ablate/pw", "password_file: /etc/ablate/pw"),
        ("tokens per start", "tokens per start"),
        ("the E-stop was passed", "the E-stop was passed"),
        ('"mqtt_password": "a b c", "x": 1', '"mqtt_password": <secret>, "x": 1'),
        ("https://host/path", "https://host/path"),
    ],
)
def test_only_secrets_go(text: str, clean: str) -> None:
    assert Secrets({}).text(text) == clean


def test_overwritten_text_is_not_left_in_free_pages(lab: Path) -> None:
    (path,) = (lab / "sessions").rglob("*.ablate")
    assert AUTHOR.encode() in path.read_bytes()
    bundle = pack.gather(lab / "run", lab / "state", [], [], path, "")
    (data,) = [data for name, data in bundle.inside.items() if name.endswith(".ablate")]
    assert AUTHOR.encode() not in data
    with sqlite3.connect(":memory:") as db:
        db.deserialize(data)
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert db.execute("PRAGMA freelist_count").fetchone() == (0,)
