"""A session's page, in the words of its report; and its export as one file."""

from __future__ import annotations

import math
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from controller.panel.library_models import Mark, SessionRow, SessionTold, Zone
from controller.panel.library_samples import offered
from controller.providers import BANNERS
from controller.records.outcome import alive
from controller.records.reader import Floats, open_session
from controller.records.store import RecordError
from controller.report.digest import digest
from controller.treatment.summary import from_session

FORMS = ("csv", "xlsx")
ACROSS, ALONG = 80, 120  # the most rows and columns of a zone on a screen
WARM_C, MARGIN_MM = 2.0, 6.0


class Gone(RecordError):
    """What is asked for is not there yet, or not any more."""


def told(row: SessionRow, path: Path) -> SessionTold:
    """Everything but the courses. Raises :class:`RecordError`."""
    live = alive(path)
    with open_session(path) as session:
        facts = digest(session, live)
        treatment = from_session(session)
        return SessionTold(
            session=row,
            title=facts.title,
            banner=BANNERS[bool(session.header.get("simulated"))],
            start_s=float(session.header.get("t_start_s") or 0.0),
            zero_s=facts.zero_s,
            fired=facts.fired,
            window_s=(facts.window_s[0] + facts.zero_s, facts.window_s[1] + facts.zero_s),
            marks=[Mark(t_s=mark.t_s + facts.zero_s, text=mark.text, bad=mark.bad) for mark in facts.marks],
            series=offered(session),
            limits=facts.limits,
            trip=finite(dict(facts.trip)) if facts.trip is not None else None,
            asked=facts.asked,
            happened=facts.happened,
            events=len(facts.events),
            treatment=finite(treatment.as_dict()) if treatment is not None else None,
            annotations=[note._asdict() for note in session.annotations()],
            metadata=finite(session.metadata()),
            picture=zone(facts.picture),
        )


def finite(value: Any) -> Any:
    """The same for JSON: what is no number becomes None."""
    if isinstance(value, Mapping):
        return {str(key): finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def zone(picture: Mapping[str, Floats]) -> Zone | None:
    """The section that was kept, cut to what is warm and thinned; None where there is none."""
    try:
        r_mm, z_mm, temperature_c = picture["r_mm"], picture["z_mm"], picture["temperature_c"]
    except KeyError:
        return None
    if temperature_c.shape != (len(r_mm), len(z_mm)) or not np.isfinite(temperature_c).any():
        return None
    warm = np.asarray(temperature_c > np.nanmin(temperature_c) + WARM_C)
    rows = _reach(r_mm, np.asarray(warm.any(axis=1)), ACROSS)
    columns = _reach(z_mm, np.asarray(warm.any(axis=0)), ALONG)
    damage = picture.get("damage")
    there = np.ix_(rows, columns)
    hurt = damage[there] if damage is not None and damage.shape == temperature_c.shape else None
    return Zone(
        r_mm=_plain(r_mm[rows], 2),
        z_mm=_plain(z_mm[columns], 2),
        temperature_c=[_plain(line, 1) for line in temperature_c[there]],
        damage=[_plain(np.minimum(line, 99.0), 3) for line in hurt] if hurt is not None else None,
    )


def _reach(at_mm: Floats, warm: NDArray[np.bool_], most: int) -> NDArray[np.int64]:
    """The places that are shown: the warm ones with a margin, so many at most."""
    there = at_mm[warm] if warm.any() else at_mm
    shown = np.flatnonzero((at_mm >= there.min() - MARGIN_MM) & (at_mm <= there.max() + MARGIN_MM))
    return shown[:: -(-len(shown) // most)]


def _plain(values: Floats, digits: int) -> list[Any]:
    return [round(value, digits) if math.isfinite(value) else None for value in values.tolist()]


def exported(path: Path, form: str, out: Path) -> Path:
    """Export to the empty folder ``out``; one file there, a ZIP.

    Raises:
        KeyError: no such format.
        Missing: a library is not installed.
        RecordError: the session does not verify, is too large for the format, or cannot be read.
    """
    from controller.exports.export import ExportError, export
    from controller.exports.xlsx import TooLarge
    from controller.records.past import VerificationError

    if form not in FORMS:
        raise KeyError(f"no export {form[:20]!r}: there are {', '.join(FORMS)}; others: ablate sessions export")
    try:
        made = export(path, out, form)
    except (ExportError, TooLarge, VerificationError) as error:
        raise Gone(path, str(error), "`ablate sessions export` has more choices") from error
    packed = out / f"{path.stem}.{form}.zip"
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=3) as archive:
        for file in sorted(made.folder.rglob("*")):
            if file.is_file():
                archive.write(file, file.relative_to(made.folder.parent))
    return packed
