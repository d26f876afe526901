"""Tables of a real PostGIS server: read as they stand, in a stable order, with nothing of the study turned into SQL."""

from __future__ import annotations

import json
import logging
import socket
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyproj
import pytest
import shapely
from pydantic import ValidationError

import geo
from geo.errors import InputFaultsError
from geo.layers import TableRead, read_table
from geo.study_file import LayerSource, database_of

from . import postgres

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from .postgres import Server

METRIC = pyproj.CRS.from_epsg(4548)
NASTY = (
    'x"; DROP TABLE stations; --',
    "x'; DROP TABLE stations; --",
    "a.b.c",
    "表 名",
    "stations WHERE 1=1",
    "%s",
    "{0}",
    "a\\b",
)


@pytest.fixture(scope="module")
def stations(database: Server) -> Iterator[Server]:
    run(
        database,
        "CREATE TABLE stations (id text PRIMARY KEY, 名称 text, type text, capacity numeric(6,0), opened date, tags text[],"
        " open boolean, photo bytea, g geometry(Point, 4326))",
        "INSERT INTO stations VALUES"
        " ('S2', '站2', '共享食堂', 30, '2026-03-01', '{a,b}', true, '\\x00', ST_SetSRID(ST_Point(118.201, 25.3), 4326)),"
        " ('S1', '站1', '零工驿站', NULL, NULL, NULL, NULL, NULL, ST_SetSRID(ST_Point(118.2, 25.3), 4326)),"
        " ('S3', '站3', '零工驿站', 12, NULL, NULL, false, NULL, NULL)",
        *(f"CREATE TABLE {quoted(name)} (id int, g geometry(Point, 4326))" for name in NASTY),
    )
    yield database
    run(database, "DROP TABLE stations", *(f"DROP TABLE {quoted(name)}" for name in NASTY))


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def run(server: Server, *statements: str) -> list[tuple[Any, ...]]:
    import psycopg  # noqa: PLC0415 - an extra

    with psycopg.connect(server.address) as connection:
        last: list[tuple[Any, ...]] = []
        for statement in statements:
            cursor = connection.execute(statement)  # type: ignore[call-overload]
            last = cursor.fetchall() if cursor.description else []
        return last


def read(server: Server, table: str, *, kind: str = "venue", **options: Any) -> TableRead:
    return read_table(LayerSource(postgis=server.address, table=table, **options), kind=kind, crs=METRIC)


def faults_of(server: Server, table: str, **options: Any) -> str:
    with pytest.raises(InputFaultsError) as caught:
        read(server, table, **options)
    return caught.value.text("en") + caught.value.text("zh")


def keys(found: TableRead) -> list[tuple[int | None, str, str]]:
    rows = found.repairs[["row", "action", "message"]].itertuples(index=False)
    return [(None if pd.isna(row) else int(row), action, m.key.removeprefix("layers.")) for row, action, m in rows]


def test_rows_come_by_primary_key_with_their_types(stations: Server) -> None:
    found = read(stations, "stations")
    table = found.table
    assert table["id"].tolist() == ["S1", "S2", "S3"]
    assert table["name"].tolist() == ["站1", "站2", "站3"]
    assert table["capacity"].isna().tolist() == [True, False, False]
    assert table["capacity"].tolist()[1:] == [30.0, 12.0]
    assert table["tags"].tolist()[1] == "a;b"
    assert table["opened"].tolist()[1] == "2026-03-01"
    expected = pyproj.Transformer.from_crs(4326, METRIC, always_xy=True).transform(118.2, 25.3)
    assert shapely.get_coordinates(table.geometry.iloc[0])[0] == pytest.approx(expected, abs=1e-6)
    assert table.geometry.iloc[2] is None


def test_a_row_without_a_place_among_three_is_a_fault_of_service_points(stations: Server) -> None:
    assert "1 of 3 rows have no geometry" in faults_of(stations, "stations", kind="service")


def test_what_cannot_be_read_is_told_and_the_checksum_is_of_what_was_read(stations: Server) -> None:
    first, again = read(stations, "stations"), read(stations, "public.stations")
    assert (None, "told", "fields_skipped") in keys(first)
    assert first.inputs[0]["sha256"] == again.inputs[0]["sha256"]
    assert len(first.inputs[0]["sha256"]) == 64
    run(stations, "UPDATE stations SET capacity = 13 WHERE id = 'S3'")
    assert read(stations, "stations").inputs[0]["sha256"] != first.inputs[0]["sha256"]
    run(stations, "UPDATE stations SET capacity = 12 WHERE id = 'S3'")
    assert read(stations, "stations").inputs[0]["sha256"] == first.inputs[0]["sha256"]


