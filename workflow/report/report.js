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

/* A table that goes on to the right fades out there. */
function fade(scroll) {
  const left = scroll.scrollWidth - scroll.clientWidth - scroll.scrollLeft;
  scroll.parentElement.classList.toggle("more", left > 2);
}
const watch = new ResizeObserver(entries => entries.forEach(entry => fade(entry.target)));
for (const scroll of all(".frame > .scroll")) {
  watch.observe(scroll);
  scroll.addEventListener("scroll", () => fade(scroll), { passive: true });
}

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

/* Questions: one question across all cells, unpacked when the page has settled. */
function make(tag, text, className) {
  const node = document.createElement(tag);
  if (text !== undefined && text !== null) node.textContent = text;
  if (className) node.className = className;
  return node;
}
const digits = value => value === null || value === undefined ? "–" : Number(value).toFixed(3);

async function unpack(id) {
  const bytes = Uint8Array.from(atob(one(`#${id}`).textContent), c => c.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return JSON.parse(await new Response(stream).text());
}

function passageList(data, mode) {
  const [places, hit, rank] = mode;
  const list = make("ol", null, "passages");
  for (const place of places) {
    const item = make("li");
    item.append(make("b", data.passages[place][0]), make("span", ` ${data.passages[place][1]}`));
    list.append(item);
  }
  const words = hit === null ? "" : hit ? ", an answer in the text" : ", no answer in the text";
  const gold = rank ? `, gold passage at rank ${rank}` : "";
  const box = make("details");
  box.append(make("summary", `${places.length} passage${places.length === 1 ? "" : "s"} chosen${words}${gold}`), list);
  return box;
}

function promptText(data, number) {
  const parts = data.prompts[number].split("\0");
  return parts.map((part, i) => i % 2 ? data.passages[part][1] : part).join("");
}

function answerOf(data, cell, answer) {
  const [prompt, raw, said, primary, f1, exact, match, failure, finish, tokens, cut] = answer;
  const box = make("details", null, "answer");
  const summary = make("summary");
  summary.append(make("span", digits(primary), "score"), make("span", cell.join(" · "), "who"));
  const text = make("span", said || "(empty)", "said");
  text.dir = "auto";
  summary.append(text);
  if (failure) summary.append(make("span", failure.replaceAll("_", " "), "failure"));
  box.append(summary);
  box.addEventListener("toggle", () => {
    if (box.childElementCount > 1) return;
    const facts = `F1 ${digits(f1)}, exact match ${digits(exact)}, match ${digits(match)}; ` +
      `${tokens} tokens, finish: ${finish}`;
    box.append(make("p", facts, "note"));
    if (cut) box.append(make("p", cut, "note"));
    box.append(make("h4", "All that the model wrote"),
      make("pre", raw === 0 ? said : raw), make("h4", "Prompt"), make("pre", promptText(data, prompt)));
    all("pre", box).forEach(pre => pre.dir = "auto");
  });
  return box;
}

function showQuestion(data, dataset, question, place) {
  place.replaceChildren();
  const title = make("h3", question.question);
  title.dir = "auto";
  place.append(title, make("p", `References: ${question.answers.join(" | ")}`, "references"));
  for (const [mode, shown] of Object.entries(question.modes)) {
    if (!shown[0].length) continue;
    const box = passageList(data, shown);
    one("summary", box).prepend(make("b", `${mode}: `));
    place.append(box);
  }
  question.cells.forEach((answer, i) => place.append(answerOf(data, data.cells[dataset][i], answer)));
}

function browser(data, root) {
  const names = Object.keys(data.datasets);
  if (!names.length) { root.replaceChildren(make("p", "There is no question to show.")); return; }
  const choose = make("select"), find = make("input"), list = make("select"), place = make("div", null, "question");
  const label = (words, control) => { const l = make("label", `${words} `); l.append(control); return l; };
  names.forEach(name => choose.append(new Option(name, name)));
  find.type = "search";
  find.id = "find-question";
  list.size = 10;
  list.setAttribute("aria-label", "Questions");
  place.setAttribute("aria-live", "polite");
  const matches = question => {
    const text = `${question.id} ${question.question} ${question.answers.join(" ")}`.toLowerCase();
    return find.value.toLowerCase().split(/\s+/).every(word => text.includes(word));
  };
  const open = () => {
    const question = data.datasets[choose.value][list.value];
    if (question) showQuestion(data, choose.value, question, place);
  };
  const fill = () => {
    const options = data.datasets[choose.value]
      .map((question, i) => matches(question) ? new Option(`${question.id}: ${question.question}`, i) : null);
    list.replaceChildren(...options.filter(Boolean));
    list.selectedIndex = 0;
    open();
  };
  choose.addEventListener("change", fill);
  find.addEventListener("input", fill);
  list.addEventListener("change", open);
  const bar = make("div", null, "filters");
  if (names.length > 1) bar.append(label("Data set", choose));
  bar.append(label("Find", find));
  root.replaceChildren(bar, list, place);
  fill();
}

/* Any two cells of a data set: the packed test of their pair. */
function inThousandths(value) {
  const size = Math.abs(value), tied = size * 16 % 1 === 0 && size * 1000 % 1 === 0.5;
  const even = Math.floor(size * 1000) + Math.floor(size * 1000) % 2;
  return Math.sign(value) * (tied ? even : Math.round(1000 * size.toFixed(3)));
}
const signed = (thousandths, sign = true) =>
  `${thousandths < 0 ? "\u2212" : sign && thousandths ? "+" : ""}${(Math.abs(thousandths) / 1000).toFixed(3)}`;
const chance = steps => steps === 0 ? "< 0.001" : (steps / 10000).toFixed(steps % 10 ? 4 : 3);

function placeOf(board, a, b) {
  const k = board.cells.length;
  return a * (2 * k - a - 1) / 2 + b - a - 1;
}

function facts(data, board, a, b) {
  const flip = a > b, [low, high] = flip ? [b, a] : [a, b], place = placeOf(board, low, high);
  const difference = means => inThousandths(means[a] - means[b]);
  const bounds = i => {
    const effect = inThousandths(board.means[i][low] - board.means[i][high]);
    const ends = [effect - board.low[i][place], effect + board.high[i][place]];
    return (flip ? [-ends[1], -ends[0]] : ends).map(end => signed(end)).join(" to ");
  };
  const told = (i, text) => i < board.p.length ? text() : "";
  const best = board.means[0][a] > board.means[0][b] ? a : b;
  const [one, two] = [board.cells[a], board.cells[b]];
  return {
    verdict: board.better[place] ? `${board.cells[best].join(" with ")} is better` : "No difference shown",
    family: data.families[one[0] === two[0] ? 0 : one[1] === two[1] ? 1 : 2],
    rows: data.metrics.map((metric, i) => [
      metric, signed(difference(board.means[i])), told(i, () => bounds(i)),
      told(i, () => chance(board.p[i][place])), chance(board.corrected[i][place]),
      told(i, () => signed(board.detectable[i][place], false))]),
  };
}

function pairTable(found) {
  const table = make("table"), head = make("thead"), body = make("tbody");
  const line = (cells, tag) => {
    const row = make("tr");
    cells.forEach((text, i) => row.append(make(tag, text, i ? "n" : "")));
    return row;
  };
  head.append(line(["Metric", "First less second", "Interval", "p", "p, corrected", "Detectable"], "th"));
  body.append(...found.rows.map(cells => line(cells, "td")));
  table.append(head, body);
  return table;
}

function pairs(data, root) {
  const names = Object.keys(data.boards), place = make("div", null, "pair");
  const [choose, first, second] = ["Data set", "First", "Second"].map(() => make("select"));
  names.forEach(name => choose.append(new Option(name, name)));
  place.setAttribute("aria-live", "polite");
  const show = () => {
    const board = data.boards[choose.value], [a, b] = [first, second].map(list => Number(list.value));
    if (a === b) { place.replaceChildren(make("p", "Choose two different cells.")); return; }
    const found = facts(data, board, a, b);
    const words = `${board.n} questions. Corrected over the family \u201c${found.family}\u201d of this data set.`;
    const box = make("div", null, "scroll");
    Object.assign(box, { tabIndex: 0, role: "region", ariaLabel: "The test of these two cells" });
    box.append(pairTable(found));
    place.replaceChildren(make("p", `${found.verdict}.`, "verdict"), box, make("p", words, "note"));
  };
  const fill = () => {
    const cells = data.boards[choose.value].cells;
    [first, second].forEach((list, side) => {
      list.replaceChildren(...cells.map((cell, i) => new Option(cell.join(" \u00b7 "), i)));
      list.selectedIndex = side ? cells.length - 1 : 0;
    });
    show();
  };
  const bar = make("div", null, "filters");
  const label = (words, control) => { const l = make("label", `${words} `); l.append(control); return l; };
  if (names.length > 1) bar.append(label("Data set", choose));
  bar.append(label("First", first), label("Second", second));
  choose.addEventListener("change", fill);
  [first, second].forEach(list => list.addEventListener("change", show));
  root.replaceChildren(make("h3", "Any two cells"), bar, place);
  fill();
}

for (const [id, fill, what] of [["browser", browser, "questions"], ["pairs", pairs, "tests"]]) {
  const root = one(`#${id}`);
  if (!root) continue;
  if (!one(`#${id}-data`)) {
    root.replaceChildren(make("p", `There are more ${what} than a page carries; the report's folder has them.`));
    continue;
  }
  unpack(`${id}-data`).then(data => fill(data, root)).catch(error => {
    root.replaceChildren(make("p", `The ${what} cannot be unpacked by this browser (${error.message}).`));
  });
}
