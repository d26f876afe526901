// The table of units × services as traffic lights; form and colour say the same, so that colour is not needed.
(function (geo) {
  "use strict";

  const LIGHTS = [[0.85, "●", "good"], [0.6, "◆", "middling"], [0, "▲", "poor"]];

  geo.light = (share) => LIGHTS.find(([least]) => share >= least);

  geo.Matrix = class {
    constructor(page) {
      this.page = page;
      this.kind = "community";
      this.sorted = null; // {service, falling}; service -1 is the name
    }

    kinds = () => ["community", "park", "district"].filter((kind) => this.page.data.units.kind.includes(kind));
    columns() {
      const { services } = this.page.data;
      return services.map((_, service) => service).filter((service) => services[service].test === "minutes" || (services[service].test === "presence" && services[service].unit_kind === this.kind));
    }

    cell(unit, service) {
      const { page } = this;
      const { words, data } = page;
      const row = page.rowOf(unit, service, 0);
      const presence = data.services[service].test === "presence";
      if (!row) return { share: null, text: words.text("nothing"), sign: "", tone: "" };
      if (presence) return { share: row.share, text: words.text(row.share >= 1 ? "present" : "absent"), sign: row.share >= 1 ? "●" : "▲", tone: row.share >= 1 ? "good" : "poor" };
      if (row.share === null) return { share: null, text: words.text(row.status === "ok" ? "no_demand" : row.status), sign: "", tone: "none" };
      const [, sign, tone] = geo.light(row.share);
      return { share: row.share, text: words.percent(row.share), sign, tone, row };
    }

    rows() {
      const { data } = this.page;
      const units = data.units.kind.map((kind, unit) => (kind === this.kind ? unit : -1)).filter((unit) => unit >= 0);
      if (!this.sorted) return units;
      const { service, falling } = this.sorted;
      const turn = falling ? -1 : 1;
      if (service < 0) return units.sort((a, b) => turn * this.page.unitName(a).localeCompare(this.page.unitName(b), data.lang) || a - b);
      const share = new Map(units.map((unit) => [unit, this.cell(unit, service).share]));
      // what has no share stands last either way
      return units.sort((a, b) => (share.get(a) === null) - (share.get(b) === null) || turn * (share.get(a) - share.get(b)) || a - b);
    }

    _head(text, service) {
      const mine = this.sorted && this.sorted.service === service;
      const sort = geo.make("button", "sort", geo.dataText("span", text), geo.make("i", "", mine ? (this.sorted.falling ? "▼" : "▲") : ""));
      sort.type = "button";
      sort.addEventListener("click", () => {
        this.sorted = { service, falling: Boolean(mine && !this.sorted.falling) };
        this.draw();
        document.querySelectorAll("#matrix .sort")[this.columns().indexOf(service) + 1].focus();
      });
      const head = geo.make("th", "", sort);
      head.scope = "col";
      head.setAttribute("aria-sort", mine ? (this.sorted.falling ? "descending" : "ascending") : "none");
      return head;
    }

    draw() {
      const { page } = this;
      const { words, data } = page;
      const columns = this.columns();
      const kinds = this.kinds().map((kind) => {
        const button = geo.make("button", "", words.text(kind));
        button.type = "button";
        button.setAttribute("aria-pressed", String(kind === this.kind));
        button.addEventListener("click", () => {
          this.kind = kind;
          this.sorted = null;
          this.draw();
        });
        return button;
      });
      const body = this.rows().map((unit) => this._row(unit, columns));
      const head = geo.make("tr", "", this._head(words.text("unit"), -1), columns.map((service) => this._head(data.services[service].label, service)));
      const legend = LIGHTS.map(([least, sign, tone], i) => geo.make("span", "key " + tone, geo.make("i", "", sign), words.text("light_" + tone, { from: least * 100, below: i ? LIGHTS[i - 1][0] * 100 : 100 })));
      geo.fill(
        document.getElementById("matrix"),
        geo.make("div", "matrix-head", geo.make("h2", "", words.text("matrix")), geo.make("div", "choice", kinds), geo.make("p", "quiet", legend, words.text("light_default"))),
        geo.make("div", "matrix-sheet", geo.make("table", "", geo.make("thead", "", head), geo.make("tbody", "", body))),
      );
      document.querySelector(".matrix-sheet").tabIndex = 0;
    }

    _row(unit, columns) {
      const { page } = this;
      const link = geo.make("button", "link", geo.dataText("span", page.unitName(unit)));
      link.type = "button";
      link.addEventListener("click", () => page.flyToUnit(unit));
      const name = geo.make("th", "", page.layers.units[unit].at ? link : geo.dataText("span", page.unitName(unit)));
      name.scope = "row";
      return geo.make(
        "tr",
        "",
        name,
        columns.map((service) => {
          const cell = this.cell(unit, service);
          const made = geo.make("td", cell.tone, cell.sign ? geo.make("i", "", cell.sign) : null, geo.make("span", "", cell.text));
          made.dataset.unit = unit;
          made.dataset.service = service;
          if (cell.sign) made.firstChild.setAttribute("aria-hidden", "true");
          if (cell.row) made.title = page.words.people(cell.row.served) + " / " + page.words.people(cell.row.people) + " " + page.words.text(page.data.groups[cell.row.group]);
          return made;
        }),
      );
    }

    // The table as it stands, for a file.
    table() {
      const { page } = this;
      const columns = this.columns();
      const basis = columns.map((service) => {
        const kind = page.data.services[service];
        const ring = kind.rings[0];
        return ring ? page.data.modes[ring.mode].label + page.words.minutes(ring.limit) + " " + kind.demand.map((group) => page.words.text(page.data.groups[group])).join("/") : page.words.text("test_presence");
      });
      return [
        [page.words.text("unit"), ...columns.map((service) => page.data.services[service].label)],
        ["", ...basis],
        ...this.rows().map((unit) => [page.unitName(unit), ...columns.map((service) => this.cell(unit, service).text)]),
      ];
    }
  };
})(window.geoMap);
