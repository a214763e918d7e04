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
  const words = hit === null ? "" : hit ? ", with an answer" : ", without an answer";
  const gold = rank ? `, gold passage at rank ${rank}` : "";
  const box = make("details");
  box.append(make("summary", `${places.length} passage${places.length === 1 ? "" : "s"}${words}${gold}`), list);
  return box;
}

function promptText(data, number) {
  const parts = data.prompts[number].split("\0");
  return parts.map((part, i) => i % 2 ? data.passages[part][1] : part).join("");
}

function answerOf(data, cell, answer) {
  const [prompt, raw, said, primary, f1, exact, match, failure, finish, tokens, , remark] = answer;
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
      `${tokens ?? "unknown number of"} tokens, finish reason: ${finish}`;
    box.append(make("p", facts, "note"));
    if (remark) box.append(make("p", remark, "note"));
    box.append(make("h4", "Whole output"),
      make("pre", raw === 0 ? said : raw), make("h4", "Prompt"), make("pre", promptText(data, prompt)));
    all("pre", box).forEach(pre => pre.dir = "auto");
  });
  return box;
}

/* Correct or not: one bit a question, whole bytes a cell; how many only one of two cells has correct. */
const bitsOf = {};
function onlyFirst(data, dataset, a, b) {
  if (!data.correct[dataset]) return null;
  const bits = bitsOf[dataset] ??= Uint8Array.from(atob(data.correct[dataset]), c => c.charCodeAt(0));
  const width = Math.ceil(data.totals[dataset] / 8);
  let count = 0;
  for (let i = 0; i < width; i++) {
    for (let rest = bits[a * width + i] & ~bits[b * width + i]; rest; rest &= rest - 1) count++;
  }
  return count;
}

const CORRECT = 10, PRIMARY = 3;
const DIFFER = {
  gained: ["Gained: only the first is correct", (a, b) => a[CORRECT] > b[CORRECT]],
  lost: ["Lost: only the second is correct", (a, b) => b[CORRECT] > a[CORRECT]],
  higher: ["the first scores higher", (a, b) => a[PRIMARY] > b[PRIMARY]],
  lower: ["the second scores higher", (a, b) => b[PRIMARY] > a[PRIMARY]],
};

function showQuestion(data, dataset, question, place, two) {
  place.replaceChildren();
  const title = make("h3", question.question);
  title.dir = "auto";
  place.append(title, make("p", `References: ${question.answers.join(" | ")}`, "references"));
  const cells = data.cells[dataset], ahead = two.map(i => cells[i][1]);
  const order = (list, of) => [...list].sort((a, b) => of(b) - of(a));
  for (const [mode, shown] of order(Object.entries(question.modes), ([mode]) => ahead.includes(mode))) {
    if (!shown[0].length) continue;
    const box = passageList(data, shown);
    one("summary", box).prepend(make("b", `${mode}: `));
    place.append(box);
  }
  const own = [...two, ...question.cells.keys()].filter((i, k, all) => all.indexOf(i) === k);
  own.forEach((i, k) => {
    if (two.length && k === two.length && own.length > k) place.append(make("h4", "Other cells"));
    place.append(answerOf(data, cells[i], question.cells[i]));
  });
}

function label(words, control) {
  const l = make("label", `${words} `);
  l.append(control);
  return l;
}

function cellChoices(cells, lists) {
  lists.forEach((list, side) => {
    list.replaceChildren(...cells.map((cell, i) => new Option(cell.join(" \u00b7 "), i)));
    list.selectedIndex = side ? cells.length - 1 : 0;
  });
}

