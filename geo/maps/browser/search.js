// Finding a unit, a service point, a gap or a street by its name.
(function (geo) {
  "use strict";

  const SHOWN_MOST = 12;
  const plain = (text) => text.normalize("NFKC").toLowerCase().replace(/\s+/g, "");

  function things(page) {
    const { data, words, layers } = page;
    const found = [];
    data.units.kind.forEach((kind, unit) => {
      if (layers.units[unit].at && !(page.hidden && kind === "factory")) found.push({ name: page.unitName(unit), kind: words.text(kind), go: () => page.askUnit(unit) });
    });
    page.points.forEach((item) => {
      if (!item.at) return;
      const kind = data.services[item.service] ? data.services[item.service].label : words.text("tab_points");
      found.push({ name: page.pointName(item.point), kind, go: () => page.flyToPoint(item) });
    });
    new Set(layers.streets.names).forEach((name) => name && found.push({ name, kind: words.text("layer_streets"), go: () => page.flyToStreet(name) }));
    return found.map((item) => ({ ...item, key: plain(item.name) }));
  }

  geo.search = function (page) {
    const input = document.getElementById("find");
    const list = document.getElementById("found");
    input.placeholder = page.words.text("find");
    input.setAttribute("aria-label", page.words.text("find"));
    list.setAttribute("aria-label", page.words.text("find"));
    let known = null;
    const close = () => {
      list.hidden = true;
      input.setAttribute("aria-expanded", "false");
    };
    const choose = (item) => {
      close();
      input.value = "";
      item.go();
    };
    const look = () => {
      known = known || things(page);
      const wanted = plain(input.value);
      const hits = wanted ? known.filter((item) => item.key.includes(wanted)) : [];
      // what begins with the words stands first
      hits.sort((a, b) => b.key.startsWith(wanted) - a.key.startsWith(wanted));
      const lines = hits.slice(0, SHOWN_MOST).map((item) => {
        const button = geo.make("button", "", geo.dataText("span", item.name), geo.dataText("small", item.kind));
        button.type = "button";
        button.addEventListener("click", () => choose(item));
        return geo.make("li", "", button);
      });
      geo.fill(list, lines.length ? lines : geo.make("li", "quiet", page.words.text("find_none")));
      list.hidden = !wanted;
      input.setAttribute("aria-expanded", String(!list.hidden));
      return hits;
    };
    input.addEventListener("input", look);
    input.addEventListener("focus", () => {
      known = null;
    });
    const buttons = () => [...list.querySelectorAll("button")];
    input.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && !list.hidden) event.stopPropagation(); // one thing is left at a time
      if (event.key === "Escape") close();
      if (event.key === "ArrowDown" && buttons().length) buttons()[0].focus();
      if (event.key !== "Enter") return;
      const hits = look();
      if (hits.length) choose(hits[0]);
    });
    list.addEventListener("keydown", (event) => {
      const all = buttons();
      const at = all.indexOf(document.activeElement);
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (event.key === "Escape") {
        event.stopPropagation();
        close();
      }
      if (event.key === "Escape" || at + step < 0) input.focus();
      else if (step && all[at + step]) all[at + step].focus();
      if (step || event.key === "Escape") event.preventDefault();
    });
  };
})(window.geoMap);