@pytest.mark.parametrize("name", NASTY)
def test_a_name_is_a_name_whatever_it_says(stations: Server, name: str) -> None:
    assert "has no rows" in faults_of(stations, name)
    assert run(stations, "SELECT count(*) FROM stations") == [(3,)]


@pytest.mark.parametrize(
    "name",
    [
        "stations; DROP TABLE stations",
        "stations' OR '1'='1",
        'stations" UNION SELECT 1 --',
        "pg_catalog.pg_authid; --",
        "",
        "x\x00y",
        "(SELECT 1)",
        "stations--",
        "STATIONS",
    ],
)
def test_sql_in_the_name_of_a_table_is_no_table(stations: Server, name: str) -> None:
    text = faults_of(stations, name)
    assert "names a table" in text or "NUL" in text
    assert run(stations, "SELECT count(*) FROM stations") == [(3,)]


def test_near_names_are_suggested(stations: Server) -> None:
    assert "near ones: public.stations" in faults_of(stations, "station")


@pytest.mark.parametrize("value", ["' OR '1'='1", "站1'; DROP TABLE stations; --", "%s", "站1\\"])
def test_sql_in_where_selects_nothing(stations: Server, value: str) -> None:
    assert "no rows left after where" in faults_of(stations, "stations", where={"名称": [value]})
    assert "has no column" in faults_of(stations, "stations", where={f"名称 = '{value}' OR 1=1 --": [1]})
    assert run(stations, "SELECT count(*) FROM stations") == [(3,)]


def test_where_and_columns_work_as_for_any_file(stations: Server) -> None:
    found = read(stations, "stations", where={"名称": ["站2", "站3"]}, columns={"capacity": "capacity"})
    assert found.table["id"].tolist() == ["S2", "S3"]
    assert (found.inputs[0]["rows_read"], found.inputs[0]["rows_filtered"]) == (3, 1)


def test_a_view_comes_in_one_order_and_a_table_without_a_key_as_it_is_stored(stations: Server) -> None:
    run(
        stations,
        "CREATE TABLE loose AS SELECT * FROM stations ORDER BY id DESC",
        "CREATE VIEW seen AS SELECT id, 名称, g FROM loose ORDER BY random()",
    )
    assert read(stations, "loose").table["id"].tolist() == ["S3", "S2", "S1"]
    seen = [read(stations, "seen").table["id"].tolist() for _ in range(5)]
    assert seen == [["S1", "S2", "S3"]] * 5
    run(stations, "DROP VIEW seen", "DROP TABLE loose")


def test_geometry_columns_and_coordinate_systems(stations: Server) -> None:
    run(
        stations,
        "CREATE TABLE two (id int PRIMARY KEY, a geometry(Point, 4326), b geography(Point, 4326))",
        "INSERT INTO two VALUES (1, ST_SetSRID(ST_Point(118.2, 25.3), 4326), ST_Point(118.3, 25.3)::geography)",
        "CREATE TABLE mixed (id int PRIMARY KEY, g geometry)",
        "INSERT INTO mixed VALUES (1, ST_SetSRID(ST_Point(118.2, 25.3), 4326)), (2, ST_SetSRID(ST_Point(5e5, 28e5), 4548))",
        "CREATE TABLE unsaid (id int PRIMARY KEY, g geometry)",
        "INSERT INTO unsaid VALUES (1, ST_Point(118.2, 25.3))",
        "CREATE TABLE curved (id int PRIMARY KEY, g geometry(CurvePolygon, 4548))",
        "INSERT INTO curved VALUES (1, ST_GeomFromText('CURVEPOLYGON(CIRCULARSTRING(500000 2800000, 500100 2800100,"
        " 500200 2800000, 500100 2799900, 500000 2800000))', 4548))",
        "CREATE TABLE plain (id int PRIMARY KEY, 名称 text, lon float8, lat float8)",
        "INSERT INTO plain VALUES (1, '甲', 118.2, 25.3)",
    )
    assert "several layers: a, b" in faults_of(stations, "two")
    assert read(stations, "two", layer="b").inputs[0]["crs"] == "EPSG:4326"
    assert "mixes coordinate systems in one column: SRID 4326, SRID 4548" in faults_of(stations, "mixed")
    assert "states no CRS" in faults_of(stations, "unsaid")
    assert read(stations, "unsaid", crs="gcj02").inputs[0]["crs"] == "gcj02"
    area = read(stations, "curved", kind="park", set={"workers": 1}).table.geometry.iloc[0].area
    assert area == pytest.approx(3.14159265 * 100**2, rel=0.01)
    assert read(stations, "plain", crs="EPSG:4326").table["name"].tolist() == ["甲"]
    run(stations, *(f"DROP TABLE {name}" for name in ("two", "mixed", "unsaid", "curved", "plain")))


