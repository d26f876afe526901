// One page: what is chosen, and how map, panel and legend follow it.
(function (geo) {
  "use strict";

  const LAYERS = ["tiles", "bands", "gaps", "shares", "units", "districts", "points", "others", "labels", "streets", "water", "boundary", "barriers", "venues"];
  const VIEWS = { rings: { bands: true, shares: false }, shares: { bands: false, shares: true }, matrix: {} };
  const SENSITIVE = ["barriers", "venues"]; // with the factories: what a map for the public leaves out
  geo.views = VIEWS;
  const FLY_ZOOM = 16.5;
  class Page extends geo.Marks {
    constructor(map, data) {
      super(data);
      this.map = map;
      this.layers = new geo.Layers(map, data, this.words);
      this.shown = Object.fromEntries(LAYERS.map((name) => [name, !["shares", "others", "venues"].includes(name)]));
      // upon tiles the page's own streets and water would lie double
      if (data.tiles) Object.assign(this.shown, { streets: false, water: false });
      this.usual = { ...this.shown };
      this.view = "rings";
      this.dress = "light";
      this.hidden = false;
      this.bandLimits = [];
      this.ink = new geo.Ink(() => this._inked());
      this.asking = new geo.Asking(this);
      this.matrix = new geo.Matrix(this);
      this.measure = new geo.Measure(this);
    }

    chooseService(service) {
      this._choose(service);
      this.asking.shown = service;
      this.map.closePopup();
      this.asking.fill();
      this.draw();
    }
    chooseRing(ring) {
      this.ring = ring;
      this.asking.fill();
      this.draw();
    }
    chooseGroup(group) {
      this.group = group;
      this.draw();
    }
    setView(name) {
      this.view = name;
      Object.assign(this.shown, VIEWS[name]);
    }
    chooseView(name) {
      this.setView(name);
      this.draw();
      const button = document.querySelector('#views [aria-pressed="true"]');
      if (button) button.focus();
    }
    dressIn(name) {
      this.dress = name;
      geo.dress(name);
      this.layers.redress();
      if (this.panel) this.draw();
      if (this.asking.subject) this.asking.draw();
    }
    fileName() {
      const { head, services } = this.data;
      return [head.name, services[this.service] ? services[this.service].label : "", head.period].join("_").replace(/[^\p{L}\p{N}_（）-]/gu, "").slice(0, 80);
    }

    // --- asking

    askPlace(at) {
      this.asking.ask({ at });
      this.panel.open("ask");
      this.remember();
    }
    askUnit(unit, stay) {
      this.asking.ask({ unit });
      if (stay) return this.flyToUnit(unit);
      this.panel.open("ask");
      const item = this.layers.units[unit];
      if (!item.at) return undefined;
      const bounds = item.line ? item.line.getBounds() : item.at.toBounds(800);
      return this._fly(bounds, item.parts, () => this.remember());
    }
    remember() {
      geo.writeFragment(this);
    }

    _popup(at, card, parts) {
      this.map.closePopup();
      this.layers.choose(parts);
      const keep = card.querySelector("[data-ask]");
      if (keep) keep.addEventListener("click", () => this.askUnit(Number(keep.dataset.ask)));
      L.popup({ maxWidth: 320, minWidth: 220, autoPanPaddingTopLeft: [20, 60], autoPanPaddingBottomRight: [20, 20] }).setLatLng(at).setContent(card).openOn(this.map);
    }

    // --- moving about

    // Whoever asks for a place wants to see it, not the table over it.
    leaveTable() {
      if (this.view === "matrix") this.chooseView("rings");
    }

    _fly(bounds, parts, then) {
      this.leaveTable();
      this.map.closePopup();
      this.layers.choose(parts);
      const still = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
      this.map.once("moveend", then);
      const options = this.room({ maxZoom: FLY_ZOOM, animate: !still, duration: 0.7 });
      if (still) this.map.fitBounds(bounds, options);
      else this.map.flyToBounds(bounds, options);
    }

    // Where on the map there is room beside legend and buttons.
    room(options) {
      const wide = this.map.getSize().x > 640;
      const legend = document.getElementById("legend").offsetWidth;
      return { paddingTopLeft: [wide ? legend + 40 : 30, wide ? 70 : 50], paddingBottomRight: wide ? [60, 60] : [30, 30], ...options };
    }

    flyToStreet(name) {
      const bounds = this.layers.streets.boundsOf(name);
      this._fly(bounds, null, () => this._popup(bounds.getCenter(), this._card(name, [[this.words.text("kind"), this.words.text("layer_streets")]])));
    }
    flyToGap(gap) {
      const item = this.layers.gaps[gap];
      if (!item.at) return;
      this._show("gaps");
      const parts = this.layers.gapParts(gap);
      this._fly(this.layers.gapBounds(gap), parts, () => this._popup(item.at, this._gapCard(gap), parts));
    }
    flyToUnit(unit) {
      const item = this.layers.units[unit];
      if (!item.at) return;
      const bounds = item.line ? item.line.getBounds() : item.at.toBounds(800);
      this._fly(bounds, item.parts, () => this._popup(item.at, this._unitCard(unit), item.parts));
    }
    flyToPoint(item) {
      this._fly(item.at.toBounds(900), null, () => this._popup(item.at, this._pointCard(item)));
    }
    _show(name) {
      if (this.shown[name]) return;
      this.shown[name] = true;
      this.draw();
    }

    whole() {
      const [west, south, east, north] = this.data.bounds;
      const legend = document.getElementById("legend");
      const wide = this.map.getSize().x > 640;
      this.map.fitBounds([[south, west], [north, east]], {
        // nothing of the study opens under the legend or the buttons
        paddingTopLeft: [wide && legend.offsetWidth ? legend.offsetWidth + 22 : 24, 56],
        paddingBottomRight: [24, 24],
        animate: false,
      });
    }

    drawAreas() {
      this.bandLimits = this.layers.showBands(this.service, this._ring().mode);
      this.layers.showGaps(this.service, this.shownGaps());
    }

    draw() {
      if (!this.data.services.length) return;
      const { layers, shown } = this;
      this.drawAreas();
      const rows = new Map(layers.units.map((item) => [item.unit, this.rowOf(item.unit)]));
      this.hasUnassessed = layers.units.some((item) => layers.isPainted(item) && (rows.get(item.unit) || {}).status === "not_assessed");
      layers.paintShares((unit) => rows.get(unit), shown.shares);
      layers.toggle("shares", true);
      ["tiles", "boundary", "water", "streets", "barriers", "bands", "gaps", "units", "districts"].forEach((name) => layers.toggle(name, shown[name] && !(this.hidden && SENSITIVE.includes(name))));
      layers.showFactories(!this.hidden);
      this.ink.redraw();
      geo.drawViews(this, Object.keys(VIEWS), (name) => this.chooseView(name));
      geo.drawSwitches(this, this._switches(), (name, on) => {
        shown[name] = on;
        this.draw();
      });
      geo.drawLegend(this);
      this.panel.draw();
      this._frameTexts();
      document.getElementById("matrix").hidden = this.view !== "matrix";
      if (this.view === "matrix") this.matrix.draw();
      geo.drawTools(this);
      this.remember();
    }

    _switches() {
      const { context, units } = this.data;
      const has = { tiles: this.data.tiles, districts: units.kind.includes("district"), water: context.water, boundary: context.boundary, barriers: context.barriers || context.gates, venues: context.venues };
      return LAYERS.filter((name) => !(name in has) || has[name]);
    }

    _frameTexts() {
      const { words, data } = this;
      const head = data.head;
      const put = (id, text) => {
        document.getElementById(id).textContent = text;
      };
      put("title", words.text("title", { name: head.name }));
      put("subtitle", words.text("subtitle", { basis: words.text("basis_line", { basis: this.basisText() }), period: head.period }));
      document.title = words.text("title", { name: head.name });
      const badge = document.getElementById("synthetic");
      badge.hidden = !head.synthetic;
      badge.textContent = words.text("synthetic");
      const parts = [
        words.text("source_line", { source: head.source || words.text("source_files") }),
        words.text("date_line", { date: head.date }),
        words.text("crs", { crs: head.crs }),
      ];
      if (data.tiles) parts.push(words.text("tiles_line", { credit: data.tiles.credit }));
      if (data.gcj02) parts.push(words.text("tiles_gcj"));
      if (this.test() === "minutes" && this.data.services.length) parts.push(this.misplacedText(words.text("misplaced_short")));
      put("basis", parts.join(words.text("stop")));
      put("review", (head.synthetic ? words.text("synthetic") + " · " : "") + (head.review_no ? words.text("review_no", { number: head.review_no }) : words.text("internal")));
    }
  }

  function listen(page) {
    const { map } = page;
    const hover = document.getElementById("hover");
    map.on("click", (event) => {
      if (page.measure.on) return page.measure.add(event.latlng);
      const inked = page.ink.at(event.containerPoint);
      if (inked && inked.closer) return inked.closer();
      if (inked && inked.card) return page._popup(inked.at, inked.card());
      page.askPlace(event.latlng);
      const gap = page.layers.gapAt(event.containerPoint);
      if (gap !== undefined) return page._popup(event.latlng, page._gapCard(gap), page.layers.gapParts(gap));
      const unit = page.layers.unitAt(event.containerPoint);
      return unit && page._popup(event.latlng, page._unitCard(unit.unit), unit.parts);
    });
    map.on("moveend", () => page.remember());
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && page.measure.on) page.measure.toggle();
      if (event.key === "Escape") map.closePopup();
      if (event.key === "Escape") page.leaveTable();
      // what the middle of the map shows, for those without a mouse
      if (event.key === "Enter" && document.activeElement === map.getContainer()) page.askPlace(map.getCenter());
    });
    window.addEventListener("hashchange", () => {
      if (window.location.hash === page.fragment) return;
      geo.readFragment(page, window.location.hash);
      page.draw();
    });
    page.panel.listen();
    geo.search(page);
    geo.printing(page);
    map.on("popupclose", () => page.layers.choose(null));
    map.on("mousemove", (event) => {
      const inked = page.ink.at(event.containerPoint);
      const name = inked ? "" : page.layers.streets.nameAt(event.containerPoint);
      map.getContainer().style.cursor = inked ? "pointer" : "";
      hover.hidden = !name;
      hover.textContent = name;
      hover.style.transform = "translate(" + (event.containerPoint.x + 14) + "px," + (event.containerPoint.y + 14) + "px)";
    });
    map.on("mouseout", () => {
      hover.hidden = true;
    });
    map.on("geo:whole", () => {
      map.closePopup();
      page.whole();
    });
    new ResizeObserver(() => document.documentElement.classList.contains("printing") || map.invalidateSize({ animate: false })).observe(map.getContainer());
  }

  const frame = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  const parsed = () => document.readyState !== "loading" || new Promise((done) => document.addEventListener("DOMContentLoaded", done, { once: true }));

  // The first view: bands, gaps, units, numbers.
  function open(map, data) {
    const page = new Page(map, data);
    geo.page = page;
    page.whole();  // a view first, for the layers need one
    geo.furnish(map, page.words);
    page.panel = new geo.Panel(page);
    page.ink.addTo(map);
    const hash = window.location.hash;
    if (hash) geo.readFragment(page, hash);
    page.draw();
    // the texts have taken their room around the map
    map.invalidateSize({ animate: false });
    if (!hash || !geo.readFragment(page, hash)) page.whole();
    listen(page);
    return page;
  }

  geo.start = async function (map, name) {
    const problem = document.getElementById("problem");
    const root = document.documentElement;
    if (typeof DecompressionStream === "undefined") {
      problem.hidden = false;
      return;
    }
    try {
      const page = open(map, await geo.read(name + "_data"));
      root.dataset.shown = "yes";
      await frame();
      performance.mark("shown"); // what was painted, for whoever measures
      await parsed();
      const areas = await geo.read(name + "_areas");
      if (page.layers.take(areas, page.service)) page.drawAreas();
      await frame();
      page.data.streets = await geo.read(name + "_streets");
      page.layers.streets.take(page.data.streets);
      await frame();
      page.data.graphs = await geo.read(name + "_graphs");
      page.asking.open();
      root.dataset.ready = "yes";
      await frame();
      performance.mark("ready");
    } catch (error) {
      problem.hidden = false;
      throw error;
    }
  };
})(window.geoMap);
