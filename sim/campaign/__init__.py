"""The fault campaign: every fault, in every phase of an application, at every part of a tick; each run with a verdict.

``plan`` says which runs there are, ``expected`` what each fault must lead to (``injections.toml``), ``trial`` runs
one on virtual time, ``verdict`` judges it, ``pool`` runs many and can go on where it was stopped, ``evidence`` writes
what the safety case takes of it.
"""
