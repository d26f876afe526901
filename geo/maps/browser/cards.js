// What is written about the chosen service, a unit, a gap, a service point.
(function (geo) {
  "use strict";

  geo.Writing = class extends geo.Tables {
    basisText() {
      const { words, data } = this;
      const service = data.services[this.service];
      const parts = [service.label];
      if (service.test === "minutes") {
        const own = service.status === "O" && this.ring === 0;
        const known = service.status === "V" && this.ring === 0 ? "" : words.text("brackets", { text: words.text(own ? "own_value" : "default_value") });
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
      if (gaps.minutes[gap] === null) return this.words.text("beyond", { n: this.words.number(this.data.services[gaps.service[gap]].horizon) });
      return this.words.text("nearest_found", { name: name || this.words.text("unnamed"), minutes: this.words.minutes(gaps.minutes[gap]) });
    }

    // --- cards

    _card(title, lines) {
      return geo.make(
        "div",
        "card",
        geo.dataText("h2", title),
        lines.filter((line) => line && line[1] !== "" && line[1] !== null && line[1] !== undefined).map(([label, value]) =>
          geo.make("p", "", geo.make("span", "label", label), geo.dataText("span", String(value))),
        ),
      );
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
      const card = this._card(this.unitName(unit), lines);
      const ask = geo.make("button", "ask", words.text("ask_unit"));
      ask.type = "button";
      ask.dataset.ask = unit;
      card.append(ask);
      return card;
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
        ...Object.entries(gaps.by_group).map(([group, people]) => [words.text("gap_of_group", { group: words.text(group) }), people[gap] ? words.people(people[gap]) : ""]),
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
  };
})(window.geoMap);
