// How the page reads its data: inert blocks of letters, unpacked, and shapes built when they are first shown.
window.geoMap = window.geoMap || {};
(function (geo) {
  "use strict";

  function bytesOf(letters) {
    if (Uint8Array.fromBase64) return Uint8Array.fromBase64(letters);
    const text = atob(letters);
    const bytes = new Uint8Array(text.length);
    for (let i = 0; i < text.length; i += 1) bytes[i] = text.charCodeAt(i);
    return bytes;
  }

  // A reader of whole numbers: seven bits a byte, the low ones first, the sign in the lowest.
  function numbers(bytes) {
    let at = 0;
    return function (count) {
      const found = new Int32Array(count);
      for (let i = 0; i < count; i += 1) {
        let byte = bytes[at++];
        let value = byte & 127;
        for (let shift = 7; byte > 127; shift += 7) {
          byte = bytes[at++];
          value |= (byte & 127) << shift;
        }
        found[i] = (value >>> 1) ^ -(value & 1);
      }
      if (at > bytes.length) throw new RangeError("the page is incomplete");
      return found;
    };
  }

  // Puts the long lists back where they stood.
  function restored(node, take) {
    if (node === null || typeof node !== "object") return node;
    if (typeof node.ints === "number") return take(node.ints);
    Object.keys(node).forEach((key) => {
      const value = node[key];
      if (value !== null && typeof value === "object") node[key] = restored(value, take);
    });
    return node;
  }

  geo.read = async function (id) {
    const plain = new Blob([bytesOf(document.getElementById(id).textContent)]).stream().pipeThrough(new DecompressionStream("gzip"));
    const bytes = new Uint8Array(await new Response(plain).arrayBuffer());
    const length = new DataView(bytes.buffer).getUint32(0, true);
    const content = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + length)));
    return restored(content, numbers(bytes.subarray(4 + length)));
  };

  geo.latLng = function (frame, whole) {
    return whole && L.latLng(frame.lat + whole[1] * frame.step, frame.lon + whole[0] * frame.step);
  };

  // Vertices of all lines, one after the other, in whole numbers of the frame; worked out once.
  const flats = new WeakMap();
  geo.flat = function (packed) {
    if (flats.has(packed)) return flats.get(packed);
    const xy = Int32Array.from(packed.xy);
    for (let i = 2; i < xy.length; i += 1) xy[i] += xy[i - 2];
    const offset = new Int32Array(packed.sizes.length + 1);
    for (let i = 0; i < packed.sizes.length; i += 1) offset[i + 1] = offset[i] + packed.sizes[i];
    flats.set(packed, { xy, offset });
    return flats.get(packed);
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
