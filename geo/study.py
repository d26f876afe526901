"""The study file: what is studied, from which layers, with which services and modes.

Read once, checked whole, frozen. All faults of the file are reported together.
"""

from __future__ import annotations

import calendar
import datetime as dt
import difflib
import os
import re
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from geo import catalogue, messages, modes as modes_room, toml_faults
from geo.catalogue import Ring, ServiceType
from geo.errors import Fault, GeoValueError, InputFaultsError
from geo.messages import Message
from geo.modes import Mode  # noqa: TC001 - pydantic reads the types of a study's parts
from geo.study_file import (
    PERIOD,
    Adequacy,
    AlsoSpec,
    Frozen,
    Head,
    Layers,
    LayerSource,
    ModeSpec,
    Noding,
    ServiceSpec,
    StudyFile,
)
from geo.units import horizon

STUDY_FILE = "study.toml"
RASTERS = ("population", "terrain")
AREA_LAYERS = ("communities", "parks", "factories", "population")


class Study(Frozen):
    """A study, checked and frozen. Make one with :func:`read_study`.

    Attributes
    ----------
    file
        The study file.
    head
        Its `[study]` table.
    layers
        Its layers, every path resolved.
    services
        All service types: the catalogue with the study's own settings.
    asked
        Types that the study file names, evaluated even when nothing of the kind is built.
    modes
        All modes: the built-in ones with the study's own settings.
    adequacy
        Thresholds of rule 13.
    noding
        Within which distances drawn street lines are joined.
    previous
        Last period's result folder, found; None where none is named.

    Examples
    --------
    >>> study = geo.read_study(county)
    >>> study.head.name, study.modes["walk"].speed_kmh, study.services["canteen_elder"].limit
    ('小县', 4.5, 15.0)
    """

    model_config = ConfigDict(arbitrary_types_allowed=True, frozen=True)

    file: Path
    head: Head
    layers: Layers
    services: dict[str, ServiceType]
    asked: tuple[str, ...]
    modes: dict[str, Mode]
    adequacy: Adequacy
    noding: Noding = Noding()
    previous: Path | None = None

    @property
    def folder(self) -> Path:
        """The folder of the study file.

        Examples
        --------
        >>> geo.read_study(county).folder == county
        True
        """
        return self.file.parent

    @property
    def last_day(self) -> dt.date:
        """The last day of the study's period, the only date that outputs bear.

        Examples
        --------
        >>> geo.read_study(county).last_day
        datetime.date(2026, 12, 31)
        """
        return last_day(self.head.period)


def last_day(period: str) -> dt.date:
    """Return the last day of a period such as 2026, 2026Q4 or 2026-11.

    Examples
    --------
    >>> last_day("2026Q4"), last_day("2026-02"), last_day("2026")
    (datetime.date(2026, 12, 31), datetime.date(2026, 2, 28), datetime.date(2026, 12, 31))
    """
    found = PERIOD.match(period)
    if found is None:
        raise ValueError(messages.text("study.bad_period", "en"))
    year, quarter, month = found.groups()
    last = int(quarter) * 3 if quarter else int(month) if month else 12
    return dt.date(int(year), last, calendar.monthrange(int(year), last)[1])


def read_study(path: str | Path, *, data: tuple[str | Path, ...] = (), previous: str | Path | None = None) -> Study:
    """Read a study file.

    Parameters
    ----------
    path
        A folder that holds `study.toml`, or the file itself.
    data
        Further folders in which relative layer paths are looked up.
    previous
        Last period's result folder, instead of the one that the file names. That one is looked for beside the
        file, in the `data` folders, then where the program runs.

    Raises
    ------
    InputFaultsError
        With every fault of the file: unknown keys, wrong values, layers that are not there.
    GeoValueError
        When `path` is no path.

    Examples
    --------
    >>> geo.read_study(county).head.period
    '2026Q4'
    >>> geo.read_study("no/such/folder")
    Traceback (most recent call last):
    geo.errors.InputFaultsError: no/such/folder: no such folder or file. Give a folder with study.toml in it, ...
    """
    asked: object = path
    if not isinstance(asked, (str, os.PathLike)):
        msg = f"path: {asked!r} is no path; give the folder of a study, or its {STUDY_FILE}"
        raise GeoValueError(msg)
    given = Path(path)
    file = given / STUDY_FILE if given.is_dir() else given
    raw = _parse(file, given)
    spec, faults = _validate(raw)
    faults += _cross_faults(raw)
    layers = raw.get("layers")
    if spec is None:
        if isinstance(layers, dict):
            faults += _path_faults(layers, file.parent, data)
        raise InputFaultsError(_unique(faults))
    faults += _ring_faults(spec.services)
    resolved, missing = _resolve(spec.layers, file.parent, tuple(Path(folder) for folder in data))
    faults += missing
    earlier, missing = _previous(spec.study.previous, file.parent, data, given=previous)
    faults += missing
    if faults:
        raise InputFaultsError(_unique(faults))
    return Study(
        file=file,
        head=spec.study,
        layers=resolved,
        services=_services(spec.services),
        asked=tuple(spec.services),
        modes=_modes(spec.modes),
        adequacy=spec.adequacy,
        noding=spec.noding,
        previous=earlier,
    )


