"use strict";
(() => {
  // The page is complete without this script: it adds sorting, and opens what is folded where a link or a printer wants it.
  const NOTHING = new Set(["", "–", "—", "-", "unknown"]);
  const UNITS = { K: 1e3, M: 1e6, B: 1e9, T: 1e12 };
  const STATES = ["ascending", "descending", "none"];
  const status = document.getElementById("status");

  // "[-1.2, +3.4]" -1.2 | "37.5 % [30, 45]" 37.5 | "<.001" just under .001 | "0.8B" 8e8 | "1,234" 1234 | "–" null | words NaN
  function numberIn(text) {
    const words = text.trim().replace(/\u2212/g, "-");
    if (NOTHING.has(words.toLowerCase())) return null;
    const found = /^\[?\s*([<>≤≥]?)\s*([+-]?(?:\d{1,3}(?:,\d{3})+|\d+)?(?:\.\d+)?(?:e[+-]?\d+)?)([KMBT]\b)?(?![A-Za-z_\d-])/i.exec(words);
    if (!found || !/\d/.test(found[2])) return NaN;
    const value = Number(found[2].replace(/,/g, "")) * (found[3] ? UNITS[found[3].toUpperCase()] : 1);
    const nudge = Math.abs(value) * 1e-9;
    return "<≤".includes(found[1]) && found[1] ? value - nudge : found[1] ? value + nudge : value;
  }

  function compare(a, b) {
    return a < b ? -1 : a > b ? 1 : 0;
  }

  function sorted(rows, column, state) {
    if (state === "none") return rows;
    const words = rows.map((row) => row.cells[column].textContent);
    const numbers = words.map(numberIn);
    const numeric = numbers.every((n) => !Number.isNaN(n)) || rows[0].cells[column].classList.contains("n");
    const missing = (i) => numbers[i] === null || (numeric && Number.isNaN(numbers[i]));
    const sign = state === "ascending" ? 1 : -1;
    const order = rows.map((_, i) => i);
    order.sort((i, j) => {
      if (missing(i) || missing(j)) return missing(i) - missing(j) || i - j;
      const apart = numeric ? compare(numbers[i], numbers[j]) : words[i].localeCompare(words[j], "en", { numeric: true });
      return sign * apart || i - j;
    });
    return order.map((i) => rows[i]);
  }

  function sortable(table) {
    const body = table.tBodies[0];
    const rows = Array.from(body.rows);
    const heads = Array.from(table.tHead.rows[0].cells);
    if (rows.length < 2) return;
    heads.forEach((head, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        const state = STATES[(STATES.indexOf(head.getAttribute("aria-sort") || "none") + 1) % 3];
        heads.forEach((other) => other.removeAttribute("aria-sort"));
        if (state !== "none") head.setAttribute("aria-sort", state);
        body.append(...sorted(rows, column, state));
        const how = state === "none" ? "rows in their first order" : `sorted by ${button.textContent}, ${state}`;
        status.textContent = `${table.caption.textContent.trim()}: ${how}`;
      });
    });
  }

  function open(folds) {
    folds.forEach((fold) => { fold.open = true; });
  }

  function foldsAround(element) {
    const folds = [];
    for (let fold = element.closest("details"); fold; fold = fold.parentElement.closest("details")) folds.push(fold);
    return folds;
  }

  function reveal() {
    const target = document.getElementById(location.hash.slice(1));
    if (!target) return;
    open(foldsAround(target));
    target.scrollIntoView();
  }

  document.querySelectorAll("main table").forEach(sortable);
  window.addEventListener("hashchange", reveal);
  if (location.hash) reveal();

  const all = document.getElementById("all");
  all.hidden = !document.querySelector("main details");
  all.addEventListener("click", () => {
    const opening = all.getAttribute("aria-pressed") !== "true";
    document.querySelectorAll("main details").forEach((fold) => { fold.open = opening; });
    all.setAttribute("aria-pressed", String(opening));
  });

  let shut = [];
  window.addEventListener("beforeprint", () => {
    shut = Array.from(document.querySelectorAll("details:not([open])"));
    open(shut);
  });
  window.addEventListener("afterprint", () => { shut.forEach((fold) => { fold.open = false; }); });
})();
