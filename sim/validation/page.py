"""The verdicts as text: a table for a terminal, a page for people. Every figure comes from the run."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from sim.picture import atomically
from sim.validation.cases import title_of
from sim.validation.checks import Check, Correlation, Ratio
from sim.validation.run import RULE, Outcome, Verdict
from sim.validation.score import Score, score_of

LOOPED = ("in the loop", "")


def table(outcome: Outcome) -> str:
    """The verdicts, a line each, and the score."""
    head = f"{'burn':<14} {'quantity':<32} {'published':>15} {'predicted':>9} {'off by':>8} {'allowed':>8}"
    lines = [f"{head} {'in the loop':>11}"]
    for verdicts in outcome.verdicts.values():
        for v in verdicts:
            sd = f" ± {number(v.sd, v.quantity)}" if v.sd is not None else ""
            lines.append(
                f"{v.burn:<14} {label(v.quantity):<32} {number(v.published, v.quantity) + sd:>15} "
                f"{number(v.predicted, v.quantity):>9} {number(v.off_by, v.quantity):>8} "
                f"{number(v.allowed, v.quantity):>8} {number(v.looped, v.quantity) if v.looped is not None else '':>11}"
                f"  {'met' if v.met else 'MISSED'}{' (gate)' if v.gate else ''}"
                f"{'' if v.looped_met is None else ', met in the loop' if v.looped_met else ', MISSED in the loop'}"
            )
    for name, findings in outcome.findings.items():
        for f in findings:
            verdict = "met" if f.met else "WRONG SIGN" if f.wrong_sign else "MISSED"
            lines.append(f"{name}: {sentence(f.check)}: {f.text} (published: {f.expected}) {verdict}")
    return "\n".join(
        [*lines, "", *(f"{what}: {value}{_mark(met)}" for what, value, met in acceptance(score_of(outcome)))]
    )


def acceptance(score: Score) -> list[tuple[str, str, bool | None]]:
    """What must be reached: the words, the value, and whether it is (None: there is nothing to judge)."""

    def rms(kind: str, values: tuple[int, float]) -> tuple[str, str, bool | None]:
        n, value = values
        return (
            f"RMS of short axes, {kind} (at most 3 mm)",
            f"{value:.2f} mm over {n} gated burns" if n else "no gated burn",
            value <= 3.0 if n else None,
        )

    return [
        (
            "gated burns with short and long axis within tolerance (at least 80 %)",
            f"{score.gated_met} of {score.gated}"
            + (f" ({100 * score.gated_met / score.gated:.0f} %)" if score.gated else ""),
            score.gated_met >= 0.8 * score.gated if score.gated else None,
        ),
        rms("radio frequency", score.rms_rf_mm),
        rms("microwave", score.rms_microwave_mm),
        (
            "energies within 25 % (gated and supporting cases)",
            f"{score.energy_met} of {score.energies}",
            score.energy_met == score.energies if score.energies else None,
        ),
        ("all published figures within tolerance, gated or not", f"{score.met} of {score.figures}", None),
        (
            "trends with the wrong sign (none)",
            ", ".join(score.wrong_signs) or "none",
            not score.wrong_signs if score.checks else None,
        ),
        (
            "with the controller in the loop: gated burns with short and long axis within tolerance (at least 80 %)",
            f"{score.loop_gated_met} of {score.loop_gated}",
            score.loop_gated_met >= 0.8 * score.loop_gated if score.loop_gated else None,
        ),
        (
            "with the controller in the loop: all figures within tolerance, gated or not",
            f"{score.looped_met} of {score.looped}",
            None,
        ),
    ]


def _mark(met: bool | None) -> str:
    return "" if met is None else "  met" if met else "  MISSED"


def number(value: float | None, quantity: str) -> str:
    """A figure with the digits that its quantity deserves; energies in kJ."""
    if value is None or math.isnan(value):
        return "--"
    if quantity == "energy_j":
        return f"{value / 1000:.1f}"
    if quantity == "aspect":
        return f"{value:.2f}"
    if quantity.endswith("_s") or quantity in ("rolloffs", "energy_per_ml_j"):
        return f"{value:.0f}"
    return f"{value:.1f}"


def label(quantity: str) -> str:
    """The quantity's name with the unit that :func:`number` prints."""
    return "energy, kJ" if quantity == "energy_j" else title_of(quantity)


def sentence(check: Check) -> str:
    """A check in words."""
    of = label(check.of).split(",")[0]
    match check:
        case Ratio(kind=kind, burns=(one, other)):
            return f"{kind} of {of}, {one} {'over' if kind == 'ratio' else 'less'} {other}"
        case Correlation(over=over, burns=burns):
            return f"correlation of {of} with {label(over).split(',')[0]} over {len(burns)} burns"
    return f"{check.kind} of {of} over {', '.join(check.burns)}"


def markdown(outcome: Outcome) -> str:
    """The page."""
    return "\n".join(_lines(outcome)) + "\n"


