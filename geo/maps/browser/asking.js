// The answer for a unit or a place: minutes to the nearest of each service, the way, and why it is a gap.
(function (geo) {
  "use strict";

  const DETOUR = 1.3; // what streets usually add to a straight line
  const LONG_LEG_SHARE = 0.3; // of the limit

  geo.Asking = class {
    constructor(page) {
      this.page = page;
      this.ways = null; // until the streets have arrived
      this.subject = null;
      this.answers = [];
      this.group = L.layerGroup().addTo(page.map);
    }

    // `subject`: {unit} or {at}; `shown` is the service whose way is drawn.
    ask(subject) {
      this.subject = subject;
      this.shown = this.page.service;
      this.fill();
    }

    // The streets can be searched from now on; what was asked before is answered.
    open() {
      this.ways = new geo.Ways(this.page.data);
      this.fill();
      if (this.subject) this.page.panel.redrawSheet();
    }

    clear() {
      this.subject = null;
      this.answers = [];
      this.group.clearLayers();
    }

    fill() {
      if (!this.subject || !this.ways) return;
      const { data } = this.page;
      this.searches = new Map();
      this.answers = data.services.map((_, service) => this._answer(service)).filter(Boolean);
      if (!this.answers.some((answer) => answer.service === this.shown)) this.shown = this.answers.length ? this.answers[0].service : -1;
      this.draw();
    }

    title() {
      const { page, subject } = this;
      if (!subject) return "";
      return subject.unit === undefined ? page.words.text("ask_place", { lat: subject.at.lat.toFixed(5), lon: subject.at.lng.toFixed(5) }) : page.unitName(subject.unit);
    }

    _start(mode) {
      const { subject, ways, page } = this;
      if (subject.unit !== undefined) {
        const start = ways.unitStart(mode, subject.unit);
        return start || (page.layers.units[subject.unit].at ? this._placed(mode, page.layers.units[subject.unit].at) : null);
      }
      return this._placed(mode, subject.at);
    }

    _placed(mode, at) {
      this.fence = this.fence || geo.fence(this.page.data, this.ways);
      return this.ways.placeStart(mode, at, this.fence);
    }

    _search(mode, reverse) {
      const key = mode + "|" + reverse;
      if (!this.searches.has(key)) {
        const start = this._start(mode);
        const most = Math.max(...this.page.data.services.map((service) => service.horizon || 0));
        this.searches.set(key, start && this.ways.search(mode, start, reverse, most));
      }
      return this.searches.get(key);
    }

    _answer(service) {
      const { page, ways } = this;
      const kind = page.data.services[service];
      if (kind.test !== "minutes") return null;
      const ring = kind.rings[service === page.service ? page.ring : 0];
      const answer = { service, ring, minutes: Infinity, point: -1, reason: "" };
      if (!ring || !ways.knows(ring.mode)) return { ...answer, unknown: true, reason: ring ? "ask_no_streets" : "" };
      const found = this._search(ring.mode, kind.direction === "from_service");
      if (!found) return { ...answer, unknown: true, reason: "ask_no_start" };
      const horizon = Math.max(60, 4 * ring.limit);
      const counts = (row) => page.points[row].service === service && page.points[row].state === "counted";
      const goal = ways.nearest(found, counts, horizon);
      answer.found = found;
      if (goal) Object.assign(answer, { minutes: goal.minutes, point: goal.point, goal });
      return { ...answer, ...this._reason(answer, found) };
    }

    // Why it takes longer than the limit; empty where it does not.
    _reason(answer, found) {
      const { page, ways } = this;
      const { limit } = answer.ring;
      const { start } = found;
      const whole = (metres) => page.words.people(Math.round(metres));
      if (answer.minutes <= limit) return { reason: "", served: true };
      if (!start.links.length) return start.shut ? { reason: "why_shut" } : { reason: "why_far", values: { metres: whole(start.metres === undefined ? Infinity : start.metres), cap: whole(page.data.head.cap_m || 300) } };
      const here = geo.latLng(page.data.frame, start.spot);
      const away = (point) => ways.distance([here, point.at]);
      const points = page.pointsOf(answer.service).filter((item) => item.state === "counted" && item.at);
      if (!points.length) return { reason: "why_none" };
      const nearest = points.reduce((best, item) => (away(item) < away(best) ? item : best));
      const straight = away(nearest);
      const reach = (page.data.modes[answer.ring.mode].speed_kmh || page.data.modes[answer.ring.mode].access_kmh) / 0.06 * limit;
      const leg = Math.min(...start.links.map((link) => link.leg));
      const values = { name: page.pointName(nearest.point), metres: whole(straight), reach: whole(reach), minutes: page.words.minutes(Math.round(leg * 10) / 10), over: page.words.minutes(Math.ceil((answer.minutes - limit) * 10) / 10) };
      if (straight > reach) return { reason: "why_distant", values };
      if (answer.minutes - leg <= limit && leg >= LONG_LEG_SHARE * limit) return { reason: "why_leg", values };
      if (straight * DETOUR <= reach) return { reason: answer.goal ? "why_detour" : "why_cut", values: { ...values, ...this._detour(answer, straight) } };
      return { reason: "why_edge", values };
    }

    _detour(answer, straight) {
      if (!answer.goal) return {};
      const metres = this.ways.distance(this._line(answer));
      return { way: this.page.words.people(Math.round(metres)), times: this.page.words.number(metres / Math.max(straight, 1)) };
    }

    _line(answer) {
      const links = answer.found.net.entry.facilities;
      return this.ways.line(answer.found, answer.goal, this.page.points[links.row[answer.goal.place]].at);
    }

    // The way of the chosen service on the map, and where it begins.
    draw() {
      const { page, group } = this;
      group.clearLayers();
      const answer = this.answers.find((item) => item.service === this.shown);
      const style = { pane: "ways", renderer: page.layers.renderers.ways, interactive: false, smoothFactor: 0 };
      const first = this.answers.find((item) => item.found);
      const spot = this.subject.at || (first && geo.latLng(page.data.frame, first.found.start.spot)) || page.layers.units[this.subject.unit].at;
      this.line = answer && answer.goal ? this._line(answer) : null;
      if (this.line) {
        group.addLayer(L.polyline(this.line, { ...style, color: "#ffffff", weight: 9, opacity: 0.95 }));
        group.addLayer(L.polyline(this.line, { ...style, color: geo.colours.way, weight: 5, opacity: 1 }));
      }
      if (spot) group.addLayer(L.circleMarker(spot, { ...style, radius: 7, color: "#ffffff", weight: 2.5, fillColor: geo.colours.way, fillOpacity: 1 }));
    }

    // --- the sheet

    sheet() {
      const { page } = this;
      const { words } = page;
      if (!this.subject) return [geo.make("p", "quiet", words.text("ask_how"))];
      if (!this.ways) return [geo.dataText("h2", this.title()), geo.make("p", "quiet", words.text("ask_wait"))];
      const start = (this.answers.find((item) => item.found) || { found: null }).found;
      const from = start && start.start.id ? words.text("ask_from_unit", { id: start.start.id }) : words.text("ask_from_place");
      return [
        geo.dataText("h2", this.title()),
        geo.dataText("p", from, "quiet"),
        ...this.answers.map((answer) => this._row(answer)),
        geo.make("p", "quiet", words.text("ask_rule")),
      ];
    }

    minutesText(answer) {
      const { words, data } = this.page;
      if (answer.unknown) return words.text("nothing");
      if (answer.minutes === Infinity) return answer.found.start.links.length ? words.text("beyond", { n: words.number(data.services[answer.service].horizon) }) : words.text("nothing");
      // what lies above the limit is never rounded down to it
      const rounded = Math.round(answer.minutes * 10) / 10;
      return words.minutes(answer.minutes > answer.ring.limit && rounded <= answer.ring.limit ? Math.ceil(answer.minutes * 10) / 10 : rounded);
    }

    _row(answer) {
      const { page } = this;
      const { words, data } = page;
      const mode = data.modes[answer.ring.mode].label + " ≤ " + words.minutes(answer.ring.limit);
      const row = geo.make(
        "button",
        "answer " + (answer.unknown ? "unknown" : answer.served ? "served" : "unserved"),
        geo.make("span", "light", answer.unknown ? "–" : answer.served ? "●" : "▲"),
        geo.make(
          "span",
          "what",
          geo.dataText("b", data.services[answer.service].label),
          geo.dataText("small", mode + (answer.point >= 0 ? " · " + page.pointName(answer.point) : "")),
          answer.reason ? geo.dataText("small", words.text(answer.reason, answer.values), "why") : null,
        ),
        geo.make("b", "minutes", this.minutesText(answer)),
      );
      row.type = "button";
      row.setAttribute("aria-pressed", String(answer.service === this.shown));
      row.addEventListener("click", () => {
        this.shown = answer.service;
        this.draw();
        page.leaveTable();
        page.panel.redrawSheet(".answer[aria-pressed=true]");
        if (this.line) page.map.fitBounds(L.latLngBounds(this.line), page.room({ maxZoom: 17 }));
      });
      return row;
    }
  };

  // Metres along some places.
  geo.Ways.prototype.distance = function (places) {
    return places.slice(1).reduce((sum, place, i) => sum + Math.hypot((place.lng - places[i].lng) * this.metres.lon, (place.lat - places[i].lat) * this.metres.lat), 0);
  };
})(window.geoMap);
