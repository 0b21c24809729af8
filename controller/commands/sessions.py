"""``ablate sessions``: what was recorded. Safe while a session is being written. What a killed writer left beside a
session is folded into it first (:mod:`controller.records.fold`)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from controller.commands.completing import sessions as by_name
from controller.commands.session_check import accept, verify
from controller.commands.session_export import export
from controller.commands.session_keep import FOLDER, JSON, annotate, printable, prune
from controller.commands.session_replay import replay
from controller.commands.session_report import report

if TYPE_CHECKING:
    from controller.records.outcome import Ended, Outcome
    from controller.records.reader import SessionFile

DEMO = Path("demo-out")
"""Where `ablate demo` keeps its sessions."""
VIRTUAL_TIME = "  (virtual time)"
ORIGIN = {True: "simulated", False: "real"}


@click.group()
def sessions() -> None:
    """List, show, verify, report, annotate, export, replay and prune recorded sessions.

    SESSION is a file, `last` for the one written last, or the beginning of an id or of a file's name.
    """


sessions.add_command(export)
sessions.add_command(annotate)
sessions.add_command(prune)
sessions.add_command(replay)
sessions.add_command(report)
sessions.add_command(verify)
sessions.add_command(accept)


@sessions.command("list")
@FOLDER
@JSON
def list_(folder: Path, as_json: bool) -> None:
    """List the sessions of a folder, the newest at the end. Those of virtual time have the date of their file.

    \b
    Examples:
      ablate sessions list
      ablate sessions list --folder /data/sessions --json
    """
    from controller.records.fold import fold_all
    from controller.records.reader import find_sessions

    fold_all(folder)
    rows = sorted((_row(path) for path in find_sessions(folder)), key=lambda row: str(row["dated"]))
    if as_json:
        click.echo(json.dumps(rows))
        return
    if not rows:
        click.echo(f"no sessions in {folder}; {_elsewhere()}")
    for row in rows:
        if "problem" in row:
            click.echo(f"{'?':19}  unreadable: {printable(row['problem'])}  {row['file']}")
            continue
        told = f"{row['dated'][:19]}  {row['bench']:14}  {row['protocol'] or '-':22}  {row['verdict']:10}"
        told += f"  {row['delivered']:18}"
        click.echo(
            f"{printable(told)}  {ORIGIN[row['simulated']]:9}  {row['file']}{VIRTUAL_TIME if row['virtual'] else ''}"
        )


@sessions.command()
@click.argument("session", shell_complete=by_name)
@FOLDER
@JSON
def show(session: str, folder: Path, as_json: bool) -> None:
    """Show what a session is, how it ended, and what happened in it.

    \b
    Examples:
      ablate sessions show last
      ablate sessions show 01M80R04B0 --json
    """
    from controller.records.outcome import ON_RECORD, alive, outcome
    from controller.records.reader import open_session

    path = find(session, folder)
    live = alive(path)
    with open_session(path) as opened:
        ended = outcome(opened, live)
        events = opened.events()
        if as_json:
            told = {
                "file": str(path),
                "closed": opened.closed,
                "header": opened.header,
                "channels": [channel._asdict() for channel in opened.channels.values()],
                "events": [event._asdict() for event in events],
                "summary": opened.summary,
                "outcome": {
                    "result": ended.result,
                    "verdict": ended.text,
                    "whole": ended.whole,
                    "applications": [_application(one) for one in ended.applications],
                },
                "treatment": _treatment(opened),
                "metadata": opened.metadata(),
                "annotations": [note._asdict() for note in opened.annotations()],
            }
            click.echo(json.dumps(told))
            return
        row = _facts(path, opened, ended)
        for name in ("file", "id", "utc", "bench", "protocol", "simulated", "result", "duration_s", "energy_j"):
            value = ended.text if name == "result" else row[name]
            only = ON_RECORD if name in ("duration_s", "energy_j") and not ended.whole else ""
            click.echo(f"{name:12} {printable(str(value)) if value is not None else '-'}{only}")
        if not opened.closed:
            click.echo("not closed: it is still being written, or its writer was killed")
        treatment = _treatment(opened)
        _show_plan(treatment)
        if treatment is None and (len(ended.applications) > 1 or not ended.whole):
            _show_applications(ended)
        ticks = opened.ticks()
        span = f" from t = {ticks.t_s[0]:.2f} to {ticks.t_s[-1]:.2f} s" if len(ticks.t_s) else ""
        click.echo(f"\n{len(ticks.t_s)} ticks{span}")
        click.echo("\nchannels")
        for channel in opened.channels.values():
            series = opened.series(channel.name)
            good = series.value[series.quality == 0]
            unit = "" if channel.unit == "1" else f" {printable(channel.unit)}"
            span = f"{good.min():.5g} to {good.max():.5g}{unit}" if good.size else "no good reading"
            click.echo(f"  {printable(channel.name):24} {len(series.t_s):8} samples  {span}")
        for note in opened.annotations():
            said = f"{note.utc[:19]} {note.who}: {note.key} = {json.dumps(note.value, ensure_ascii=False)}"
            click.echo(f"\nannotation {note.n}  {printable(said)}")
        click.echo("\nevents")
        for event in (each for each in events if each.kind not in ("kernel", "inputs")):  # these are for a replay
            click.echo(f"  {event.t_s:10.2f} s  {printable(event.kind):10} {printable(json.dumps(event.data))[:140]}")


def _treatment(session: SessionFile) -> dict[str, Any] | None:
    """Plan, applications and targets of a session; None for one without a plan."""
    from controller.treatment.summary import from_session

    found = from_session(session)
    return found.as_dict() if found is not None else None


def _application(one: Ended) -> dict[str, Any]:
    facts = {name: one.facts.get(name) for name in ("reason", "duration_s", "energy_j", "rolloffs")}
    return {"number": one.number, "protocol": one.protocol, "result": one.result, **facts}


def _show_applications(ended: Outcome) -> None:
    """A line each: how it ended, and why it was not at its own end."""
    click.echo("\napplications")
    for one in ended.applications:
        why = f"  {one.facts['reason']}" if one.facts.get("reason") else ""
        click.echo(printable(f"  {one.number}  {one.protocol:22}  {one.result:10}  {one.delivered}{why}"))


def _show_plan(treatment: dict[str, Any] | None) -> None:
    """Targets and applications, a line each."""
    if treatment is None:
        return
    from controller.treatment.words import application, covered

    click.echo(f"{'plan':12} {printable(treatment['plan'])}")
    for target in treatment["targets"]:
        click.echo(f"\ntarget {printable(target['target'])}: {covered(target)}")
        for one in treatment["applications"]:
            if one["target"] == target["target"]:
                click.echo(f"  {printable(application(one, target))}")


def find(session: str, folder: Path) -> Path:
    """The file that a person means; if its writer was killed, as the one clean file that it should be.

    Raises:
        click.UsageError: nothing, or more than one session, answers to that name.
    """
    from controller.records.fold import fold

    path = _find(session, folder)
    fold(path)
    return path


def _find(session: str, folder: Path) -> Path:
    from controller.records.reader import find_sessions

    if Path(session).exists():
        return Path(session)
    known = find_sessions(folder)
    if session == "last":
        if not known:
            raise click.UsageError(f"there are no sessions in {folder}; {_elsewhere()}")
        return known[-1]
    meant = [path for path in known if any(part.startswith(session) for part in _names(path))]
    if not meant:
        raise click.UsageError(f"there is no session {session!r}: no such file, and no such id in {folder}")
    if len(meant) > 1:
        some = "\n  ".join(str(path) for path in meant[:5])
        raise click.UsageError(f"{session!r} may mean any of {len(meant)} sessions; say more:\n  {some}")
    return meant[0]


def _elsewhere() -> str:
    """Where a person may have meant: the demonstration keeps its own."""
    from controller.records.reader import find_sessions

    if find_sessions(DEMO):
        return f"those of `ablate demo` are in {DEMO}: --folder {DEMO}"
    return "--folder names another place; `ablate demo` makes one"


def _names(path: Path) -> Iterator[str]:
    yield path.name
    yield path.stem.rpartition("_")[2]


def _row(path: Path) -> dict[str, Any]:
    from controller.records.ids import dated
    from controller.records.outcome import alive, outcome
    from controller.records.reader import open_session
    from controller.records.store import RecordError

    when, live = dated(path), alive(path)
    began = {"dated": when.utc, "virtual": when.virtual}
    try:
        with open_session(path) as session:
            return {**_facts(path, session, outcome(session, live)), **began}
    except RecordError as error:
        return {"file": str(path), "problem": error.problem, **began}


def _facts(path: Path, session: SessionFile, ended: Outcome) -> dict[str, Any]:
    header = session.header
    protocols = session.events("protocol")
    name = protocols[-1].data.get("name") if protocols else header.get("protocol")
    if plans := session.events("plan"):
        name = plans[-1].data.get("name")
    return {
        "file": str(path),
        "id": header.get("id"),
        "utc": str(header.get("utc", "")),
        "bench": printable(str(header.get("bench", ""))),
        "protocol": printable(str(name)) if name is not None else None,
        "result": ended.result,
        "verdict": ended.text,
        "applications": len(ended.applications),
        "ended": ended.counts,
        "whole": ended.whole,
        "duration_s": ended.facts.get("duration_s"),
        "energy_j": ended.facts.get("energy_j"),
        "delivered": ended.delivered,
        "simulated": bool(header.get("simulated")),
        "closed": session.closed,
    }