function browser(data, root) {
  const names = Object.keys(data.datasets);
  if (!names.length) { root.replaceChildren(make("p", "There is no question to show.")); return; }
  const [choose, kind, first, second, list] = Array.from({ length: 5 }, () => make("select"));
  const find = make("input"), place = make("div", null, "question"), note = make("p", null, "note");
  names.forEach(name => choose.append(new Option(name, name)));
  kind.append(new Option("all", ""));
  for (const [name, [words]] of Object.entries(DIFFER)) {
    kind.append(new Option(name === "higher" || name === "lower" ? `${data.metric}: ${words}` : words, name));
  }
  find.type = "search";
  find.id = "find-question";
  list.id = "question-list";
  list.size = 10;
  list.setAttribute("aria-label", "Questions");
  place.setAttribute("aria-live", "polite");
  note.setAttribute("role", "status");
  const two = () => kind.value ? [Number(first.value), Number(second.value)] : [];
  const matches = question => {
    const text = `${question.id} ${question.question} ${question.answers.join(" ")}`.toLowerCase();
    const [a, b] = two().map(i => question.cells[i]);
    return find.value.toLowerCase().split(/\s+/).every(word => text.includes(word)) &&
      (!kind.value || DIFFER[kind.value][1](a, b));
  };
  const open = () => {
    const question = data.datasets[choose.value][list.value];
    place.replaceChildren();
    if (question) showQuestion(data, choose.value, question, place, two());
  };
  const tell = () => {
    const held = data.datasets[choose.value].length, total = data.totals[choose.value];
    const [a, b] = kind.value === "lost" ? two().reverse() : two();
    const every = ["gained", "lost"].includes(kind.value) ? onlyFirst(data, choose.value, a, b) : null;
    const here = every === null ? "" : ` of ${every}`;
    const rest = held < total ? `; the page holds ${held} of the ${total} questions, the answers folder has all` : "";
    note.textContent = `${list.length}${here} shown${rest}.`;
  };
  const fill = () => {
    const options = data.datasets[choose.value]
      .map((question, i) => matches(question) ? new Option(`${question.id}: ${question.question}`, i) : null);
    list.replaceChildren(...options.filter(Boolean));
    list.selectedIndex = 0;
    [first, second].forEach(cell => cell.disabled = !kind.value);
    tell();
    open();
  };
  const change = () => { cellChoices(data.cells[choose.value], [first, second]); fill(); };
  choose.addEventListener("change", change);
  find.addEventListener("input", fill);
  [kind, first, second].forEach(control => control.addEventListener("change", fill));
  list.addEventListener("change", open);
  const bar = make("div", null, "filters");
  if (names.length > 1) bar.append(label("Data set", choose));
  bar.append(label("Find", find), label("Questions", kind), label("First", first), label("Second", second));
  root.replaceChildren(bar, list, note, place);
  change();
  root.openPair = (dataset, a, b, how) => {
    choose.value = dataset;
    find.value = "";
    cellChoices(data.cells[dataset], [first, second]);
    [kind.value, first.value, second.value] = [how, a, b];
    fill();
    root.scrollIntoView();
    list.focus();
  };
}

/* The numbers of gained and lost questions open their list. */
function pairLink(node, data, dataset, a, b, how) {
  if (!data.datasets[dataset] || a < 0 || b < 0) return node;
  const link = make("a", node.textContent, "pair-link");
  link.href = "#browser";
  link.setAttribute("aria-label", `${node.textContent} ${how}: list the questions`);
  link.addEventListener("click", event => { event.preventDefault(); one("#browser").openPair(dataset, a, b, how); });
  node.replaceChildren(link);
  return node;
}

function linkTables(data) {
  const places = {};
  const placeOfCell = (dataset, model, mode) => {
    places[dataset] ??= new Map(data.cells[dataset]?.map((cell, i) => [cell.join(" "), i]));
    return places[dataset].get(`${model} ${mode}`) ?? -1;
  };
  for (const [id, byMode] of [["tests-modes", true], ["tests-models", false]]) {
    for (const row of all(`table[data-id="${id}"] tbody tr`)) {
      const [dataset, within, ...sides] = ["dataset", "within", "first", "second"].map(c => cellOf(row, c).textContent);
      const [a, b] = sides.map(side => byMode ? placeOfCell(dataset, within, side) : placeOfCell(dataset, side, within));
      for (const how of ["gained", "lost"]) {
        const cell = cellOf(row, how);
        if (Number(cell?.dataset.v)) pairLink(cell, data, dataset, a, b, how);
      }
    }
  }
}

/* Any two cells of a data set: the packed test of their pair. */
function inThousandths(value) {
  const size = Math.abs(value), tied = size * 16 % 1 === 0 && size * 1000 % 1 === 0.5;
  const even = Math.floor(size * 1000) + Math.floor(size * 1000) % 2;
  return Math.sign(value) * (tied ? even : Math.round(1000 * size.toFixed(3)));
}
const signed = (thousandths, sign = true) =>
  `${thousandths < 0 ? "\u2212" : sign && thousandths ? "+" : ""}${(Math.abs(thousandths) / 1000).toFixed(3)}`;
const detected = thousandths => thousandths < 0 ? "\u2013" : signed(thousandths, false);
const chance = steps => steps === 0 ? "< 0.001" : (steps / 10000).toFixed(steps % 10 ? 4 : 3);

function placeOf(packed, a, b) {
  const k = packed.cells.length;
  return a * (2 * k - a - 1) / 2 + b - a - 1;
}

