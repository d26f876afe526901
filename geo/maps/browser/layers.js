// What is drawn, from the ground up. Each layer sits in its own pane; the mouse is read in one place (start.js).
(function (geo) {
  "use strict";

  const PANES = ["tiles", "ground", "water", "streets", "units", "bands", "hatch", "outlines", "chosen", "ways", "ink"];

  geo.Layers = class {
    constructor(map, data, words) {
      this.map = map;
      this.data = data;
      this.words = words;
      this.renderers = {};
      PANES.forEach((name, i) => {
        const pane = map.createPane(name);
        pane.style.zIndex = 300 + i * 20;
        pane.style.pointerEvents = "none";
        if (name !== "ink") this.renderers[name] = L.canvas({ pane: name, padding: 0.3, tolerance: 3 });
      });
      map.getPane("bands").style.opacity = geo.bandOpacity;
      this.groups = {};
      this._tiles();
      this._bandAreas = new Map();
      this._ground();
      this.streets = new geo.Streets(data.frame, data.street_classes);
      this.groups.streets = this.streets;
      this._units();
      this._gaps();
      this.restyle();
      this.groups.bands = new geo.AreaSheet(data.frame, "bands");
      this.chosen = L.layerGroup().addTo(map);
      map.on("zoomend", () => this.restyle());
    }

    _style(pane, style) {
      return Object.assign({ pane, renderer: this.renderers[pane], interactive: false, smoothFactor: 1 }, style);
    }

    _draw(pane, style, polygons, lines) {
      const drawn = [];
      if (polygons) drawn.push(...polygons.map((part) => L.polygon(part, this._style(pane, style))));
      if (lines && lines.length) drawn.push(L.polyline(lines, this._style(pane, Object.assign({}, style, { fill: false }))));
      return drawn;
    }

    _context(name, pane, style) {
      const layer = this.data.context[name];
      if (!layer) return null;
      const frame = this.data.frame;
      const polygons = [...geo.polygons(frame, layer.shapes.polygons).values()].flat();
      const lines = [...geo.lines(frame, layer.shapes.lines).values()].flat();
      return L.layerGroup(this._draw(pane, style, polygons, lines));
    }

    // Somebody else's map, where the user asked for it; without a network nothing of it is seen.
    _tiles() {
      const { tiles } = this.data;
      if (!tiles) return;
      const options = { pane: "tiles", subdomains: tiles.hosts, maxNativeZoom: 18, maxZoom: 20, referrerPolicy: "no-referrer" };
      this.groups.tiles = L.layerGroup(tiles.urls.map((url) => L.tileLayer(url, options)));
    }

    _ground() {
      const ink = geo.colours;
      const boundary = { color: ink.boundary, weight: 2, dashArray: "8 4 2 4", fillColor: ink.land, fillOpacity: this.data.tiles ? 0 : 1 };
      const water = { color: ink.waterLine, weight: 1, fillColor: ink.water, fillOpacity: 1 };
      this.groups.boundary = this._context("boundary", "ground", boundary);
      this.groups.water = this._context("water", "water", water);
      const barriers = this._context("barriers", "streets", { color: ink.barrier, weight: 2, dashArray: "2 4", fill: false });
      if (barriers || this.data.context.gates) this.groups.barriers = barriers || L.layerGroup();
    }

    // Outlines grow with the zoom, so that a county is not buried under them.
    restyle() {
      const zoom = this.map.getZoom() || 12;
      const thin = Math.min(1, Math.max(0.4, Math.pow(2, (zoom - 14) / 2)));
      this.units.forEach((item) => {
        if (!item.line) return;
        const { weight, dashArray } = outlineOf(item.kind);
        const dashes = dashArray && dashArray.split(" ").map((length) => Math.max(2, Math.round(length * thin)));
        item.line.setStyle({ weight: Math.max(0.8, weight * thin), dashArray: dashes ? dashes.join(" ") : null });
      });
      if (this.groups.barriers) this.groups.barriers.eachLayer((layer) => layer.setStyle({ weight: 2 * thin, opacity: 0.4 + 0.6 * thin }));
    }

    _units() {
      const { kind, shapes, anchor } = this.data.units;
      const polygons = geo.polygons(this.data.frame, shapes.polygons);
      this.units = kind.map((name, unit) => ({
        unit,
        kind: name,
        at: geo.latLng(this.data.frame, anchor[unit]),
        parts: polygons.get(unit) || null,
      }));
      this.units.forEach((item) => {
        if (!item.parts) return;
        item.fill = L.polygon(item.parts, this._style("units", { stroke: false, fillOpacity: geo.shareOpacity }));
        item.hatch = L.polygon(item.parts, this._style("hatch", { stroke: false, fillOpacity: 0.9 }));
        item.line = L.polygon(item.parts, this._style("outlines", outlineOf(item.kind)));
      });
      const lined = (...kinds) =>
        L.layerGroup(this.units.filter((item) => item.line && kinds.includes(item.kind)).map((item) => item.line));
      this.groups.districts = lined("district");
      this.groups.units = lined("community", "park", "factory");
      this.groups.shares = L.layerGroup();
    }

    // Colours anew, after the dress of the page has changed.
    redress() {
      const ink = geo.colours;
      const recolour = (name, style) => this.groups[name] && this.groups[name].eachLayer((layer) => layer.setStyle(style));
      recolour("boundary", { color: ink.boundary, fillColor: ink.land });
      recolour("water", { color: ink.waterLine, fillColor: ink.water });
      recolour("barriers", { color: ink.barrier });
      this.units.forEach((item) => item.line && item.line.setStyle({ color: geo.colours[item.kind] || ink.grey }));
      this.restyle();
      [this.streets, this.groups.bands, this.groups.gaps].forEach((sheet) => sheet.redraw());
    }

    isPainted = (item) => Boolean(item.fill) && ["community", "park"].includes(item.kind);

    // Paint the units by the share that `rowOf` finds for each; what is not assessed is hatched either way.
    paintShares(rowOf, shaded) {
      this.groups.shares.clearLayers();
      this.units.forEach((item) => {
        if (!this.isPainted(item)) return;
        const row = rowOf(item.unit);
        if (!row) return;
        if (row.status === "not_assessed") {
          item.hatch.setStyle({ fillColor: geo.unassessedHatch() });
          this.groups.shares.addLayer(item.hatch);
        } else if (shaded && row.share !== null) {
          item.fill.setStyle({ fillColor: geo.shareColour(row.share) });
          this.groups.shares.addLayer(item.fill);
        }
      });
    }

    _gaps() {
      const { gaps, frame } = this.data;
      this._gapAreas = new Map();
      this.gaps = gaps.id.map((_, gap) => ({ gap, service: gaps.service[gap], at: geo.latLng(frame, gaps.anchor[gap]) }));
      this.groups.gaps = new geo.AreaSheet(frame, "hatch");
    }
    gapBounds = (gap) => this._gapsOf(this.gaps[gap].service).bounds(gap) || this.gaps[gap].at.toBounds(600);
    gapParts = (gap) => this._gapsOf(this.gaps[gap].service).latLngs(gap);
    _gapsOf = (service) => this._areas(this._gapAreas, this.data.gaps.shapes[service]);

    // Areas unpacked when they are first shown; none where they have not arrived.
    _areas(known, shapes) {
      if (!shapes) return new geo.Areas(this.data.frame, { of: [], rings: [], sizes: [], xy: [] });
      if (!known.has(shapes)) known.set(shapes, new geo.Areas(this.data.frame, shapes.polygons));
      return known.get(shapes);
    }

    // What is not shown first has arrived. Returns whether the service that is shown now had to wait for it.
    take({ bands, gaps }, shown) {
      bands.forEach((shapes, place) => {
        if (shapes) this.data.bands[place].shapes = shapes;
      });
      gaps.forEach((shapes, service) => {
        if (shapes) this.data.gaps.shapes[service] = shapes;
      });
      return Boolean(gaps[shown]) || bands.some((shapes, place) => shapes && this.data.bands[place].service === shown);
    }

    showGaps(service, chosen) {
      const style = { fill: () => geo.gapHatch(), opacity: 0.95, line: () => geo.colours.gap, width: 1.6 };
      this.groups.gaps.show([{ areas: this._gapsOf(service), rows: chosen, ...style }]);
    }

    // The bands of a ring, the widest at the bottom.
    showBands(service, mode) {
      const ring = this.data.bands.find((band) => band.service === service && band.mode === mode);
      const areas = ring && this._areas(this._bandAreas, ring.shapes);
      const count = ring ? ring.limits.length : 0;
      const band = (_, place) => ({ areas, rows: [place], fill: () => geo.bandColour(count - 1 - place, count), opacity: 1 });
      this.groups.bands.show(ring ? ring.limits.map(band) : []);
      return ring ? [...ring.limits].reverse() : [];
    }

    showFactories(on) {
      this.units.forEach((item) => {
        if (item.kind !== "factory" || !item.line) return;
        if (on) this.groups.units.addLayer(item.line);
        else this.groups.units.removeLayer(item.line);
      });
    }

    choose(parts) {
      this.chosen.clearLayers();
      if (!parts) return;
      const style = { color: geo.colours.chosen, weight: 3.5, opacity: 0.95, fill: false };
      this.chosen.addLayer(L.polygon(parts, this._style("chosen", style)));
    }

    toggle(name, shown) {
      const group = this.groups[name];
      if (!group) return;
      if (shown) group.addTo(this.map);
      else group.remove();
    }

    // The unit under a place of the screen, the smallest kind first.
    unitAt(spot) {
      const order = ["factory", "park", "community"];
      return order
        .map((kind) => this.units.find((item) => item.kind === kind && item.line && under(this.map, item.line, spot)))
        .find(Boolean);
    }

    gapAt(spot) {
      return this.groups.gaps.rowAt(spot);
    }
  };

  function outlineOf(kind) {
    const styles = {
      community: { weight: 1.4, opacity: 0.9 },
      park: { weight: 2.2, opacity: 0.95 },
      factory: { weight: 1, opacity: 0.8, dashArray: "3 3" },
      district: { weight: 3, opacity: 0.75, dashArray: "14 6" },
    };
    return Object.assign({ color: geo.colours[kind] || geo.colours.grey, fill: false }, styles[kind]);
  }

  function under(map, layer, spot) {
    return Boolean(layer._map && layer._pxBounds && layer._containsPoint(map.containerPointToLayerPoint(spot)));
  }
})(window.geoMap);
