// Sheets that are drawn straight from the numbers of the page: no object per line, one scale and shift per view.
(function (geo) {
  "use strict";

  const ZOOM = 20; // the numbers of a sheet are pixels of this zoom, counted from the frame
  const MARGIN = 0.3;
  const LEAST_PX = 0.8; // what is shorter is not seen

  // Lines as they lie in Web Mercator, with the box of each; all lists as long as the numbers in them.
  geo.Lines = class {
    constructor(frame, packed) {
      this.frame = frame;
      const { xy, offset } = geo.flat(packed);
      const world = (256 * 2 ** ZOOM) / 360;
      const turn = Math.PI / 180;
      const north = (lat) => Math.log(Math.tan(Math.PI / 4 + (lat * turn) / 2)) / turn;
      const top = north(frame.lat);
      this.xy = xy;
      this.offset = offset;
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

    // Whether a line is too short to be seen at a scale.
    isSpeck(line, scale) {
      const { box } = this;
      return Math.max(box[4 * line + 2] - box[4 * line], box[4 * line + 3] - box[4 * line + 1]) * scale < LEAST_PX;
    }

    meets(line, view) {
      const { box } = this;
      const i = 4 * line;
      return box[i] <= view[2] && box[i + 2] >= view[0] && box[i + 1] <= view[3] && box[i + 3] >= view[1];
    }

    // Adds a line to what the pen will draw; vertices that fall together are left out. Returns how many it took.
    trace(pen, line, { scale, x, y }) {
      const { at, offset } = this;
      const first = 2 * offset[line];
      const last = 2 * offset[line + 1] - 2;
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

    // The box of some lines as bounds of the map; null where there are none.
    bounds(chosen) {
      const { box } = this;
      const bounds = L.bounds([]);
      chosen.forEach((line) => {
        bounds.extend([box[4 * line], box[4 * line + 1]]);
        bounds.extend([box[4 * line + 2], box[4 * line + 3]]);
      });
      if (!bounds.isValid()) return null;
      const origin = L.CRS.EPSG3857.latLngToPoint(L.latLng(this.frame.lat, this.frame.lon), ZOOM);
      const corner = (point) => L.CRS.EPSG3857.pointToLatLng(point.add(origin), ZOOM);
      return L.latLngBounds(corner(bounds.min), corner(bounds.max));
    }
  };

  // A layer of its own canvas in a pane. `paint` draws a sheet, and rests where it yields until the next frame;
  // what was there before stays until the new sheet is whole.
  geo.Sheets = L.Layer.extend({
    initialize(frame, pane) {
      this._frame = frame;
      this._pane = pane;
      this._sheets = []; // the one that is shown, and the one that is being drawn
    },
    getEvents() {
      return { moveend: this.redraw, resize: this.redraw, viewreset: this.redraw, zoom: this._follow, zoomanim: this._animate };
    },
    onAdd() {
      this.redraw();
    },
    onRemove() {
      cancelAnimationFrame(this._waiting);
      this._work = null;
      this._sheets.forEach((sheet) => sheet.canvas.remove());
      this._sheets = [];
    },
    redraw() {
      if (!this._map || this.isEmpty()) return;
      cancelAnimationFrame(this._waiting);
      if (this._work) this._drop(this._sheets.pop());
      const sheet = this._sheet();
      this._sheets.push(sheet);
      this._work = this.paint(sheet);
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
      this._sheets.splice(0, this._sheets.length - 1).forEach((sheet) => this._drop(sheet));
    },
    _sheet() {
      const map = this._map;
      const size = map.getSize();
      const margin = size.multiplyBy(MARGIN).round();
      const whole = size.add(margin.multiplyBy(2));
      const ratio = window.devicePixelRatio || 1;
      const canvas = this._canvas(whole.x * ratio, whole.y * ratio);
      canvas.style.width = whole.x + "px";
      canvas.style.height = whole.y + "px";
      const corner = map.containerPointToLayerPoint([-margin.x, -margin.y]);
      L.DomUtil.setPosition(canvas, corner);
      const pen = canvas.getContext("2d");
      pen.reset();
      pen.scale(ratio, ratio);
      const zoom = map.getZoom();
      const scale = 2 ** (zoom - ZOOM);
      const { x, y } = this._origin().subtract(map.getPixelOrigin()).subtract(corner);
      const view = [-x / scale, -y / scale, (whole.x - x) / scale, (whole.y - y) / scale];
      return { canvas, pen, zoom, view, place: { scale, x, y }, corner: map.layerPointToLatLng(corner) };
    },
    // A canvas of that size; the one that was shown before serves again.
    _canvas(width, height) {
      const spare = this._spare;
      this._spare = null;
      const fits = spare && spare.width === width && spare.height === height;
      const canvas = fits ? spare : L.DomUtil.create("canvas", "leaflet-zoom-animated");
      if (!fits) [canvas.width, canvas.height] = [width, height];
      this._map.getPane(this._pane).append(canvas);
      return canvas;
    },
    _drop({ canvas }) {
      canvas.remove();
      this._spare = canvas;
    },
    _origin() {
      return this._map.project([this._frame.lat, this._frame.lon], this._map.getZoom());
    },
    // A place of the screen in the numbers of the sheet, and how many of them a pixel is.
    numbersAt(spot) {
      const map = this._map;
      const step = 2 ** (ZOOM - map.getZoom());
      const away = map.getPixelOrigin().add(map.containerPointToLayerPoint(spot)).subtract(this._origin());
      return { at: [away.x * step, away.y * step], step };
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
  });
})(window.geoMap);
