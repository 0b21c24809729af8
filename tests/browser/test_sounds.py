"""Alarms as they are heard: the samples that the page's own code makes, and what comes out of a page beside a bench."""

from __future__ import annotations

import itertools
import re
from typing import Any, NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.sync_api import Page, expect

from controller.daemon.prompts import ATTEND
from tests.browser.operator import NOT_LIVE, Operator
from tests.browser.pages import Pages
from tests.browser.showing import Showing

pytestmark = [pytest.mark.process, pytest.mark.timeout(120)]

RATE_HZ, FOR_S, WINDOW_S = 8000, 6.0, 0.01
AUDIBLE = 0.02
"""Root mean square of 10 ms, of a full scale of 1."""
SOUNDS = {"high": 10, "medium": 3, "low": 1, "activation": 1, "attend": 2}
"""Pulses, as the daemon asks for them; ``attend`` as on a terminal."""
RENDERED = """
async ([name, pulses, rate_hz, for_s]) => {
  const { Sounds } = await import("/static/sounds.js");
  const Real = globalThis.AudioContext;
  globalThis.AudioContext = class extends OfflineAudioContext {
    constructor() { super(1, rate_hz * for_s, rate_hz); }
    resume() { return Promise.resolve(); }
    get state() { return "running"; }
  };
  try {
    const sounds = new Sounds();
    await sounds.allow(false);
    sounds.follow({ name, pulses, every_s: null, number: 1 }, 0);
    return Array.from((await sounds.audio.startRendering()).getChannelData(0));
  } finally {
    globalThis.AudioContext = Real;
  }
}
"""
TAP = """
(() => {
  const plain = AudioNode.prototype.connect;
  const taps = new Map();
  AudioNode.prototype.connect = function (to, ...more) {
    if (to instanceof AudioDestinationNode) {
      if (!taps.has(this.context)) taps.set(this.context, new AnalyserNode(this.context, { fftSize: 2048 }));
      plain.call(this, taps.get(this.context));
    }
    return plain.call(this, to, ...more);
  };
  globalThis.heard = async (for_ms) => {
    const found = [];
    const samples = new Float32Array(2048);
    for (const end_ms = performance.now() + for_ms; performance.now() < end_ms; ) {
      let most = 0;
      for (const tap of taps.values()) {
        tap.getFloatTimeDomainData(samples);
        most = Math.max(most, Math.sqrt(samples.reduce((sum, one) => sum + one * one, 0) / samples.length));
      }
      found.push(most);
      await new Promise((later) => setTimeout(later, 20));
    }
    return found;
  };
})();
"""
"""Whatever a page sends to its loudspeaker goes to an analyser as well."""


class Pattern(NamedTuple):
    """What an ear makes of it: pitch, how many pulses, and how long each and each pause is, s."""

    pitch_hz: float
    on_s: tuple[float, ...]
    off_s: tuple[float, ...]
    loudest: float