def test_invalid_and_odd_numbers(stations: Server) -> None:
    run(
        stations,
        "CREATE TABLE odd (id int8 PRIMARY KEY, population float8, g geometry(Polygon, 4548))",
        "INSERT INTO odd SELECT n, n, ST_MakeEnvelope(500000 + n, 2800000, 500100 + n, 2800100, 4548) FROM generate_series(1, 29) n",
        "INSERT INTO odd VALUES (9007199254740993, 'NaN', ST_GeomFromText('POLYGON((500000 2800000, 500010 2800010, 500010 2800000, 500000 2800010, 500000 2800000))', 4548))",
        "UPDATE odd SET population = 'Infinity' WHERE id = 1",
    )
    found = read(stations, "odd", kind="community")
    assert found.table["id"].tolist() == [*map(str, range(1, 30)), "9007199254740993"]
    assert {(30, "doubtful", "made_valid_otherwise"), (1, "kept", "not_a_number")} <= set(keys(found))
    run(stations, "DROP TABLE odd")


def test_too_much_is_a_fault(stations: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("geo.layers.bounds.MOST_CELLS", 20)
    assert "beyond 20" in faults_of(stations, "stations")


def test_nothing_can_be_written_through_the_connection(stations: Server) -> None:
    run(
        stations,
        "CREATE FUNCTION grab() RETURNS int LANGUAGE plpgsql AS $$ BEGIN DELETE FROM stations; RETURN 1; END $$",
        "CREATE VIEW trap AS SELECT grab() AS id, g FROM stations",
    )
    assert "read-only transaction" in faults_of(stations, "trap")
    assert run(stations, "SELECT count(*) FROM stations") == [(3,)]
    run(stations, "DROP VIEW trap", "DROP FUNCTION grab()")


def test_a_statement_that_does_not_end_is_stopped(stations: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("geo.layers.postgis.STATEMENT_SECONDS", 1)
    run(stations, "CREATE VIEW slow AS SELECT pg_sleep(60)::text AS id, g FROM stations")
    assert "statement timeout" in faults_of(stations, "slow")
    run(stations, "DROP VIEW slow")


def secrets() -> Sequence[str]:
    return (postgres.SECRET, postgres.SECRET_IN_ADDRESS, "w0rd")


def test_the_password_is_never_shown(
    stations: Server, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    source = LayerSource(postgis=stations.address, table="stations")
    shown = [repr(source), str(source), source.label, str(source.model_dump()), source.model_dump_json()]
    found = read(stations, "stations")
    shown += [json.dumps(found.inputs), found.repairs.to_csv(), str(found)]
    for address in (
        stations.address.replace("county", "nowhere"),
        stations.address.replace(str(stations.port), "1"),
        stations.address.replace("planner", "nobody"),
        stations.address.replace("127.0.0.1", "no-such-host.invalid"),
        stations.address + "?sslmode=verify-full&sslrootcert=/no/such",
        stations.address + "?sslmode=nonsense",
    ):
        with pytest.raises(InputFaultsError) as caught:
            read_table(LayerSource(postgis=address, table="stations"), kind="venue")
        shown += [caught.value.text("zh"), caught.value.text("en"), str(caught.value), repr(caught.value)]
    shown += [caplog.text, *capfd.readouterr()]
    assert [secret for secret in secrets() if any(secret in text for text in shown)] == []
    assert found.inputs[0]["path"] == f"postgresql://127.0.0.1:{stations.port}/county#stations"


def test_a_wrong_address_never_shows_its_password() -> None:
    careless = (
        "postgresql://u:p@ss w0rd@h/b",
        "postgresql://u:w0rd/x@h/b",
        "postgresql://u:w0rd#x@h/b",
        "postgresql://u:1?w0rd@h/b",
        "mysql://u:w0rd@h/b",
        "host=h password=w0rd",
        "postgresql://u:w0rd@h/b?options=-cx",
        "postgresql://u:w0rd@h/b?password=w0rd",
        "postgresql://u:w0rd@h",
    )
    for address in careless:
        assert database_of(address) is None
        with pytest.raises(ValidationError) as caught:
            LayerSource(postgis=address, table="t")
        assert "w0rd" not in str(caught.value)
    for extra in ({}, {"table": "t", "path": "a.csv"}, {"table": "t", "colour": "red"}, {"table": 5}):
        with pytest.raises(ValidationError) as caught:
            LayerSource(postgis="postgresql://u:w0rd@h/b", **extra)
        assert "w0rd" not in str(caught.value)


@pytest.mark.parametrize(
    "line",
    [
        '{postgis = "postgresql://u:w0rd@h/b"}',
        '{postgis = "postgresql://u:w0rd@h/b", table = 5}',
        '{postgis = "postgresql://u:w0rd@h/b", table = "t", path = "a.csv"}',
        '{postgis = "postgresql://u:w0rd@h/b", table = "t", tabel = "u"}',
        '{postgis = "postgresql://u:w0rd@h/b", table = "t", file = "x"}',
        '{postgis = "postgresql://u:w0rd@h", table = "t"}',
        '{postgis = ["postgresql://u:w0rd@h/b"], table = "t"}',
        '{place = "postgresql://u:w0rd@h/b"}',
        '[{postgis = "postgresql://u:w0rd@h/b", table = "t", columns = "w"}]',
        '{postgis = "postgresql://u:w0rd@h/b", table = "t", unknown = "w"}',
    ],
)
def test_faults_of_a_study_file_never_show_a_password(tmp_path: Path, line: str) -> None:
    study = f'[study]\nid = "x"\nname = "x"\nperiod = "2026"\n[layers]\nservice_points = {line}\nstreets = "a.osm"\ncommunities = "c.geojson"\n'
    (tmp_path / "study.toml").write_text(study, encoding="utf-8")
    with pytest.raises(InputFaultsError) as caught:
        geo.read_study(tmp_path)
    assert "w0rd" not in caught.value.text("en") + caught.value.text("zh") + str(caught.value)


def test_a_study_file_of_the_wrong_shape_never_shows_a_password(tmp_path: Path) -> None:
    for text in (
        '[[layers]]\nservice_points = {postgis = "postgresql://u:w0rd@h/b", table = "t"}\n',
        'layers = "postgresql://u:w0rd@h/b"\n',
        '[study]\nid = "postgresql://u:w0rd@h/b"\n',
    ):
        (tmp_path / "study.toml").write_text(text, encoding="utf-8")
        with pytest.raises(InputFaultsError) as caught:
            geo.read_study(tmp_path)
        assert "w0rd" not in caught.value.text("en") + caught.value.text("zh")


def test_the_environment_may_hold_the_password(stations: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    bare = stations.address.replace(f":{postgres.SECRET_IN_ADDRESS}@", "@")
    with pytest.raises(InputFaultsError):
        read_table(LayerSource(postgis=bare, table="stations"), kind="venue")
    monkeypatch.setenv("PGPASSWORD", postgres.SECRET)
    assert len(read_table(LayerSource(postgis=bare, table="stations"), kind="venue", crs=METRIC).table) == 3


def test_a_socket_serves_too(stations: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGUSER", postgres.USER)
    source = LayerSource(postgis=stations.address_by_socket, table="stations")
    assert len(read_table(source, kind="venue", crs=METRIC).table) == 3


def test_a_host_that_never_answers_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("psycopg", reason="pip install 'geo[postgis]'")
    monkeypatch.setattr("geo.layers.postgis.CONNECT_SECONDS", 2)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        held: list[socket.socket] = []
        thread = threading.Thread(target=lambda: held.append(listener.accept()[0]), daemon=True)
        thread.start()
        address = f"postgresql://u:w0rd@127.0.0.1:{listener.getsockname()[1]}/b"
        with pytest.raises(InputFaultsError) as caught:
            read_table(LayerSource(postgis=address, table="t"), kind="venue")
        thread.join(5)
        for one in held:
            one.close()
    assert "w0rd" not in caught.value.text("en")


def test_without_the_extra_its_name_is_said() -> None:
    script = (
        "import sys; sys.modules['psycopg'] = None\n"
        "from geo.layers import read_table; from geo.study_file import LayerSource; from geo.errors import InputFaultsError\n"
        "try: read_table(LayerSource(postgis='postgresql://h/b', table='t'), kind='venue')\n"
        "except InputFaultsError as error: print(error.text('en'))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert 'pip install "geo[postgis]"' in done.stdout
