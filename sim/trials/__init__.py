"""Closed-loop trials of the laws: the whole stack in virtual time on many drawn scenes, judged from its own record.

``make laws`` runs them and writes ``docs/laws.md``. Arms are what is tried (:mod:`sim.trials.arms`), a trial is one arm
on one draw (:mod:`sim.trials.trial`), the race is our own law against pulsed impedance (:mod:`sim.trials.race`).
"""
