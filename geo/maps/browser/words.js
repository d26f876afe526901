// How the page writes: every text is set as text, never as HTML.
(function (geo) {
  "use strict";

  geo.writer = function (data) {
    const locale = data.lang === "zh" ? "zh-CN" : "en-GB";
    const whole = new Intl.NumberFormat(locale, { maximumFractionDigits: 0 });
    const fine = new Intl.NumberFormat(locale, { maximumFractionDigits: 1 });

    const words = {
      // A text of the catalogue with its {places} filled; what fills a place is not read again.
      text(key, values) {
        const pattern = Object.prototype.hasOwnProperty.call(data.texts, key) ? data.texts[key] : key;
        return pattern.replace(/\{(\w+)\}/g, (all, name) => (values && name in values ? String(values[name]) : all));
      },
      people: (count) => (count === null || count === undefined ? words.text("nothing") : whole.format(count)),
      number: (value) => (value === null || value === undefined ? words.text("nothing") : fine.format(value)),
      // One decimal, and never rounded up to everyone or down to no one.
      percent(share, digits) {
        if (share === null || share === undefined) return words.text("nothing");
        const places = digits === undefined ? 1 : digits;
        const smallest = Math.pow(10, -places);
        let value = share * 100;
        if (share < 1) value = Math.min(value, 100 - smallest);
        if (share > 0) value = Math.max(value, smallest);
        return value.toFixed(places) + "%";
      },
      // The same, without a decimal where there is none.
      shortPercent: (share) => words.percent(share).replace(Math.abs(share * 100 - Math.round(share * 100)) < 1e-9 ? ".0" : "", ""),
      minutes: (value) => words.text("minutes", { n: words.number(value) }),
      list: (parts) => parts.join(words.text("comma")),
    };
    return words;
  };

  // An element with a class and content: texts and other elements.
  geo.make = function (tag, className, ...content) {
    const element = document.createElement(tag);
    if (className) element.className = className;
    content.flat().forEach((part) => {
      if (part !== null && part !== undefined) element.append(part instanceof Node ? part : String(part));
    });
    return element;
  };

  geo.fill = function (element, ...content) {
    element.replaceChildren(...content.flat().filter((part) => part !== null && part !== undefined));
    return element;
  };

  // Text of the data: kept apart from its surroundings, cut where it is too long, whole when pointed at.
  geo.dataText = function (tag, text, className) {
    const element = geo.make(tag, "data " + (className || ""), text);
    if (text.length > 24) element.title = text;
    return element;
  };

  geo.shorten = function (text, most) {
    const letters = Array.from(text);
    return letters.length > most ? letters.slice(0, most - 1).join("") + "…" : text;
  };
})(window.geoMap);
