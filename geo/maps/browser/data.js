// How the page reads its data: an inert block of text, unpacked, and shapes built when they are first shown.
window.geoMap = window.geoMap || {};
(function (geo) {
  "use strict";

  geo.read = async function (id) {
    const packed = atob(document.getElementById(id).textContent.trim());
    const bytes = Uint8Array.from(packed, (letter) => letter.charCodeAt(0));
    const plain = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return JSON.parse(await new Response(plain).text());
  };

  geo.latLng = function (frame, whole) {
    return whole && L.latLng(frame.lat + whole[1] * frame.step, frame.lon + whole[0] * frame.step);
  };

  // A reader of vertices, each stored as the step from the one before.
  function vertices(frame, xy) {
    let at = 0;
    let x = 0;
    let y = 0;
    return function (count) {
      const found = new Array(count);
      for (let i = 0; i < count; i += 1) {
        x += xy[at];
        y += xy[at + 1];
        at += 2;
        found[i] = [frame.lat + y * frame.step, frame.lon + x * frame.step];
      }
      return found;
    };
  }

  function gather(into, key, part) {
    if (!into.has(key)) into.set(key, []);
    into.get(key).push(part);
  }

  // Each of these returns a Map: row -> parts of that row, as Leaflet takes them.
  geo.polygons = function (frame, packed) {
    const take = vertices(frame, packed.xy);
    const found = new Map();
    let ring = 0;
    packed.of.forEach((row, part) => {
      const rings = [];
      for (let i = 0; i < packed.rings[part]; i += 1, ring += 1) rings.push(take(packed.sizes[ring]));
      gather(found, row, rings);
    });
    return found;
  };

  geo.lines = function (frame, packed) {
    const take = vertices(frame, packed.xy);
    const found = new Map();
    packed.of.forEach((row, part) => gather(found, row, take(packed.sizes[part])));
    return found;
  };

  geo.points = function (frame, packed) {
    const take = vertices(frame, packed.xy);
    const found = new Map();
    packed.of.forEach((row) => gather(found, row, take(1)[0]));
    return found;
  };

  // Coverage rows by what they are about.
  geo.coverageIndex = function (coverage) {
    const found = new Map();
    coverage.unit.forEach((unit, row) => {
      const key = [coverage.service[row], coverage.mode[row], coverage.limit[row], coverage.group[row], unit].join("|");
      found.set(key, row);
    });
    return found;
  };
})(window.geoMap);
