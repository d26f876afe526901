// One page: what is chosen, and how map, panel and legend follow it.
(function (geo) {
  "use strict";

  const LAYERS = ["bands", "gaps", "shares", "units", "districts", "points", "others", "labels", "streets", "water", "boundary", "barriers", "venues"];
  const VIEWS = { rings: { bands: true, shares: false }, shares: { bands: false, shares: true } };
  const BADGES_MOST = 12;
  const FLY_ZOOM = 16.5;

  class Page {
    constructor(map, data) {
      this.map = map;
      this.data = data;
      this.words = geo.writer(data);
      this.index = geo.coverageIndex(data.coverage);
      this.layers = new geo.Layers(map, data, this.words);
      this.shown = Object.fromEntries(LAYERS.map((name) => [name, !["shares", "others", "venues"].includes(name)]));
      this.view = "rings";
      this.bandLimits = [];
      const first = data.services.findIndex((service) => service.test === "minutes");
      this.service = Math.max(0, first);
      this.points = data.points.name.map((_, point) => this._point(point));
      this.ink = new geo.Ink(() => this._inked());
      this._reset();
    }

    _reset() {
      const service = this.data.services[this.service];
      this.ring = 0;
      this.group = service && service.demand.length ? service.demand[0] : -1;
    }

    _point(point) {
      const { points, states, frame } = this.data;
      const state = states[points.state[point]] || "doubtful";
      const kind = points.mobile[point] && state === "working" ? "mobile" : state;
      return {
        point,
        service: points.service[point],
        state: points.counted[point] ? "counted" : kind === "working" ? "unplaced" : kind,
        at: geo.latLng(frame, points.anchor[point]),
      };
    }

    // --- what is chosen

    test = () => (this.data.services[this.service] || { test: "inventory" }).test;
    isPresence = () => this.test() === "presence";
    serviceLabel = () => this.data.services[this.service].label;
    groupLabel = () => (this.group < 0 ? "" : this.words.text(this.data.groups[this.group]));
    limit = () => this._ring().limit;
    modeLabel = () => (this._ring().mode < 0 ? "" : this.data.modes[this._ring().mode].label);

    _ring() {
      const service = this.data.services[this.service];
      return (service && service.rings[this.ring]) || { mode: -1, limit: null };
    }

    chooseService(service) {
      this.service = service;
      this._reset();
      this.layers.choose(null);
      this.map.closePopup();
      this.draw();
    }
    chooseRing(ring) {
      this.ring = ring;
      this.draw();
    }
    chooseGroup(group) {
      this.group = group;
      this.draw();
    }
    chooseView(name) {
      this.view = name;
      Object.assign(this.shown, VIEWS[name]);
      this.draw();
    }

    // --- what the tables say

    _row(unit, limit, group) {
      const { coverage, statuses } = this.data;
      const row = this.index.get([this.service, this._ring().mode, limit, group, unit].join("|"));
      if (row === undefined) return null;
      return {
        unit,
        group,
        people: coverage.people[row] || 0,
        served: coverage.served[row] || 0,
        share: coverage.share[row],
        unattached: coverage.unattached[row],
        status: statuses[coverage.status[row]] || "not_assessed",
        note: coverage.notes[coverage.note[row]] || "",
      };
    }

    // The row of a unit for the chosen group, else for the first group that has people there (parks: workers).
    rowOf(unit) {
      if (this.isPresence()) return this.presenceRows().find((row) => row.unit === unit) || null;
      const groups = [this.group, ...(this.data.services[this.service] || { demand: [] }).demand];
      const rows = groups.map((group) => this._row(unit, this.limit(), group)).filter(Boolean);
      return rows.find((row) => row.status !== "no_demand") || rows[0] || null;
    }

    studyRow(limit) {
      const unit = this.data.units.kind.indexOf("study");
      return unit < 0 ? null : this._row(unit, limit, this.group);
    }

    coverageLimits() {
      const { coverage, units } = this.data;
      const study = units.kind.indexOf("study");
      const mode = this._ring().mode;
      const found = coverage.limit.filter(
        (_, row) =>
          coverage.unit[row] === study &&
          coverage.service[row] === this.service &&
          coverage.mode[row] === mode &&
          coverage.group[row] === this.group,
      );
      return [...new Set(found)].filter((limit) => limit !== null).sort((a, b) => a - b);
    }

    presenceRows() {
      const { coverage, units, services, statuses } = this.data;
      const kind = services[this.service].unit_kind;
      const rows = [];
      coverage.service.forEach((service, row) => {
        const unit = coverage.unit[row];
        if (service !== this.service || (kind && units.kind[unit] !== kind)) return;
        rows.push({
          unit,
          group: this.group,
          people: 1,
          served: coverage.share[row] || 0,
          share: coverage.share[row],
          status: statuses[coverage.status[row]] || "ok",
          note: coverage.notes[coverage.note[row]] || "",
        });
      });
      return rows;
    }

    gapsOf(service) {
      const { gaps } = this.data;
      const rank = (gap) => (gaps.rank[gap] === null || this._isRest(gap) ? Infinity : gaps.rank[gap]);
      return this.layers.gaps
        .filter((item) => item.service === service)
        .map((item) => item.gap)
        .sort((a, b) => (rank(a) < rank(b) ? -1 : rank(a) > rank(b) ? 1 : a - b));
    }
    _isRest = (gap) => this.data.gaps.id[gap].endsWith("-rest");
    gapMark = (gap) => (this._isRest(gap) || this.data.gaps.rank[gap] === null ? "…" : String(this.data.gaps.rank[gap]));

    pointsOf = (service) => this.points.filter((item) => item.service === service);

    // --- what is written

    basisText() {
      const { words, data } = this;
      const service = data.services[this.service];
      const parts = [service.label];
      if (service.test === "minutes") {
        const known = service.status === "V" && this.ring === 0 ? "" : words.text("brackets", { text: words.text("default_value") });
        parts.push(this.modeLabel() + " " + words.minutes(this.limit()) + known, this.groupLabel(), words.text("time_network"));
      } else {
        parts.push(words.text("test_" + service.test));
        if (service.unit_kind) parts.push(words.text(service.unit_kind));
      }
      return parts.concat(words.text("as_of", { date: data.head.date })).join(" × ");
    }

    misplacedText(pattern) {
      const said = this._ring();
      if (said.misplaced === undefined || said.misplaced === null) return this.words.text("misplaced_unknown");
      const key = said.misplaced_uniform === null ? "misplaced_alone" : "misplaced_text";
      return this.words.text(key, {
        label: pattern,
        share: this.words.percent(said.misplaced, 2),
        uniform: this.words.percent(said.misplaced_uniform, 2),
      });
    }

    unitName(unit) {
      const { units } = this.data;
      const kind = units.kind[unit];
      if (kind === "study" || kind === "outside") return this.words.text(kind);
      return units.name[unit] || units.id[unit];
    }

    pointName = (point) => this.data.points.name[point] || this.words.text("unnamed");

    pointText(item) {
      const { points } = this.data;
      const state = this.words.text("state_" + item.state);
      const status = points.status[item.point];
      return [state + (status && status !== state ? this.words.text("brackets", { text: status }) : ""), ...points.units[item.point]]
        .filter(Boolean)
        .join(" · ");
    }

    gapPlace(gap) {
      const communities = this.data.gaps.communities[gap];
      const place = communities.length ? this.words.list(communities) : this.words.text("outside");
      return this._isRest(gap) ? this.words.text("gap_rest", { place }) : place;
    }

    nearestText(gap) {
      const { gaps } = this.data;
      const name = gaps.nearest[gap];
      if (gaps.minutes[gap] === null) return this.words.text("nearest_none");
      return this.words.text("nearest_found", { name: name || this.words.text("unnamed"), minutes: this.words.minutes(gaps.minutes[gap]) });
    }

    // --- cards

    _card(title, lines) {
      return geo.make(
        "div",
        "card",
        geo.dataText("h4", title),
        lines.filter((line) => line && line[1] !== "" && line[1] !== null && line[1] !== undefined).map(([label, value]) =>
          geo.make("p", "", geo.make("span", "label", label), geo.dataText("span", String(value))),
        ),
      );
    }

    _popup(at, card) {
      this.map.closePopup();
      L.popup({ maxWidth: 320, minWidth: 220, autoPanPaddingTopLeft: [document.getElementById("legend").offsetWidth + 20, 60], autoPanPaddingBottomRight: [20, 20] }).setLatLng(at).setContent(card).openOn(this.map);
    }

    _unitCard(unit) {
      const { words, data } = this;
      const { units } = data;
      const lines = [
        [words.text("kind"), words.text(units.kind[unit])],
        [words.text("town"), units.town[unit]],
        [words.text("district"), words.list(units.districts[unit])],
        ...["population", "workers", "elders"].map((name) => [words.text("total_" + name), units[name][unit] ? words.people(units[name][unit]) : ""]),
      ];
      if (this.isPresence()) {
        const row = this.rowOf(unit);
        if (row) lines.push([this.serviceLabel(), words.text(row.share >= 1 ? "present" : "absent")]);
      } else {
        const basis = this.serviceLabel() + " " + this.modeLabel() + " " + (this.limit() === null ? "" : words.minutes(this.limit()));
        data.services[this.service].demand.forEach((group) => {
          const row = this._row(unit, this.limit(), group);
          if (!row || (row.status === "no_demand" && group !== this.group)) return;
          const said =
            row.share === null
              ? words.text(row.status === "ok" ? "no_demand" : row.status)
              : words.text("card_share", { share: words.percent(row.share), served: words.people(row.served), people: words.people(row.people) });
          lines.push([words.text("card_basis", { basis, group: words.text(data.groups[group]) }), said]);
          if (row.unattached) lines.push([words.text("unattached"), words.people(row.unattached)]);
          if (row.note) lines.push([words.text("reason"), row.note]);
        });
      }
      return this._card(this.unitName(unit), lines);
    }

    _gapCard(gap) {
      const { words, data } = this;
      const { gaps } = data;
      const ring = data.services[gaps.service[gap]].rings[0];
      const title = words.text("gap_title", { mark: this.gapMark(gap), place: this.gapPlace(gap) });
      return this._card(title, [
        [words.text("gap_id"), gaps.id[gap]],
        [words.text("service"), data.services[gaps.service[gap]].label],
        ring ? [words.text("gap_limit"), data.modes[ring.mode].label + " > " + words.minutes(ring.limit)] : null,
        [words.text("gap_people"), words.people(gaps.people[gap])],
        ...Object.entries(gaps.by_group).map(([group, people]) => [words.text(group), people[gap] ? words.people(people[gap]) : ""]),
        [words.text("nearest_label"), this.nearestText(gap)],
        [words.text("district"), words.list(gaps.districts[gap])],
      ]);
    }

    _pointCard(item) {
      const { words, data } = this;
      const { points } = data;
      const kind = data.services[item.service];
      return this._card(this.pointName(item.point), [
        [words.text("service"), kind ? kind.label : ""],
        [words.text("state"), this.pointText(item)],
        [words.text("counting"), words.text(item.state === "counted" ? "counts" : "counts_not")],
        [words.text("venue"), points.venue[item.point]],
        [words.text("hours"), points.hours[item.point]],
        [words.text("capacity"), points.capacity[item.point] === null ? "" : words.number(points.capacity[item.point])],
      ]);
    }

    // --- moving about

    _fly(bounds, then) {
      const still = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
      this.map.once("moveend", then);
      const left = document.getElementById("legend").offsetWidth + 40;
      const options = { maxZoom: FLY_ZOOM, paddingTopLeft: [left, 70], paddingBottomRight: [60, 60], animate: !still, duration: 0.7 };
      if (still) this.map.fitBounds(bounds, options);
      else this.map.flyToBounds(bounds, options);
    }

    flyToGap(gap) {
      const item = this.layers.gaps[gap];
      if (!item.at) return;
      this._show("gaps");
      this.layers.choose(item.layer && item.layer.getLatLngs());
      this._fly(item.layer ? item.layer.getBounds() : item.at.toBounds(600), () => this._popup(item.at, this._gapCard(gap)));
    }
    flyToUnit(unit) {
      const item = this.layers.units[unit];
      this.layers.choose(item.parts);
      this._fly(item.line ? item.line.getBounds() : item.at.toBounds(800), () => this._popup(item.at, this._unitCard(unit)));
    }
    flyToPoint(item) {
      this.layers.choose(null);
      this._fly(item.at.toBounds(900), () => this._popup(item.at, this._pointCard(item)));
    }
    _show(name) {
      if (this.shown[name]) return;
      this.shown[name] = true;
      this.draw();
    }

    whole() {
      const [west, south, east, north] = this.data.bounds;
      const legend = document.getElementById("legend");
      this.map.fitBounds([[south, west], [north, east]], {
        // nothing of the study opens under the legend or the buttons
        paddingTopLeft: [legend.offsetWidth ? legend.offsetWidth + 22 : 24, 56],
        paddingBottomRight: [24, 24],
        animate: false,
      });
    }

    // --- drawing

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
      if (this.shown.venues) add("venues", { outline: "square", radius: 5, fill: "#fff", colour: "#8a6d1f" });
      if (this.shown.barriers && this.map.getZoom() >= 14) add("gates", { outline: "diamond", radius: 3.5, fill: "#fff", colour: "#5a4a3a" });
      if (this.shown.units) {
        this.layers.units
          .filter((item) => !item.parts && item.at)
          .forEach((item) => dots.push({ at: item.at, outline: "square", radius: item.kind === "factory" ? 2.5 : 4, fill: "#fff", colour: geo.colours[item.kind] || geo.colours.grey, card: () => this._unitCard(item.unit) }));
      }
      return dots;
    }

    _symbols() {
      const chosen = [];
      const others = [];
      const radius = this.map.getZoom() < 12.5 ? 8 : 10;
      this.points.forEach((item) => {
        if (!item.at || item.service < 0) return;
        const mine = item.service === this.service;
        if (!(mine ? this.shown.points : this.shown.others)) return;
        const style = { ...item, mark: this.data.services[item.service].mark, quiet: !mine, radius: mine ? radius : 5.5, card: () => this._pointCard(item) };
        (mine ? chosen : others).push(style);
      });
      // what counts lies on top
      chosen.sort((a, b) => (a.state === "counted") - (b.state === "counted"));
      return others.concat(chosen);
    }

    _badges() {
      if (!this.shown.gaps) return [];
      return this.gapsOf(this.service)
        .filter((gap) => this.layers.gaps[gap].at && !this._isRest(gap))
        .slice(0, BADGES_MOST)
        .map((gap) => ({ at: this.layers.gaps[gap].at, text: this.gapMark(gap), card: () => this._gapCard(gap) }));
    }

    _labels() {
      if (!this.shown.labels) return [];
      const zoom = this.map.getZoom();
      const kinds = ["district", "park", "community"].filter((kind) => this.shown[kind === "district" ? "districts" : "units"]);
      const labels = [];
      this.layers.units.forEach((item) => {
        if (!item.at || !kinds.includes(item.kind)) return;
        const district = item.kind === "district";
        const name = { text: geo.shorten(this.unitName(item.unit), 14), font: (district ? "700 14px " : "600 13px ") + geo.font, colour: geo.colours[item.kind] };
        const row = district || zoom < 11 ? null : this.rowOf(item.unit);
        const lines = row ? [name, { text: this._labelShare(row), font: "600 12px " + geo.font, colour: geo.colours.ink }] : [name];
        labels.push({ at: item.at, lines: lines.filter((line) => line.text), order: kinds.indexOf(item.kind), weight: row ? row.people : 0 });
      });
      return labels.sort((a, b) => a.order - b.order || b.weight - a.weight);
    }

    _labelShare(row) {
      if (this.isPresence()) return this.words.text(row.share >= 1 ? "present" : "absent");
      if (row.status === "not_assessed") return this.words.text("not_assessed");
      if (row.share === null) return "";
      const other = row.group !== this.group ? this.words.text("brackets", { text: this.words.text(this.data.groups[row.group]) }) : "";
      return this.words.percent(row.share, 0) + other;
    }

    draw() {
      if (!this.data.services.length) return;
      const { layers, shown } = this;
      this.bandLimits = layers.showBands(this.service, this._ring().mode);
      layers.showGaps(this.service);
      const rows = new Map(layers.units.map((item) => [item.unit, this.rowOf(item.unit)]));
      this.hasUnassessed = layers.units.some((item) => layers.isPainted(item) && (rows.get(item.unit) || {}).status === "not_assessed");
      layers.paintShares((unit) => rows.get(unit), shown.shares);
      layers.toggle("shares", true);
      ["boundary", "water", "streets", "barriers", "bands", "gaps", "units", "districts"].forEach((name) => layers.toggle(name, shown[name]));
      this.ink.redraw();
      geo.drawViews(this, Object.keys(VIEWS), (name) => this.chooseView(name));
      geo.drawSwitches(this, this._switches(), (name, on) => {
        shown[name] = on;
        this.draw();
      });
      geo.drawLegend(this);
      this.panel.draw();
      this._frameTexts();
    }

    _switches() {
      const { context, units } = this.data;
      const has = { districts: units.kind.includes("district"), water: context.water, boundary: context.boundary, barriers: context.barriers || context.gates, venues: context.venues };
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
      if (this.test() === "minutes") parts.push(this.misplacedText(words.text("misplaced_short")));
      put("basis", parts.join(words.text("stop")));
      put("review", (head.synthetic ? words.text("synthetic") + " · " : "") + (head.review_no ? words.text("review_no", { number: head.review_no }) : words.text("internal")));
    }
  }

  function listen(page) {
    const { map } = page;
    const hover = document.getElementById("hover");
    map.on("click", (event) => {
      const inked = page.ink.at(event.containerPoint);
      if (inked && inked.card) return page._popup(inked.at, inked.card());
      const gap = page.layers.gapAt(event.containerPoint);
      if (gap) return page._popup(event.latlng, page._gapCard(gap.gap));
      const unit = page.layers.unitAt(event.containerPoint);
      if (!unit) return page.layers.choose(null);
      page.layers.choose(unit.parts);
      return page._popup(event.latlng, page._unitCard(unit.unit));
    });
    map.on("mousemove", (event) => {
      const inked = page.ink.at(event.containerPoint);
      const name = inked ? "" : (page.layers.streetAt(event.containerPoint) || { name: "" }).name;
      map.getContainer().style.cursor = inked ? "pointer" : "";
      hover.hidden = !name;
      hover.textContent = name;
      hover.style.transform = "translate(" + (event.containerPoint.x + 14) + "px," + (event.containerPoint.y + 14) + "px)";
    });
    map.on("mouseout", () => {
      hover.hidden = true;
    });
    map.on("geo:whole", () => page.whole());
  }

  geo.start = async function (map, id) {
    const problem = document.getElementById("problem");
    if (typeof DecompressionStream === "undefined") {
      problem.hidden = false;
      return;
    }
    let data;
    try {
      data = await geo.read(id);
    } catch (error) {
      problem.hidden = false;
      throw error;
    }
    const page = new Page(map, data);
    geo.page = page;
    page.whole();  // a view first, for the layers need one
    geo.furnish(map, page.words);
    page.panel = new geo.Panel(page);
    page.ink.addTo(map);
    page.draw();
    page.whole();
    listen(page);
    document.documentElement.dataset.ready = "yes";
  };
})(window.geoMap);