def _previous(
    named: str | None, folder: Path, data: tuple[str | Path, ...], *, given: str | Path | None
) -> tuple[Path | None, list[Fault]]:
    """Return last period's result folder, and the fault of one that is not there."""
    if given is not None:
        place = Path(given)
        return place, [] if place.is_dir() else [Fault("--previous", Message("study.no_previous", {"path": given}))]
    if not named:
        return None, []
    found, faults = _find("study.previous", named, folder, (*(Path(item) for item in data), Path.cwd()))
    if found is not None and not found.is_dir():
        faults = [Fault("study.previous", Message("study.no_previous", {"path": named}))]
    return found, faults


def _unique(faults: list[Fault]) -> list[Fault]:
    seen: dict[str, Fault] = {fault.text("en"): fault for fault in reversed(faults)}
    return list(reversed(seen.values()))


def _parse(file: Path, given: Path) -> dict[str, Any]:
    """Return the parsed TOML, or raise the one fault that keeps it from being read."""
    if not given.exists():
        raise InputFaultsError([Fault(str(given), Message("study.no_such"))])
    if not file.is_file():
        raise InputFaultsError([Fault(str(given), Message("study.no_file", {"file": STUDY_FILE}))])
    if file.suffix.casefold() != ".toml":
        raise InputFaultsError([Fault(str(given), Message("study.is_file", {"file": STUDY_FILE}))])
    try:
        text = file.read_text(encoding="utf-8-sig")
        return tomllib.loads(text)
    except UnicodeDecodeError as error:
        raise InputFaultsError([Fault(str(file), Message("study.not_utf8"))]) from error
    except tomllib.TOMLDecodeError as error:
        raise InputFaultsError([Fault(str(file), said) for said in toml_faults.faults(text, error)]) from error
    except OSError as error:
        raise InputFaultsError([Fault(str(file), Message("study.unreadable", {"why": error.strerror}))]) from error


def _validate(raw: dict[str, Any]) -> tuple[StudyFile | None, list[Fault]]:
    try:
        return StudyFile.model_validate(raw), []
    except ValidationError as error:
        return None, [_fault_of(dict(item)) for item in error.errors()]


def _fault_of(item: dict[str, Any]) -> Fault:
    where = ".".join(str(part) for part in item["loc"])
    kind = item["type"]
    if kind == "missing":
        return Fault(where, Message("study.missing"))
    if kind == "extra_forbidden":
        near = difflib.get_close_matches(str(item["loc"][-1]), _siblings(item["loc"]), n=1)
        key = "study.unknown_near" if near else "study.unknown"
        accepted = ", ".join(_siblings(item["loc"]))
        return Fault(where, Message(key, {"near": near[0] if near else "", "accepted": accepted}))
    why: Message | str = Message(kind, item.get("ctx", {})) if kind.startswith("study.") else _why(kind, item)
    return Fault(where, Message("study.bad_value", {"given": repr(item.get("input")), "why": why}))


def _why(kind: str, item: dict[str, Any]) -> Message | str:
    """Return what the checker found wrong with a value; in its own words only where we have none."""
    for key, kinds in _WRONG.items():
        if kind in kinds:
            return Message(f"study.{key}", {"accepted": "", **item.get("ctx", {})})
    return str(item["msg"])


