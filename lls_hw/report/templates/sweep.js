/** Words, and comparisons such as bits=8 or energy_uj<500. */
function matcher(text) {
  const tests = text.trim().toLowerCase().split(/\s+/).filter(Boolean).map((token) => {
    const parts = token.match(/^([a-z_0-9]+)(<=|>=|=|<|>)(.+)$/);
    if (!parts || !DATA.keys.includes(parts[1])) return (row) => row.words.includes(token);
    const [, key, sign, value] = parts;
    const wanted = Number(value);
    const compare = { "=": (a) => String(a).toLowerCase() === value || (a !== null && Number(a) === wanted), "<": (a) => a < wanted, ">": (a) => a > wanted, "<=": (a) => a <= wanted, ">=": (a) => a >= wanted }[sign];
    return (row) => row[key] !== null && row[key] !== undefined && compare(row[key]);
  });
  return (row) => tests.every((test) => test(row));
}

function drawPoints() {
  const table = byId("points");
  const columns = DATA.columns.filter((column) => column.shown);
  const head = document.createElement("tr");
  for (const column of columns) {
    const cell = document.createElement("th");
    const button = document.createElement("button");
    cell.scope = "col";
    const sorted = sorting.key === column.key;
    cell.setAttribute("aria-sort", sorted ? (sorting.down ? "descending" : "ascending") : "none");
    button.type = "button";
    button.textContent = column.title + (sorted ? (sorting.down ? " ▼" : " ▲") : "");
    button.addEventListener("click", () => {
      sorting = { key: column.key, down: sorted && !sorting.down };
      drawPoints();
      table.querySelectorAll("thead button")[columns.indexOf(column)].focus();
    });
    cell.append(button);
    head.append(cell);
  }
  table.tHead.replaceChildren(head);
  const rows = sorting.key ? [...shown].sort(byColumn) : shown;
  const body = document.createElement("tbody");
  for (const row of rows.slice(0, MOST_ROWS)) fillRow(body.insertRow(), columns.map((column) => row[column.key]));
  table.tBodies[0].replaceWith(body);
  table.caption.textContent = rows.length > MOST_ROWS ? `The first ${MOST_ROWS} of ${rows.length} points; a filter shows others.` : `${rows.length} points`;
}

function byColumn(one, other) {
  const way = sorting.down ? -1 : 1;
  const [a, b] = [one[sorting.key], other[sorting.key]];
  if (a === null || b === null) return (a === null) - (b === null);
  if (typeof a === "number" && typeof b === "number") return way * (a - b);
  const [x, y] = [sized(a), sized(b)];
  return way * (x[0] === y[0] ? (x[1] < y[1] ? -1 : x[1] > y[1] ? 1 : 0) : x[0] - y[0]);
}

function fill(id, options, chosen) {
  byId(id).replaceChildren(...options.map(([value, name]) => new Option(name, value, value === chosen, value === chosen)));
}

function filterRows() {
  shown = DATA.rows.filter(matcher(pick("filter")));
  byId("count").textContent = `${shown.length} of ${DATA.rows.length} finished points are shown.`;
  drawPoints();
  clearTimeout(typing); // charts follow when the typing pauses
  typing = setTimeout(redrawAll, TYPING_MS);
}

function setUpSweep() {
  for (const row of DATA.rows) row.words = DATA.keys.map((key) => String(row[key] ?? "")).join(" ").toLowerCase();
  const measures = [...MEASURES.values()].map((measure) => [measure.key, measure.title]);
  const choices = CHOICES.map((choice) => [choice.key, choice.title]);
  for (const [end, options] of [["x", measures], ["y", measures], ["colour", choices], ["symbol", choices], ["facet", [["", "one"], ...choices]]]) fill(`pareto-${end}`, options, DATA.defaults[end]);
  fill("heat-value", measures, DATA.defaults.x);
  fill("heat-how", [["best", "best"], ["mean", "mean"]], "best");
  fill("heat-rows", choices, "array");
  fill("heat-columns", choices, "bits");
  fill("parallel-colour", choices, DATA.defaults.colour);
  for (const select of document.querySelectorAll('select[id^="pareto-"]')) select.addEventListener("change", drawPareto);
  for (const select of document.querySelectorAll('select[id^="heat-"]')) select.addEventListener("change", drawHeat);
  byId("parallel-colour").addEventListener("change", drawParallel);
  byId("filter").addEventListener("input", filterRows);
  filterRows();
  clearTimeout(typing);
  for (const [key, redraw] of [["pareto", drawPareto], ["heat", drawHeat], ["parallel", drawParallel]]) keep(byId(`plot-${key}`), redraw);
}

if (DATA.rows.length) setUpSweep();
