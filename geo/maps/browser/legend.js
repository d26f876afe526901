// The legend, the switches of the layers, scale bar and north arrow.
(function (geo) {
  "use strict";

  const SVG = "http://www.w3.org/2000/svg";

  function swatch(draw) {
    const canvas = document.createElement("canvas");
    const ratio = window.devicePixelRatio || 1;
    canvas.width = 30 * ratio;
    canvas.height = 18 * ratio;
    const pen = canvas.getContext("2d");
    pen.scale(ratio, ratio);
    draw(pen);
    return canvas;
  }

  function block(fill, opacity, stroke, width, dash) {
    return swatch((pen) => {
      pen.globalAlpha = opacity;
      pen.fillStyle = fill;
      pen.fillRect(2, 2, 26, 14);
      pen.globalAlpha = 1;
      if (!stroke) return;
      pen.strokeStyle = stroke;
      pen.lineWidth = width;
      pen.setLineDash(dash || []);
      pen.strokeRect(2, 2, 26, 14);
    });
  }

  function stroke(colour, width, dash) {
    return swatch((pen) => {
      pen.strokeStyle = colour;
      pen.lineWidth = width;
      pen.setLineDash(dash || []);
      pen.beginPath();
      pen.moveTo(1, 9);
      pen.lineTo(29, 9);
      pen.stroke();
    });
  }

  function dot(colour) {
    return swatch((pen) => geo.dot(pen, 15, 9, { outline: "square", radius: 3, fill: "#fff", colour }));
  }

  function point(style) {
    return swatch((pen) => geo.symbol(pen, 15, 9, Object.assign({ radius: 7, quiet: false }, style)));
  }

  function row(picture, text) {
    return geo.make("div", "legend-row", picture, geo.dataText("span", text));
  }

  // What is shown now, and only that.
  geo.drawLegend = function (page) {
    const { words, shown, service } = page;
    const rows = [];
    const part = (title, content) => {
      if (content.length) rows.push(geo.make("h2", "", title), ...content);
    };
    if (shown.bands && page.bandLimits.length) {
      const count = page.bandLimits.length;
      part(
        words.text("legend_bands", { mode: page.modeLabel() }),
        page.bandLimits.map((limit, place) =>
          row(block(geo.bandColour(place, count), geo.bandOpacity), words.text("within", { minutes: words.minutes(limit) })),
        ),
      );
    }
    if (shown.shares) {
      part(
        page.isPresence() ? words.text("legend_presence") : words.text("legend_shares", { group: page.groupLabel() }),
        page.isPresence()
          ? [row(block(geo.shareColour(1), geo.shareOpacity), words.text("present")), row(block(geo.shareColour(0), geo.shareOpacity), words.text("absent"))]
          : geo.shareSteps.map((step, i) => row(block(geo.shareColour(step), geo.shareOpacity), shareStep(words, step, i))),
      );
    }
    const marks = [];
    if (shown.gaps && page.shownGaps().length) marks.push(row(block(geo.gapHatch(), 1, geo.colours.gap, 1.6), words.text("legend_gap")));
    if (page.hasUnassessed) marks.push(row(block(geo.unassessedHatch(), 1, geo.colours.grey, 1), words.text("not_assessed")));
    part(words.text("legend_areas"), marks.concat(outlines(page)));
    part(words.text("legend_points"), symbols(page, service));
    const under = ground(page);
    part(words.text("legend_ground"), under.length ? [geo.make("div", "legend-pairs", under)] : []);
    const legend = document.getElementById("legend");
    const before = legend.querySelector("details");
    const fold = geo.make("details", "", geo.make("summary", "", words.text("legend")), rows);
    // on a phone the map comes first
    fold.open = before ? before.open : page.map.getSize().x > 640;
    geo.fill(legend, fold);
  };

  function shareStep(words, step, i) {
    const next = geo.shareSteps[i + 1];
    return words.text(next === undefined ? "share_last" : "share_step", { from: step * 100, to: (next || 1) * 100 });
  }

  function outlines(page) {
    const { shown, words } = page;
    const kinds = new Set(page.layers.units.filter((item) => item.line && !(page.hidden && item.kind === "factory")).map((item) => item.kind));
    const found = [];
    const line = (kind, width, dash) => {
      if (kinds.has(kind)) found.push(row(block("#fff", 0, geo.colours[kind], width, dash), words.text(kind)));
    };
    if (shown.units) {
      line("community", 1.4);
      line("park", 2.2);
      line("factory", 1, [3, 3]);
      const dots = page.layers.units.some((item) => item.kind === "factory" && !item.parts && item.at && !page.hidden);
      if (dots && !kinds.has("factory")) found.push(row(dot(geo.colours.factory), words.text("factory")));
    }
    if (shown.districts) line("district", 3, [8, 4]);
    return found;
  }

  // What lies under the results, as far as the study has it.
  function ground(page) {
    const { shown, words, data } = page;
    const ink = geo.colours;
    const pictures = {
      boundary: data.context.boundary && (() => stroke(ink.boundary, 2, [8, 4, 2, 4])),
      streets: data.has_streets && (() => stroke(ink.streets.primary, 3.6)),
      water: data.context.water && (() => block(ink.water, 1, ink.waterLine, 1)),
      barriers: data.context.barriers && (() => stroke(ink.barrier, 2, [2, 4])),
    };
    return Object.keys(pictures)
      .filter((name) => shown[name] && pictures[name] && !(page.hidden && name === "barriers"))
      .map((name) => row(pictures[name](), words.text("ground_" + name)));
  }

  function symbols(page, service) {
    const { words, shown } = page;
    const here = new Set(page.pointsOf(service).map((item) => item.state));
    const style = { service, mark: page.data.services[service].mark };
    const found = [];
    if (shown.points) {
      if (here.has("counted")) found.push(row(point({ ...style, state: "counted" }), page.serviceLabel()));
      ["planned", "closed", "doubtful", "mobile"].forEach((state) => {
        if (here.has(state)) found.push(row(point({ ...style, state }), words.text("state_" + state)));
      });
    }
    if (shown.others) found.push(row(point({ service: service + 1, mark: "…", state: "counted", quiet: true, radius: 5 }), words.text("layer_others")));
    return found;
  }

  // Switches of the layers, those that this study has.
  geo.drawSwitches = function (page, names, onChange) {
    const { words } = page;
    const lines = names.map((name) => {
      const box = document.createElement("input");
      box.type = "checkbox";
      box.name = name;
      box.checked = page.shown[name];
      box.addEventListener("change", () => onChange(name, box.checked));
      return geo.make("label", "", box, words.text("layer_" + name));
    });
    const layers = document.getElementById("layers");
    const before = layers.querySelector("details");
    const hide = document.createElement("input");
    hide.type = "checkbox";
    hide.name = "hidden";
    hide.checked = page.hidden;
    hide.addEventListener("change", () => {
      page.hidden = hide.checked;
      page.draw();
    });
    const fold = geo.make("details", "", geo.make("summary", "", words.text("layers")), lines, geo.make("label", "sensitive", hide, words.text("hide_sensitive")));
    fold.open = Boolean(before && before.open);
    const focused = document.activeElement && layers.contains(document.activeElement) ? document.activeElement.name : "";
    geo.fill(layers, fold);
    const again = focused && fold.querySelector('input[name="' + focused + '"]');
    if (again) again.focus();
  };

  // What can be done with the page: jump, measure, take away, print, dress.
  geo.drawTools = function (page) {
    const tools = document.getElementById("tools");
    const { words, data, layers } = page;
    const tool = (name, run, pressed) => {
      const button = geo.make("button", "", words.text("tool_" + name));
      button.type = "button";
      button.dataset.tool = name;
      button.title = words.text("tool_" + name + "_long");
      if (pressed !== undefined) button.setAttribute("aria-pressed", String(pressed));
      button.addEventListener("click", run);
      return button;
    };
    const focused = document.activeElement && tools.contains(document.activeElement) ? document.activeElement.dataset.tool : "";
    const districts = layers.units.filter((item) => item.kind === "district" && item.at);
    const jump = geo.make("select", "", geo.make("option", "", words.text("jump")), districts.map((item) => {
      const option = geo.make("option", "", page.unitName(item.unit));
      option.value = String(item.unit);
      return option;
    }));
    jump.id = "jump";
    jump.setAttribute("aria-label", words.text("jump"));
    jump.addEventListener("change", () => jump.value && layers.units[Number(jump.value)] && page.flyToUnit(Number(jump.value)));
    geo.fill(
      tools,
      districts.length ? jump : null,
      tool("measure", () => {
        page.measure.toggle();
        if (page.measure.on) page.leaveTable();
        geo.drawTools(page);
      }, page.measure.on),
      tool("picture", () => geo.savePicture(page)),
      tool("table", () => geo.saveTable(page)),
      tool("print", () => window.print()),
      tool("dark", () => page.dressIn(page.dress === "dark" ? "light" : "dark"), page.dress === "dark"),
    );
    const again = focused && tools.querySelector('[data-tool="' + focused + '"]');
    if (again) again.focus();
  };

  geo.drawViews = function (page, names, onChange) {
    const buttons = names.map((name) => {
      const button = geo.make("button", "", page.words.text("view_" + name));
      button.type = "button";
      button.dataset.view = name;
      button.setAttribute("aria-pressed", String(page.view === name));
      button.addEventListener("click", () => onChange(name));
      return button;
    });
    geo.fill(document.getElementById("views"), buttons);
  };

  geo.furnish = function (map, words) {
    L.control.zoom({ position: "topleft", zoomInTitle: words.text("zoom_in"), zoomOutTitle: words.text("zoom_out") }).addTo(map);
    const Whole = L.Control.extend({
      onAdd() {
        const button = geo.make("button", "whole leaflet-bar", words.text("whole"));
        button.type = "button";
        L.DomEvent.disableClickPropagation(button);
        button.addEventListener("click", () => map.fire("geo:whole"));
        return button;
      },
    });
    new Whole({ position: "topleft" }).addTo(map);
    L.control.scale({ position: "bottomright", imperial: false, maxWidth: 140 }).addTo(map);
    const North = L.Control.extend({ onAdd: () => northArrow(words.text("north")) });
    new North({ position: "bottomright" }).addTo(map);
  };

  function northArrow(letter) {
    const draw = (tag, attributes) => {
      const element = document.createElementNS(SVG, tag);
      Object.entries(attributes).forEach(([name, value]) => element.setAttribute(name, value));
      return element;
    };
    const arrow = draw("svg", { width: 34, height: 52, viewBox: "0 0 34 52", role: "img", "aria-label": letter });
    arrow.append(
      draw("path", { d: "M17 16 L27 48 L17 41 Z", class: "arrow-dark" }),
      draw("path", { d: "M17 16 L7 48 L17 41 Z", class: "arrow-light" }),
    );
    const text = draw("text", { x: 17, y: 12, "text-anchor": "middle", "font-size": 13, "font-weight": 700, class: "arrow-letter" });
    text.textContent = letter;
    arrow.append(text);
    return geo.make("div", "north", arrow);
  }
})(window.geoMap);
