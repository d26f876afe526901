// Distances between places that somebody points at.
(function (geo) {
  "use strict";

  geo.Measure = class {
    constructor(page) {
      this.page = page;
      this.on = false;
      this.places = [];
      this.group = L.layerGroup().addTo(page.map);
    }

    toggle() {
      this.on = !this.on;
      if (this.on) this.page.leaveTable();
      this.places = [];
      document.documentElement.classList.toggle("measuring", this.on);
      this.draw();
    }

    add(at) {
      this.places.push(at);
      this.draw();
    }

    metres = () => this.page.asking.ways.distance(this.places);

    text() {
      const { words } = this.page;
      if (this.places.length < 2) return words.text("measure_how");
      const metres = this.metres();
      return words.text(metres < 1000 ? "measure_m" : "measure_km", { n: metres < 1000 ? words.people(metres) : (metres / 1000).toFixed(2) });
    }

    draw() {
      this.group.clearLayers();
      const style = { pane: "ways", renderer: this.page.layers.renderers.ways, interactive: false };
      if (this.places.length > 1) this.group.addLayer(L.polyline(this.places, { ...style, color: geo.colours.ink, weight: 3, dashArray: "7 5" }));
      this.places.forEach((at) => this.group.addLayer(L.circleMarker(at, { ...style, radius: 4, color: geo.colours.ink, weight: 2, fillColor: "#ffffff", fillOpacity: 1 })));
      const box = document.getElementById("measure");
      box.hidden = !this.on;
      box.textContent = this.text();
    }
  };
})(window.geoMap);
