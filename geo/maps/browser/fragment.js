// The view as the end of the page's address, and back. What stands there is read as numbers and known names only.
(function (geo) {
  "use strict";

  geo.writeFragment = function (page) {
    const { map, data } = page;
    const at = map.getCenter();
    const off = Object.keys(page.shown).filter((name) => page.shown[name] !== page.usual[name]);
    const parts = {
      at: [map.getZoom().toFixed(1), at.lat.toFixed(5), at.lng.toFixed(5)].join(","),
      service: data.services[page.service] ? data.services[page.service].code : "",
      ring: page.ring || "",
      group: page.group >= 0 ? data.groups[page.group] : "",
      view: page.view === "rings" ? "" : page.view,
      tab: page.panel.tab === "gaps" ? "" : page.panel.tab,
      turned: off.join(","),
      dress: page.dress === "light" ? "" : page.dress,
      hidden: page.hidden ? "1" : "",
      unit: page.asking.subject && page.asking.subject.unit !== undefined ? page.asking.subject.unit : "",
      place: page.asking.subject && page.asking.subject.at ? page.asking.subject.at.lat.toFixed(6) + "," + page.asking.subject.at.lng.toFixed(6) : "",
    };
    const text = Object.entries(parts)
      .filter(([, value]) => value !== "")
      .map(([name, value]) => name + "=" + encodeURIComponent(value))
      .join("&");
    page.fragment = "#" + text;
    try {
      window.history.replaceState(null, "", page.fragment);
    } catch (error) {
      // a page inside another has no address of its own
    }
  };

  const numbers = (text, count) => {
    const found = (text || "").split(",").map(Number);
    return found.length === count && found.every(Number.isFinite) ? found : null;
  };

  // Returns whether the fragment named a place.
  geo.readFragment = function (page, text) {
    const given = new URLSearchParams(text.replace(/^#/, ""));
    const { data } = page;
    const service = data.services.findIndex((item) => item.code === given.get("service"));
    if (service >= 0) page._choose(service);
    const kind = data.services[page.service];
    const ring = Number(given.get("ring"));
    if (kind && kind.rings[ring]) page.ring = ring;
    const group = data.groups.indexOf(given.get("group"));
    if (kind && kind.demand.includes(group)) page.group = group;
    if (Object.prototype.hasOwnProperty.call(geo.views, given.get("view"))) page.setView(given.get("view"));
    (given.get("turned") || "").split(",").forEach((name) => {
      if (Object.prototype.hasOwnProperty.call(page.usual, name)) page.shown[name] = !page.usual[name];
    });
    if (given.get("dress") === "dark") page.dressIn("dark");
    page.hidden = given.get("hidden") === "1";
    if (geo.tabs.includes(given.get("tab"))) page.panel.tab = given.get("tab");
    const unit = Number(given.get("unit"));
    const place = numbers(given.get("place"), 2);
    if (given.get("unit") && Number.isInteger(unit) && data.units.kind[unit]) page.asking.ask({ unit });
    else if (place) page.asking.ask({ at: L.latLng(place[0], place[1]) });
    const view = numbers(given.get("at"), 3);
    if (view) page.map.setView([view[1], view[2]], view[0], { animate: false });
    return Boolean(view);
  };
})(window.geoMap);