def pattern(samples: NDArray[np.float64]) -> Pattern:
    """Taken apart."""
    size = round(RATE_HZ * WINDOW_S)
    rms = np.sqrt((samples[: len(samples) // size * size].reshape(-1, size) ** 2).mean(axis=1))
    runs = [(sounds, len(list(each))) for sounds, each in itertools.groupby(rms > AUDIBLE)]
    first = int(np.argmax(rms > AUDIBLE)) * size
    pulse = samples[first : first + round(0.1 * RATE_HZ)] * np.hanning(round(0.1 * RATE_HZ))
    pitch_hz = float(np.argmax(np.abs(np.fft.rfft(pulse, RATE_HZ))))
    on_s = tuple(WINDOW_S * length for sounds, length in runs if sounds)
    inner = runs[1:-1] if not runs[0][0] else runs[:-1]
    return Pattern(pitch_hz, on_s, tuple(WINDOW_S * length for sounds, length in inner if not sounds), float(rms.max()))


def test_each_sound_is_heard_and_none_is_another(cooled: Showing, pages: Pages) -> None:
    page = pages(cooled.where.link(viewer=True))
    Operator(page).sees("SAFE")
    found: dict[str, Pattern] = {}
    for name, pulses in SOUNDS.items():
        samples = np.array(page.evaluate(RENDERED, [name, pulses, RATE_HZ, FOR_S]))
        found[name] = pattern(samples)
        assert len(found[name].on_s) == pulses, name
        assert found[name].loudest > (0.05 if name == "activation" else 0.1), name
        assert samples[-RATE_HZ // 10 :].max() == 0.0, f"{name} does not end"
    for one, other in itertools.combinations(found, 2):
        assert abs(np.log2(found[one].pitch_hz / found[other].pitch_hz)) > 1 / 12, f"{one} and {other}: the same pitch"
    # High is quicker and more urgent than medium, medium than low; ten are two groups of five with a longer pause.
    high, medium, low = (found[name] for name in ("high", "medium", "low"))
    assert high.pitch_hz > medium.pitch_hz > low.pitch_hz
    assert max(high.on_s) < min(medium.on_s) <= max(medium.on_s) < min(low.on_s)
    assert max(high.off_s) > 3 * sorted(high.off_s)[-2]
    assert high.off_s.index(max(high.off_s)) == 4
    assert high.loudest >= medium.loudest >= low.loudest > found["activation"].loudest


def test_what_is_heard_of_a_bench(cooled: Showing, pages: Pages) -> None:
    """Alarms before the question, the question before power; a bench that falls silent under power is heard."""
    page = pages(cooled.where.link(viewer=True))
    Operator(page).sees("SAFE")
    told: list[Any] = page.evaluate(
        """async () => {
          const { heardOf } = await import("/static/sounds.js");
          const alarm = { name: "low", pulses: 1, every_s: null, number: 3 };
          const power = { name: "activation", pulses: 1, every_s: 5, number: 3 };
          const prompt = { kind: "attend", id: 7 };
          const of = (sound, prompt, known = true, state = "FIRING") =>
            heardOf({ status: { state, prompt, alarms: { sound } } }, known)?.name ?? null;
          return [of(alarm, prompt), of(power, prompt), of(null, prompt), of(power, null), of(null, null),
                  of(null, { kind: "deploy", id: 8 }), of(null, null, false), of(null, null, false, "SAFE"),
                  heardOf({ status: null }, false)];
        }"""
    )
    assert told == ["low", "attend", "attend", "activation", None, None, "medium", None, None]


def heard(page: Page, for_ms: int) -> float:
    """The loudest 40 ms of so long."""
    return float(max(page.evaluate("for_ms => heard(for_ms)", for_ms)))


def test_silence_is_said_sound_is_heard_and_a_pause_ends(cooled: Showing, pages: Pages) -> None:
    page = pages(cooled.where.link(), before=TAP)
    operator = Operator(page)
    operator.takes_control()
    sound = page.locator("#sound")
    expect(sound).to_have_text("Sound: off")
    loud, paused = cooled.show("LOCKOUT")["alarms"], cooled.show("TRIPPED")["alarms"]
    assert (loud["sound"]["name"], loud["paused_s"]) == ("high", 0.0)
    assert (paused["sound"], paused["paused_s"] > 0.0) == (None, True)
    cooled.show("LOCKOUT")
    operator.sees("LOCKOUT")
    assert heard(page, 300) == 0.0
    expect(sound).to_have_text("Sound: off; alarms are silent here")
    expect(sound).to_have_attribute("data-wanted", "yes")
    sound.click()
    expect(sound).to_have_text("Sound: on")
    assert heard(page, 1500) > AUDIBLE
    operator.button("pause sound").click()
    operator.page.wait_for_timeout(300)
    assert "silence" in cooled.daemon.asked
    cooled.show("TRIPPED")
    operator.reads("AUDIO PAUSED")
    page.wait_for_timeout(300)
    assert heard(page, 1000) == 0.0
    cooled.show("LOCKOUT")  # an alarm that is not paused
    operator.sees("LOCKOUT")
    assert heard(page, 1500) > AUDIBLE
    # A page that comes anew was allowed to sound before. Its browser does not play until it is touched; that is said.
    page.reload()
    operator.sees("LOCKOUT")
    expect(sound).to_have_text(re.compile("blocked by the browser until you press here; alarms are silent here"))
    assert heard(page, 300) == 0.0
    page.locator("h1").click()
    expect(sound).to_have_text("Sound: on")
    assert heard(page, 1500) > AUDIBLE
    sound.click()
    expect(sound).to_have_text("Sound: off; alarms are silent here")
    page.wait_for_timeout(300)
    assert heard(page, 300) == 0.0


def test_the_question_is_heard_and_so_is_a_bench_that_falls_silent(cooled: Showing, pages: Pages) -> None:
    pages.excused = ("WebSocket", "ERR_CONNECTION")
    page = pages(cooled.where.link(viewer=True), before=TAP)
    operator = Operator(page)
    operator.sees("SAFE")
    page.locator("#sound").click()
    page.wait_for_timeout(800)  # the pulse that says that it can be heard
    assert heard(page, 500) == 0.0
    cooled.show(ATTEND)
    operator.sees("FIRING")
    assert heard(page, 1500) > AUDIBLE
    cooled.hang()
    operator.sees(NOT_LIVE)
    assert heard(page, 1500) > AUDIBLE
