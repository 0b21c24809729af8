"""The conformance kit: what every driver must hold, for ours and for third parties' alike.

Subclass :class:`drivers.testing.conformance.DriverConformance` (or its kin in :mod:`drivers.testing.roles`) in a test
file, name the driver, its options and a ``link_factory``; pytest does the rest. In :mod:`drivers.testing.links`,
``ScriptedLink`` plays expected exchanges, ``TableLink`` answers by request, ``RoughLink`` disturbs any link.
"""
