// What stands upon the map: symbols, ranks of gaps, labels.
(function (geo) {
  "use strict";

  const BADGES_MOST = 12;
  const CROWD_LEAST = 60; // fewer points are always shown one by one
  const CROWD_ZOOM = 15;
  const CROWD_PX = 52;
  const LABELS_FEW = 40; // as many are always labelled, as far as they find room
  const LABEL_PX = 110; // more of them only where each has that much room of its own

  geo.Marks = class extends geo.Writing {
    _inked() {
      return { dots: this._dots(), symbols: this._symbols(), badges: this._badges(), labels: this._labels() };
    }

    _dots() {
      const { context, frame } = this.data;
      const dots = [];
      const add = (name, style) => {
        if (!context[name]) return;
        geo.points(frame, context[name].shapes.points).forEach((places, row) => {
          const title = context[name].names[row];
          places.forEach((place) => dots.push({ ...style, at: L.latLng(place), card: () => this._card(title || this.words.text("unnamed"), [[this.words.text("kind"), this.words.text("layer_" + name)]]) }));
        });
      };
      if (this.shown.venues && !this.hidden) add("venues", { outline: "square", radius: 5, fill: "#fff", colour: "#8a6d1f" });
      if (this.shown.barriers && !this.hidden && this.map.getZoom() >= 14) add("gates", { outline: "diamond", radius: 3.5, fill: "#fff", colour: "#5a4a3a" });
      if (this.shown.units) {
        this.layers.units
          .filter((item) => !item.parts && item.at && !(this.hidden && item.kind === "factory"))
          .forEach((item) => dots.push({ at: item.at, outline: "square", radius: item.kind === "factory" ? 2.5 : 5, fill: this._dotFill(item), colour: geo.colours[item.kind] || geo.colours.grey, card: () => this._unitCard(item.unit) }));
      }
      return dots;
    }

    // A unit that is a point is shaded as an area would be.
    _dotFill(item) {
      const row = item.kind === "factory" ? null : this.rowOf(item.unit);
      if (row && row.status === "not_assessed") return geo.colours.grey;
      return this.shown.shares && row && row.share !== null ? geo.shareColour(row.share) : "#fff";
    }

    _symbols() {
      const chosen = [];
      const others = [];
      const radius = this.map.getZoom() < 12.5 ? 9 : 10.5;
      this.points.forEach((item) => {
        if (!item.at || item.service < 0) return;
        const mine = item.service === this.service;
        if (!(mine ? this.shown.points : this.shown.others)) return;
        const style = { ...item, mark: this.data.services[item.service].mark, quiet: !mine, radius: mine ? radius : 5.5, card: () => this._pointCard(item) };
        (mine ? chosen : others).push(style);
      });
      // what counts lies on top
      chosen.sort((a, b) => (a.state === "counted") - (b.state === "counted"));
      return this._gathered(others).concat(this._gathered(chosen));
    }

    // Where many points stand close together, one sign with their number, until somebody looks closer.
    _gathered(items) {
      const zoom = this.map.getZoom();
      if (items.length < CROWD_LEAST || zoom >= CROWD_ZOOM) return items;
      const cells = new Map();
      items.forEach((item) => {
        const spot = this.map.project(item.at, zoom).divideBy(CROWD_PX).floor();
        const key = spot.x + "|" + spot.y + "|" + (item.state === "counted");
        cells.set(key, (cells.get(key) || []).concat(item));
      });
      return [...cells.values()].flatMap((group) => (group.length < 3 ? group : [this._crowd(group)]));
    }

    _crowd(group) {
      const bounds = L.latLngBounds(group.map((item) => item.at));
      const middle = L.latLng(group.reduce((sum, item) => sum + item.at.lat, 0) / group.length, group.reduce((sum, item) => sum + item.at.lng, 0) / group.length);
      const closer = () => this.map.flyToBounds(bounds.pad(0.3), { maxZoom: 17, duration: 0.4 });
      return { at: middle, text: String(group.length), radius: Math.min(22, 11 + Math.sqrt(group.length) * 1.6), quiet: group[0].quiet, closer };
    }

    _badges() {
      if (!this.shown.gaps) return [];
      return this.shownGaps()
        .filter((gap) => this.layers.gaps[gap].at && !this._isRest(gap))
        .slice(0, BADGES_MOST)
        .map((gap) => ({ at: this.layers.gaps[gap].at, text: this.gapMark(gap), card: () => this._gapCard(gap) }));
    }

    _labels() {
      if (!this.shown.labels) return [];
      const zoom = this.map.getZoom();
      const kinds = ["district", "park", "community"].filter((kind) => this.shown[kind === "district" ? "districts" : "units"] && this._hasRoom(kind));
      const labels = [];
      this.layers.units.forEach((item) => {
        if (!item.at || !kinds.includes(item.kind)) return;
        const district = item.kind === "district";
        const name = { text: geo.shorten(this.unitName(item.unit), 14), font: (district ? "700 14px " : "600 13px ") + geo.font, colour: geo.colours[item.kind] };
        const row = district || zoom < 11 ? null : this.rowOf(item.unit);
        const lines = row ? [name, { text: this._labelShare(row), font: "600 12px " + geo.font, colour: geo.colours.ink }] : [name];
        labels.push({ at: item.at, lines: lines.filter((line) => line.text), below: !item.parts, order: kinds.indexOf(item.kind), weight: row ? row.people : 0 });
      });
      return labels.sort((a, b) => a.order - b.order || b.weight - a.weight);
    }

    // A thousand names over a whole city say nothing.
    _hasRoom(kind) {
      const count = this.data.units.kind.filter((other) => other === kind).length;
      const [west, south, east, north] = this.data.bounds;
      const size = this.map.project([south, east]).subtract(this.map.project([north, west]));
      return count <= LABELS_FEW || Math.sqrt((size.x * size.y) / count) >= LABEL_PX;
    }

    _labelShare(row) {
      if (this.isPresence()) return this.words.text(row.share >= 1 ? "present" : "absent");
      if (row.status === "not_assessed") return this.words.text("not_assessed");
      if (row.share === null) return "";
      const other = row.group !== this.group ? this.words.text("brackets", { text: this.words.text(this.data.groups[row.group]) }) : "";
      return this.words.shortPercent(row.share) + other;
    }
  };
})(window.geoMap);
