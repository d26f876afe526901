// How things look: colours that colour-blind eyes, projectors and print keep apart, hatches, symbols, labels.
(function (geo) {
  "use strict";

  const BAND_DARK = [8, 64, 129];
  const BAND_LIGHT = [158, 202, 225];
  const SHARE = ["#e5f5e0", "#b5dfb2", "#74c476", "#2e9a4f", "#00592c"];
  const DRESS = {
    light: {
      gap: "#c2410c",
      land: "#fbfaf7",
      water: "#cfe3ee",
      waterLine: "#9fc3d8",
      boundary: "#8a8577",
      barrier: "#5a4a3a",
      community: "#55606e",
      park: "#7b3f8c",
      factory: "#7b3f8c",
      district: "#2d3440",
      grey: "#75797f",
      ink: "#16243a",
      halo: "#ffffff",
      way: "#d6006e",
      streets: { trunk: "#d9b98a", primary: "#dcc39b", secondary: "#cfc8ba", tertiary: "#d2ccc0", local: "#d9d4c9", path: "#ddd9d0" },
    },
    dark: {
      gap: "#ff8a4c",
      land: "#1d2530",
      water: "#1f3c52",
      waterLine: "#35607e",
      boundary: "#8d97a5",
      barrier: "#c9b49c",
      community: "#b4bfcc",
      park: "#d9a3e8",
      factory: "#d9a3e8",
      district: "#e4e9f0",
      grey: "#9aa3ae",
      ink: "#f1f4f8",
      halo: "#10161e",
      way: "#ff5fb0",
      streets: { trunk: "#7d6a4a", primary: "#75664c", secondary: "#545c68", tertiary: "#4a525e", local: "#3f4753", path: "#38404b" },
    },
  };
  geo.dress = function (name) {
    geo.colours = DRESS[name];
    document.documentElement.dataset.dress = name;
  };
  geo.dress("light");
  geo.bandOpacity = 0.62;
  geo.shareOpacity = 0.78;
  geo.shareSteps = [0, 0.2, 0.4, 0.6, 0.8];

  // Place 0 is the shortest band, and the darkest.
  geo.bandColour = function (place, count) {
    const part = count > 1 ? place / (count - 1) : 0.5;
    const mixed = BAND_DARK.map((dark, i) => Math.round(dark + (BAND_LIGHT[i] - dark) * part));
    return "rgb(" + mixed.join(",") + ")";
  };

  geo.shareColour = function (share) {
    let place = 0;
    geo.shareSteps.forEach((step, i) => {
      if (share >= step) place = i;
    });
    return SHARE[place];
  };

  const hatches = new Map();
  // A fill of slanted lines; `both` crosses them.
  geo.hatch = function (colour, gap, width, both) {
    const key = [colour, gap, width, both].join("|");
    if (!hatches.has(key)) {
      const tile = document.createElement("canvas");
      tile.width = gap;
      tile.height = gap;
      const pen = tile.getContext("2d");
      pen.strokeStyle = colour;
      pen.lineWidth = width;
      pen.lineCap = "square";
      pen.beginPath();
      [-gap, 0, gap].forEach((shift) => {
        pen.moveTo(shift, gap);
        pen.lineTo(shift + gap, 0);
        if (both) {
          pen.moveTo(shift, 0);
          pen.lineTo(shift + gap, gap);
        }
      });
      pen.stroke();
      hatches.set(key, pen.createPattern(tile, "repeat"));
    }
    return hatches.get(key);
  };
  geo.gapHatch = () => geo.hatch(geo.colours.gap, 8, 2, false);
  geo.unassessedHatch = () => geo.hatch(geo.colours.grey, 9, 1, true);

  const OUTLINES = ["circle", "square", "diamond", "hexagon"];
  function outline(pen, kind, x, y, r) {
    pen.beginPath();
    if (kind === "circle") {
      pen.arc(x, y, r, 0, Math.PI * 2);
    } else if (kind === "square") {
      pen.rect(x - r * 0.9, y - r * 0.9, r * 1.8, r * 1.8);
    } else {
      const corners = kind === "diamond" ? 4 : 6;
      for (let i = 0; i < corners; i += 1) {
        const turn = (i / corners) * Math.PI * 2;
        pen.lineTo(x + Math.sin(turn) * r * 1.2, y - Math.cos(turn) * r * 1.2);
      }
      pen.closePath();
    }
  }

  geo.dot = function (pen, x, y, style) {
    outline(pen, style.outline, x, y, style.radius);
    pen.fillStyle = style.fill;
    pen.fill();
    pen.lineWidth = 1.2;
    pen.strokeStyle = style.colour;
    pen.stroke();
  };

  // A service point: shape and letter by type, full when it counts, hollow and grey when it does not.
  geo.symbol = function (pen, x, y, style) {
    const r = style.radius;
    outline(pen, OUTLINES[style.service % OUTLINES.length], x, y, r);
    pen.setLineDash(style.state === "planned" ? [3, 2] : []);
    const counts = style.state === "counted";
    const quiet = style.quiet;
    const mobile = style.state === "mobile";
    pen.fillStyle = counts ? (quiet ? "#6a7483" : "#16243a") : "#ffffff";
    pen.fill();
    pen.lineWidth = quiet ? 1 : 2;
    pen.strokeStyle = counts ? "#ffffff" : mobile ? "#16243a" : "#75797f";
    pen.stroke();
    pen.setLineDash([]);
    pen.font = "600 " + Math.round(r * 1.15) + "px " + geo.font;
    pen.textAlign = "center";
    pen.textBaseline = "middle";
    pen.fillStyle = counts ? "#ffffff" : "#5d6167";
    pen.fillText(style.state === "doubtful" ? "?" : style.mark, x, y + r * 0.06);
    if (style.state === "closed") {
      pen.beginPath();
      pen.moveTo(x - r, y + r);
      pen.lineTo(x + r, y - r);
      pen.lineWidth = 1.5;
      pen.strokeStyle = geo.colours.grey;
      pen.stroke();
    }
  };
  geo.font = '"Noto Sans CJK SC","Noto Sans SC","Source Han Sans SC","Microsoft YaHei","PingFang SC",sans-serif';

  // Many service points in one place: how many.
  geo.cluster = function (pen, x, y, style) {
    pen.beginPath();
    pen.arc(x, y, style.radius, 0, Math.PI * 2);
    pen.fillStyle = style.quiet ? "#6a7483" : "#16243a";
    pen.fill();
    pen.lineWidth = 3;
    pen.strokeStyle = "#ffffffb0";
    pen.stroke();
    pen.font = "700 13px " + geo.font;
    pen.textAlign = "center";
    pen.textBaseline = "middle";
    pen.fillStyle = "#ffffff";
    pen.fillText(style.text, x, y + 0.5);
  };

  geo.badge = function (pen, x, y, text) {
    pen.font = "700 12px " + geo.font;
    const half = Math.max(10, pen.measureText(text).width / 2 + 6);
    pen.beginPath();
    pen.roundRect(x - half, y - 10, half * 2, 20, 10);
    pen.fillStyle = geo.colours.gap;
    pen.fill();
    pen.lineWidth = 2;
    pen.strokeStyle = "#ffffff";
    pen.stroke();
    pen.fillStyle = "#ffffff";
    pen.textAlign = "center";
    pen.textBaseline = "middle";
    pen.fillText(text, x, y + 0.5);
    return half;
  };

  // Symbols and labels on a sheet above the map, drawn anew after every move; labels that would collide wait.
  geo.Ink = L.Layer.extend({
    initialize(content) {
      this._content = content;
      this.hits = [];
    },
    onAdd(map) {
      this._canvas = L.DomUtil.create("canvas", "ink leaflet-zoom-hide", map.getPane("ink"));
      map.on("moveend zoomend resize viewreset", this.redraw, this);
      this.redraw();
    },
    onRemove(map) {
      map.off("moveend zoomend resize viewreset", this.redraw, this);
      this._canvas.remove();
    },
    redraw() {
      const map = this._map;
      if (!map) return;
      const size = map.getSize();
      const margin = size.multiplyBy(0.25).round();
      const ratio = window.devicePixelRatio || 1;
      const canvas = this._canvas;
      canvas.width = (size.x + margin.x * 2) * ratio;
      canvas.height = (size.y + margin.y * 2) * ratio;
      canvas.style.width = size.x + margin.x * 2 + "px";
      canvas.style.height = size.y + margin.y * 2 + "px";
      L.DomUtil.setPosition(canvas, map.containerPointToLayerPoint([-margin.x, -margin.y]));
      const pen = canvas.getContext("2d");
      pen.scale(ratio, ratio);
      pen.translate(margin.x, margin.y);
      this.hits = [];
      const taken = [];
      const inView = (spot) =>
        spot.x > -margin.x && spot.y > -margin.y && spot.x < size.x + margin.x && spot.y < size.y + margin.y;
      const content = this._content();
      content.dots.forEach((item) => {
        const spot = map.latLngToContainerPoint(item.at);
        if (!inView(spot)) return;
        geo.dot(pen, spot.x, spot.y, item);
        this.hits.push({ at: item.at, radius: item.radius + 3, item });
      });
      content.symbols.forEach((item) => {
        const spot = map.latLngToContainerPoint(item.at);
        if (!inView(spot)) return;
        (item.text ? geo.cluster : geo.symbol)(pen, spot.x, spot.y, item);
        this.hits.push({ at: item.at, radius: item.radius + 3, item });
        if (!item.quiet) taken.push(around(spot, item.radius + 1, item.radius + 1));
      });
      content.badges.forEach((item) => {
        const spot = map.latLngToContainerPoint(item.at);
        if (!inView(spot)) return;
        // beside a symbol rather than upon it
        let box = around(spot, 12, 11);
        [[0, -20], [20, 0], [-20, 0], [0, 20]].some((shift) => {
          if (!taken.some((other) => overlap(box, other))) return true;
          box = around(L.point(spot.x + shift[0], spot.y + shift[1]), 12, 11);
          return false;
        });
        geo.badge(pen, (box[0] + box[2]) / 2, (box[1] + box[3]) / 2, item.text);
        const middle = map.containerPointToLatLng([(box[0] + box[2]) / 2, (box[1] + box[3]) / 2]);
        this.hits.push({ at: middle, radius: 13, item });
        taken.push(box);
      });
      content.labels.forEach((item) => this._label(pen, item, taken, inView));
    },
    _label(pen, item, taken, inView) {
      const spot = this._map.latLngToContainerPoint(item.at);
      if (!inView(spot)) return;
      const width = Math.max(
        ...item.lines.map((line) => {
          pen.font = line.font;
          return pen.measureText(line.text).width;
        }),
      );
      const height = item.lines.length * 16;
      const free = (item.below ? [24, -24] : [0, -26, 26, -44, 44])
        .map((shift) => around(L.point(spot.x, spot.y + shift), width / 2 + 2, height / 2))
        .find((box) => !taken.some((other) => overlap(box, other)));
      if (!free) return;
      taken.push(free);
      pen.textAlign = "center";
      pen.textBaseline = "middle";
      pen.lineJoin = "round";
      item.lines.forEach((line, i) => {
        const y = free[1] + 8 + i * 16;
        pen.font = line.font;
        pen.lineWidth = 5.5;
        pen.strokeStyle = geo.colours.halo;
        pen.strokeText(line.text, spot.x, y);
        pen.fillStyle = line.colour;
        pen.fillText(line.text, spot.x, y);
      });
    },
    // What stands at a place of the screen, the topmost first.
    at(spot) {
      const map = this._map;
      for (let i = this.hits.length - 1; i >= 0; i -= 1) {
        if (map.latLngToContainerPoint(this.hits[i].at).distanceTo(spot) <= this.hits[i].radius) return this.hits[i].item;
      }
      return null;
    },
  });

  function around(spot, halfWidth, halfHeight) {
    return [spot.x - halfWidth, spot.y - halfHeight, spot.x + halfWidth, spot.y + halfHeight];
  }
  function overlap(a, b) {
    return a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3];
  }
})(window.geoMap);
