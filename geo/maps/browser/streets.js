// The streets on sheets of their own, drawn straight from their numbers, the widest first, some in every frame.
(function (geo) {
  "use strict";

  // width of each street class, at the zoom of a town
  const WIDTH = { trunk: 4.2, primary: 3.6, secondary: 2.8, tertiary: 2.2, local: 1.5, path: 0.9 };
  const ZOOM = 20; // the numbers of the sheet are pixels of this zoom, counted from the frame
  const MARGIN = 0.3;
  const AT_ONCE = 16000; // vertices a frame
  const LEAST_PX = 0.8; // what is shorter is not seen
  const HOVER_PX = 5;

  // Lines as they lie in Web Mercator, with the box of each; all lists as long as the numbers in them.
  class Lines {
    constructor(frame, packed) {
      const { xy, offset } = geo.flat(packed);
      const world = (256 * 2 ** ZOOM) / 360;
      const turn = Math.PI / 180;
      const north = (lat) => Math.log(Math.tan(Math.PI / 4 + (lat * turn) / 2)) / turn;
      const top = north(frame.lat);
      this.offset = offset;
      this.of = packed.of;
      this.count = packed.sizes.length;
      this.at = new Float32Array(xy.length);
      this.box = new Float32Array(this.count * 4);
      for (let i = 0; i < xy.length; i += 2) {
        this.at[i] = xy[i] * frame.step * world;
        this.at[i + 1] = (top - north(frame.lat + xy[i + 1] * frame.step)) * world;
      }
      for (let line = 0; line < this.count; line += 1) this._bound(line);
    }

    _bound(line) {
      const { at, offset, box } = this;
      let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
      for (let i = 2 * offset[line]; i < 2 * offset[line + 1]; i += 2) {
        if (at[i] < left) left = at[i];
        if (at[i] > right) right = at[i];
        if (at[i + 1] < top) top = at[i + 1];
        if (at[i + 1] > bottom) bottom = at[i + 1];
      }
      box[4 * line] = left;
      box[4 * line + 1] = top;
      box[4 * line + 2] = right;
      box[4 * line + 3] = bottom;
    }

    meets(line, view) {
      const { box } = this;
      const i = 4 * line;
      return box[i] <= view[2] && box[i + 2] >= view[0] && box[i + 1] <= view[3] && box[i + 3] >= view[1];
    }

    // Adds a line to what the pen will draw; vertices that fall together are left out. Returns how many it took.
    trace(pen, line, { scale, x, y }) {
      const { at, offset, box } = this;
      const first = 2 * offset[line];
      const last = 2 * offset[line + 1] - 2;
      if (Math.max(box[4 * line + 2] - box[4 * line], box[4 * line + 3] - box[4 * line + 1]) * scale < LEAST_PX) return 1;
      let [px, py] = [at[first] * scale + x, at[first + 1] * scale + y];
      let drawn = 2;
      pen.moveTo(px, py);
      for (let i = first + 2; i < last; i += 2) {
        const [nx, ny] = [at[i] * scale + x, at[i + 1] * scale + y];
        if (Math.abs(nx - px) + Math.abs(ny - py) < LEAST_PX) continue;
        [px, py] = [nx, ny];
        pen.lineTo(px, py);
        drawn += 1;
      }
      pen.lineTo(at[last] * scale + x, at[last + 1] * scale + y);
      return drawn;
    }

    // Square of the distance of a spot from a line, in the sheet's numbers.
    away(line, [x, y]) {
      const { at, offset } = this;
      let least = Infinity;
      for (let i = 2 * offset[line]; i < 2 * offset[line + 1] - 2; i += 2) {
        const [ax, ay, bx, by] = [at[i] - x, at[i + 1] - y, at[i + 2] - at[i], at[i + 3] - at[i + 1]];
        const square = bx * bx + by * by;
        const share = square ? Math.min(1, Math.max(0, -(ax * bx + ay * by) / square)) : 0;
        least = Math.min(least, (ax + share * bx) ** 2 + (ay + share * by) ** 2);
      }
      return least;
    }
  }

  geo.Streets = L.Layer.extend({
    initialize(frame, kinds) {
      this._frame = frame;
      this._kinds = kinds;
      this._sheets = []; // the one that is shown, and the one that is being drawn
      this.names = [];
    },
    // The streets have arrived.
    take({ classes, names, shapes }) {
      this.names = names;
      this._classes = classes;
      this._lines = new Lines(this._frame, shapes.lines);
      this.redraw();
    },
    getEvents() {
      return { moveend: this.redraw, resize: this.redraw, viewreset: this.redraw, zoom: this._follow, zoomanim: this._animate };
    },
    onAdd() {
      this.redraw();
    },
    onRemove() {
      cancelAnimationFrame(this._waiting);
      this._sheets.forEach((sheet) => sheet.canvas.remove());
      this._sheets = [];
    },
    redraw() {
      if (!this._map || !this._lines) return;
      cancelAnimationFrame(this._waiting);
      if (this._work) this._drop(this._sheets.pop());
      const sheet = this._sheet();
      this._sheets.push(sheet);
      this._work = this._passes(sheet);
      this._drawOn();
    },
    // All that is still to be drawn, now: a picture or a printer does not wait.
    finish() {
      cancelAnimationFrame(this._waiting);
      while (this._work) this._step();
    },
    _drawOn() {
      this._step();
      if (this._work) this._waiting = requestAnimationFrame(() => this._drawOn());
    },
    _step() {
      if (!this._work.next().done) return;
      this._work = null;
      this._sheets.splice(0, this._sheets.length - 1).forEach(this._drop);
    },
    _drop(sheet) {
      sheet.canvas.remove();
    },
    _sheet() {
      const map = this._map;
      const size = map.getSize();
      const margin = size.multiplyBy(MARGIN).round();
      const whole = size.add(margin.multiplyBy(2));
      const ratio = window.devicePixelRatio || 1;
      const canvas = L.DomUtil.create("canvas", "leaflet-zoom-animated", map.getPane("streets"));
      canvas.width = whole.x * ratio;
      canvas.height = whole.y * ratio;
      canvas.style.width = whole.x + "px";
      canvas.style.height = whole.y + "px";
      const corner = map.containerPointToLayerPoint([-margin.x, -margin.y]);
      L.DomUtil.setPosition(canvas, corner);
      const zoom = map.getZoom();
      const origin = map.project([this._frame.lat, this._frame.lon], zoom).subtract(map.getPixelOrigin()).subtract(corner);
      return { canvas, ratio, whole, zoom, corner: map.layerPointToLatLng(corner), scale: 2 ** (zoom - ZOOM), origin };
    },
    // While the map zooms, the sheet grows with it.
    _follow() {
      const map = this._map;
      this._sheets.forEach((sheet) => L.DomUtil.setTransform(sheet.canvas, map.latLngToLayerPoint(sheet.corner), map.getZoomScale(map.getZoom(), sheet.zoom)));
    },
    _animate({ zoom, center }) {
      const map = this._map;
      this._sheets.forEach((sheet) => L.DomUtil.setTransform(sheet.canvas, map._latLngToNewLayerPoint(sheet.corner, zoom, center), map.getZoomScale(zoom, sheet.zoom)));
    },

    * _passes({ canvas, ratio, whole, zoom, scale, origin }) {
      const lines = this._lines;
      const pen = canvas.getContext("2d");
      const place = { scale: scale * ratio, x: origin.x * ratio, y: origin.y * ratio };
      const view = [-origin.x / scale, -origin.y / scale, (whole.x - origin.x) / scale, (whole.y - origin.y) / scale];
      // lines grow with the zoom, so that a county is not buried under them
      const factor = Math.min(2.2, Math.max(0.35, Math.pow(2, (zoom - 14.5) / 2.4)));
      // what comes later lies beneath: wide streets are drawn first
      pen.globalCompositeOperation = "destination-over";
      let kind = -1;
      let taken = 0;
      const begin = (next) => {
        kind = next;
        const name = this._kinds[kind];
        pen.lineWidth = Math.max(0.5, WIDTH[name] * factor) * ratio;
        [pen.lineCap, pen.lineJoin] = pen.lineWidth > 2 ? ["round", "round"] : ["butt", "bevel"];
        pen.strokeStyle = geo.colours.streets[name];
        pen.beginPath();
        taken = 0;
      };
      let all = 0;
      for (let line = 0; line < lines.count; line += 1) {
        if (!lines.meets(line, view)) continue;
        const next = this._classes[lines.of[line]];
        if (next !== kind) {
          if (kind >= 0) pen.stroke();
          begin(next);
        }
        const took = lines.trace(pen, line, place);
        taken += took;
        all += took;
        if (all < AT_ONCE) continue;
        pen.stroke();
        yield;
        begin(kind);
        all = 0;
      }
      if (taken) pen.stroke();
    },

    // --- asked by name and by place

    // The name of the street under a place of the screen.
    nameAt(spot) {
      const map = this._map;
      if (!map || !this._lines || map.getZoom() < 13) return "";
      const scale = 2 ** (map.getZoom() - ZOOM);
      const away = map.getPixelOrigin().add(map.containerPointToLayerPoint(spot)).subtract(map.project([this._frame.lat, this._frame.lon], map.getZoom()));
      const at = [away.x / scale, away.y / scale];
      const near = HOVER_PX / scale;
      const view = [at[0] - near, at[1] - near, at[0] + near, at[1] + near];
      let best = near * near;
      let found = "";
      for (let line = 0; line < this._lines.count; line += 1) {
        const name = this.names[this._lines.of[line]];
        if (!name || !this._lines.meets(line, view)) continue;
        const square = this._lines.away(line, at);
        if (square < best) [best, found] = [square, name];
      }
      return found;
    },

    // Where a street lies, all its parts together; null where there is none of that name.
    boundsOf(name) {
      const { box, of, count } = this._lines;
      const bounds = L.bounds([]);
      for (let line = 0; line < count; line += 1) {
        if (this.names[of[line]] !== name) continue;
        bounds.extend([box[4 * line], box[4 * line + 1]]);
        bounds.extend([box[4 * line + 2], box[4 * line + 3]]);
      }
      if (!bounds.isValid()) return null;
      const origin = L.CRS.EPSG3857.latLngToPoint(L.latLng(this._frame.lat, this._frame.lon), ZOOM);
      const corner = (point) => L.CRS.EPSG3857.pointToLatLng(point.add(origin), ZOOM);
      return L.latLngBounds(corner(bounds.min), corner(bounds.max));
    },
  });
})(window.geoMap);
