// The panel: which service, how many are served, who is not, unit by unit, and what the numbers rest on.
(function (geo) {
  "use strict";

  const TABS = ["gaps", "units", "points", "ask", "notes"];
  geo.tabs = TABS;
  const GAPS_MOST = 60; // more of them are listed when asked for
  const FACTORIES_MOST = 30; // more of them are folded

  function button(className, onClick, ...content) {
    const element = geo.make("button", className, ...content);
    element.type = "button";
    element.addEventListener("click", onClick);
    return element;
  }

  // A table of units: name, share, numbers, in columns of the same width whatever its first row.
  function table(...content) {
    const columns = ["", "share", "numbers"].map((name) => geo.make("col", name));
    return geo.make("table", "", geo.make("colgroup", "", columns), ...content);
  }

  geo.Panel = class {
    constructor(page) {
      this.page = page;
      this.tab = "gaps";
      this.unfolded = false;
      this._select();
    }

    _select() {
      const { page } = this;
      const { words, data } = page;
      document.getElementById("service-label").textContent = words.text("service");
      const select = document.getElementById("service");
      ["minutes", "presence", "inventory"].forEach((test) => {
        const group = document.createElement("optgroup");
        group.label = words.text("test_" + test);
        data.services.forEach((service, place) => {
          if (service.test !== test) return;
          const option = geo.make("option", "", service.label);
          option.value = String(place);
          group.append(option);
        });
        if (group.children.length) select.append(group);
      });
      select.value = String(page.service);
      select.addEventListener("change", () => page.chooseService(Number(select.value)));
    }

    draw() {
      document.getElementById("service").value = String(this.page.service);
      this._rings();
      this._headline();
      this._tabs();
      this._sheet();
    }

    _rings() {
      const { page } = this;
      const { words, data } = page;
      const service = data.services[page.service];
      const pressed = (element, on) => {
        element.setAttribute("aria-pressed", String(on));
        return element;
      };
      const rings = service.rings.map((ring, place) => {
        const label = data.modes[ring.mode].label + " " + words.minutes(ring.limit);
        return pressed(button("", () => page.chooseRing(place), label), place === page.ring);
      });
      const groups = service.demand.map((group) =>
        pressed(button("", () => page.chooseGroup(group), words.text(data.groups[group])), group === page.group),
      );
      geo.fill(
        document.getElementById("rings"),
        rings.length ? geo.make("div", "choice", rings) : null,
        groups.length > 1 && service.test === "minutes" ? geo.make("div", "choice", groups) : null,
      );
    }

    _headline() {
      const { page } = this;
      const test = page.data.services[page.service].test;
      const parts = { minutes: () => this._minutes(), presence: () => this._presence(), inventory: () => this._inventory() };
      geo.fill(document.getElementById("headline"), parts[test](), this._counts());
    }

    _minutes() {
      const { page } = this;
      const { words } = page;
      const row = page.studyRow(page.limit());
      if (!row) return [geo.make("p", "", words.text("no_rows"))];
      const basis = geo.dataText("p", page.basisText(), "basis");
      if (row.status === "not_assessed" || row.share === null) {
        return [
          geo.make("p", "big", words.text(row.status)),
          row.note ? geo.dataText("p", row.note) : null,
          basis,
        ];
      }
      const unserved = Math.max(0, row.people - row.served);
      return [
        geo.make("p", "big", words.percent(row.share), geo.make("small", "", words.text("served_share", { group: page.groupLabel() }))),
        geo.make(
          "p",
          "facts",
          words.text("served_people", { served: words.people(row.served), people: words.people(row.people) }),
          geo.make("strong", "unserved", words.text("unserved_people", { people: words.people(unserved) })),
        ),
        row.status === "edge" ? geo.dataText("p", row.note || words.text("edge"), "quiet") : null,
        this._bars(),
        basis,
      ];
    }

    // The share within each band, as far as the table knows them.
    _bars() {
      const { page } = this;
      const { words } = page;
      const limits = page.coverageLimits();
      if (limits.length < 2) return null;
      return geo.make(
        "div",
        "bars",
        limits.map((limit, place) => {
          const row = page.studyRow(limit);
          const fill = geo.make("i", "");
          fill.style.width = 100 * (row.share || 0) + "%";
          fill.style.background = geo.bandColour(place, limits.length);
          return geo.make(
            "div",
            "bar",
            geo.make("span", "", words.text("within", { minutes: words.minutes(limit) })),
            geo.make("span", "track", fill),
            geo.make("b", "", words.percent(row.share)),
          );
        }),
      );
    }

    _presence() {
      const { page } = this;
      const { words } = page;
      const rows = page.presenceRows();
      const having = rows.filter((row) => row.share !== null && row.share >= 1).length;
      const kind = words.text(page.data.services[page.service].unit_kind);
      return [
        geo.make("p", "big", having + " / " + rows.length, geo.make("small", "", words.text("presence_units", { kind }))),
        geo.dataText("p", page.basisText(), "basis"),
      ];
    }

    _inventory() {
      const { words } = this.page;
      return [geo.make("p", "facts", words.text("inventory_only")), geo.dataText("p", this.page.basisText(), "basis")];
    }

    // Counted and listed numbers side by side.
    _counts() {
      const { page } = this;
      const { words } = page;
      const points = page.pointsOf(page.service);
      const number = (state) => points.filter((item) => item.state === state).length;
      const listed = ["planned", "closed", "doubtful", "mobile", "unplaced"]
        .filter((state) => number(state))
        .map((state) => words.text("state_" + state) + " " + number(state));
      return geo.make(
        "p",
        "quiet",
        words.text("points_counted", { n: number("counted"), all: points.length }),
        listed.length ? words.text("points_listed", { list: words.list(listed) }) : null,
      );
    }

    _tabs() {
      const { page } = this;
      const count = { gaps: page.hasGaps() ? page.shownGaps().length : page.words.text("nothing"), points: page.pointsOf(page.service).length };
      const tabs = TABS.map((name) => {
        const label = page.words.text("tab_" + name) + (name in count ? " " + count[name] : "");
        const tab = button("", () => this.open(name), label);
        tab.setAttribute("role", "tab");
        tab.setAttribute("aria-selected", String(name === this.tab));
        tab.dataset.tab = name;
        tab.id = "tab-" + name;
        tab.setAttribute("aria-controls", "sheet");
        tab.tabIndex = name === this.tab ? 0 : -1;
        return tab;
      });
      geo.fill(document.getElementById("tabs"), tabs);
      document.getElementById("sheet").setAttribute("aria-labelledby", "tab-" + this.tab);
    }

    // Arrow keys go from tab to tab.
    listen() {
      document.getElementById("tabs").addEventListener("keydown", (event) => {
        const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
        if (!step) return;
        event.preventDefault();
        this.open(TABS[(TABS.indexOf(this.tab) + step + TABS.length) % TABS.length]);
        document.getElementById("tab-" + this.tab).focus();
      });
    }

    // What the sheet lists, for a file.
    table() {
      const { page } = this;
      const { words, data } = page;
      if (this.tab === "units" && !page.isPresence()) {
        const kinds = ["study", "community", "outside", "park", "district", "factory"].filter((kind) => !(page.hidden && kind === "factory"));
        const rows = kinds.flatMap((kind) => this._rowsOf(kind)).map((row) => [words.text(data.units.kind[row.unit]), page.unitName(row.unit), words.text(data.groups[row.group]), row.people, row.served, words.percent(row.share), words.text(row.status)]);
        return [[words.text("kind"), words.text("unit"), words.text("group"), words.text("people_all"), words.text("people_reached"), words.text("share"), words.text("state")], ...rows];
      }
      if (this.tab === "units") return [[words.text("unit"), words.text("has_one")], ...page.presenceRows().map((row) => [page.unitName(row.unit), words.text(row.share >= 1 ? "present" : "absent")])];
      if (this.tab === "points") return [[words.text("name"), words.text("state")], ...page.pointsOf(page.service).map((item) => [page.pointName(item.point), page.pointText(item)])];
      if (this.tab === "ask" && page.asking.subject) return [[page.asking.title()], [words.text("service"), words.text("nearest_label"), words.text("minutes_word"), words.text("reason")], ...page.asking.answers.map((answer) => [data.services[answer.service].label, answer.point >= 0 ? page.pointName(answer.point) : "", page.asking.minutesText(answer), answer.reason ? words.text(answer.reason, answer.values) : ""])];
      const gaps = page.shownGaps();
      return [[words.text("rank"), words.text("gap_id"), words.text("place"), words.text("gap_people"), words.text("nearest_label")], ...gaps.map((gap) => [page.gapMark(gap), data.gaps.id[gap], page.gapPlace(gap), Math.round(page.gapPeople(gap)), page.nearestText(gap)])];
    }

    open(name) {
      this.tab = name;
      this._tabs();
      this._sheet();
    }

    // The sheet anew, and the eye where it was.
    redrawSheet(focused) {
      const sheet = document.getElementById("sheet");
      const { scrollTop } = sheet;
      this._sheet();
      sheet.scrollTop = scrollTop;
      const element = focused && sheet.querySelector(focused);
      if (element) element.focus({ preventScroll: true });
    }

    _sheet() {
      const { page } = this;
      const parts = {
        gaps: () => this._gaps(),
        units: () => this._units(),
        points: () => this._points(),
        ask: () => page.asking.sheet(),
        notes: () => geo.notes(this.page),
      };
      const sheet = document.getElementById("sheet");
      geo.fill(sheet, parts[this.tab]());
      sheet.scrollTop = 0;
    }

    _gaps() {
      const { page } = this;
      const { words, data } = page;
      const first = data.services[page.service].rings[0];
      const say = (key, values) => geo.make("p", "quiet", words.text(key, values));
      if (!first) return [say("no_gaps_kind")];
      const ring = { mode: data.modes[first.mode].label, minutes: words.minutes(first.limit) };
      if (!page.hasGaps()) return [say("gaps_elsewhere", ring)];
      const gaps = page.shownGaps();
      const group = words.text(data.groups[page.gapGroup()]);
      const unjudged = Math.round(page.unjudgedPeople());
      const remarks = [
        page.gapGroup() === page.group ? null : say("gap_elders"),
        unjudged > 0 ? say("gap_unjudged", { people: words.people(unjudged) }) : null,
      ];
      if (!gaps.length) return [say("no_gaps"), ...remarks];
      const many = !this.allGaps && gaps.length > GAPS_MOST;
      const more = many ? button("more", () => this._unfoldGaps(), words.text("gaps_more", { n: gaps.length - GAPS_MOST })) : null;
      const items = (many ? gaps.slice(0, GAPS_MOST) : gaps).map((gap) =>
        button(
          "gap",
          () => page.flyToGap(gap),
          geo.make("span", "rank", page.gapMark(gap)),
          geo.make(
            "span",
            "what",
            geo.dataText("b", page.gapPlace(gap)),
            geo.dataText("small", words.text("nearest", { nearest: page.nearestText(gap) })),
          ),
          geo.make("span", "count", geo.make("b", "", words.people(page.gapPeople(gap))), words.text("persons")),
        ),
      );
      return [say("gap_rule", { ...ring, group }), ...items, more, ...remarks];
    }

    _unfoldGaps() {
      this.allGaps = true;
      this.redrawSheet();
      const next = document.querySelectorAll("#sheet .gap")[GAPS_MOST];
      if (next) next.focus({ preventScroll: true });
    }

    _units() {
      const { page } = this;
      const { words } = page;
      const kinds = ["study", "community", "outside", "park", "district", "factory"].filter((kind) => !(page.hidden && kind === "factory")).map((kind) => [kind, this._rowsOf(kind)]);
      const folded = kinds.filter(([kind, rows]) => kind === "factory" && rows.length > FACTORIES_MOST);
      const open = kinds.filter((pair) => !folded.includes(pair));
      if (!kinds.some(([, rows]) => rows.length)) return [geo.make("p", "quiet", words.text("no_rows"))];
      const head = page.isPresence()
        ? [words.text("unit"), words.text("has_one"), ""]
        : [words.text("unit"), words.text("share"), words.text("served_of")];
      return [
        page.isPresence() ? null : geo.make("p", "quiet", words.text("units_order")),
        table(geo.make("thead", "", geo.make("tr", "", head.map((text) => geo.make("th", "", text)))), ...open.map(([kind, rows]) => this._kind(kind, rows))),
        ...folded.map(([kind, rows]) => this._fold(kind, rows)),
      ];
    }

    // The rows of a kind, by people not served; what has no share stands last.
    _rowsOf(kind) {
      const { page } = this;
      const unserved = (row) => (row.share === null ? -1 : row.people - row.served);
      return page.data.units.kind
        .map((name, unit) => (name === kind ? page.rowOf(unit) : null))
        .filter(Boolean)
        .sort((a, b) => unserved(b) - unserved(a) || a.unit - b.unit);
    }

    _kindLabel = (kind, rows) => this.page.words.text(kind) + (rows.length > 1 ? " " + rows.length : "");

    _kind(kind, rows) {
      if (!rows.length) return null;
      const wide = (tag, className, text) => {
        const cell = geo.make(tag, className, text);
        cell.colSpan = 3;
        return geo.make("tr", "", cell);
      };
      const heading = ["study", "outside"].includes(kind) ? null : wide("th", "kind", this._kindLabel(kind, rows));
      const note = kind === "district" && rows.length > 1 ? wide("td", "note", this.page.words.text("districts_overlap")) : null;
      return geo.make("tbody", "", heading, rows.map((row) => this._row(row)), note);
    }

    // A long list, closed until it is asked for, and open from then on.
    _fold(kind, rows) {
      const fold = geo.make("details", "", geo.make("summary", "", this._kindLabel(kind, rows)), table(geo.make("tbody", "", rows.map((row) => this._row(row)))));
      fold.open = this.unfolded;
      fold.addEventListener("toggle", () => {
        this.unfolded = fold.open;
      });
      return fold;
    }

    _row(row) {
      const made = this._cells(row);
      made.dataset.unit = row.unit;
      made.dataset.group = row.group;
      return made;
    }

    _cells(row) {
      const { page } = this;
      const { words } = page;
      const place = page.layers.units[row.unit];
      const name = geo.dataText("span", page.unitName(row.unit));
      const label = place.at ? button("link", () => page.askUnit(row.unit, true), name) : name;
      const other = row.group !== page.group && !page.isPresence() ? words.text(page.data.groups[row.group]) : "";
      if (page.isPresence()) {
        const has = row.share !== null && row.share >= 1;
        return geo.make("tr", has ? "" : "lacking", geo.make("td", "", label), geo.make("td", "", words.text(has ? "present" : "absent")), geo.make("td", ""));
      }
      if (row.share === null) {
        const state = geo.make("td", "state", words.text(row.status === "ok" ? "no_demand" : row.status));
        state.colSpan = 2;
        if (row.note) state.title = row.note;
        return geo.make("tr", "", geo.make("td", "", label), state);
      }
      const remarks = [other, row.status === "edge" ? words.text("edge") : ""].filter(Boolean);
      const fill = geo.make("i", "");
      fill.style.width = 100 * row.share + "%";
      fill.style.background = geo.shareColour(row.share);
      return geo.make(
        "tr",
        "",
        geo.make("td", "", label, remarks.length ? geo.make("small", "", words.list(remarks)) : null),
        geo.make("td", "share", geo.make("span", "track", fill), geo.make("b", "", words.percent(row.share))),
        geo.make("td", "numbers", words.people(row.served) + " / " + words.people(row.people)),
      );
    }

    _points() {
      const { page } = this;
      const { words } = page;
      const items = page.pointsOf(page.service);
      if (!items.length) return [geo.make("p", "quiet", words.text("no_points"))];
      return items.map((item) => {
        const content = [
          geo.dataText("b", page.pointName(item.point)),
          geo.dataText("small", page.pointText(item)),
        ];
        return item.at
          ? button("point " + item.state, () => page.flyToPoint(item), ...content)
          : geo.make("div", "point " + item.state, ...content, geo.make("small", "", words.text("no_place")));
      });
    }
  };

  function limitText(words, service) {
    if (service.status === "O") return service.basis;
    return words.text(service.status === "V" ? "limit_verified" : "limit_default", { basis: service.basis });
  }

  // What the numbers rest on.
  geo.notes = function (page) {
    const { words, data } = page;
    const head = data.head;
    const service = data.services[page.service];
    const part = (title, ...texts) => [
      geo.make("h2", "", title),
      ...texts.flat().filter(Boolean).map((text) => geo.dataText("p", text)),
    ];
    const speeds = data.modes.map((mode) =>
      mode.speed_kmh === null
        ? words.text("speed_by_class", { mode: mode.label })
        : words.text("speed", { mode: mode.label, speed: mode.speed_kmh }),
    );
    const layers = head.layers.map(([name, ...sources]) => name + " " + words.list(sources));
    const found = [
      part(words.text("notes_measure"), words.text("notes_measure_" + service.test), page.basisText()),
      service.basis ? part(words.text("notes_limit"), limitText(words, service)) : null,
      part(words.text("notes_speed"), words.list(speeds)),
      service.test !== "minutes" ? null : part(words.text("misplaced"), page.misplacedText(words.text("misplaced_long")), head.cell_m === null ? "" : words.text("cell", { metres: head.cell_m })),
      part(words.text("notes_status"), words.text("notes_status_text")),
      part(words.text("notes_source"), head.source, layers, words.text("crs", { crs: head.crs })),
      head.warnings.length ? part(words.text("notes_warnings"), head.warnings) : null,
      part(words.text("notes_page"), words.text("notes_page_text")),
    ];
    return found.filter(Boolean).flat();
  };
})(window.geoMap);
