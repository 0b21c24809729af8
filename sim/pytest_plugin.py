"""pytest plug-in: a simulated bench in virtual time, for labs that test their own protocols, laws and drivers.

    def test_our_protocol_stops_when_the_pump_does(bench):
        result = bench("bench.yaml").run("ours.yaml", seed=1, faults=["pump.stall@30"])
        assert result.trip["monitor"] == "flow"

``@pytest.mark.bench_seeds(1, 2, 3)`` runs a test once with each seed. Nothing of openablate is imported until a test
uses the fixture.
"""

from __future__ import annotations

import contextlib
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from controller.laws.base import Law
    from controller.records.reader import Event, Series
    from drivers.contract import Driver
    from sim.devices.base import Emulator

MARKER = "bench_seeds(*seeds): run the test once with each seed of the simulated bench's noise"


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line("markers", MARKER)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test for each seed of the marker."""
    marker = metafunc.definition.get_closest_marker("bench_seeds")
    if marker is not None and "bench_seed" in metafunc.fixturenames:
        metafunc.parametrize("bench_seed", marker.args, ids=[f"seed{seed}" for seed in marker.args])


class Result(dict[str, Any]):
    """The JSON object of ``ablate rehearse``, its fields as attributes too (``result.energy_j``), and the record."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(f"a result has no {name}; it has {', '.join(sorted(self))}") from None

    def channel(self, name: str) -> Series:
        """Every sample of a channel (``tc.tip_c``): arrays ``t_s``, ``value``, ``quality``.

        Raises:
            KeyError: there is none of this name; says which there are.
        """
        from controller.records.reader import open_session

        with open_session(self["session_file"]) as session:
            if name not in session.channels:
                raise KeyError(f"no channel {name}; there are {', '.join(session.channels)}")
            return session.series(name)

    def events(self, kind: str | None = None) -> list[Event]:
        """What happened, in order; or only the events of one kind (``state``, ``trip``, ``refused``)."""
        from controller.records.reader import open_session

        with open_session(self["session_file"]) as session:
            return session.events(kind)


class Bench:
    """A bench of emulated devices. Each run begins with fresh tissue; its record is kept below ``folder``."""

    def __init__(self, bench: str, folder: Path, seed: int | None) -> None:
        self._bench, self._folder, self._seed = bench, folder, seed

    def run(
        self, protocol: str | Path | Mapping[str, Any], *, seed: int | None = None, faults: Sequence[str] = ()
    ) -> Result:
        """One application, or a whole plan, from connecting to the closed record, in virtual time.

        Args:
            protocol: a file, the name of a shipped one, or what a protocol file would hold.
            seed: of the noise; default: that of the marker, else the bench file's.
            faults: ``device[.channel].fault[=value][@onset_s][+duration_s]``; onset from the start of the bench.

        Raises:
            ConfigError: bench and protocol do not fit, or one is wrong; with file and line.
            FaultError: a device, channel or fault that is none; with the nearest that is.
        """
        from controller.treatment.loading import load_work
        from sim.rehearsal import rehearse

        work = protocol if isinstance(protocol, str | Path) else self._written(protocol)
        seed = seed if seed is not None else self._seed
        return Result(rehearse(load_work(self._bench, str(work)), seed=seed, faults=faults, out=self._folder))

    def _written(self, protocol: Mapping[str, Any]) -> Path:
        import yaml

        self._folder.mkdir(exist_ok=True)
        path = self._folder / f"{protocol.get('protocol', 'protocol')}.yaml"
        path.write_text(yaml.safe_dump(dict(protocol), sort_keys=False), encoding="utf-8")
        return path


@pytest.fixture
def bench_seed() -> int | None:
    """The seed of this run of the test; None: the bench file's."""
    return None


@pytest.fixture
def bench(tmp_path: Path, bench_seed: int | None) -> Iterator[Callable[..., Bench]]:
    """Makes a :class:`Bench`: ``bench(FILE_OR_NAME, laws=[OwnLaw], drivers={OwnDriver: ItsEmulator})``.

    ``laws`` need not be installed: a protocol names one by the ``kind`` of its parameters. ``drivers`` neither: a bench
    file names one by its ``MODEL``. To each belongs what stands at the other end of its wire, a class derived from
    :class:`sim.devices.base.Emulator`, or the name of a device of ours that speaks the same (``tc-cxn``).
    """
    with contextlib.ExitStack() as lent:

        def make(
            file: str | Path,
            *,
            laws: Sequence[type[Law[Any]]] = (),
            drivers: Mapping[type[Driver], type[Emulator] | str] | None = None,
        ) -> Bench:
            for law in laws:
                _lend_law(lent, law)
            for driver, emulator in (drivers or {}).items():
                _lend_driver(lent, driver, emulator)
            return Bench(str(file), tmp_path / "bench", bench_seed)

        yield make


def _lend_law(lent: contextlib.ExitStack, law: type[Law[Any]]) -> None:
    from controller.laws.registry import GROUP
    from drivers import registry

    kinds = typing.get_args(law.PARAMS.model_fields["kind"].annotation)
    if len(kinds) != 1:
        raise TypeError(f'{law.PARAMS.__name__}.kind must be a Literal of one name: kind: Literal["our-law"]')
    lent.enter_context(registry.lent(GROUP, str(kinds[0]), law))


def _lend_driver(lent: contextlib.ExitStack, driver: type[Driver], emulator: type[Emulator] | str) -> None:
    from drivers import registry
    from sim import devices

    found = devices.emulator_class(emulator) if isinstance(emulator, str) else emulator
    lent.enter_context(registry.lent(registry.GROUP, driver.MODEL, driver))
    devices.LENT[driver.MODEL] = found
    lent.callback(devices.LENT.pop, driver.MODEL, None)