_WRONG = {
    "wrong_number": ("float_type", "float_parsing", "int_type", "int_parsing", "finite_number"),
    "wrong_text": ("string_type",),
    "wrong_bool": ("bool_type", "bool_parsing"),
    "wrong_choice": ("literal_error",),
    "wrong_list": ("tuple_type", "list_type"),
    "wrong_table": ("dict_type", "model_type", "model_attributes_type"),
    "too_short": ("too_short",),
    "not_above": ("greater_than",),
    "not_from": ("greater_than_equal",),
    "not_to": ("less_than_equal",),
}


def _siblings(location: tuple[Any, ...]) -> list[str]:
    """Return the keys that are accepted where an unknown one stands."""
    tables: dict[str, type[BaseModel]] = {
        "study": Head,
        "layers": LayerSource if len(location) > len(("layers", "communities")) else Layers,
        "services": AlsoSpec if "also" in location else ServiceSpec,
        "modes": ModeSpec,
        "adequacy": Adequacy,
        "noding": Noding,
    }
    table = tables.get(str(location[0]), StudyFile) if len(location) > 1 else StudyFile
    return [name for name in table.model_fields if name != "file"]


def _table(raw: dict[str, Any], name: str) -> dict[str, Any]:
    found = raw.get(name)
    return found if isinstance(found, dict) else {}


def _cross_faults(raw: dict[str, Any]) -> list[Fault]:
    """Return what no single key shows: modes that do not exist, no place where people are."""
    faults = []
    layers, own_modes = _table(raw, "layers"), _table(raw, "modes")
    if layers and not any(layers.get(name) for name in AREA_LAYERS):
        faults.append(Fault("layers", Message("study.no_people", {"accepted": ", ".join(AREA_LAYERS)})))
    known = [*modes_room.BUILTIN, *own_modes]
    faults += [
        Fault(f"{table}.{key}", Message("study.bad_key"))
        for table in ("services", "modes")
        for key in _table(raw, table)
        if not re.fullmatch(r"\w+", key)
    ]
    for code, spec in _table(raw, "services").items():
        if not isinstance(spec, dict):
            continue
        also = spec.get("also")
        rings = [ring for ring in also if isinstance(ring, dict)] if isinstance(also, list) else []
        wanted = [("mode", spec.get("mode")), *(("also", ring.get("mode")) for ring in rings)]
        faults += [
            Fault(f"services.{code}.{key}", Message("study.no_mode", {"given": mode, "accepted": ", ".join(known)}))
            for key, mode in wanted
            if isinstance(mode, str) and mode not in known
        ]
        if code not in catalogue.service_types() and not spec.get("label"):
            near = ", ".join(difflib.get_close_matches(code, list(catalogue.service_types()), n=3)) or "-"
            faults.append(Fault(f"services.{code}", Message("study.new_service", {"near": near})))
    faults += [
        Fault(f"modes.{name}", Message("study.new_mode", {"accepted": ", ".join(modes_room.BUILTIN)}))
        for name, spec in own_modes.items()
        if isinstance(spec, dict)
        and name not in modes_room.BUILTIN
        and not (spec.get("like") and spec.get("speed_kmh"))
    ]
    return faults


def _path_faults(layers: dict[str, Any], folder: Path, data: tuple[str | Path, ...]) -> list[Fault]:
    """Return the missing files of a study file that is wrong elsewhere too."""
    faults: list[Fault] = []
    folders = tuple(Path(item) for item in data)
    for name, value in layers.items():
        for item in value if isinstance(value, list) else [value]:
            path = item.get("path") if isinstance(item, dict) else item
            if isinstance(path, str):
                faults += _find(f"layers.{name}", path, folder, folders)[1]
    return faults


def _find(where: str, path: str, folder: Path, data: tuple[Path, ...]) -> tuple[Path | None, list[Fault]]:
    if ".." in Path(path).parts:
        return None, [Fault(where, Message("study.path_up", {"path": path}))]
    if any(sign < " " for sign in path):  # C:\new, written in double quotes
        return None, [Fault(where, Message("study.path_escaped", {"path": repr(path)}))]
    places = [Path(path)] if Path(path).is_absolute() else [base / path for base in (folder, *data)]
    for place in places:
        try:
            if place.exists():
                return place, []
        except OSError:  # a name longer than the file system has, or a folder that may not be entered
            continue
    looked = ", ".join(str(place.parent) for place in places)
    return None, [Fault(where, Message("study.no_layer", {"path": path, "looked": looked}))]


