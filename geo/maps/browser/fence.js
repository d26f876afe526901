// What an access leg must not cross: walls, water, rail, and outlines of units that have gates.
(function (geo) {
  "use strict";

  const OPENING_M = 3.5;

  function segments(parts) {
    const found = [];
    parts.forEach(({ ring, closed }) => {
      for (let i = closed ? 0 : 1; i < ring.length; i += 1) found.push([ring[(i + ring.length - 1) % ring.length], ring[i]]);
    });
    return found;
  }

  const crosses = (a, b, c, d) => {
    const side = (p, q, r) => (q[0] - p[0]) * (r[1] - p[1]) - (q[1] - p[1]) * (r[0] - p[0]);
    return side(a, b, c) * side(a, b, d) < 0 && side(c, d, a) * side(c, d, b) < 0;
  };

  function meeting(a, b, c, d) {
    const [ux, uy, vx, vy] = [b[0] - a[0], b[1] - a[1], d[0] - c[0], d[1] - c[1]];
    const share = ((c[0] - a[0]) * vy - (c[1] - a[1]) * vx) / (ux * vy - uy * vx);
    return [a[0] + share * ux, a[1] + share * uy];
  }

  // Returns a function that says whether the leg between two places (whole numbers of the frame) is barred.
  geo.fence = function (data, ways) {
    const { frame, context, units } = data;
    const whole = ([lat, lon]) => [(lon - frame.lon) / frame.step, (lat - frame.lat) / frame.step];
    const parts = [];
    const areas = (shapes, wanted) =>
      geo.polygons(frame, shapes.polygons).forEach((polygons, row) => {
        if (wanted(row)) polygons.flat().forEach((ring) => parts.push({ ring: ring.map(whole), closed: true }));
      });
    if (context.barriers) {
      areas(context.barriers.shapes, () => true);
      geo.lines(frame, context.barriers.shapes.lines).forEach((lines) => lines.forEach((ring) => parts.push({ ring: ring.map(whole), closed: false })));
    }
    areas(units.shapes, (unit) => units.gated[unit]);
    const gates = context.gates ? [...geo.points(frame, context.gates.shapes.points).values()].flat().map(whole) : [];
    const walls = segments(parts);
    const opened = (spot) => gates.some((gate) => Math.hypot((gate[0] - spot[0]) * ways.stepX, (gate[1] - spot[1]) * ways.stepY) <= OPENING_M);
    return (from, to) => walls.some(([c, d]) => crosses(from, to, c, d) && !opened(meeting(from, to, c, d)));
  };
})(window.geoMap);
