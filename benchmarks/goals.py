"""What the project set out to reach, T1 to T24, with the rows of :mod:`benchmarks` that show it, and why those that are
not met are not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple


class Goal(NamedTuple):
    """``rows``: beginnings of rows' names behind their benchmark's name; ``why``: of what is not met, as profiled."""

    name: str
    text: str
    rows: tuple[str, ...]
    why: str = ""

    def found(self, groups: Mapping[str, Iterable[Mapping[str, Any]]]) -> Iterator[Mapping[str, Any]]:
        """Its rows that have a target."""
        for group, rows in groups.items():
            for row in rows:
                if row["met"] is not None and f"{group}: {row['what']}".startswith(self.rows):
                    yield row

    def verdict(self, groups: Mapping[str, Iterable[Mapping[str, Any]]]) -> str:
        """In words."""
        rows = list(self.found(groups))
        missed = [row["what"].strip() for row in rows if not row["met"]]
        if not rows:
            return "not measured here"
        return "met" if not missed else f"NOT MET ({len(missed)} of {len(rows)}): {'; '.join(missed)}"


GOALS = (
    Goal(
        "T1",
        "lateness of the tick at 1 kHz beside a loop of `asyncio.sleep`: p50 1/30, p99 1/8",
        ("tick: ",),
        "a thirtieth of what `asyncio.sleep` takes here is 19 us; the system's own wait, a loop of nothing but "
        "`clock_nanosleep` (lateness), takes 100 us at p50 and 200 us at p99, the tick 70 and 230",
    ),
    Goal("T2", "lateness beside the system's own wait: p99 and p99.9 1.5 x", ("lateness: ",)),
    Goal(
        "T3",
        "with a real-time priority 2 x the system's own wait at 1 kHz, 5 x at 100 Hz; no period missed",
        ("realtime: ",),
        "the shares are met; the single longest wait is not in a process's hands on a virtual machine: the floor's"
        " own, at the same priority, is as long or longer (its note)",
    ),
    Goal(
        "T4",
        "the live daemon at 200 Hz: 150 us of CPU a tick, body p50 100 us, p99 500 us, 3 % of a core, none skipped",
        ("daemon: tick at 200 Hz",),
        "the figures asked for are of four devices without a wire. Profiled here: a third of a tick's CPU is what "
        "it computes (T5), the rest the set-point's exchange, the watchdog's answer and nine turns of the event "
        "loop for six devices, 20 to 40 us each. The body contains the set-point's answer, which on the "
        "generator's one line waits for a poll under way: hence p99 and the ticks that are skipped. Benches run at"
        " 20 Hz",
    ),
    Goal(
        "T5",
        "what a tick computes, devices left out: 25 us",
        ("tick_parts: tick, own cost",),
        "half of it are 22 interlocks over 23 channels, 0.3 to 4 us each and none of them the culprit (a timer "
        "around each); between two ticks the world and the devices take the caches, so that the same steps cost "
        "a quarter more than one behind the other (the last row). What is left is the interpreter's",
    ),
    Goal(
        "T6",
        "longest pause in the process 2 ms",
        ("daemon: longest",),
        "a tick of 5 ms is late where the one before has waited 16 ms for the generator's line (T4: its longest "
        "body), and this row cannot tell that from a pause; a collection takes 0.1 to 2.2 ms, of what a tenth of a"
        " second leaves behind, everything older is frozen",
    ),
    Goal(
        "T7",
        "a serial query beside blocking calls 1.6 x, pyserial-asyncio-fast 0.9 x, pyserial in an executor 1/4, "
        "Opentrons' driver 1/5",
        ("wire: serial", "peers_queries: typed reading, serial"),
        "six tenths of a query are the kernel's two wake-ups across a pseudo-terminal, in every variant: the row "
        "of blocking calls; above asyncio's own least (its row) ours adds 30 us, for the deadline, the order of "
        "requests and the marker",
    ),
    Goal(
        "T8",
        "eight serial lines at once: 95 % of what they carry; 2 % of the time of an exchange is ours",
        ("wire: eight", "wire:   CPU of an exchange"),
        "0.94 to 0.98 from run to run of one day; a line at rest between an answer and the next question is all that "
        "is lost, 0.1 to 0.3 ms of 4.9, which eight lines in one loop spend waiting for each other's turns",
    ),
    Goal("T9", "a TCP query beside a blocking socket 2.5 x", ("wire: TCP",)),
    Goal(
        "T10",
        "a typed reading: 15 us of CPU above the bare link; no more than PyMeasure, half of QCoDeS",
        ("wire: codec", "peers_queries: typed reading over TCP", "peers_queries:   its CPU"),
    ),
    Goal(
        "T11",
        "an emulator: 20 000 answers a second to one client, 0.4 x a bare server, 400 x lewis, 1 x tickit",
        ("wire: emulat", "peers_queries: emulator"),
        "a client that asks one question at a time gets 10 000 to 20 000 answers a second from anybody here (the "
        "row of blocking sockets), and lewis gives 47: 400 times that is beyond the machine",
    ),
    Goal(
        "T12",
        "MQTT: 20 us in the loop, 40 us of CPU a message; at a subscriber p50 150 us, p99 1 ms",
        ("mqtt: ",),
        "bare paho beside it takes nearly as long: two processes, a broker and a thread are woken for a message, "
        "and that is paid for by the kernel. The loop pays none of it: its row is met",
    ),
    Goal(
        "T13",
        "the record: 2 us in the tick, 100 000 rows a second; an hour exported in 5 s (Parquet), 20 s (CSV)",
        ("tick_parts:   record", "records: record", "records: store", "records: 200 Hz", "exports: "),
    ),
    Goal("T14", "a reading made and encoded: 1.5 us, half of what pydantic takes", ("records: a reading",)),
    Goal(
        "T15",
        "the tissue in 2D: 12 min at 7000 x real time, half a kelvin and 0.1 mm off; 10 x tuned scikit-fem, 100 x "
        "its common use and dolfinx, 15 x py-pde",
        ("peers_world: ",),
        "with steps of 8 s a loop tuned by hand needs 11 solutions of the field where ours takes 60, for it ends "
        "steps at changes of temperature; at the 0.1 s that a power loop needs it is ours that is 20 to 50 times "
        "as fast. py-pde's case is a bare heat step without boiling or damage, on a mesh so fine that the march "
        "below is all there is",
    ),
    Goal(
        "T16",
        "the heat step: 0.4 of what a bare stencil does",
        ("world: march",),
        "timed one by one on 3360 cells, where a bare stencil takes 1.1 us: flows through faces whose conductivity"
        " changes, perfusion and contacts 4.6, temperature and water from enthalpy 1.7, how far the field has "
        "changed 1.4, and at its own pace damage 4.0",
    ),
    Goal("T17", "the tissue in 3D: 200 x real time", ("solid: ",)),
    Goal("T18", "the tissue beside a live bench: 2 % of a core", ("live_world: ",)),
    Goal(
        "T19",
        "the whole stack in virtual time: 100 x real time, then 300 x",
        ("rehearsal: ",),
        "a tick costs 330 to 440 us of CPU: a third is the daemon's tick (T5), the rest six devices that are asked and "
        "answer in their bytes, the waits of the loop (its row), the world and the record. 300 x leaves 165 us for"
        " all of it",
    ),
    Goal("T20", "boiling and pulses: 12 min in 0.1 s", ("world: needle", "world: antenna")),
    Goal(
        "T21",
        "a campaign: 400 min of faulted runs a minute on two cores",
        ("campaign: ",),
        "what a second of bench time costs is the rehearsal's (T19), here 140 to 190 x real time on each of two cores; "
        "the start of a run and what comes before READY are a tenth of it, as profiled",
    ),
    Goal("T22", "daemon dead: 0 W in 20 ms; hung: 250 ms; a door opened: 0.3 s; a stalled pump: 0.6 s", ("off: ",)),
    Goal(
        "T23",
        "`ablate --help` 0.15 s, `ablate stop` 0.3 s; ready in 2 s; 150 MB after 24 h",
        ("startup: ", "ready: "),
    ),
    Goal(
        "T24",
        "50 benches, 20 messages a second each: p99 50 ms at a subscriber, none lost",
        ("lab: ",),
    ),
)
