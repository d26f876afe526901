// The streets: the widest first, some in every frame, so that nobody waits for a city of lanes.
(function (geo) {
  "use strict";

  // width of each street class, at the zoom of a town
  const WIDTH = { trunk: 4.2, primary: 3.6, secondary: 2.8, tertiary: 2.2, local: 1.5, path: 0.9 };
  const AT_ONCE = 16000; // vertices a frame
  const HOVER_PX = 5;

  geo.Streets = geo.Sheets.extend({
    initialize(frame, kinds) {
      geo.Sheets.prototype.initialize.call(this, frame, "streets");
      this._kinds = kinds;
      this.names = [];
    },
    // The streets have arrived.
    take({ classes, names, shapes }) {
      this.names = names;
      this._classes = classes;
      this._of = shapes.lines.of;
      this._lines = new geo.Lines(this._frame, shapes.lines);
      this.redraw();
    },
    isEmpty() {
      return !this._lines;
    },

    * paint({ pen, view, zoom, place }) {
      const lines = this._lines;
      // lines grow with the zoom, so that a county is not buried under them
      const factor = Math.min(2.2, Math.max(0.35, Math.pow(2, (zoom - 14.5) / 2.4)));
      // what comes later lies beneath: wide streets are drawn first
      pen.globalCompositeOperation = "destination-over";
      let kind = -1;
      let taken = 0;
      const begin = (next) => {
        kind = next;
        const name = this._kinds[kind];
        pen.lineWidth = Math.max(0.5, WIDTH[name] * factor);
        [pen.lineCap, pen.lineJoin] = pen.lineWidth > 2 ? ["round", "round"] : ["butt", "bevel"];
        pen.strokeStyle = geo.colours.streets[name];
        pen.beginPath();
      };
      for (let line = 0; line < lines.count; line += 1) {
        if (!lines.meets(line, view) || lines.isSpeck(line, place.scale)) continue;
        const next = this._classes[this._of[line]];
        if (next !== kind) {
          if (kind >= 0) pen.stroke();
          begin(next);
        }
        taken += lines.trace(pen, line, place);
        if (taken < AT_ONCE) continue;
        pen.stroke();
        yield;
        begin(kind);
        taken = 0;
      }
      if (kind >= 0) pen.stroke();
    },

    // --- asked by name and by place

    // The name of the street under a place of the screen.
    nameAt(spot) {
      if (!this._map || !this._lines || this._map.getZoom() < 13) return "";
      const { at, step } = this.numbersAt(spot);
      const near = HOVER_PX * step;
      const view = [at[0] - near, at[1] - near, at[0] + near, at[1] + near];
      let best = near * near;
      let found = "";
      for (let line = 0; line < this._lines.count; line += 1) {
        const name = this.names[this._of[line]];
        if (!name || !this._lines.meets(line, view)) continue;
        const square = this._lines.away(line, at);
        if (square < best) [best, found] = [square, name];
      }
      return found;
    },

    // Where a street lies, all its parts together.
    boundsOf(name) {
      const chosen = [];
      for (let line = 0; line < this._lines.count; line += 1) if (this.names[this._of[line]] === name) chosen.push(line);
      return this._lines.bounds(chosen);
    },
  });
})(window.geoMap);
