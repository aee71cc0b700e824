const MEASURES = new Map(DATA.columns.filter((column) => column.kind === "measure").map((column) => [column.key, column]));
const CHOICES = DATA.columns.filter((column) => column.kind === "choice");
const byId = (id) => document.getElementById(id);
const pick = (id) => byId(id).value;
const safe = (text) => String(text).replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
const MOST_ROWS = 500;
const MANY_POINTS = 150;
const TYPING_MS = 250;
let typing = 0;
let shown = DATA.rows;
let sorting = { key: null, down: false };

function short(value) {
  if (value === null || value === undefined || value === "") return "-";
  if (typeof value !== "number") return String(value);
  if (Number.isInteger(value)) return value.toLocaleString("en");
  return Math.abs(value) >= 1000 ? value.toLocaleString("en", { maximumFractionDigits: 1 }) : String(Number(value.toPrecision(4)));
}

/** Numbers, and the sizes in names such as 16x16, by size; other texts by alphabet. */
function sized(value) {
  if (typeof value === "number") return [value, ""];
  const digits = (String(value).match(/\d+/g) || []).slice(0, 2).map(Number);
  const size = digits.length === 0 ? Infinity : /\dx\d/.test(value) ? digits.reduce((a, b) => a * b) : digits[0];
  return [size, String(value)];
}

function ordered(values) {
  return [...new Set(values)].sort((one, other) => {
    const [a, b] = [sized(one), sized(other)];
    return a[0] === b[0] ? (a[1] < b[1] ? -1 : a[1] > b[1] ? 1 : 0) : a[0] - b[0];
  });
}

function mean(values) {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Rows that differ in nothing but the seed become one; y carries the standard deviation over seeds. */
function designs(rows, x, y) {
  const groups = new Map();
  for (const row of rows) {
    if (typeof row[x] !== "number" || typeof row[y] !== "number") continue;
    const key = row.design || JSON.stringify(DATA.inputs.map((name) => row[name]));
    if (!groups.has(key)) groups.set(key, []);
    groups.get(key).push(row);
  }
  return [...groups.values()].map((group) => {
    const seeds = [...new Set(group.map((row) => row.seed))].map((seed) => group.filter((row) => row.seed === seed));
    const [xs, ys] = [x, y].map((measure) => seeds.map((rows) => mean(rows.map((row) => row[measure]))));
    const middle = mean(ys);
    const spread = ys.length > 1 ? Math.sqrt(ys.reduce((sum, one) => sum + (one - middle) ** 2, 0) / (ys.length - 1)) : 0;
    return { row: group[0], x: mean(xs), y: middle, spread, seeds: ys.length };
  });
}

/** The points that no other beats, by x; the same as lls_hw.report.pareto.front. */
function front(points, lowerX, lowerY) {
  const [signX, signY] = [lowerX ? 1 : -1, lowerY ? 1 : -1];
  const sorted = [...points].sort((a, b) => signX * (a.x - b.x) || signY * (a.y - b.y));
  let best = Infinity;
  const found = sorted.filter((point) => {
    const better = signY * point.y < best;
    if (better) best = signY * point.y;
    return better;
  });
  return found.sort((a, b) => a.x - b.x);
}

function colourOf(key, value, values) {
  if (key === "rule" && value in DATA.rules) return DATA.rules[value];
  return DATA.series[values.indexOf(value) % DATA.series.length];
}

/** A choice that does not matter to a point has no value. */
const word = (value) => (value === null || value === undefined ? "none" : String(value));

function named(row) {
  return DATA.told.filter((key) => row[key] !== null).map((key) => `${key} ${row[key]}`).join(", ");
}

function tableOf(headings, rows) {
  const table = document.createElement("table");
  const head = table.createTHead().insertRow();
  for (const heading of headings) {
    const cell = document.createElement("th");
    cell.scope = "col";
    cell.textContent = heading;
    head.append(cell);
  }
  const body = table.createTBody();
  for (const row of rows) fillRow(body.insertRow(), row);
  return table;
}

function fillRow(target, cells) {
  for (const value of cells) {
    const cell = target.insertCell();
    cell.textContent = short(value);
    if (typeof value === "number") cell.className = "number";
  }
}

function say(key, caption, headings, rows) {
  byId(`caption-${key}`).textContent = caption[0].toUpperCase() + caption.slice(1);
  const details = byId(`table-${key}`);
  const build = () => { if (details.open) details.querySelector(".scroll").replaceChildren(tableOf(headings, rows)); };
  details.ontoggle = build; // a table that nobody opens costs nothing
  build();
}

