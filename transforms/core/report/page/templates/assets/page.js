"use strict";
// All of the page can be read without this: it folds, sorts, filters and selects.
const all = (selector, within = document) => [...within.querySelectorAll(selector)];

// A table wider than the page is a region that the keyboard scrolls, and says so.
const hint = () => all(".scroll").forEach((box) => {
  const wide = box.scrollWidth > box.clientWidth + 1;
  box.classList.toggle("wide", wide);
  if (!wide) { ["tabindex", "role", "aria-label"].forEach((name) => box.removeAttribute(name)); return; }
  box.tabIndex = 0;
  box.setAttribute("role", "region");
  box.setAttribute("aria-label", (box.querySelector("caption") ?? box.closest("section").querySelector("h2")).textContent + ", scrolls sideways");
});
hint();
addEventListener("resize", hint);
all("details").forEach((part) => part.addEventListener("toggle", hint));

// What is folded and wanted on paper is open there.
let folded = [];
addEventListener("beforeprint", () => {
  folded = all("details.print:not([open])");
  folded.forEach((part) => { part.open = true; });
});
addEventListener("afterprint", () => folded.forEach((part) => { part.open = false; }));

const value = (cell) => {
  const text = cell.textContent.trim();
  if (!cell.classList.contains("number")) return text.toLowerCase();
  const number = parseFloat(text.replaceAll(",", ""));
  return Number.isNaN(number) ? -Infinity : number;
};
const compare = (a, b) => (typeof a === "number" ? a - b : a.localeCompare(b));

all("table.sortable").forEach((table) => {
  const heads = all("thead th", table);
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const before = head.getAttribute("aria-sort");
      const first = head.classList.contains("number") ? "descending" : "ascending";
      const other = first === "ascending" ? "descending" : "ascending";
      const order = before === first ? other : first;
      heads.forEach((one) => one.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", order);
      const sign = order === "ascending" ? 1 : -1;
      const rows = [...table.tBodies[0].rows].map((row) => [value(row.cells[column]), row]);
      rows.sort((a, b) => sign * compare(a[0], b[0]));
      table.tBodies[0].append(...rows.map(([, row]) => row));
      show();
    });
  });
  const tools = document.getElementById(table.dataset.tools);
  const search = tools.querySelector("input");
  const more = tools.querySelector("button");
  const found = tools.querySelector("output");
  const few = Number(table.dataset.few);
  let open = false;
  const show = () => {
    const wanted = search.value.trim().toLowerCase();
    const rows = [...table.tBodies[0].rows];
    const matching = rows.filter((row) => row.textContent.toLowerCase().includes(wanted));
    const shown = new Set(open || wanted ? matching : matching.slice(0, few));
    rows.forEach((row) => { row.hidden = !shown.has(row); });
    found.textContent = `${shown.size.toLocaleString("en")} of ${rows.length.toLocaleString("en")} shown`;
    more.hidden = rows.length <= few || wanted !== "";
    more.textContent = open ? `Show the first ${few}` : "Show all";
    hint();
  };
  search.addEventListener("input", show);
  more.addEventListener("click", () => { open = !open; show(); });
  tools.hidden = false;
  show();
});

all(".selector").forEach((form) => {
  const maps = all(".map", document.getElementById(form.dataset.of));
  const [split, name] = all("select", form);
  const choose = () => maps.forEach((map) => {
    map.hidden = map.dataset.split !== split.value || map.dataset.class !== name.value;
  });
  const offer = () => {
    const before = name.value;
    name.replaceChildren(...maps.filter((map) => map.dataset.split === split.value)
      .map((map) => new Option(map.dataset.name, map.dataset.class)));
    if ([...name.options].some((option) => option.value === before)) name.value = before;
    choose();
  };
  split.addEventListener("change", offer);
  name.addEventListener("change", choose);
  form.hidden = false;
  offer();
});
