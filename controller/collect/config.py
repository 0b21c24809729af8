"""The file that ``ablate collect`` is given."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from controller.config.problems import ConfigError
from controller.config.validate import validate
from controller.config.yaml_loader import load
from controller.mqtt.config import MqttConfig, topic_level


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Parquet(_Part):
    """Files below ``folder``, partitioned by bench, date and session; a new one every ``every_s`` and at the end of a
    session."""

    folder: Path
    every_s: Annotated[float, Field(ge=1, le=86400)] = 600.0


class Postgres(_Part):
    """A database with the tables of ``ablate collect --schema``.

    ``conninfo`` as libpq has it (``host=db dbname=lab user=collector``), without a password: that stands in
    ``password_file``.
    """

    conninfo: str
    password_file: Path | None = None

    @field_validator("conninfo")
    @classmethod
    def _no_password(cls, conninfo: str) -> str:
        if "password" in conninfo.lower():
            raise ValueError("the password does not belong here: put it into a file and name that in password_file")
        return conninfo


class Patience(_Part):
    """When a gap is one, and how it is asked for.

    A batch that is missing for ``gap_s`` although a later one is here is asked for, at most ``batches`` in one request;
    a bench that does not answer for ``answer_s`` is asked again, ``tries`` times in all before a gap that it says it
    has sent is given up.
    """

    gap_s: Annotated[float, Field(ge=0.05, le=3600)] = 2.0
    answer_s: Annotated[float, Field(ge=0.2, le=3600)] = 30.0
    batches: Annotated[int, Field(ge=1, le=100_000)] = 2000
    tries: Annotated[int, Field(ge=1, le=100)] = 3


class CollectConfig(_Part):
    """What is collected and where it goes.

    ``name`` is the collector's own: the broker keeps messages for it by that name while it is away, and benches answer
    to it; two collectors of one broker need two names. ``journal`` is a folder on a local disk. ``sites`` and
    ``benches``: which; ``+`` is every one. ``journal_mb``: how much may wait there for a sink that is away.
    """

    name: str = "collector"
    broker: MqttConfig
    journal: Path
    sites: tuple[str, ...] = ("+",)
    benches: tuple[str, ...] = ("+",)
    parquet: Parquet | None = None
    postgres: Postgres | None = None
    patience: Patience = Patience()
    journal_mb: Annotated[float, Field(ge=1)] = 10_000.0

    @field_validator("name")
    @classmethod
    def _level(cls, name: str) -> str:
        return topic_level("name", name)

    @field_validator("sites", "benches")
    @classmethod
    def _levels(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if not names:
            raise ValueError("name at least one, or leave it out for every one")
        return tuple(name if name == "+" else topic_level("site or bench", name) for name in names)

    @model_validator(mode="after")
    def _somewhere(self) -> Self:
        if self.parquet is None and self.postgres is None:
            raise ValueError("nothing says where data go: give parquet, postgres, or both")
        return self


def read(path: Path) -> CollectConfig:
    """Read and check a file. Paths in it are relative to its folder.

    Raises:
        ConfigError: with every problem found, by file and line.
    """
    config, problems = validate(CollectConfig, load(path))
    if config is None or problems:
        raise ConfigError(problems)
    return _beside(config, path.parent)


def _beside(config: CollectConfig, folder: Path) -> CollectConfig:
    broker, tls = config.broker, config.broker.tls
    if tls is not None:
        paths = {key: folder / path for key, path in tls.model_dump(exclude_none=True).items()}
        tls = tls.model_copy(update=paths)
    secret = folder / broker.password_file if broker.password_file else None
    broker = broker.model_copy(update={"tls": tls, "password_file": secret})
    parquet, postgres = config.parquet, config.postgres
    if parquet is not None:
        parquet = parquet.model_copy(update={"folder": folder / parquet.folder})
    if postgres is not None and postgres.password_file is not None:
        postgres = postgres.model_copy(update={"password_file": folder / postgres.password_file})
    update = {"broker": broker, "journal": folder / config.journal, "parquet": parquet, "postgres": postgres}
    return config.model_copy(update=update)
