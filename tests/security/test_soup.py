"""The list of other people's software is current, and what it says of processes is so."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.security import soup

MODULES = {"pyserial": "serial", "pyyaml": "yaml", "paho-mqtt": "paho", "pyvisa-py": "pyvisa_py", "pillow": "PIL"}
LOADED = """
import sys
import controller.daemon.__main__
import controller.mqtt.publisher
from drivers.registry import checked, offered
for entry in offered().values():
    checked(entry)
print(*{name.partition(".")[0] for name in sys.modules})
"""
WATCHDOG = 'import sys, safety.watchdog.process; print(*{name.partition(".")[0] for name in sys.modules})'


def modules_after(program: str) -> set[str]:
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    return set(done.stdout.split())


def module_of(package: str) -> str:
    return MODULES.get(package, package.replace("-", "_"))


def test_every_package_that_is_locked_has_its_line_and_no_other() -> None:
    assert set(soup.USES) == set(soup.locked())


def test_the_page_is_current() -> None:
    assert soup.PAGE.read_text(encoding="utf-8") == soup.render()


def test_several_versions_have_one_licence() -> None:
    assert set(soup.ONE_LICENCE) == {name for name, versions in soup.locked().items() if len(versions) > 1}


def test_no_licence_is_unknown() -> None:
    assert [name for name in soup.locked() if soup.licence(name) == "not told"] == []


def test_the_daemon_loads_what_is_said_to_be_in_it_and_nothing_else() -> None:
    loaded = modules_after(LOADED)
    elsewhere = {name for name, use in soup.USES.items() if not use.where.startswith("daemon")}
    assert {name for name in elsewhere if module_of(name) in loaded} == set()
    assert {"pydantic", "serial", "yaml"} <= loaded


def test_the_watchdog_loads_the_standard_library_alone() -> None:
    loaded = modules_after(WATCHDOG)
    assert "safety" in loaded
    others = {module_of(name) for name in soup.USES} | {"controller", "drivers", "sim"}
    assert loaded & others == set()


def test_the_lock_is_where_it_is_read(repository: Path) -> None:
    assert repository / "requirements" / "run.txt" == soup.LOCK
