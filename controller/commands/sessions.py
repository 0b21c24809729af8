"""``ablate sessions``: what was recorded. Reads only; safe while a session is being written."""

from __future__ import annotations

import json
import webbrowser
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from controller.exits import Exit

if TYPE_CHECKING:
    from controller.records.reader import SessionFile

FOLDER = click.option(
    "--folder",
    type=click.Path(path_type=Path),
    default=Path("sessions"),
    show_default=True,
    help="Where sessions lie (records.folder of the bench file).",
)
JSON = click.option("--json", "as_json", is_flag=True, help="Machine-readable output.")

ORIGIN = {True: "simulated", False: "real"}


@click.group()
def sessions() -> None:
    """List, show, report and verify recorded sessions.

    SESSION is a file, `last` for the one written last, or the beginning of an id or of a file's name.
    """


@sessions.command("list")
@FOLDER
@JSON
def list_(folder: Path, as_json: bool) -> None:
    """List the sessions of a folder, the newest at the end.

    \b
    Examples:
      ablate sessions list
      ablate sessions list --folder /data/sessions --json
    """
    from controller.records.reader import find_sessions

    rows = [_row(path) for path in find_sessions(folder)]
    if as_json:
        click.echo(json.dumps(rows))
        return
    if not rows:
        click.echo(f"no sessions in {folder}; `ablate demo` makes one")
    for row in rows:
        if "problem" in row:
            click.echo(f"{'?':19}  unreadable: {_printable(row['problem'])}  {row['file']}")
            continue
        ended = f"{row['duration_s']:.1f} s  {row['energy_j'] / 1000:.2f} kJ" if row["duration_s"] is not None else ""
        told = f"{row['utc'][:19]}  {row['bench']:14}  {row['protocol'] or '-':22}  {row['result']:10}  {ended:18}"
        click.echo(f"{_printable(told)}  {ORIGIN[row['simulated']]:9}  {row['file']}")


@sessions.command()
@click.argument("session")
@FOLDER
@JSON
def show(session: str, folder: Path, as_json: bool) -> None:
    """Show what a session is, how it ended, and what happened in it.

    \b
    Examples:
      ablate sessions show last
      ablate sessions show 01M80R04B0 --json
    """
    from controller.records.reader import open_session

    path = find(session, folder)
    with open_session(path) as opened:
        events = opened.events()
        if as_json:
            told = {
                "file": str(path),
                "closed": opened.closed,
                "header": opened.header,
                "channels": [channel._asdict() for channel in opened.channels.values()],
                "events": [event._asdict() for event in events],
                "summary": opened.summary,
                "treatment": _treatment(opened),
            }
            click.echo(json.dumps(told))
            return
        row = _facts(path, opened)
        for name in ("file", "id", "utc", "bench", "protocol", "simulated", "result", "duration_s", "energy_j"):
            click.echo(f"{name:12} {_printable(str(row[name])) if row[name] is not None else '-'}")
        if not opened.closed:
            click.echo("not closed: it is still being written, or its writer was killed")
        _show_plan(_treatment(opened))
        ticks = opened.ticks()
        span = f" from t = {ticks.t_s[0]:.2f} to {ticks.t_s[-1]:.2f} s" if len(ticks.t_s) else ""
        click.echo(f"\n{len(ticks.t_s)} ticks{span}")
        click.echo("\nchannels")
        for channel in opened.channels.values():
            series = opened.series(channel.name)
            good = series.value[series.quality == 0]
            unit = "" if channel.unit == "1" else f" {_printable(channel.unit)}"
            span = f"{good.min():.5g} to {good.max():.5g}{unit}" if good.size else "no good reading"
            click.echo(f"  {_printable(channel.name):24} {len(series.t_s):8} samples  {span}")
        click.echo("\nevents")
        for event in events:
            click.echo(f"  {event.t_s:10.2f} s  {_printable(event.kind):10} {_printable(json.dumps(event.data))[:140]}")


def _treatment(session: SessionFile) -> dict[str, Any] | None:
    """Plan, applications and targets of a session; None for one without a plan."""
    from controller.treatment.summary import from_session

    found = from_session(session)
    return found.as_dict() if found is not None else None


def _show_plan(treatment: dict[str, Any] | None) -> None:
    """Targets and applications, a line each."""
    if treatment is None:
        return
    from controller.treatment.words import application, covered

    click.echo(f"{'plan':12} {_printable(treatment['plan'])}")
    for target in treatment["targets"]:
        click.echo(f"\ntarget {_printable(target['target'])}: {covered(target)}")
        for one in treatment["applications"]:
            if one["target"] == target["target"]:
                click.echo(f"  {_printable(application(one, target))}")


@sessions.command()
@click.argument("session")
@click.option("-o", "--out", type=click.Path(path_type=Path), help="Default: beside the session, .html.")
@click.option("--open", "open_it", is_flag=True, help="Show it in a browser.")
@FOLDER
def report(session: str, out: Path | None, open_it: bool, folder: Path) -> None:
    """Write a session's report: one HTML file that needs nothing else.

    \b
    Examples:
      ablate sessions report last --open
      ablate sessions report my.ablate -o my.html
    """
    path = find(session, folder)
    try:
        from controller.report import plots  # noqa: F401 - to learn whether it can be drawn, before anything is written
        from controller.report.page import write
    except ImportError as error:
        raise click.ClickException(f"{error}: pip install 'openablate[report]'") from error
    try:
        page = write(path, out if out is not None else path.with_suffix(".html"))
    except OSError as error:
        raise click.ClickException(
            f"the report cannot be written ({error}); choose another place with --out"
        ) from error
    click.echo(page)
    if open_it:
        webbrowser.open(page.resolve().as_uri())


