"""What a study file may say: its tables, their keys, and what each accepts."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, Self
from urllib.parse import parse_qsl, unquote

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator
from pydantic_core import PydanticCustomError

from geo import catalogue, crs as crs_room, modes
from geo.errors import GeoCrsError

Group = Literal["residents", "workers", "elders"]
COUNTY_CODE = re.compile(r"^[1-9][0-9]{5}(?:[0-9]{3}|[0-9]{6})?$")  # GB/T 2260, of a township or a village behind it
PERIOD = re.compile(r"^(?!0000)(\d{4})(?:Q([1-4])|-(0[1-9]|1[0-2]))?$")


# Strict, so that nothing of a password written carelessly can pass for a host or a database.
_DATABASE = re.compile(
    r"postgres(?:ql)?://(?:(?P<user>[^:@/?#\s]*)(?::(?P<password>[^@/?#\s]*))?@)?"
    r"(?P<host>[\w.-]*|\[[0-9a-fA-F:.]+\])(?::(?P<port>\d{1,5}))?/(?P<base>[^/?#@\s]+)(?:\?(?P<query>[^#@\s]*))?"
)
_ADDRESS = re.compile(r"\s*(?:\w+://[^/]*@|postgres\w*:)", re.IGNORECASE)
DATABASE_OPTIONS = ("host", "port", "sslmode", "sslrootcert", "connect_timeout")


class Database(NamedTuple):
    """Where a PostGIS table is: the parts of its address, unquoted, "" where left out; never to be printed whole."""

    host: str
    port: str
    base: str
    user: str
    password: str
    password_as_written: str
    options: dict[str, str]


def database_of(address: SecretStr | str | None) -> Database | None:
    """Return the parts of `postgresql://user:password@host:port/database?option=value`; None where it is no such address.

    Examples
    --------
    >>> found = database_of("postgresql://planner:a%40b@db.example:5433/gis?sslmode=require")
    >>> found.host, found.port, found.base, found.user, found.options
    ('db.example', '5433', 'gis', 'planner', {'sslmode': 'require'})
    >>> database_of("postgresql://planner:a@b@db.example/gis") is None
    True
    """
    text = address.get_secret_value() if isinstance(address, SecretStr) else address or ""
    found = _DATABASE.fullmatch(text.strip())
    if found is None:
        return None
    part = {name: value or "" for name, value in found.groupdict().items()}
    options = dict(parse_qsl(part["query"], keep_blank_values=True))
    if not set(options) <= set(DATABASE_OPTIONS):
        return None
    return Database(
        part["host"].strip("[]"),
        part["port"],
        unquote(part["base"]),
        unquote(part["user"]),
        unquote(part["password"]),
        part["password"],
        options,
    )


def is_address(text: str) -> bool:
    """Say whether a text may be a database's address, well written or not, so that it must not be printed.

    Examples
    --------
    >>> is_address("postgresql://planner:secret@db/gis"), is_address("postgis/layers.gpkg")
    (True, False)
    """
    return _ADDRESS.match(text) is not None


def _custom(key: str, **values: str) -> PydanticCustomError:
    """Return a fault of one value whose type is the key of its message."""
    return PydanticCustomError(key, key, values)


class Frozen(BaseModel):
    """A table that knows its keys and does not change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class LayerSource(Frozen):
    """One source of a layer, as the study file states it; `path` is resolved by :func:`read_study`.

    `postgis` is the address of a database and may hold a password: it is shown by `label` alone, without it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    path: str | None = None
    place: str | None = None
    postgis: SecretStr | None = None
    table: str | None = None
    crs: str | None = None
    encoding: str | None = None
    layer: str | None = None
    columns: dict[str, str] = Field(default_factory=dict)
    where: dict[str, list[Any]] = Field(default_factory=dict)
    set: dict[str, Any] = Field(default_factory=dict)
    unknown: Literal["fail", "report"] = "fail"
    duplicates: Literal["keep", "drop"] = "keep"
    file: Path | None = Field(default=None, exclude=True)

    @model_validator(mode="before")
    @classmethod
    def _file_is_ours(cls, value: Any) -> Any:  # noqa: ANN401 - raw TOML
        if isinstance(value, dict) and "file" in value and not isinstance(value["file"], Path):
            raise _custom("study.no_file_key")  # noqa: EM101 - a key, not a text
        return value

    @field_validator("postgis")
    @classmethod
    def _an_address(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and database_of(value) is None:
            raise _custom("study.bad_postgis", accepted=", ".join(DATABASE_OPTIONS))  # noqa: EM101 - a key
        return value

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if (self.postgis is None) != (self.table is None):
            raise _custom("study.postgis_table")  # noqa: EM101 - a key, not a text
        if sum(given is not None for given in (self.path, self.place, self.postgis)) > 1:
            raise _custom("study.one_source")  # noqa: EM101 - a key, not a text
        return self

    @property
    def label(self) -> str:
        """The source as the user wrote it; of a database its host, name and table, no user and no password."""
        database = database_of(self.postgis)
        if database is not None:
            port = f":{database.port}" if database.port else ""
            return f"postgresql://{database.host}{port}/{database.base}#{self.table}"
        return self.path or self.place or "?"


class AlsoSpec(Frozen):
    """A further ring of a service."""

    mode: str
    limit: Annotated[float, Field(gt=0, le=240)]


class ServiceSpec(Frozen):
    """What a study overrides of a service type, or the whole of a new one."""

    label: str | None = None
    label_en: str | None = None
    aliases: tuple[str, ...] = ()
    mode: str | None = None
    minutes: tuple[Annotated[float, Field(gt=0, le=240)], ...] | None = None
    limit: Annotated[float, Field(gt=0, le=240)] | None = None
    also: tuple[AlsoSpec, ...] | None = None
    demand: Annotated[tuple[Group, ...], Field(min_length=1)] | None = None
    direction: catalogue.Direction | None = None
    delay_minutes: Annotated[float, Field(ge=0, le=240)] | None = None


class ModeSpec(Frozen):
    """What a study overrides of a mode, or a new one that moves `like` a known one."""

    speed_kmh: Annotated[float, Field(gt=0, le=200)] | None = None
    like: Literal["walk", "elder", "ebike", "drive"] | None = None
    slope: bool | None = None
    classes: Annotated[tuple[str, ...], Field(min_length=1)] | None = None

    @field_validator("classes")
    @classmethod
    def _known(cls, value: tuple[str, ...] | None) -> tuple[str, ...] | None:
        if unknown := modes.unknown_classes(value or ()):
            accepted = ", ".join(modes.STREET_CLASSES)
            raise _custom("study.bad_class", unknown=", ".join(unknown), accepted=accepted)  # noqa: EM101 - a key
        return value


class Adequacy(Frozen):
    """When the network is too thin to judge a unit."""

    detached_share: Annotated[float, Field(ge=0, le=1)] = 0.2
    street_m_per_resident: Annotated[float, Field(ge=0)] = 1.5
    around_m: Annotated[float, Field(ge=0)] = 300.0
    island_m: Annotated[float, Field(ge=0)] = 1000.0


class Noding(Frozen):
    """Within which distances lines of a drawn street layer are joined."""

    join_m: Annotated[float, Field(ge=0, le=20)] = 1.0
    bridge_m: Annotated[float, Field(ge=0, le=50)] = 0.0
    ask_m: Annotated[float, Field(ge=0, le=50)] = 5.0


class Head(Frozen):
    """The `[study]` table."""

    id: str
    name: str
    code: str | None = None
    period: str
    crs: str | None = None
    synthetic: bool = False
    previous: str | None = None
    cap_m: Annotated[float, Field(gt=0, le=2000)] = 300.0
    keep_personal: bool = False
    review_no: str | None = None
    source: str | None = None

    @field_validator("id")
    @classmethod
    def _folder_safe(cls, value: str) -> str:
        if not re.fullmatch(r"\w[\w.-]*", value) or ".." in value:
            raise _custom("study.bad_id")  # noqa: EM101 - a key, not a text
        return value

    @field_validator("code")
    @classmethod
    def _a_county(cls, value: str | None) -> str | None:
        if value and not COUNTY_CODE.match(value):
            raise _custom("study.bad_code")  # noqa: EM101 - a key, not a text
        return value

    @field_validator("period")
    @classmethod
    def _a_period(cls, value: str) -> str:
        if not PERIOD.match(value):
            raise _custom("study.bad_period")  # noqa: EM101 - a key, not a text
        return value

    @field_validator("crs")
    @classmethod
    def _metric(cls, value: str | None) -> str | None:
        if value is None:
            return None
        try:
            wanted = crs_room.normalise(value)
        except GeoCrsError as error:
            raise _custom("study.bad_crs") from error  # noqa: EM101 - a key, not a text
        if not crs_room.is_metric(wanted):
            raise _custom("study.bad_crs")  # noqa: EM101 - a key, not a text
        return value


class Layers(Frozen):
    """The `[layers]` table: each layer is a tuple of sources."""

    communities: tuple[LayerSource, ...] = ()
    parks: tuple[LayerSource, ...] = ()
    service_points: tuple[LayerSource, ...]
    streets: tuple[LayerSource, ...]
    districts: tuple[LayerSource, ...] = ()
    factories: tuple[LayerSource, ...] = ()
    venues: tuple[LayerSource, ...] = ()
    gates: tuple[LayerSource, ...] = ()
    barriers: tuple[LayerSource, ...] = ()
    water: tuple[LayerSource, ...] = ()
    boundary: tuple[LayerSource, ...] = ()
    population: tuple[LayerSource, ...] = ()
    terrain: tuple[LayerSource, ...] = ()

    @field_validator("*", mode="before")
    @classmethod
    def _sources(cls, value: Any) -> Any:  # noqa: ANN401 - raw TOML
        listed = value if isinstance(value, (list, tuple)) else [value]
        return tuple({"path": item} if isinstance(item, str) else item for item in listed)


def _hidden(value: Any) -> Any:  # noqa: ANN401 - raw TOML
    """Return raw TOML in which no address of a database can be printed: a fault quotes what it is about."""
    if isinstance(value, dict):
        return {key: _hidden(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_hidden(item) for item in value]
    return SecretStr(value) if isinstance(value, str) and is_address(value) else value


class StudyFile(Frozen):
    """The whole file."""

    study: Head
    layers: Layers
    services: dict[str, ServiceSpec] = Field(default_factory=dict)
    modes: dict[str, ModeSpec] = Field(default_factory=dict)
    adequacy: Adequacy = Field(default_factory=Adequacy)
    noding: Noding = Field(default_factory=Noding)

    @model_validator(mode="before")
    @classmethod
    def _hide_addresses(cls, value: Any) -> Any:  # noqa: ANN401 - raw TOML
        return _hidden(value)
