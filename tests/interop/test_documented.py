"""``docs/interop.md`` names every client and simulator, in the version that is locked."""

from __future__ import annotations

import pytest

from tests.interop.run import BY_HAND, CLIENTS, ROOT, Client, locked

ROWS = (ROOT / "docs" / "interop.md").read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.name)
def test_client_is_in_the_table(client: Client) -> None:
    package, _, version = client.packages[0].partition("==")
    version = version or locked().get(package, "main at" if package in BY_HAND else "")
    assert version, f"{package} is neither locked nor in BY_HAND"
    rows = [row for row in ROWS if row.startswith(f"| `{client.model}`")]
    assert any(package in row.lower() and version in row for row in rows), f"{package} {version}: {rows}"


@pytest.mark.parametrize("package", ["pymodbus", "lewis", "julabo", "sinstruments"])
def test_simulator_is_in_the_table(package: str) -> None:
    rows = ROWS[ROWS.index("## Our drivers, their simulators") : ROWS.index("## Differences, and who is right")]
    assert any(package in row and locked()[package] in row for row in rows)
