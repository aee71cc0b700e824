function drawPareto() {
  const [x, y, colour, symbol, facet] = ["x", "y", "colour", "symbol", "facet"].map((end) => pick(`pareto-${end}`));
  const points = designs(shown, x, y);
  const [mx, my] = [MEASURES.get(x), MEASURES.get(y)];
  const panels = facet ? ordered(points.map((point) => point.row[facet])) : [null];
  const [colours, symbols] = [colour, symbol].map((key) => ordered(shown.map((row) => row[key])));
  const layout = panelLayout(points, mx, my, facet, panels);
  const data = [];
  const best = [];
  panels.forEach((panel, at) => {
    const end = at ? String(at + 1) : "";
    const inside = facet ? points.filter((point) => point.row[facet] === panel) : points;
    colours.forEach((oneColour) => symbols.forEach((oneSymbol, index) => {
      const mine = inside.filter((point) => point.row[colour] === oneColour && point.row[symbol] === oneSymbol);
      const mark = DATA.symbols[index % DATA.symbols.length];
      if (mine.length) data.push(dots(mine, end, colourOf(colour, oneColour, colours), mark, mx, my));
    }));
    const line = front(inside, mx.better <= 0, my.better <= 0);
    best.push(...line);
    data.push({
      type: "scatter", mode: "lines", x: line.map((p) => p.x), y: line.map((p) => p.y), xaxis: `x${end}`, yaxis: `y${end}`,
      line: { color: "@muted", dash: "dot", width: 2, shape: frontShape(mx, my) }, hoverinfo: "skip", showlegend: at === 0, name: "Pareto front", meta: "front",
    });
  });
  data.push(...keys(colours, symbols, colour, symbol));
  draw(byId("plot-pareto"), { data, layout });
  sayPareto(points, best, mx, my, facet);
}

/** Axes side by side, up to three in a row, or below one another where the screen is narrow. */
function panelLayout(points, mx, my, facet, panels) {
  const across = widthOf(byId("plot-pareto")) >= 700 ? Math.min(3, panels.length) : 1;
  const down = Math.max(1, Math.ceil(panels.length / across));
  const layout = { height: 110 + 370 * down, hovermode: "closest", annotations: [] };
  const [gapX, gapY] = [0.06, 0.14 / down];
  const [width, height] = [(1 - gapX * (across - 1)) / across, (1 - gapY * (down - 1)) / down];
  panels.forEach((panel, at) => {
    const end = at ? String(at + 1) : "";
    const left = (at % across) * (width + gapX), top = 1 - Math.floor(at / across) * (height + gapY);
    layout[`xaxis${end}`] = axisOf(mx, points.map((p) => p.x), [left, left + width], `y${end}`, at ? "x" : null, true);
    layout[`yaxis${end}`] = axisOf(my, points.map((p) => p.y), [top - height, top], `x${end}`, at ? "y" : null, at % across === 0);
    if (facet) {
      layout.annotations.push({
        text: safe(`${facet} ${word(panel)}`), x: left + width / 2, y: top, xref: "paper", yref: "paper", showarrow: false,
        yanchor: "top", font: { color: "@ink" }, bgcolor: "@paper",
      });
    }
  });
  return layout;
}

function sayPareto(points, best, mx, my, facet) {
  const isBest = new Set(best);
  const widest = Math.max(0, ...points.map((point) => point.seeds));
  const better = (measure, a, b) => (measure.better > 0 ? b - a : a - b);
  const good = (measure) => (measure.better > 0 ? "more" : "less");
  const amount = (measure, value) => `${short(value)}${measure.unit ? ` ${measure.unit}` : ""}`;
  let caption = `${my.title} (${good(my)} is better) against ${mx.title} (${good(mx)} is better): ${points.length} designs, ${best.length} on the Pareto front${facet ? " of their panel" : ""}.`;
  if (widest > 1) caption += ` Means of up to ${widest} seeds; bars are one standard deviation.`;
  const extreme = [...best].sort((a, b) => better(my, a.y, b.y) || better(mx, a.x, b.x))[0];
  if (extreme) caption += ` Best ${my.label}: ${named(extreme.row)} with ${amount(my, extreme.y)} at ${amount(mx, extreme.x)}.`;
  if (shown.length && !points.length) caption += " No point left has both numbers.";
  const rows = points.map((p) => [...DATA.told.map((key) => p.row[key]), p.x, p.y, p.seeds > 1 ? p.spread : null, p.seeds, isBest.has(p) ? "yes" : "no"]);
  say("pareto", caption, [...DATA.told, mx.title, my.title, "standard deviation", "seeds", "on the front"], rows);
}

function frontShape(mx, my) {
  return mx.better <= 0 ? "hv" : "vh";
}

