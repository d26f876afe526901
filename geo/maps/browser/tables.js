// What is chosen, and what the tables say of it.
(function (geo) {
  "use strict";

  geo.Tables = class {
    constructor(data) {
      this.data = data;
      this.words = geo.writer(data);
      this.index = geo.coverageIndex(data.coverage);
      this._listed = { key: "", gaps: [], place: new Map() };
      this.points = data.points.name.map((_, point) => this._point(point));
      this._choose(Math.max(0, data.services.findIndex((service) => service.test === "minutes")));
    }

    // A service, with its deciding ring and its headline group.
    _choose(service) {
      const chosen = this.data.services[service];
      this.service = service;
      this.ring = 0;
      this.group = chosen && chosen.demand.length ? chosen.demand[0] : -1;
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

    _ring(service = this.service, ring = this.ring) {
      const kind = this.data.services[service];
      return (kind && kind.rings[ring]) || { mode: -1, limit: null };
    }

    _row(unit, limit, group, service = this.service, ring = this.ring) {
      const { coverage, statuses } = this.data;
      const row = this.index.get([service, this._ring(service, ring).mode, limit, group, unit].join("|"));
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

    // The row of a unit for the chosen group, else for the first group that has people there. Parks and
    // factories are judged by their workers, where the service serves workers.
    rowOf(unit, service = this.service, ring = this.ring) {
      const kind = this.data.services[service] || { demand: [], test: "inventory" };
      if (kind.test === "presence") return this.presenceRows(service).find((row) => row.unit === unit) || null;
      const { demand } = kind;
      const first = service === this.service ? [this.group] : [];
      const workers = this.data.groups.indexOf("workers");
      const byWorkers = ["park", "factory"].includes(this.data.units.kind[unit]) && demand.includes(workers);
      const groups = byWorkers ? [workers, ...first, ...demand] : [...first, ...demand];
      const limit = this._ring(service, ring).limit;
      const rows = groups.map((group) => this._row(unit, limit, group, service, ring)).filter(Boolean);
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

    presenceRows(wanted = this.service) {
      const { coverage, units, services, statuses } = this.data;
      const kind = services[wanted].unit_kind;
      const rows = [];
      coverage.service.forEach((service, row) => {
        const unit = coverage.unit[row];
        if (service !== wanted || (kind && units.kind[unit] !== kind)) return;
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

    // Gaps are those of the deciding ring.
    hasGaps = () => this.test() === "minutes" && this.ring === 0;

    // The group whose gaps are listed: elders are residents, and where residents are asked for, counted as such.
    gapGroup() {
      const { groups, services } = this.data;
      const residents = groups.indexOf("residents");
      return this.group === groups.indexOf("elders") && services[this.service].demand.includes(residents) ? residents : this.group;
    }

    gapPeople(gap) {
      const { gaps, groups } = this.data;
      const people = gaps.by_group[groups[this.gapGroup()]];
      return (people ? people[gap] : gaps.people[gap]) || 0;
    }

    // The gaps with people of the chosen group, most people first; what is scattered stands last.
    shownGaps() {
      if (!this.hasGaps()) return [];
      const key = this.service + "|" + this.group;
      if (this._listed.key !== key) {
        const gaps = this._gapsInOrder();
        this._listed = { key, gaps, place: new Map(gaps.map((gap, place) => [gap, place])) };
      }
      return [...this._listed.gaps];
    }

    _gapsInOrder() {
      const { gaps } = this.data;
      return gaps.id
        .map((_, gap) => gap)
        .filter((gap) => gaps.service[gap] === this.service && this.gapPeople(gap) > 0)
        .sort((a, b) => this._isRest(a) - this._isRest(b) || this.gapPeople(b) - this.gapPeople(a) || a - b);
    }
    _isRest = (gap) => this.data.gaps.id[gap].endsWith("-rest");
    gapMark(gap) {
      this.shownGaps();
      const place = this.hasGaps() ? this._listed.place.get(gap) : undefined;
      return this._isRest(gap) || place === undefined ? "…" : String(place + 1);
    }

    // People not served who are in no gap, for their units cannot be judged.
    unjudgedPeople = () => (this.hasGaps() ? this.data.services[this.service].unjudged[this.gapGroup()] || 0 : 0);

    pointsOf = (service) => this.points.filter((item) => item.service === service);
  };
})(window.geoMap);
