// Bands and gaps: many large areas, of which a service shows a few.
(function (geo) {
  "use strict";

  // The areas of some rows, as the page packs them: rings, of which the first of a part is its outline.
  geo.Areas = class {
    constructor(frame, packed) {
      this.frame = frame;
      this.rings = new geo.Lines(frame, packed);
      this.parts = new Map();
      let ring = 0;
      for (let part = 0; part < packed.of.length; part += 1) {
        const row = packed.of[part];
        if (!this.parts.has(row)) this.parts.set(row, []);
        this.parts.get(row).push([ring, ring + packed.rings[part]]);
        ring += packed.rings[part];
      }
    }

    has = (row) => this.parts.has(row);
    _outlines = (row) => (this.parts.get(row) || []).map(([first]) => first);
    bounds = (row) => this.rings.bounds(this._outlines(row));

    // Adds a row to what the pen will fill.
    trace(pen, row, { view, place }) {
      (this.parts.get(row) || []).forEach(([first, end]) => {
        if (!this.rings.meets(first, view)) return;
        for (let ring = first; ring < end; ring += 1) {
          if (this.rings.isSpeck(ring, place.scale)) continue;
          this.rings.trace(pen, ring, place);
          pen.closePath();
        }
      });
    }

    // Whether a row holds a place, in the numbers of the sheet.
    holds(row, [x, y]) {
      const { at, offset, box } = this.rings;
      return (this.parts.get(row) || []).some(([first, end]) => {
        if (x < box[4 * first] || y < box[4 * first + 1] || x > box[4 * first + 2] || y > box[4 * first + 3]) return false;
        let inside = false;
        for (let ring = first; ring < end; ring += 1) {
          let before = 2 * offset[ring + 1] - 2;
          for (let i = 2 * offset[ring]; i < 2 * offset[ring + 1]; before = i, i += 2) {
            if (at[i + 1] > y !== at[before + 1] > y && x < at[i] + ((y - at[i + 1]) / (at[before + 1] - at[i + 1])) * (at[before] - at[i])) inside = !inside;
          }
        }
        return inside;
      });
    }

    // A row as Leaflet takes it, for the few that somebody chooses.
    latLngs(row) {
      const { xy, offset } = this.rings;
      const { lat, lon, step } = this.frame;
      const place = (i) => [lat + xy[2 * i + 1] * step, lon + xy[2 * i] * step];
      const ringOf = (ring) => Array.from({ length: offset[ring + 1] - offset[ring] }, (_, i) => place(offset[ring] + i));
      return (this.parts.get(row) || []).map(([first, end]) => Array.from({ length: end - first }, (_, i) => ringOf(first + i)));
    }
  };

  // A sheet that fills rows of areas, one after the other, each in its style.
  geo.AreaSheet = geo.Sheets.extend({
    initialize(frame, pane) {
      geo.Sheets.prototype.initialize.call(this, frame, pane);
      this._shown = [];
    },
    isEmpty: () => false,
    // `shown`: {areas, rows, fill, opacity, line, width} from the ground up.
    show(shown) {
      this._shown = shown;
      this.redraw();
    },
    * paint(sheet) {
      const { pen } = sheet;
      this._shown.forEach(({ areas, rows, fill, opacity, line, width }) => {
        pen.beginPath();
        rows.forEach((row) => areas.trace(pen, row, sheet));
        pen.fillStyle = fill();
        pen.globalAlpha = opacity;
        pen.fill("evenodd");
        pen.globalAlpha = 1;
        if (!line) return;
        pen.strokeStyle = line();
        pen.lineWidth = width;
        pen.lineJoin = "round";
        pen.stroke();
      });
    },
    // The first of the rows shown that lies under a place of the screen.
    rowAt(spot) {
      if (!this._map) return undefined;
      const { at } = this.numbersAt(spot);
      return this._shown.flatMap(({ areas, rows }) => rows.filter((row) => areas.holds(row, at)))[0];
    },
  });
})(window.geoMap);