/** Ticks at 1, 2 and 5 of each decade, or at decades alone where there are many. */
function logTicks(values) {
  const positive = values.filter((value) => value > 0);
  const decades = Math.log10(Math.max(...positive) / Math.min(...positive));
  const steps = decades > 2.5 ? [1] : decades > 1.3 ? [1, 3] : decades > 0.4 ? [1, 2, 5] : [1, 1.5, 2, 2.5, 3, 4, 5, 6, 7, 8, 9];
  const ticks = [];
  for (let power = -9; power < 15; power += 1) for (const step of steps) ticks.push(step * 10 ** power);
  return { type: "log", tickvals: ticks, ticktext: ticks.map(prefixed), tickangle: 0 };
}

function prefixed(value) {
  for (const [size, prefix] of [[1e12, "T"], [1e9, "G"], [1e6, "M"], [1e4, "k"]]) {
    if (value >= size) return `${Number((value / (prefix === "k" ? 1e3 : size)).toPrecision(3))} ${prefix}`;
  }
  return String(Number(value.toPrecision(3)));
}

function axisOf(measure, values, domain, anchor, matches, titled) {
  const log = measure.log && values.some((value) => value > 0) ? logTicks(values) : {};
  return { ...log, domain, anchor, ...(matches ? { matches } : {}), title: { text: titled ? safe(measure.title) : "" } };
}

function dots(points, end, colour, symbol, mx, my) {
  const unit = (measure, value) => `${safe(measure.label)} ${short(value)}${measure.unit ? " " + measure.unit : ""}`;
  return {
    type: "scatter", mode: "markers", x: points.map((p) => p.x), y: points.map((p) => p.y), xaxis: `x${end}`, yaxis: `y${end}`,
    error_y: points.some((p) => p.spread > 0) ? { type: "data", array: points.map((p) => p.spread), color: colour, thickness: 1 } : undefined,
    marker: { color: colour, symbol, size: 10, line: { color: "@paper", width: 1 } }, showlegend: false,
    text: points.map((p) => `${safe(named(p.row))}<br>${unit(mx, p.x)}<br>${unit(my, p.y)}${p.seeds > 1 ? ` ± ${short(p.spread)} (${p.seeds} seeds)` : ""}`),
    hovertemplate: "%{text}<extra></extra>",
  };
}

/** Legend entries: one a colour, one a symbol. */
function keys(colours, symbols, colour, symbol) {
  const key = (name, marker) => ({ type: "scatter", mode: "markers", x: [null], y: [null], name: safe(name), marker: { size: 10, ...marker } });
  const same = colour === symbol;
  const marked = (at) => (same ? DATA.symbols[at % DATA.symbols.length] : "circle");
  const list = colours.map((value, at) => key(`${colour} ${word(value)}`, { color: colourOf(colour, value, colours), symbol: marked(at) }));
  if (!same && symbols.length > 1) list.push(...symbols.map((value, at) => key(`${symbol} ${word(value)}`, { color: "@grey", symbol: DATA.symbols[at % DATA.symbols.length] })));
  return list;
}

function drawHeat() {
  const [value, how, rowKey, columnKey] = ["value", "how", "rows", "columns"].map((end) => pick(`heat-${end}`));
  const measure = MEASURES.get(value);
  const have = shown.filter((row) => typeof row[value] === "number");
  const [rows, columns] = [ordered(have.map((row) => row[rowKey])), ordered(have.map((row) => row[columnKey]))];
  const gather = { mean, best: (list) => (measure.better > 0 ? Math.max(...list) : Math.min(...list)) }[how];
  const z = rows.map((row) => columns.map((column) => {
    const list = have.filter((one) => one[rowKey] === row && one[columnKey] === column).map((one) => one[value]);
    return list.length ? gather(list) : null;
  }));
  const flat = z.flat().filter((one) => one !== null);
  const strong = Math.min(...flat) + 0.75 * (Math.max(...flat) - Math.min(...flat)); // where dark letters stop being readable
  const annotations = rows.flatMap((row, r) => columns.map((column, c) => ({
    x: c, y: r, text: z[r][c] === null ? "" : short(Number(z[r][c].toPrecision(3))), showarrow: false,
    font: { color: z[r][c] > strong ? "@paper" : "@ink" },
  })));
  const data = [{
    type: "heatmap", z, x: columns.map((one) => safe(word(one))), y: rows.map((one) => safe(word(one))), xgap: 2, ygap: 2,
    colorscale: [[0, "@low"], [1, "@high"]], hoverongaps: false,
    hovertemplate: `${safe(rowKey)} %{y}, ${safe(columnKey)} %{x}: %{z:.4~g}<extra></extra>`,
    colorbar: { title: { text: safe(measure.title), side: "right" }, thickness: 12, tickformat: "~s" },
  }];
  const layout = {
    height: 120 + Math.max(200, 46 * rows.length), annotations,
    xaxis: { title: { text: safe(columnKey) }, type: "category", showgrid: false },
    yaxis: { title: { text: safe(rowKey) }, type: "category", autorange: "reversed", automargin: true, showgrid: false },
  };
  draw(byId("plot-heat"), { data, layout });
  const ways = { mean: "mean", best: measure.better > 0 ? "best (largest)" : "best (least)" };
  let caption = `${measure.title}: the ${ways[how]} of the points with the same ${rowKey} and ${columnKey}, ${have.length} points.`;
  if (flat.length) caption += ` From ${short(Math.min(...flat))} to ${short(Math.max(...flat))}.`;
  say("heat", caption, [`${rowKey} \\ ${columnKey}`, ...columns.map(word)], rows.map((row, r) => [word(row), ...z[r]]));
}

