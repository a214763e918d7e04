"use strict";
const all = (selector, root = document) => [...root.querySelectorAll(selector)];
const one = (selector, root = document) => root.querySelector(selector);

/* Tables: sort by a heading, filter by words and choices. */
const cellOf = (row, column) => one(`td[data-c="${column}"]`, row);
const valueOf = cell => !cell ? "" : "v" in cell.dataset ? cell.dataset.v : cell.textContent;

function compare(a, b, numeric) {
  if (a === "" || b === "") return (a === "") - (b === "");
  return numeric ? a - b : a.localeCompare(b, "en", { numeric: true });
}

function sortBy(heading) {
  const table = heading.closest("table"), body = table.tBodies[0];
  const numeric = heading.classList.contains("n"), column = heading.dataset.c;
  const before = heading.getAttribute("aria-sort");
  const down = before ? before === "ascending" : numeric;
  all("th[aria-sort]", table).forEach(other => other.removeAttribute("aria-sort"));
  heading.setAttribute("aria-sort", down ? "descending" : "ascending");
  const rows = [...body.rows].map(row => [valueOf(cellOf(row, column)), row]);
  const sign = down ? -1 : 1;
  rows.sort(([a], [b]) => a === "" || b === "" ? compare(a, b) : sign * compare(a, b, numeric));
  body.append(...rows.map(([, row]) => row));
}

function filter(id) {
  const block = document.getElementById(`table-${id}`);
  const words = one("input", block).value.toLowerCase().split(/\s+/).filter(Boolean);
  const choices = all("select", block).filter(select => select.value);
  let shown = 0;
  for (const row of one("table", block).tBodies[0].rows) {
    const text = row.textContent.toLowerCase();
    const keep = words.every(word => text.includes(word)) &&
      choices.every(select => cellOf(row, select.dataset.column)?.textContent === select.value);
    row.hidden = !keep;
    shown += keep;
  }
  one("output", block).textContent = `${shown} of ${one("table", block).tBodies[0].rows.length} rows`;
}

document.addEventListener("click", event => {
  const heading = event.target.closest?.("th[data-c]");
  if (heading) sortBy(heading);
});
document.addEventListener("input", event => {
  if (event.target.dataset?.table) filter(event.target.dataset.table);
});

/* Figures: the numbers of a mark under the pointer. */
const tip = one("#tip");
for (const mark of all("svg .mark")) {
  const title = one("title", mark);
  if (title) { mark.dataset.tip = title.textContent; title.remove(); }
}
document.addEventListener("pointerover", event => {
  const mark = event.target.closest?.(".mark[data-tip]");
  tip.hidden = !mark;
  if (!mark) return;
  tip.textContent = mark.dataset.tip;
  const box = mark.getBoundingClientRect();
  tip.style.left = `${Math.max(8, Math.min(box.left, innerWidth - tip.offsetWidth - 8))}px`;
  tip.style.top = `${box.bottom + tip.offsetHeight + 16 > innerHeight ? box.top - tip.offsetHeight - 8 : box.bottom + 8}px`;
});
