"""Plans of a T&C generator and a KMTronic relay (bytes from their manuals), and heartbeats to feed to the rules."""

from __future__ import annotations

from typing import Any

from safety.safeoff import EnablePlan, Readback, SafeOffPlan
from safety.types import State
from safety.watchdog.frames import Heartbeat, Hello

RF_OFF = bytes.fromhex("43 00 42 52 00 00 00 00 00 D7")
RF_ON = bytes.fromhex("43 00 42 52 55 55 00 00 01 81")
SET_0_W = bytes.fromhex("43 00 53 41 00 00 00 00 00 D7")
SET_50_W = bytes.fromhex("43 00 53 41 00 32 00 00 01 09")
GET_STATUS = bytes.fromhex("43 00 47 53 00 00 00 00 00 DD")
CLOSE, OPEN, QUERY = bytes.fromhex("FF 01 01"), bytes.fromhex("FF 01 00"), bytes.fromhex("FF 09 00")

GEN = SafeOffPlan(
    device="gen",
    resync=bytes(9),
    off=(RF_OFF, SET_0_W),
    readbacks=(Readback(GET_STATUS, bytes.fromhex("2A 52 00 00 08"), 15, 5, 2, 1, 0),),
    gap_s=0.003,
)
RELAY = EnablePlan("enable", CLOSE, OPEN, QUERY, reply_length=4, offset=0, closed_value=1, refresh_s=0.1)
HASH = bytes(range(8))


def hello(**change: Any) -> Hello:
    """The reference bench: a generator, a relay, 20 Hz, two counters."""
    words: dict[str, Any] = {
        "plans": ((GEN, None),),
        "enable": (RELAY, None),
        "period_s": 0.05,
        "progress": (("gen", 0.5), ("tc", 2.0)),
        "max_sample_age_s": 1.0,
    }
    return Hello(**{**words, **change})


def beat(seq: int, t_s: float, **change: Any) -> Heartbeat:
    """An idle frame; both counters advance with ``seq``."""
    words: dict[str, Any] = {
        "seq": seq,
        "t_mono_ns": round(t_s * 1e9),
        "state": State.SAFE,
        "epoch": 1,
        "grant_mw": 0,
        "enable_request": False,
        "config_hash8": HASH,
        "progress": (seq, seq),
        "oldest_sample_age_ms": 50,
    }
    return Heartbeat(**{**words, **change})


def firing(seq: int, t_s: float, **change: Any) -> Heartbeat:
    """A frame that grants 50 W."""
    return beat(seq, t_s, **{"state": State.FIRING, "grant_mw": 50_000, "enable_request": True, "epoch": 2, **change})
