"""Valhalla through the standalone programs of its wheel: tiles from a PBF, a service on the loopback.

The wheel's Python part wants Python 3.12; its programs want nothing. They are asked over HTTP on
127.0.0.1 with connections kept alive. Nothing is subtracted: :meth:`Service.roundtrip` tells what an
empty request costs. Answers are read as bytes and, while timed, not even parsed.
"""

from __future__ import annotations

import http.client
import importlib.util
import json
import shutil
import socket
import subprocess
import sys
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from . import cache
from .timing import clock

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    from numpy.typing import NDArray

VERSION = "3.9.1"
PYTHON = "3.12"
_START_S = 20.0
_ABSENT = ("admin", "landmarks", "timezone", "tile_extract", "traffic_extract", "transit_dir", "transit_feeds_dir")


def install() -> Path:
    """Fetch the wheel with pip and unpack it into the cache; returns the folder."""
    home = cache.folder() / f"valhalla-{VERSION}"
    if (home / "valhalla" / "bin" / "valhalla_service").is_file():
        return home
    wheels = cache.folder() / "wheels"
    wanted = [f"pyvalhalla=={VERSION}", "--python-version", PYTHON, "--only-binary=:all:", "--no-deps"]
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--dest", str(wheels), *wanted]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        msg = f"pip cannot fetch pyvalhalla {VERSION}: {done.stderr.strip().splitlines()[-1:]}"
        raise cache.UnavailableError(msg)
    part = home.with_name(home.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    with zipfile.ZipFile(next(wheels.glob(f"pyvalhalla-{VERSION}-*.whl"))) as wheel:
        wheel.extractall(part)
    for program in (part / "valhalla" / "bin").iterdir():
        program.chmod(0o755)
    return part.replace(home)


def programs() -> Path:
    """Return the folder of the unpacked wheel: the one in the cache, else where pip installed it."""
    found = importlib.util.find_spec("valhalla")
    homes = [cache.folder() / f"valhalla-{VERSION}"]
    homes += [Path(place).parent for place in (found.submodule_search_locations or [])] if found else []
    for home in homes:
        if (home / "valhalla" / "bin" / "valhalla_service").is_file():
            return home
    msg = f"Valhalla {VERSION} is not in the cache: python -m tests.benchmarks --install-valhalla"
    raise cache.UnavailableError(msg)


def _config(home: Path, tiles: Path, port: int, algorithm: str) -> dict[str, Any]:
    """Return its own default configuration without data it does not have, and with limits that do not bind."""
    made = subprocess.run(
        [sys.executable, str(home / "valhalla" / "valhalla_build_config.py")],
        capture_output=True,
        text=True,
        check=True,
    )
    config: dict[str, Any] = json.loads(made.stdout)
    for name in _ABSENT:
        config["mjolnir"].pop(name, None)
    config["mjolnir"]["tile_dir"] = str(tiles)
    config["additional_data"] = {}
    config["httpd"]["service"]["listen"] = f"tcp://127.0.0.1:{port}"
    config["thor"]["source_to_target_algorithm"] = algorithm
    config["service_limits"]["pedestrian"].update(
        max_matrix_location_pairs=10**9, max_locations=10**6, max_matrix_distance=10**6
    )
    config["logging"] = {"type": ""}
    return config


def tiles(pbf: Path) -> Path:
    """Return the tiles of a PBF, built once."""
    home, kept = programs(), cache.folder_of(pbf)
    made, part = kept / f"valhalla-{VERSION}-tiles", kept / "tiles.part"
    if made.is_dir():
        return made
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir()
    config = kept / "build.json"
    config.write_text(json.dumps(_config(home, part, 0, "select_optimal")), encoding="utf-8")
    builder = home / "valhalla" / "bin" / "valhalla_build_tiles"
    done = subprocess.run([str(builder), "-c", str(config), str(pbf)], capture_output=True, text=True, check=False)
    if done.returncode:
        msg = f"Valhalla built no tiles of {pbf.name}: {done.stdout.splitlines()[-1:]}"
        raise cache.UnavailableError(msg)
    return part.replace(made)


class Service:
    """A Valhalla on the loopback; use it as a context."""

    def __init__(self, pbf: Path, *, workers: int = 1, algorithm: str = "select_optimal") -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        home, built = programs(), tiles(pbf)
        config = built.parent / f"service-{self.port}.json"
        config.write_text(json.dumps(_config(home, built, self.port, algorithm)), encoding="utf-8")
        self._config = config
        self._command = [str(home / "valhalla" / "bin" / "valhalla_service"), str(config), str(workers)]
        self.workers = workers

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until = time.monotonic() + _START_S
        while not self._listens():
            if time.monotonic() > until or self._process.poll() is not None:
                self._stop()
                msg = "Valhalla's service did not start"
                raise cache.UnavailableError(msg)
            time.sleep(0.05)
        self._lines = [http.client.HTTPConnection("127.0.0.1", self.port) for _ in range(self.workers)]
        return self

    def _listens(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), 1.0).close()
        except OSError:
            return False
        return True

    def _stop(self) -> None:
        self._process.kill()
        self._process.wait()
        self._config.unlink(missing_ok=True)

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        for line in self._lines:
            line.close()
        self._stop()

    def ask(self, action: str, body: bytes, *, line: int = 0) -> bytes:
        """Return the answer to one request."""
        connection = self._lines[line]
        connection.request("POST", f"/{action}", body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        content = answer.read()
        if answer.status != http.client.OK:
            msg = f"Valhalla refused {action}: {content[:200].decode(errors='replace')}"
            raise cache.UnavailableError(msg)
        return content

    def ask_all(self, action: str, bodies: Sequence[bytes]) -> list[bytes]:
        """Return the answers to many requests, over all connections at once."""
        if self.workers == 1:
            return [self.ask(action, body) for body in bodies]
        parts = [bodies[line :: self.workers] for line in range(self.workers)]
        with ThreadPoolExecutor(self.workers) as pool:
            found = list(
                pool.map(lambda line: [self.ask(action, body, line=line) for body in parts[line]], range(self.workers))
            )
        answers: list[bytes] = [b""] * len(bodies)
        for line, some in enumerate(found):
            answers[line :: self.workers] = some
        return answers

    def roundtrip(self) -> float:
        """Seconds of a request that asks for nothing."""
        return min(clock(lambda: self.ask("status", b"{}")) for _ in range(20))


def walking(speed_kmh: float, **options: float | bool) -> dict[str, Any]:
    """Return the costing of a plain walk."""
    return {"costing": "pedestrian", "costing_options": {"pedestrian": {"walking_speed": speed_kmh, **options}}}


def _place(lonlat: NDArray[np.float64]) -> dict[str, float]:
    return {"lon": float(lonlat[0]), "lat": float(lonlat[1])}


def isochrone(lonlat: NDArray[np.float64], bands: Sequence[float], speed_kmh: float, **more: Any) -> bytes:
    """Return the request of one service's polygons."""
    asked = {
        "locations": [_place(lonlat)],
        "contours": [{"time": band} for band in bands],
        "polygons": True,
        **walking(speed_kmh),
        **more,
    }
    return json.dumps(asked).encode()


def matrix(sources: NDArray[np.float64], targets: NDArray[np.float64], speed_kmh: float, **options: Any) -> bytes:
    """Return the request of a matrix, without its verbose answer."""
    asked = {
        "sources": [_place(at) for at in sources],
        "targets": [_place(at) for at in targets],
        "verbose": False,
        **walking(speed_kmh, **options),
    }
    return json.dumps(asked).encode()


def vertices(shape: str) -> NDArray[np.float64]:
    """Return (n, 2) longitude and latitude of an encoded polyline of six digits.

    Examples
    --------
    >>> vertices("??_ibE_ibE").round(6).tolist()
    [[0.0, 0.0], [0.1, 0.1]]
    """
    numbers, value, shift = [], 0, 0
    for character in shape:
        bits = ord(character) - 63
        value |= (bits & 31) << shift
        shift += 5
        if bits < 32:
            numbers.append(~(value >> 1) if value & 1 else value >> 1)
            value = shift = 0
    return np.cumsum(np.array(numbers).reshape(-1, 2), axis=0)[:, ::-1] / 1e6
