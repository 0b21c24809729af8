"""PyPI's julabo on the emulated circulator: ``julabo_circulator.py HOST:PORT``, in its own environment."""

import asyncio
import sys

from julabo import JulaboCF, connection_for_url


async def main(where: str) -> None:
    connection = connection_for_url(f"tcp://{where}")
    bath = JulaboCF(connection)
    await connection.open()
    assert "JULABO" in await bath.identification()
    assert (await bath.status()).startswith("02 REMOTE STOP"), await bath.status()
    assert not await bath.is_started()
    assert 0.0 < await bath.bath_temperature() < 40.0
    assert -100.0 <= await bath.heating_power() <= 100.0
    assert 0.0 < await bath.safety_temperature() < 40.0
    for celsius in (21.5, 8.0):
        await bath.set_point_1(celsius)
        assert await bath.set_point_1() == celsius
    await bath.start()
    assert await bath.is_started()
    assert (await bath.status()).startswith("03 REMOTE START"), await bath.status()
    await bath.stop()
    assert not await bath.is_started()
    await connection.close()


if __name__ == "__main__":
    asyncio.run(asyncio.wait_for(main(sys.argv[1]), 20.0))  # the client itself waits for ever