function facts(data, packed, a, b) {
  const flip = a > b, [low, high] = flip ? [b, a] : [a, b], place = placeOf(packed, low, high);
  const difference = means => inThousandths(means[a] - means[b]);
  const bounds = i => {
    const effect = inThousandths(packed.means[i][low] - packed.means[i][high]);
    const ends = [effect - packed.low[i][place], effect + packed.high[i][place]];
    return (flip ? [-ends[1], -ends[0]] : ends).map(end => signed(end)).join(" to ");
  };
  const ifTested = (i, text) => i < packed.p.length ? text() : "";
  const best = packed.means[0][a] > packed.means[0][b] ? a : b;
  const [one, two] = [packed.cells[a], packed.cells[b]];
  return {
    verdict: packed.better[place] ? `${packed.cells[best].join(" with ")} is better` : "No difference shown",
    family: data.families[one[0] === two[0] ? 0 : one[1] === two[1] ? 1 : 2],
    rows: data.metrics.map((metric, i) => [
      metric, signed(difference(packed.means[i])), ifTested(i, () => bounds(i)),
      ifTested(i, () => chance(packed.p[i][place])), chance(packed.corrected[i][place]),
      ifTested(i, () => detected(packed.detectable[i][place]))]),
  };
}

function pairTable(found) {
  const table = make("table"), head = make("thead"), body = make("tbody");
  const line = (cells, tag) => {
    const row = make("tr");
    cells.forEach((text, i) => row.append(make(tag, text, i ? "n" : "")));
    return row;
  };
  head.append(line(["Metric", "First minus second", "Interval", "p", "p, corrected", "Minimum detectable effect"], "th"));
  body.append(...found.rows.map(cells => line(cells, "td")));
  table.append(head, body);
  return table;
}

function showOnly(note, data, dataset, a, b) {
  const count = [onlyFirst(data, dataset, a, b), onlyFirst(data, dataset, b, a)];
  const parts = ["gained", "lost"].map((how, i) => {
    const number = make("span", count[i] === null ? "list" : count[i]);
    return count[i] === 0 ? number : pairLink(number, data, dataset, a, b, how);
  });
  note.replaceChildren("Questions that only the first answers correctly: ", parts[0], "; only the second: ", parts[1], ".");
}

function pairs(data, root) {
  const names = Object.keys(data.datasets), place = make("div", null, "pair");
  const [choose, first, second] = ["Data set", "First", "Second"].map(() => make("select"));
  names.forEach(name => choose.append(new Option(name, name)));
  place.setAttribute("aria-live", "polite");
  const show = () => {
    const packed = data.datasets[choose.value], [a, b] = [first, second].map(list => Number(list.value));
    if (a === b) { place.replaceChildren(make("p", "Choose two different cells.")); return; }
    const found = facts(data, packed, a, b);
    const words = `${packed.n} questions. p values are corrected over the family \u201c${found.family}\u201d of this data set.`;
    const box = make("div", null, "scroll"), note = make("p", null, "note");
    Object.assign(box, { tabIndex: 0, role: "region", ariaLabel: "The test of these two cells" });
    box.append(pairTable(found));
    place.replaceChildren(make("p", `${found.verdict}.`, "verdict"), box, make("p", words, "note"), note);
    questions?.then(data => showOnly(note, data, choose.value, a, b)).catch(() => {});
  };
  const fill = () => {
    const cells = data.datasets[choose.value].cells;
    cellChoices(cells, [first, second]);
    show();
  };
  const bar = make("div", null, "filters");
  if (names.length > 1) bar.append(label("Data set", choose));
  bar.append(label("First", first), label("Second", second));
  choose.addEventListener("change", fill);
  [first, second].forEach(list => list.addEventListener("change", show));
  root.replaceChildren(make("h3", "Any two cells"), bar, place);
  fill();
}

const questions = one("#browser-data") ? unpack("browser-data") : null;
const tests = one("#pairs-data") ? unpack("pairs-data") : null;
questions?.then(linkTables).catch(() => {});
const WIDGETS = [
  ["browser", browser, questions, "questions", "answers folder has all of them"],
  ["pairs", pairs, tests, "tests", "report's pairs.parquet has all of them"],
];
for (const [id, fill, ready, what, elsewhere] of WIDGETS) {
  const root = one(`#${id}`);
  if (!root) continue;
  if (!ready) {
    root.replaceChildren(make("p", `There are more ${what} than this page can hold; the ${elsewhere}.`));
    continue;
  }
  ready.then(data => fill(data, root)).catch(error => {
    root.replaceChildren(make("p", `The ${what} cannot be unpacked by this browser (${error.message}).`));
  });
}