@sessions.command()
@click.argument("session", nargs=-1, required=True)
@FOLDER
@JSON
@click.pass_context
def verify(ctx: click.Context, session: tuple[str, ...], folder: Path, as_json: bool) -> None:
    """Check that sessions still hold what was recorded. Exit code 8 if one does not.

    A session that was not closed verifies when everything in it is as recorded; the output says up to when that is.

    \b
    Examples:
      ablate sessions verify last
      ablate sessions verify sessions/2026/11/22/*.ablate --json
    """
    told = [_verify(find(name, folder)) for name in session]
    for row in told:
        if not as_json:
            click.echo(f"{'OK  ' if row['ok'] else 'FAIL'}  {row['file']}: {row['text']}")
            for problem in row["problems"][1:]:
                click.echo(f"      {problem}")
    if as_json:
        click.echo(json.dumps(told))
    if not all(row["ok"] for row in told):
        ctx.exit(Exit.VERIFICATION)


@sessions.command()
@click.argument("session")
@click.argument("reason")
@FOLDER
def accept(session: str, reason: str, folder: Path) -> None:
    """Say that you know why a record is not as it was recorded, so that its bench may start again.

    Nothing is repaired: who, when, why and the content's SHA-256 are appended to a file beside the latches.

    \b
    Example:
      ablate sessions accept last "disk was full, file restored from a copy"
    """
    from controller.client import state_root
    from controller.records import past

    path = find(session, folder)
    if not reason.strip():
        raise click.UsageError("give a reason; it is kept")
    if not path.is_file():
        raise click.UsageError(f"{path} is no file")
    line = past.accept(path, reason, state_root() / past.ACCEPTED)
    click.echo(f"{path}: accepted as it is now, sha256 {line['sha256'][:16]}…")


def _verify(path: Path) -> dict[str, Any]:
    from controller.records.store import RecordError
    from controller.records.verify import verify as check

    try:
        result = check(path)
    except RecordError as error:
        problem = f"{error.problem}; {error.remedy}"
        return {"file": str(path), "ok": False, "closed": False, "problems": [problem], "text": problem}
    return {
        "file": str(path),
        "ok": result.ok,
        "closed": result.closed,
        "problems": list(result.problems),
        "text": result.text,
        "ticks": result.ticks,
        "samples": result.samples,
        "events": result.events,
        "batches": result.batches,
        "last_tick": result.last_tick,
        "t_durable_s": result.t_durable_s,
        "head": result.head,
    }


def find(session: str, folder: Path) -> Path:
    """The file that a person means.

    Raises:
        click.UsageError: nothing, or more than one session, answers to that name.
    """
    from controller.records.reader import find_sessions

    if Path(session).exists():
        return Path(session)
    known = find_sessions(folder)
    if session == "last":
        if not known:
            raise click.UsageError(f"there are no sessions in {folder}; --folder names another place")
        return known[-1]
    meant = [path for path in known if any(part.startswith(session) for part in _names(path))]
    if not meant:
        raise click.UsageError(f"there is no session {session!r}: no such file, and no such id in {folder}")
    if len(meant) > 1:
        some = "\n  ".join(str(path) for path in meant[:5])
        raise click.UsageError(f"{session!r} may mean any of {len(meant)} sessions; say more:\n  {some}")
    return meant[0]


def _names(path: Path) -> Iterator[str]:
    yield path.name
    yield path.stem.rpartition("_")[2]


def _row(path: Path) -> dict[str, Any]:
    from controller.records.reader import open_session
    from controller.records.store import RecordError

    try:
        with open_session(path) as session:
            return _facts(path, session)
    except RecordError as error:
        return {"file": str(path), "problem": error.problem}


def _facts(path: Path, session: SessionFile) -> dict[str, Any]:
    header = session.header
    protocols = session.events("protocol")
    results = session.events("result")
    result = results[-1].data if results else session.summary
    name = protocols[-1].data.get("name") if protocols else header.get("protocol")
    duration_s, energy_j = result.get("duration_s"), result.get("energy_j")
    if plans := session.events("plan"):  # the whole of it, not its last application
        ends = [event.data for event in session.events("application_end")]
        name = plans[-1].data.get("name")
        duration_s, energy_j = (sum(float(end.get(key) or 0.0) for end in ends) for key in ("on_time_s", "energy_j"))
    return {
        "file": str(path),
        "id": header.get("id"),
        "utc": str(header.get("utc", "")),
        "bench": _printable(str(header.get("bench", ""))),
        "protocol": _printable(str(name)) if name is not None else None,
        "result": str(result.get("result") or ("unfinished" if session.closed else "not closed")),
        "duration_s": duration_s,
        "energy_j": energy_j,
        "simulated": bool(header.get("simulated")),
        "closed": session.closed,
    }


def _printable(text: str) -> str:
    """What came from a file must not steer the terminal."""
    return "".join(c if c.isprintable() else "?" for c in text)
