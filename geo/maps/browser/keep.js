// What is taken away from the page: a picture of the view, the table as CSV, a printed sheet.
(function (geo) {
  "use strict";

  const PAPER = { width: 1500, height: 1020 }; // CSS pixels of A3 without its margins; A4 is this made smaller

  function save(blob, name) {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = name;
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  }

  // A cell that a spreadsheet would take for a formula gets an apostrophe; every cell is quoted.
  const cell = (text) => {
    const flat = String(text).replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f]/g, "").toWellFormed();
    return '"' + (/^[\s\u0000-\u001f]*[=+\-@\t\r|%]/.test(flat) && !/^-?\d+(\.\d+)?%?$/.test(flat) ? "'" + flat : flat).replace(/"/g, '""') + '"';
  };
  geo.csv = (rows) => "\ufeff" + rows.map((row) => row.map(cell).join(",") + "\r\n").join("");

  geo.saveTable = function (page) {
    const rows = page.view === "matrix" ? page.matrix.table() : page.panel.table();
    const about = [[page.words.text("title", { name: page.data.head.name })], [document.getElementById("subtitle").textContent], [document.getElementById("review").textContent]];
    save(new Blob([geo.csv([...about, ...rows])], { type: "text/csv;charset=utf-8" }), page.fileName() + ".csv");
  };

  geo.savePicture = async function (page) {
    const canvas = geo.picture(page);
    const blob = await new Promise((done) => canvas.toBlob(done, "image/png"));
    save(blob, page.fileName() + ".png");
  };

  // The view with title, legend, scale, north arrow, sources and review number, on one canvas.
  geo.picture = function (page) {
    const { map } = page;
    page.layers.streets.finish();
    const size = map.getSize();
    const ratio = Math.max(2, window.devicePixelRatio || 1);
    const [top, bottom] = [66, 66];
    const canvas = document.createElement("canvas");
    canvas.width = size.x * ratio;
    canvas.height = (size.y + top + bottom) * ratio;
    const pen = canvas.getContext("2d");
    pen.scale(ratio, ratio);
    const style = getComputedStyle(document.documentElement);
    const colour = (name) => style.getPropertyValue(name).trim();
    pen.fillStyle = colour("--ground");
    pen.fillRect(0, top, size.x, size.y);
    panes(pen, map, top, size);
    furniture(pen, page, { top, size, colour });
    pen.fillStyle = colour("--paper");
    pen.fillRect(0, 0, size.x, top);
    pen.fillRect(0, top + size.y, size.x, bottom);
    frame(pen, page, { top, size, colour });
    return canvas;
  };

  function panes(pen, map, top, size) {
    const box = map.getContainer().getBoundingClientRect();
    const sheets = [...map.getPane("mapPane").querySelectorAll("canvas")].filter((sheet) => sheet.width && sheet.height);
    const order = (sheet) => Number(getComputedStyle(sheet.parentElement).zIndex) || 0;
    sheets.sort((a, b) => order(a) - order(b));
    pen.save();
    pen.beginPath();
    pen.rect(0, top, size.x, size.y);
    pen.clip();
    sheets.forEach((sheet) => {
      const place = sheet.getBoundingClientRect();
      pen.globalAlpha = Number(getComputedStyle(sheet.parentElement).opacity);
      pen.drawImage(sheet, place.left - box.left, place.top - box.top + top, place.width, place.height);
    });
    pen.restore();
  }

  function frame(pen, page, { top, size, colour }) {
    const text = (id) => document.getElementById(id).textContent;
    const write = (content, x, y, font, tone, width, align) => {
      pen.font = font + " " + geo.font;
      pen.fillStyle = tone;
      pen.textAlign = align || "left";
      pen.textBaseline = "alphabetic";
      pen.fillText(fitted(pen, content, width), x, y);
    };
    const badge = page.data.head.synthetic ? page.words.text("synthetic") : "";
    write(text("title"), 16, 28, "700 21px", colour("--ink"), size.x - 150);
    write(text("subtitle"), 16, 50, "13px", colour("--quiet"), size.x - 32);
    write(badge, size.x - 16, 28, "700 17px", colour("--warn"), 120, "right");
    pen.font = "12px " + geo.font;
    const said = text("basis");
    const first = fitted(pen, said, size.x - 32);
    const cut = first === said ? said.length : Math.max(said.lastIndexOf("　", first.length - 1), said.lastIndexOf("；", first.length - 1) + 1, 1);
    write(said.slice(0, cut), 16, top + size.y + 18, "12px", colour("--ink"), size.x - 32);
    write(said.slice(cut).trim(), 16, top + size.y + 35, "12px", colour("--ink"), size.x - 32);
    write(text("review"), 16, top + size.y + 54, "700 12px", colour("--ink"), size.x - 32);
    pen.fillStyle = colour("--accent");
    pen.fillRect(0, top - 3, size.x, 3);
  }

  function fitted(pen, text, width) {
    if (pen.measureText(text).width <= width) return text;
    let letters = Array.from(text).slice(0, 400);
    while (letters.length && pen.measureText(letters.join("") + "…").width > width) letters = letters.slice(0, -1);
    return letters.join("") + "…";
  }

  // Legend, scale bar and north arrow, where they stand on the page.
  function furniture(pen, page, { top, size, colour }) {
    const box = page.map.getContainer().getBoundingClientRect();
    const at = (element) => {
      const place = element.getBoundingClientRect();
      return { x: place.left - box.left, y: place.top - box.top + top, width: place.width, height: place.height };
    };
    const legend = document.getElementById("legend");
    const whole = at(legend);
    if (whole.width && legend.querySelector("details").open) {
      pen.fillStyle = colour("--box");
      pen.fillRect(whole.x, whole.y, whole.width, whole.height);
      legend.querySelectorAll("summary, h2, .legend-row").forEach((row) => {
        const place = at(row);
        if (place.y < whole.y || place.y + place.height > whole.y + whole.height + 1) return;
        const picture = row.querySelector("canvas");
        if (picture) pen.drawImage(picture, place.x, at(picture).y, 30, 18);
        pen.font = (row.tagName === "SUMMARY" ? "700 14px " : row.tagName === "H2" ? "600 12px " : "13px ") + geo.font;
        pen.fillStyle = colour(row.tagName === "H2" ? "--quiet" : "--ink");
        pen.textAlign = "left";
        pen.textBaseline = "middle";
        const left = picture ? 38 : 0;
        pen.fillText(fitted(pen, row.textContent, place.width - left + 2), place.x + left, place.y + place.height / 2);
      });
    }
    scaleBar(pen, at(document.querySelector(".leaflet-control-scale-line")), colour);
    north(pen, page.words.text("north"), { x: size.x - 44, y: top + size.y - 92 }, colour);
  }

  function scaleBar(pen, place, colour) {
    pen.strokeStyle = colour("--ink");
    pen.lineWidth = 2;
    pen.beginPath();
    pen.moveTo(place.x, place.y + 8);
    pen.lineTo(place.x, place.y + place.height);
    pen.lineTo(place.x + place.width, place.y + place.height);
    pen.lineTo(place.x + place.width, place.y + 8);
    pen.stroke();
    pen.font = "12px " + geo.font;
    pen.fillStyle = colour("--ink");
    pen.textAlign = "left";
    pen.textBaseline = "bottom";
    pen.fillText(document.querySelector(".leaflet-control-scale-line").textContent, place.x + 5, place.y + place.height - 2);
  }

  function north(pen, letter, { x, y }, colour) {
    [[27, colour("--ink")], [7, colour("--paper")]].forEach(([side, fill]) => {
      pen.beginPath();
      pen.moveTo(x + 17, y + 16);
      pen.lineTo(x + side, y + 48);
      pen.lineTo(x + 17, y + 41);
      pen.closePath();
      pen.fillStyle = fill;
      pen.fill();
      pen.strokeStyle = colour("--ink");
      pen.lineWidth = 1;
      pen.stroke();
    });
    pen.font = "700 13px " + geo.font;
    pen.fillStyle = colour("--ink");
    pen.textAlign = "center";
    pen.textBaseline = "alphabetic";
    pen.fillText(letter, x + 17, y + 12);
  }

  // The sheets of the map as one, for a printer leaves out moved ones.
  function flattened(map) {
    const size = map.getSize();
    const sheet = geo.make("canvas", "paper");
    sheet.width = size.x * 2;
    sheet.height = size.y * 2;
    const pen = sheet.getContext("2d");
    pen.scale(2, 2);
    panes(pen, map, 0, size);
    return sheet;
  }

  // Whole rows only: those at the end that find no room are left out, and a line says how many.
  function trimmed(page) {
    const sheet = document.getElementById("sheet");
    sheet.scrollTop = 0;
    const rows = [...sheet.querySelectorAll(".gap, .point, .answer, tr[data-unit]")].filter((row) => row.checkVisibility());
    const listsGaps = page.panel.tab === "gaps";
    const unlisted = listsGaps ? page.shownGaps().length - rows.length : 0;
    const said = geo.make("p", "quiet rest");
    const show = (count) => {
      rows.forEach((row, place) => {
        row.hidden = place >= count;
      });
      const rest = rows.length - count + unlisted;
      said.textContent = rest ? page.words.text(listsGaps ? "print_rest_gaps" : "print_rest_rows", { n: rest }) : "";
      return sheet.scrollHeight <= sheet.clientHeight;
    };
    if (!rows.length) return;
    const last = rows[rows.length - 1];
    (last.closest("table") || last).after(said);
    let [fits, over] = [0, rows.length + 1];
    while (over - fits > 1) {
      const half = Math.floor((fits + over) / 2);
      if (show(half)) fits = half;
      else over = half;
    }
    show(fits);
  }

  // The page takes the size of the sheet while it is printed; the map shows what it showed.
  geo.printing = function (page) {
    const { map } = page;
    let before = null;
    let paper = null;
    const root = document.documentElement;
    const shape = (on) => {
      root.classList.toggle("printing", on);
      document.body.style.width = on ? PAPER.width + "px" : "";
      document.body.style.height = on ? PAPER.height + "px" : "";
      map.invalidateSize({ animate: false, pan: false });
    };
    window.addEventListener("beforeprint", () => {
      before = { bounds: map.getBounds(), centre: map.getCenter(), zoom: map.getZoom(), dress: page.dress };
      if (page.dress !== "light") page.dressIn("light");
      shape(true);
      map.fitBounds(before.bounds, { animate: false });
      // a sheet of paper does not wait for the next frame
      Object.values(page.layers.renderers).forEach((renderer) => renderer._ctx && renderer._redraw());
      page.layers.streets.finish();
      page.ink.redraw();
      trimmed(page);
      paper = flattened(map);
      map.getContainer().append(paper);
    });
    window.addEventListener("afterprint", () => {
      if (!before) return;
      if (paper) paper.remove();
      shape(false);
      page.panel.redrawSheet();
      if (before.dress !== "light") page.dressIn(before.dress);
      map.setView(before.centre, before.zoom, { animate: false });
      before = null;
    });
  };
})(window.geoMap);
