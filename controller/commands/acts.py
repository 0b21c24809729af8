"""Operator acts on a running bench besides arming and firing: stop, silence, acknowledge, reset. And what he tells it
of his hands and eyes: that he did what was asked, that a new bag hangs, what he saw.
"""

from __future__ import annotations

import json
from typing import Any

import click

from controller.client import running
from controller.commands.bench import BENCH_OPTION, JSON_OPTION, act, act_each, say
from controller.exits import Exit


@click.command()
@click.option("--reason", default="operator", help="Kept in the record.")
@BENCH_OPTION
@JSON_OPTION
def stop(reason: str, bench: str | None, as_json: bool) -> int:
    """Energy off, now: on every bench of this machine, or on the one that is named. Never refused; safe to send any
    number of times.

    \b
    Example:
      ablate stop
    """
    names = running() if bench is None else []
    if len(names) < 2:
        return say(act(bench, lambda client: client.stop("", reason)), "stop sent", as_json)
    answers = act_each(names, lambda client: client.stop("", reason))
    if as_json:
        good = all(answer.get("ok") for answer in answers.values())
        click.echo(json.dumps({"ok": good, "benches": answers}))
        return Exit.DONE if good else Exit.DEVICE
    return max(say(answer, f"stop sent to {name}", as_json) for name, answer in answers.items())


@click.command()
@BENCH_OPTION
@JSON_OPTION
def silence(bench: str | None, as_json: bool) -> int:
    """Pause the sound of the alarms that are there. Nothing is acknowledged; a new one of high priority is heard.

    \b
    Example:
      ablate silence
    """
    answer = act(bench, lambda client: client.silence())
    return say(answer, f"silent for {answer.get('paused_s', 0.0):g} s; the alarms stay", as_json)


@click.command()
@BENCH_OPTION
@JSON_OPTION
def ack(bench: str | None, as_json: bool) -> int:
    """Acknowledge the alarms that you have seen, and pause their sound. A trip stays latched until it is reset.

    \b
    Example:
      ablate ack
    """
    answer = act(bench, lambda client: client.ack())
    return say(answer, _acknowledged(answer), as_json)


def _acknowledged(answer: dict[str, Any]) -> str:
    """What has been acknowledged, and what is left to do."""
    if "acknowledged" not in answer:  # refused, or by a daemon of another version
        return "acknowledged"
    if answer.get("acknowledged") == "trip":
        return 'acknowledged; still latched: ablate reset "what was found"'
    if answer.get("state") == "LOCKOUT":
        from controller.perform import LOCKOUT_REMEDY

        return f"alarms acknowledged; LOCKOUT stays: end this bench, then {LOCKOUT_REMEDY}"
    if answer.get("latched"):
        return "alarms acknowledged; the trip is still latched: ablate ack again when the bench is TRIPPED"
    return "alarms acknowledged; nothing is latched"


@click.command()
@click.argument("reason")
@BENCH_OPTION
@JSON_OPTION
@click.option("--lockout", is_flag=True, help="End a LOCKOUT: only while no daemon runs; asks for the bench's name.")
@click.option("--confirm", metavar="NAME", help="With --lockout: the bench's name, typed by whoever has looked.")
def reset(reason: str, bench: str | None, as_json: bool, lockout: bool, confirm: str | None) -> int:
    """Leave an acknowledged trip behind, when its cause has been gone for 2 s. REASON is kept in the record.

    A LOCKOUT (off could not be proven, the program failed, resets came too often, the latch cannot be read: `ablate
    status` says which) outlives the daemon. End it with --lockout when the generator has been found off and the cause
    is known; off is proven again at the next start.

    \b
    Examples:
      ablate reset "tube was kinked, straightened"
      ablate reset "generator fuse replaced, output measured at 0 W" --bench cooled-rf --lockout
    """
    if lockout:
        if bench is None:
            raise click.UsageError("--lockout needs --bench NAME")
        from controller.lockout import end_lockout

        typed = confirm if confirm is not None else click.prompt(f"Type the bench's name ({bench}) to end its lockout")
        done = "the lockout is ended; off is proven again at the next start"
        return say(end_lockout(bench, reason, typed), done, as_json)
    return say(act(bench, lambda client: client.reset("", reason)), "reset: SAFE", as_json)


@click.command()
@click.argument("prompt_id", metavar="[ID]", type=int, required=False)
@click.option("--value", type=float, metavar="MM", help="The length that was reached, where it is another one.")
@BENCH_OPTION
@JSON_OPTION
def confirm(prompt_id: int | None, value: float | None, bench: str | None, as_json: bool) -> int:
    """Say that you did what the bench asks for: tines deployed, probe moved or drawn back. No ID: the open prompt.

    It is your word about your hands and permits nothing: energy is allowed by arm, start and the interlocks alone.

    \b
    Examples:
      ablate confirm
      ablate confirm 3 --value 22
    """
    answer = act(bench, lambda client: client.confirm(prompt_id, "", value))
    prompt = answer.get("prompt") or {}
    return say(answer, f"confirmed: {prompt.get('text', '')}", as_json)


@click.command()
@click.option("--ml", "bag_ml", type=float, metavar="ML", help="Its volume, where it is not the bench file's.")
@BENCH_OPTION
@JSON_OPTION
def bag(bag_ml: float | None, bench: str | None, as_json: bool) -> int:
    """Say that a new saline bag hangs: the count begins anew.

    \b
    Examples:
      ablate bag
      ablate bag --ml 3000
    """
    answer = act(bench, lambda client: client.bag("", bag_ml))
    left_ml = (answer.get("coolant") or {}).get("left_ml", 0.0)
    return say(answer, f"a new bag of {left_ml:.0f} mL hangs", as_json)


@click.command()
@click.argument("text")
@click.option("--ago", "ago_s", type=float, default=0.0, metavar="S", help="It was seen so many seconds ago.")
@BENCH_OPTION
@JSON_OPTION
def mark(text: str, ago_s: float, bench: str | None, as_json: bool) -> int:
    """Keep in the running record what you saw, and when; 2000 characters at most. It changes nothing the bench does.

    \b
    Examples:
      ablate mark "a pop, vapour at the tract"
      ablate mark "probe touched" --ago 10
    """
    from controller.daemon.marks import TEXT_LENGTH

    if len(text) > TEXT_LENGTH:
        raise click.UsageError(
            f"a mark has {TEXT_LENGTH} characters at most, not {len(text)}: say it shorter, or in two"
        )
    answer = act(bench, lambda client: client.note("mark", {"text": text, "ago_s": ago_s}))
    return say(answer, "marked, in the record", as_json)
