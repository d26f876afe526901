// Minutes and ways along the streets, computed in the page: the rules are those of the analysis.
(function (geo) {
  "use strict";

  const NONE = -1;

  // Metres of a degree at a latitude, on the ellipsoid.
  geo.metresPerDegree = function (latitude) {
    const turn = (latitude * Math.PI) / 180;
    return {
      lat: 111132.954 - 559.822 * Math.cos(2 * turn) + 1.175 * Math.cos(4 * turn),
      lon: 111412.84 * Math.cos(turn) - 93.5 * Math.cos(3 * turn) + 0.118 * Math.cos(5 * turn),
    };
  };

  // A line that ends where another did before ends at the same junction, else at a new one; but for the odd ones.
  function junctions(packed, { xy, offset, line }) {
    const ends = new Int32Array(line.length * 2);
    const known = new Map();
    let newest = 0;
    let place = 0;
    let odd = packed.odd.length ? packed.odd[0] : -1;
    for (let i = 0; i < ends.length; i += 1) {
      const vertex = i % 2 ? offset[line[i >> 1] + 1] - 1 : offset[line[i >> 1]];
      const spot = xy[2 * vertex] * 0x8000000 + xy[2 * vertex + 1];
      let junction = known.get(spot);
      if (i === odd) {
        junction = newest - packed.odd_ends[place];
        place += 1;
        odd = place < packed.odd.length ? odd + packed.odd[place] : -1;
      } else if (junction === undefined) junction = newest;
      if (junction === newest) newest += 1;
      known.set(spot, junction);
      ends[i] = junction;
    }
    return { ends, count: newest };
  }

  const unpackMinutes = (packed) => Float64Array.from(packed, (value) => (value < 0 ? Infinity : value / 1000));

  // Both ways along every edge: as they were measured, or by how much slower than another mode.
  function minutesOf(entry, like) {
    if (entry.factors) {
      const slower = (minutes) => minutes.map((value, edge) => value * entry.factors[entry.factor_of[edge]]);
      const forward = slower(like.forward);
      return { forward, backward: like.backward === like.forward ? forward : slower(like.backward) };
    }
    const forward = unpackMinutes(entry.forward);
    return { forward, backward: entry.backward === null ? forward : unpackMinutes(entry.backward) };
  }

  function islandsOf(entry, count) {
    const island = new Uint8Array(count);
    entry.islands.forEach((edge) => {
      island[edge] = 1;
    });
    return island;
  }

  geo.Ways = class {
    constructor(data) {
      this.data = data;
      this.frame = data.frame;
      this.metres = geo.metresPerDegree((data.bounds[1] + data.bounds[3]) / 2);
      this.stepX = data.frame.step * this.metres.lon;
      this.stepY = data.frame.step * this.metres.lat;
      this.places = new Map(data.graphs.map((entry, place) => [entry.mode, place]));
      this._nets = new Map();
    }

    knows = (mode) => this.places.has(mode);

    // The streets of a mode, unpacked when first asked for.
    net(mode) {
      if (!this._nets.has(mode)) this._nets.set(mode, this._unpack(this.data.graphs[this.places.get(mode)]));
      return this._nets.get(mode);
    }

    _unpack(entry) {
      if (entry.like !== undefined) {
        const like = this.net(this.data.graphs[entry.like].mode);
        return { ...like, entry, island: islandsOf(entry, like.line.length), ...minutesOf(entry, like) };
      }
      const lines = this._lines(entry);
      const net = { entry, ...junctions(entry, lines), ...lines, island: islandsOf(entry, lines.line.length), ...minutesOf(entry) };
      return Object.assign(net, arcsOf(net));
    }

    _lines(packed) {
      if (packed.line === null) {
        const own = geo.flat(packed.shapes.lines);
        return { ...own, line: Int32Array.from(packed.shapes.lines.sizes, (_, edge) => edge) };
      }
      const line = Int32Array.from(packed.line);
      for (let i = 1; i < line.length; i += 1) line[i] += line[i - 1];
      return { ...geo.flat(this.data.streets.shapes.lines), line };
    }

    // --- where a place stands

    // The start that stands for a unit, null where there is none for this mode.
    unitStart(mode, unit) {
      const { entry } = this.net(mode);
      const place = entry.units.unit.indexOf(unit);
      if (place < 0) return null;
      const spot = [entry.units.xy[2 * place], entry.units.xy[2 * place + 1]];
      return { spot, id: entry.units.id[place], links: linksOf(entry.starts, unit) };
    }

    // A place of the map, linked to the nearest street that no barrier parts from it; one of the main streets first.
    placeStart(mode, at, fence) {
      const net = this.net(mode);
      const spot = [(at.lng - this.frame.lon) / this.frame.step, (at.lat - this.frame.lat) / this.frame.step];
      const near = this._near(net, spot);
      const cap = this.data.head.cap_m || 300;
      const open = near.filter((link) => link.metres <= cap && !fence(spot, link.spot));
      const chosen = open.find((link) => !net.island[link.edge]) || open[0];
      const kmh = this.data.modes[mode].access_kmh;
      const links = chosen ? [{ edge: chosen.edge, at: chosen.at, leg: (chosen.metres / kmh) * 0.06 }] : [];
      return { spot, id: "", links, metres: near.length ? near[0].metres : Infinity, shut: !chosen && near.length > 0 && near[0].metres <= cap };
    }

    // The nearest place of every edge within reach, the nearest first; beyond the cap only the nearest of all.
    _near(net, spot) {
      const cap = this.data.head.cap_m || 300;
      const found = [];
      let best = null;
      for (let edge = 0; edge < net.line.length; edge += 1) {
        const link = this._onEdge(net, edge, spot, best ? Math.max(cap, best.metres) : Infinity);
        if (!link) continue;
        if (!best || link.metres < best.metres) best = link;
        if (link.metres <= cap) found.push(link);
      }
      if (!found.length && best) found.push(best);
      return found.sort((a, b) => a.metres - b.metres || a.edge - b.edge);
    }

    _onEdge(net, edge, spot, least) {
      const { xy, offset } = net;
      const first = offset[net.line[edge]];
      const last = offset[net.line[edge] + 1] - 1;
      const { stepX, stepY } = this;
      let nearest = least * least;
      let place = NONE;
      let share = 0;
      for (let i = first; i < last; i += 1) {
        const ax = (xy[2 * i] - spot[0]) * stepX;
        const ay = (xy[2 * i + 1] - spot[1]) * stepY;
        const bx = (xy[2 * i + 2] - xy[2 * i]) * stepX;
        const by = (xy[2 * i + 3] - xy[2 * i + 1]) * stepY;
        const square = bx * bx + by * by;
        const along = square ? Math.min(1, Math.max(0, -(ax * bx + ay * by) / square)) : 0;
        const away = (ax + along * bx) ** 2 + (ay + along * by) ** 2;
        if (away < nearest) [nearest, place, share] = [away, i, along];
      }
      if (place === NONE) return null;
      const lengths = this._lengths(net, edge);
      const before = lengths.slice(0, place - first).reduce((sum, part) => sum + part, 0);
      const total = lengths.reduce((sum, part) => sum + part, 0);
      const x = xy[2 * place] + (xy[2 * place + 2] - xy[2 * place]) * share;
      const y = xy[2 * place + 1] + (xy[2 * place + 3] - xy[2 * place + 1]) * share;
      return { edge, metres: Math.sqrt(nearest), at: total ? (before + share * lengths[place - first]) / total : 0, spot: [x, y] };
    }

    _lengths(net, edge) {
      const { xy, offset } = net;
      const found = [];
      for (let i = offset[net.line[edge]]; i < offset[net.line[edge] + 1] - 1; i += 1) {
        found.push(Math.hypot((xy[2 * i + 2] - xy[2 * i]) * this.stepX, (xy[2 * i + 3] - xy[2 * i + 1]) * this.stepY));
      }
      return found;
    }

    // --- searching

    // Minutes of all junctions from a start, up to a limit; `reverse` where services come to the person.
    search(mode, start, reverse, limit) {
      const net = this.net(mode);
      const along = reverse ? net.backward : net.forward;
      const against = reverse ? net.forward : net.backward;
      const minutes = new Float64Array(net.count).fill(Infinity);
      const came = new Int32Array(net.count).fill(NONE);
      const queue = new geo.Queue();
      const reach = (node, value, edge) => {
        if (value < minutes[node] && value <= limit) {
          minutes[node] = value;
          came[node] = edge;
          queue.push(value, node);
        }
      };
      start.links.forEach((link) => {
        reach(net.ends[2 * link.edge], link.leg + part(against[link.edge], link.at), NONE);
        reach(net.ends[2 * link.edge + 1], link.leg + part(along[link.edge], 1 - link.at), NONE);
      });
      while (queue.size) {
        const [value, node] = queue.pop();
        if (value > minutes[node]) continue;
        for (let i = net.first[node]; i < net.first[node + 1]; i += 1) {
          const edge = net.arcs[i] >> 1;
          const ahead = (net.arcs[i] & 1) === 0;
          reach(net.ends[2 * edge + (ahead ? 1 : 0)], value + (ahead ? along[edge] : against[edge]), edge);
        }
      }
      return { net, minutes, came, along, against, start };
    }

    // The nearest of some service points: minutes, the point, and how its last edge is reached.
    nearest(found, wanted, horizon) {
      const { net, minutes, along, against, start } = found;
      const links = net.entry.facilities;
      let best = null;
      const offer = (value, place, by) => {
        if (value <= horizon && (!best || value < best.minutes)) best = { minutes: value, point: links.row[place], place, by };
      };
      links.row.forEach((row, place) => {
        if (!wanted(row)) return;
        const edge = links.edge[place];
        const at = links.at[place];
        offer(minutes[net.ends[2 * edge]] + part(along[edge], at) + links.leg[place], place, "start");
        offer(minutes[net.ends[2 * edge + 1]] + part(against[edge], 1 - at) + links.leg[place], place, "end");
        start.links.forEach((link) => {
          if (link.edge !== edge) return;
          const step = at - link.at;
          offer(link.leg + (step >= 0 ? part(along[edge], step) : part(against[edge], -step)) + links.leg[place], place, link);
        });
      });
      return best;
    }

    // The way as places of the map, in order: from the start, along the streets, to the service point.
    line(found, goal, target) {
      const { net, came, start } = found;
      const links = net.entry.facilities;
      const edge = links.edge[goal.place];
      const at = links.at[goal.place];
      if (typeof goal.by === "object") return this._shown([start.spot], this._between(net, edge, goal.by.at, at), target);
      const tail = this._between(net, edge, goal.by === "start" ? 0 : 1, at);
      const parts = [tail];
      let node = net.ends[2 * edge + (goal.by === "start" ? 0 : 1)];
      while (came[node] !== NONE) {
        const last = came[node];
        const ahead = net.ends[2 * last + 1] === node && found.minutes[net.ends[2 * last]] <= found.minutes[node];
        parts.push(this._between(net, last, ahead ? 0 : 1, ahead ? 1 : 0));
        node = net.ends[2 * last + (ahead ? 0 : 1)];
      }
      parts.push(this._first(found, node));
      return this._shown([start.spot], parts.reverse().flat(), target);
    }

    _first(found, node) {
      const { net, along, against, start } = found;
      let best = [];
      let least = Infinity;
      start.links.forEach((link) => {
        const sides = [[0, link.leg + part(against[link.edge], link.at)], [1, link.leg + part(along[link.edge], 1 - link.at)]];
        sides.forEach(([side, value]) => {
          if (net.ends[2 * link.edge + side] !== node || value >= least) return;
          least = value;
          best = this._between(net, link.edge, link.at, side);
        });
      });
      return best;
    }

    // The vertices of an edge between two shares of its length.
    _between(net, edge, from, to) {
      const { xy, offset } = net;
      const first = offset[net.line[edge]];
      const count = offset[net.line[edge] + 1] - first;
      const lengths = this._lengths(net, edge);
      const total = lengths.reduce((sum, length) => sum + length, 0) || 1;
      const shares = [0];
      lengths.forEach((length) => shares.push(shares[shares.length - 1] + length / total));
      const spot = (i) => [xy[2 * (first + i)], xy[2 * (first + i) + 1]];
      const on = (share) => {
        let i = 0;
        while (i < count - 2 && shares[i + 1] < share) i += 1;
        if (count < 2) return spot(0);
        const width = shares[i + 1] - shares[i] || 1;
        const along = Math.min(1, Math.max(0, (share - shares[i]) / width));
        const [a, b] = [spot(i), spot(i + 1)];
        return [a[0] + (b[0] - a[0]) * along, a[1] + (b[1] - a[1]) * along];
      };
      const low = Math.min(from, to);
      const high = Math.max(from, to);
      const inner = [];
      for (let i = 1; i < count - 1; i += 1) if (shares[i] > low && shares[i] < high) inner.push(spot(i));
      const found = [on(low), ...inner, on(high)];
      return from <= to ? found : found.reverse();
    }

    _shown(begin, middle, target) {
      const places = [...begin, ...middle].map((spot) => geo.latLng(this.frame, spot));
      return target ? [...places, target] : places;
    }
  };

  const part = (minutes, share) => (share === 0 ? 0 : minutes * share);

  function linksOf(links, row) {
    const found = [];
    links.row.forEach((of, place) => {
      if (of === row) found.push({ edge: links.edge[place], at: links.at[place], leg: links.leg[place] });
    });
    return found;
  }

  // The edges at each junction: twice the edge, and one more where it is met at its end.
  function arcsOf(net) {
    const first = new Int32Array(net.count + 1);
    net.ends.forEach((node) => {
      first[node + 1] += 1;
    });
    for (let i = 0; i < net.count; i += 1) first[i + 1] += first[i];
    const next = first.slice(0, -1);
    const arcs = new Int32Array(net.ends.length);
    net.ends.forEach((node, i) => {
      arcs[next[node]] = i;
      next[node] += 1;
    });
    return { first, arcs };
  }

  // What is next: a heap of junctions by minutes.
  geo.Queue = class {
    constructor() {
      this.keys = [];
      this.nodes = [];
    }
    get size() {
      return this.keys.length;
    }
    push(key, node) {
      const { keys, nodes } = this;
      let at = keys.length;
      keys.push(key);
      nodes.push(node);
      while (at > 0) {
        const above = (at - 1) >> 1;
        if (keys[above] <= key) break;
        [keys[at], nodes[at]] = [keys[above], nodes[above]];
        at = above;
      }
      [keys[at], nodes[at]] = [key, node];
    }
    pop() {
      const { keys, nodes } = this;
      const top = [keys[0], nodes[0]];
      const key = keys.pop();
      const node = nodes.pop();
      const size = keys.length;
      let at = 0;
      while (size) {
        let below = 2 * at + 1;
        if (below >= size) break;
        if (below + 1 < size && keys[below + 1] < keys[below]) below += 1;
        if (keys[below] >= key) break;
        [keys[at], nodes[at]] = [keys[below], nodes[below]];
        at = below;
      }
      if (size) [keys[at], nodes[at]] = [key, node];
      return top;
    }
  };
})(window.geoMap);
