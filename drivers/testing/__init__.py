"""The conformance kit: what every driver must hold, for ours and for third parties' alike.

Subclass :class:`drivers.testing.conformance.DriverConformance` (or its kin in :mod:`drivers.testing.roles`) in a test
file, name the driver, its options and a ``link_factory``; pytest does the rest. In :mod:`drivers.testing.links`,
``ScriptedLink`` plays expected exchanges, ``TableLink`` answers by request, ``RoughLink`` disturbs any link.
"""

import pkgutil
import sys

if "pytest" in sys.modules:  # its asserts then show what they saw, as those of a test file do
    _rooms = [f"{__name__}.{room.name}" for room in pkgutil.iter_modules(__path__)]
    sys.modules["pytest"].register_assert_rewrite(*_rooms)