/** One line a point over axes scaled to what is shown: a drawing of our own, which also prints. */
function drawParallel() {
  const colour = pick("parallel-colour");
  const axes = parallelAxes();
  byId("plot-parallel").style.minWidth = `${92 * axes.length}px`;
  const values = ordered(shown.map((row) => row[colour]));
  const data = values.map((value, at) => {
    const [x, y, text] = [[], [], []];
    for (const row of shown.filter((one) => one[colour] === value && axes.some((axis) => axis.at(one) !== null))) {
      axes.forEach((axis, index) => { x.push(index); y.push(axis.at(row)); text.push(`${safe(named(row))}<br>${safe(axis.title)}: ${safe(short(row[axis.key]))}`); });
      x.push(null); y.push(null); text.push("");
    }
    const marker = { symbol: DATA.symbols[at % DATA.symbols.length], size: 5 };
    return { type: "scatter", mode: shown.length > MANY_POINTS ? "lines" : "lines+markers", x, y, text, name: safe(`${colour} ${word(value)}`), opacity: shown.length > 60 ? 0.55 : 0.85, marker: { ...marker, color: colourOf(colour, value, values) }, line: { color: colourOf(colour, value, values), width: 1.2 }, hovertemplate: "%{text}<extra></extra>" };
  });
  const annotations = axes.flatMap((axis, index) => axis.ticks.map(([at, text]) => ({
    x: index, y: at, text: safe(text), showarrow: false, xanchor: index === axes.length - 1 ? "right" : "left", xshift: index === axes.length - 1 ? -5 : 5, font: { size: 11, color: "@ink" }, bgcolor: "@paper", opacity: 0.9,
  })));
  const layout = {
    height: 470, hovermode: "closest", annotations,
    shapes: axes.map((_, index) => ({ type: "line", x0: index, x1: index, y0: 0, y1: 1, line: { color: "@muted", width: 1 }, layer: "below" })),
    xaxis: { tickvals: axes.map((_, index) => index), ticktext: axes.map((axis) => safe(axis.title).replace(/, | of /g, "<br>")), showgrid: false, zeroline: false, range: [-0.3, axes.length - 0.7], tickangle: 0 },
    yaxis: { visible: false, range: [-0.06, 1.06] }, margin: { b: 76, l: 24 },
  };
  draw(byId("plot-parallel"), { data, layout });
  const caption = `Each line is one of ${shown.length} points over ${axes.length} axes (${axes.map((axis) => axis.title).join("; ")}); each axis reaches from its least value to its largest, colour is ${colour}.`;
  say("parallel", caption, ["id", ...axes.map((axis) => axis.title)], shown.slice(0, MOST_ROWS).map((row) => [row.id, ...axes.map((axis) => row[axis.key])]));
}

function parallelAxes() {
  const wanted = DATA.parallel.filter((key) => new Set(shown.map((row) => row[key]).filter((one) => one !== null)).size > 1);
  return wanted.map((key) => {
    const measure = MEASURES.get(key);
    if (!measure || CHOICES.some((choice) => choice.key === key)) {
      const list = ordered(shown.map((row) => row[key]));
      const place = new Map(list.map((value, at) => [value, at / (list.length - 1)]));
      const every = Math.ceil(list.length / 12);
      return { key, title: key, at: (row) => place.get(row[key]), ticks: list.map((value) => [place.get(value), word(value)]).filter((_, at) => at % every === 0) };
    }
    const scale = measure.log ? Math.log10 : (one) => one;
    const list = shown.map((row) => row[key]).filter((one) => typeof one === "number" && (!measure.log || one > 0));
    const [low, high] = [Math.min(...list), Math.max(...list)];
    const at = (row) => (typeof row[key] === "number" && (!measure.log || row[key] > 0) ? (scale(row[key]) - scale(low)) / (scale(high) - scale(low) || 1) : null);
    const half = measure.log ? Math.sqrt(low * high) : (low + high) / 2;
    return { key, title: measure.title, at, ticks: [low, half, high].map((value, index) => [index / 2, short(Number(value.toPrecision(3)))]) };
  });
}

