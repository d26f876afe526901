"""What codes are called in the workbook: modes, groups, kinds of unit, rings, indicators."""

from __future__ import annotations

import math
from functools import cache
from typing import TYPE_CHECKING

from geo import messages, modes, schema, units
from geo.catalogue import OWN
from geo.reports import cells

if TYPE_CHECKING:
    from geo.catalogue import Ring, ServiceType
    from geo.messages import Lang
    from geo.results import Results
    from geo.study import Study

PRESENCE = "presence"
NOT_APPLICABLE = "—"
STATES = ("working", "planned", "closed", "doubtful")
VERIFIED = "V"
MODES = frozenset(modes.BUILTIN)


@cache
def mode(name: str, lang: Lang) -> str:
    """Return what a mode is called; a mode of the study's own keeps its name."""
    if name == PRESENCE:
        return messages.text("report.presence", lang)
    return messages.text(f"word.{name}", lang) if name in MODES else name


@cache
def group(name: str, lang: Lang) -> str:
    """Return what a group of people is called."""
    return messages.text(f"word.{name}", lang) if name in schema.GROUPS else name


@cache
def unit_kind(name: str, lang: Lang) -> str:
    """Return what a kind of unit is called."""
    return messages.text(f"word.{name}", lang) if name in schema.UNIT_KINDS else name


@cache
def coded(name: str, lang: Lang, *, of: str) -> str:
    """Return the catalogue's text `<of>_<name>` of this room, or the code itself where it has none.

    Examples
    --------
    >>> coded("planned", "en", of="state"), coded("other", "en", of="state")
    ('planned', 'other')
    """
    return messages.subject("report", lang).get(f"{of}_{name}", name)


@cache
def status(name: str, lang: Lang) -> str:
    """Return what a status of the coverage is called."""
    return messages.text(f"word.{name}", lang) if name in schema.COVERAGE_STATUS else name


def service(code: str, results: Results, lang: Lang) -> str:
    """Return what a service type is called; a code that no catalogue knows stays as it is."""
    kind = results.services.get(code) or results.study.services.get(code)
    return kind.name(lang) if kind is not None else code


def ring(found: Ring, lang: Lang) -> str:
    """Return a way of measuring: mode and minutes."""
    return messages.text("report.ring", lang, mode=mode(found.mode, lang), minutes=cells.rounded(found.limit))


def indicator(kind: ServiceType, found: Ring, people: str, lang: Lang) -> str:
    """Return the full name of a coverage: service, mode, limit and denominator, never a bare share."""
    values = {"service": kind.name(lang), "ring": ring(found, lang), "group": group(people, lang)}
    return messages.text("report.indicator", lang, **values)


def basis(kind: ServiceType, lang: Lang) -> str:
    """Return what a threshold rests on; that it is a default where the text was not read; "—" without a threshold."""
    if kind.test != "minutes":
        return NOT_APPLICABLE
    said = kind.basis_in(lang)
    if kind.status in {VERIFIED, OWN} and said:
        return said
    default = messages.text("word.default_value", lang)
    return messages.text("report.basis_default", lang, default=default, basis=said) if said else default


def beyond(minutes: object, kind: ServiceType | None, lang: Lang) -> object:
    """Return the minutes to the nearest facility, or beyond how many minutes it lies."""
    known = cells.number_of(minutes)
    if known is not None:
        return known
    horizon = units.horizon(kind.limit) if kind else units.HORIZON_MINUTES
    return messages.text("word.beyond", lang, n=cells.rounded(horizon))


def reached(minutes: object, kind: ServiceType | None, lang: Lang) -> object:
    """Return minutes, or the words for none within the horizon; NaN, where there was no gap, stays.

    Examples
    --------
    >>> reached(12.5, None, "en"), reached(float("inf"), None, "en")
    (12.5, 'over 60 min')
    """
    return beyond(minutes, kind, lang) if minutes == math.inf else minutes


def verdict(kind: ServiceType, share: float | None, pass_line: float, lang: Lang) -> str:
    """Return whether a share passes; only thresholds that were read in their source allow the words."""
    if kind.status != VERIFIED:
        why = messages.text("word.own_value" if kind.status == OWN else "word.default_value", lang)
        return messages.text("report.not_judged", lang, why=why)
    if share is None:
        return NOT_APPLICABLE
    return messages.text("report.passes" if share >= pass_line else "report.fails", lang)


def adequacy_rule(study: Study, lang: Lang) -> str:
    """Return where a unit is not assessed: the thresholds of the study, in words."""
    limits = study.adequacy
    values = {
        "detached": percent(limits.detached_share),
        "around": cells.rounded(limits.around_m),
        "street": cells.rounded(limits.street_m_per_resident, decimals=2),
        "cap": cells.rounded(study.head.cap_m),
    }
    return messages.text("report.adequacy_explained", lang, **values)


def percent(share: float) -> str:
    """Return a share as per cent without idle zeros.

    Examples
    --------
    >>> percent(0.85), percent(0.125)
    ('85', '12.5')
    """
    return cells.rounded(share * 100.0, decimals=1)