def _lines(outcome: Outcome) -> Iterator[str]:
    computed = [name for name, case in outcome.cases.items() if case.status == "computed"]
    yield from (
        "# Published burns against the simulated tissue",
        "",
        f"Written by `make validate` (`python -m sim.validation --mesh {outcome.mesh}`): every figure comes from that",
        "run. The cases are `tests/validation/*.yaml`. Each burn is the law that the daemon runs on an ideal generator",
        f"and the simulated tissue, on the {outcome.mesh} mesh. Burns that shipped protocols make were also rehearsed:",
        "the column *in the loop* has daemon, safety, drivers and emulated devices in it, on a bench of",
        "`examples/benches`, with what such a bench adds to a burn: settling, whole watts, meters, flow and wiring.",
        "",
        "## What must be reached",
        "",
    )
    yield from _grid(
        ("", "this run", ""), [(what, value, _verdict(met)) for what, value, met in acceptance(score_of(outcome))]
    )
    yield from (
        "",
        "A burn of a gated case is met when its short axis is within max(3 mm, 1.5 SD) and its long axis within",
        "max(5 mm, 1.5 SD). Elsewhere, unless a case writes its own tolerance: volume 30 %, energy 25 %, temperature",
        "max(8 K, 1 SD).",
        "",
        "Which zone is compared, one rule for each modality: "
        + "; ".join(
            f"**{name}**: {rule}" for name, rule in (("radio frequency", RULE["rf"]), ("microwave", RULE["microwave"]))
        )
        + ".",
        "",
        "## At a glance",
        "",
    )
    yield from _grid(
        ("case", "what", "confidence", "figures met", "checks met"),
        [
            (
                f"[{name}](#{name.lower().replace('.', '')})",
                outcome.cases[name].title,
                outcome.cases[name].confidence,
                _share(v.met for v in outcome.verdicts[name]),
                _share(f.met for f in outcome.findings[name]),
            )
            for name in computed
        ],
    )
    yield ""
    for name in computed:
        yield from _case(outcome, name)
    yield from _not_computed(outcome)
    yield from _parameters(outcome)


def _case(outcome: Outcome, name: str) -> Iterator[str]:
    case = outcome.cases[name]
    yield from (f"## {name}", "", f"**{case.title}.** {case.source}.", "")
    for assumption in case.assumptions:
        yield f"- Assumed: {assumption}"
    if case.remark:
        yield f"- Remark: {case.remark}"
    if case.assumptions or case.remark:
        yield ""
    for burn in case.burns:
        if burn in outcome.failed:
            yield from (f"**{burn} did not run**: {outcome.failed[burn]}", "")
        if burn in outcome.loop_failed:
            yield from (f"**{burn} was not rehearsed to its end**: {outcome.loop_failed[burn]}", "")
    looped = any(v.looped is not None for v in outcome.verdicts[name])
    if outcome.verdicts[name]:
        yield from _grid(
            ("burn", "quantity", "published", "predicted", "off by", "allowed", "", *(LOOPED if looped else ())),
            [
                (
                    v.burn,
                    label(v.quantity),
                    number(v.published, v.quantity) + (f" ± {number(v.sd, v.quantity)}" if v.sd is not None else ""),
                    number(v.predicted, v.quantity),
                    _signed(v),
                    "±" + number(v.allowed, v.quantity),
                    _verdict(v.met) + (", gate" if v.gate else ""),
                    *((number(v.looped, v.quantity), _verdict(v.looped_met)) if looped else ()),
                )
                for v in outcome.verdicts[name]
            ],
        )
        yield ""
    if outcome.findings[name]:
        yield from _grid(
            ("check", "predicted", "published", ""),
            [
                (sentence(f.check), f.text, f.expected, "wrong sign" if f.wrong_sign else _verdict(f.met))
                for f in outcome.findings[name]
            ],
        )
        yield ""


def _not_computed(outcome: Outcome) -> Iterator[str]:
    left = [case for case in outcome.cases.values() if case.status == "not-computed"]
    if not left:
        return
    yield from ("## Published, not computed", "")
    yield from _grid(("case", "what", "source", "why not"), [(c.case, c.title, c.source, c.reason) for c in left])
    yield ""


def _parameters(outcome: Outcome) -> Iterator[str]:
    """Which numbers the burns were made with: a set for each tissue and applicator."""
    tissues: dict[str, tuple[str, list[str]]] = {}
    applicators: dict[str, list[str]] = {}
    for burn, result in outcome.results.items():
        tissues.setdefault(result["tissue"], (result["tissue_hash"], []))[1].append(burn)
        words = ", ".join(f"{key} {value}" for key, value in result["applicator"].items())
        applicators.setdefault(words, []).append(burn)
    yield from (
        "## Parameter sets",
        "",
        "One set for each tissue and applicator; changes that a case makes are its paper's own settings.",
        "",
    )
    yield from _grid(
        ("tissue", "set (SHA-256)", "burns"),
        [(name, made[:12], _few(burns)) for name, (made, burns) in sorted(tissues.items())],
    )
    yield ""
    yield from _grid(("applicator", "burns"), [(words, _few(burns)) for words, burns in applicators.items()])


def _few(burns: list[str]) -> str:
    return ", ".join(burns) if len(burns) <= 6 else f"{', '.join(burns[:5])} and {len(burns) - 5} more"


def _grid(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield "| " + " | ".join(head) + " |"
    yield "|" + "---|" * len(head)
    for row in rows:
        yield "| " + " | ".join(cell.replace("|", "/") for cell in row) + " |"


def _share(met: Iterable[bool]) -> str:
    made = list(met)
    return f"{sum(made)} of {len(made)}" if made else "-"


def _verdict(met: bool | None) -> str:
    return "-" if met is None else "met" if met else "**missed**"


def _signed(v: Verdict) -> str:
    return "--" if math.isnan(v.off_by) else ("+" if v.off_by >= 0.0 else "") + number(v.off_by, v.quantity)


def write(path: Path, text: str) -> None:
    """Write ``text`` to ``path``, whole or not at all."""

    def put(temporary: Path) -> None:
        temporary.write_text(text, encoding="utf-8")

    atomically(path, put)