def _resolve(layers: Layers, folder: Path, data: tuple[Path, ...]) -> tuple[Layers, list[Fault]]:
    """Return the layers with every path found, and the faults of those that are not."""
    faults: list[Fault] = []
    found: dict[str, tuple[LayerSource, ...]] = {}
    for name in Layers.model_fields:
        sources = []
        for source in getattr(layers, name):
            if source.path is None:
                elsewhere = source.place if name == "streets" else None
                if not elsewhere and (source.postgis is None or name in RASTERS):
                    faults.append(Fault(f"layers.{name}", Message("study.no_path")))
                sources.append(source)
                continue
            file, missing = _find(f"layers.{name}", source.path, folder, data)
            faults += missing
            sources.append(source.model_copy(update={"file": file}))
        found[name] = tuple(sources)
    return layers.model_copy(update=found), faults


def _services(own: dict[str, ServiceSpec]) -> dict[str, ServiceType]:
    known = catalogue.service_types()
    return {**known, **{code: _merged(code, spec, known.get(code)) for code, spec in own.items()}}


def _ring_faults(own: dict[str, ServiceSpec]) -> list[Fault]:
    """Return rings that name a mode twice, and bands beyond the minutes that are computed."""
    faults = []
    for code, spec in own.items():
        service = _merged(code, spec, catalogue.service_types().get(code))
        modes = [service.mode, *(ring.mode for ring in spec.also or ())]
        if len(set(modes)) < len(modes):
            faults.append(Fault(f"services.{code}.also", Message("study.same_mode", {"modes": ", ".join(modes)})))
        furthest = horizon(service.limit)
        if service.minutes[-1] > furthest:
            values = {"band": f"{service.minutes[-1]:g}", "furthest": f"{furthest:g}"}
            faults.append(Fault(f"services.{code}.minutes", Message("study.band_too_far", values)))
    return faults


def _merged(code: str, spec: ServiceSpec, base: ServiceType | None) -> ServiceType:
    """Return a service type with a study's own settings over the catalogue's."""
    label = spec.label or (base.label if base else code)
    base = base or ServiceType(code=code, label=label, label_en=spec.label_en or label)
    limit = spec.limit if spec.limit is not None else base.limit
    if spec.minutes is not None:
        minutes = tuple(sorted({*map(float, spec.minutes), limit}))
    else:
        minutes = catalogue.bands(limit, base.minutes)
    also = base.also if spec.also is None else tuple(Ring(ring.mode, ring.limit) for ring in spec.also)
    mode = spec.mode or base.mode
    return ServiceType(
        code=code,
        label=label,
        label_en=spec.label_en or base.label_en,
        aliases=(*(name for name in (base.label,) if name != label), *base.aliases, *spec.aliases),
        category=base.category,
        test=base.test,
        unit_kind=base.unit_kind,
        demand=tuple(dict.fromkeys(spec.demand)) if spec.demand else base.demand,
        mode=mode,
        limit=limit,
        minutes=minutes,
        also=tuple(ring for ring in also if ring.mode != mode),
        direction=spec.direction or base.direction,
        delay_minutes=base.delay_minutes if spec.delay_minutes is None else spec.delay_minutes,
        basis=base.basis if spec.limit is None else "",
        status=base.status if spec.limit is None else catalogue.OWN,
    )


def _modes(own: dict[str, ModeSpec]) -> dict[str, Mode]:
    """Return the built-in modes and the study's own; nobody rides to the street, so that leg goes at walking speed."""
    found = dict(modes_room.BUILTIN)
    for name, spec in own.items():
        base = modes_room.BUILTIN[spec.like or name]
        speed = spec.speed_kmh if spec.speed_kmh is not None else base.speed_kmh
        found[name] = replace(
            base,
            name=name,
            speed_kmh=speed,
            access_kmh=speed if base.access == "foot" and speed else base.access_kmh,
            slope=base.slope if spec.slope is None else spec.slope,
            classes=spec.classes or base.classes,
        )
    walk_kmh = found["walk"].speed_kmh or modes_room.WALK_KMH
    return {name: mode if mode.access == "foot" else replace(mode, access_kmh=walk_kmh) for name, mode in found.items()}
