"""``ablate devices``: the drivers that are installed and the ports that are there."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import click

ROLES = {"PowerSource": "source", "CoolantPump": "coolant_pump", "EnableLine": "enable"}
"""The roles that a base class of :mod:`drivers.contract` settles; the others come from the declaration."""


@click.group()
def devices() -> None:
    """Drivers that are installed, ports that are there."""


@devices.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON array.")
def list_(as_json: bool) -> None:
    """The drivers that a bench file may name.

    \b
    Examples:
      ablate devices list
      ablate devices list --json
    """
    rows = installed_drivers()
    if as_json:
        click.echo(json.dumps(rows))
        return
    for row in rows:
        origin = f"{row['distribution']} {row['version']}"
        click.echo(f"{row['driver']:<20} {row['role']:<13} {origin}  {row['problem']}".rstrip())


@devices.command()
@click.argument("port", required=False)
@click.option("--driver", help="The driver to ask with; `ablate devices list` names them.")
@click.option("--baud", type=click.IntRange(300, 4_000_000), help="Default: the driver's own.")
@click.option("--option", "pairs", multiple=True, metavar="KEY=VALUE", help="As in `options:`; repeatable.")
@click.option("--visa", is_flag=True, help="Look for VISA resources instead, and ask each `*IDN?`. Takes seconds.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object or array.")
def probe(
    port: str | None, driver: str | None, baud: int | None, pairs: tuple[str, ...], visa: bool, as_json: bool
) -> None:
    """Without PORT: the serial ports that are there, under the names that last. Nothing is opened.

    With PORT and --driver: ask the device there who it is. Nothing is energised; a generator that is found on is turned
    off. No driver is tried on a port without being named: what identifies one instrument may command another.

    \b
    Examples:
      ablate devices probe
      ablate devices probe --visa
      ablate devices probe /dev/ttyUSB0 --driver tc-cxn --option address=0
    """
    if port is None:
        if visa:
            _show_resources(as_json)
        else:
            _show_ports(as_json)
        return
    if visa:
        raise click.UsageError("--visa searches; it takes no PORT")
    if driver is None:
        raise click.UsageError("name the driver to ask with: --driver NAME (see `ablate devices list`)")
    from controller.checkup.devices import identify
    from drivers.registry import load_driver

    kind = load_driver(driver)
    told = asyncio.run(identify(kind, "device", kind.OPTIONS.model_validate(_options(kind, pairs)), port, baud))
    if as_json:
        answer = {"driver": driver, "port": port, "model": told.model, "serial": told.serial, "firmware": told.firmware}
        click.echo(json.dumps({**answer, "extra": dict(told.extra)}))
        return
    click.echo(f"{port}: {told.model}  serial {told.serial or '-'}  firmware {told.firmware or '-'}")
    for key, value in told.extra.items():
        click.echo(f"  {key}: {value}")


@devices.command()
@click.argument("port")
@click.option("--driver", required=True, help="The driver that asks; `ablate devices list` names them.")
@click.option("--baud", type=click.IntRange(300, 4_000_000), help="Default: the driver's own.")
@click.option("--option", "pairs", multiple=True, metavar="KEY=VALUE", help="As in `options:`; repeatable.")
@click.option("--polls", type=click.IntRange(0, 10_000), default=5, show_default=True, help="After connecting.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="File to write; default: standard output.")
def trace(port: str, driver: str, baud: int | None, pairs: tuple[str, ...], polls: int, out: Path | None) -> int:
    """Record what DRIVER and the device on PORT say to each other, as pairs (request, reply) for a test.

    Connects, polls, turns off; never energises. A device that answers wrongly is recorded too: exit code 4, the file
    holds the bytes that were wrong.

    \b
    Example:
      ablate devices trace /dev/ttyUSB0 --driver tc-cxn --out recorded_cxn.py
    """
    from controller.checkup.trace import trace as record
    from controller.config.problems import ConfigError, Problem
    from controller.exits import Exit
    from drivers.registry import load_driver

    kind = load_driver(driver)
    found = asyncio.run(record(kind, kind.OPTIONS.model_validate(_options(kind, pairs)), port, baud, polls))
    text = found.as_python()
    if out is None:
        click.echo(text, nl=False)
    else:
        try:
            out.write_text(text, encoding="utf-8")
        except OSError as error:
            raise ConfigError([Problem(str(out), 0, "", f"cannot be written: {error.strerror}")]) from error
        click.echo(f"{sum(map(len, found.ports.values()))} exchanges in {out}", err=True)
    if found.problem:
        click.echo(found.problem, err=True)
        return Exit.DEVICE
    return Exit.DONE


def installed_drivers() -> list[dict[str, str]]:
    """One row per registered driver. One that does not load is listed with its problem."""
    from drivers.registry import PluginError, checked, offered

    rows = []
    for name, entry in sorted(offered().items()):
        row = {
            "driver": name,
            "role": "-",
            "target": entry.value,
            "distribution": entry.dist.name if entry.dist else "-",
            "version": entry.dist.version if entry.dist else "-",
            "problem": "",
        }
        try:
            kind = checked(entry)
        except PluginError as error:
            row["problem"] = str(error)
        else:
            row["role"] = next((ROLES[base.__name__] for base in kind.__mro__ if base.__name__ in ROLES), "sensor")
        rows.append(row)
    return rows


def _show_ports(as_json: bool) -> None:
    from controller.checkup.ports import serial_ports

    found = serial_ports()
    if as_json:
        click.echo(json.dumps([port.as_dict() for port in found]))
        return
    if not found:
        click.echo("no serial port is there; devices on the network are named tcp://HOST:PORT in a bench file")
    for port in found:
        about = [port.description, port.usb_id, port.serial_number and f"serial {port.serial_number}"]
        state = "" if port.may_open else "  not permitted"
        users = f"  in use by {', '.join(port.used_by)}" if port.used_by else ""
        click.echo(f"{port.name}  ({port.device}) {'  '.join(a for a in about if a)}{state}{users}")


def _show_resources(as_json: bool) -> None:
    from controller.checkup.resources import visa_resources

    found = visa_resources()
    if as_json:
        click.echo(json.dumps([resource.as_dict() for resource in found]))
        return
    if not found:
        click.echo("no VISA resource was found; a LAN instrument may be named all the same: visa://TCPIP::HOST::INSTR")
    for resource in found:
        click.echo(f"{resource.name}  {resource.identity or 'does not say who it is'}")


def _options(kind: type, pairs: tuple[str, ...]) -> dict[str, object]:
    """``--option`` pairs as the mapping that a bench file would hold; values are YAML."""
    import yaml

    options: dict[str, object] = {}
    for pair in pairs:
        key, sign, value = pair.partition("=")
        if not sign or not key:
            raise click.UsageError(f"--option {pair!r}: write KEY=VALUE")
        try:
            options[key] = yaml.safe_load(value)
        except yaml.YAMLError as error:
            raise click.UsageError(f"--option {pair!r}: the value is not YAML") from error
    return options


@devices.command()
@click.argument("name")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="Folder; default: openablate-NAME.")
def new(name: str, out: Path | None) -> None:
    """A distribution of your own that adds the driver NAME: codec, driver, emulator, and tests that pass.

    \b
    Example:
      ablate devices new acme-rf200 && cd openablate-acme-rf200 && pip install -e . && pytest
    """
    from controller import scaffold

    folder = out if out is not None else Path(f"openablate-{name}")
    for path in scaffold.write(name, folder):
        click.echo(str(path))
    click.echo(
        f"next: cd {folder}, pip install -e ., pytest; then make codec.py speak your generator's bytes", err=True
    )
