"""What a soak may have used up."""

from __future__ import annotations

from controller.evidence.store import Value
from tests.soak.run import Look, Soaked, slope_per_h

SETTLED = 0.5
"""Of the looks: before, caches fill and modules are imported."""
RSS_MB_PER_H = 1.0  # 24 MB a day: a bench may run for weeks beside the 1 GB that its service is allowed
OBJECTS_PER_H = 500.0
FILE_SHARE = 0.1
"""A session file grows by what is measured: in the second half no faster than in the first, within this share."""


def judge(soaked: Soaked) -> tuple[dict[str, Value], list[str]]:
    """Figures for the evidence, and what is wrong; nothing must be."""
    half = int(SETTLED * len(soaked.looks))
    first, looks = soaked.looks[:half], soaked.looks[half:]
    file, before = (slope_per_h(part, lambda look: look.file_bytes / 1e6) for part in (looks, first))
    rss = slope_per_h(looks, lambda look: look.rss_bytes / 1e6)
    objects = slope_per_h(looks, lambda look: look.objects)
    wrong = [f"tripped: {text}" for text in soaked.trips] + [f"record: {text}" for text in soaked.broken]
    if soaked.completed != soaked.applications:
        wrong.append(f"{soaked.applications - soaked.completed} of {soaked.applications} applications not completed")
    for name in ("descriptors", "tasks"):
        seen = sorted({getattr(look, name) for look in looks})
        wrong += [f"{name} are not the same at every rest: {seen}"] if len(seen) > 1 else []
    wrong += [f"RSS grows by {rss:.2f} MB/h"] if rss > RSS_MB_PER_H else []
    wrong += [f"objects grow by {objects:.0f} an hour"] if objects > OBJECTS_PER_H else []
    wrong += [f"the file grows faster: {before:.2f}, then {file:.2f} MB/h"] if file > (1 + FILE_SHARE) * before else []
    last = soaked.looks[-1] if soaked.looks else Look(0.0, 0, 0, 0, 0, 0)
    figures: dict[str, Value] = {
        "hours": round(last.t_s / 3600.0, 2),
        "applications": soaked.applications,
        "completed": soaked.completed,
        "faults": soaked.faults,
        "trips": len(soaked.trips),
        "late_ticks": soaked.late_ticks,
        "rss_mb": round(last.rss_bytes / 1e6, 1),
        "rss_mb_per_h": round(rss, 3),
        "objects_per_h": round(objects, 1),
        "descriptors": last.descriptors,
        "tasks": last.tasks,
        "file_mb_per_h": round(file, 2),
        "wrong": len(wrong),
    }
    return figures, wrong
