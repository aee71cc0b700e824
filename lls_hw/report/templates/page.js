"use strict";
const DATA = JSON.parse(document.getElementById("data").textContent);
const root = document.documentElement;
const PRINT = "print";
const DARK = "(prefers-color-scheme: dark)";
const charts = new Map(); // by element: how to draw it again, what shall be drawn next, whether it is at it, how wide
const PAPER_PX = 660;
const RESIZE_MS = 100; // after the last change of size
let resizing = 0;
const MODEBAR_PX = 34; // the chart library's buttons stand above the plot, not over its corner

/** Whether a medium is on. A list that is listened to is never asked: Chromium drops the event of a list that was read first. */
function isOn(medium) {
  return window.matchMedia(medium).matches;
}

const listened = [];

/** Call whenever a medium turns on or off. */
function whenever(medium, call) {
  const list = window.matchMedia(medium);
  list.addEventListener("change", call);
  listened.push(list); // a list that nothing holds may be collected, and its listener with it
}

function theme() {
  if (isOn(PRINT)) return "light";
  return root.dataset.theme || (isOn(DARK) ? "dark" : "light");
}

/** A copy in which every colour token is the theme's colour. */
function coloured(value, colours) {
  if (typeof value === "string") return value.startsWith("@") && value in colours ? colours[value] : value;
  if (Array.isArray(value)) return value.map((inner) => coloured(inner, colours));
  if (value && typeof value === "object") {
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, coloured(inner, colours)]));
  }
  return value;
}

/** The layout of every chart: transparent, small, the theme's ink, legend above the plot. */
function dressed(layout, width) {
  const narrow = width < 520;
  const axis = { gridcolor: "@grid", zerolinecolor: "@grid", linecolor: "@muted", tickcolor: "@muted", ticks: "outside" };
  const full = {
    ...layout,
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    font: { family: 'system-ui, "Segoe UI", "DejaVu Sans", sans-serif', size: narrow ? 10 : 12, color: "@ink" },
    margin: { l: narrow ? 48 : 64, r: 16, t: MODEBAR_PX, b: 52, ...(layout.margin || {}) },
    legend: { orientation: "h", y: 1, yanchor: "bottom", x: 0, font: { size: narrow ? 9 : 12 }, ...(layout.legend || {}) },
    hoverlabel: { bgcolor: "@paper", bordercolor: "@ink", font: { color: "@ink" }, align: "left" },
    modebar: { bgcolor: "rgba(0,0,0,0)", color: "@muted", activecolor: "@ink" },
    transition: { duration: 0 },
    width,
  };
  for (const key of Object.keys(layout).filter((name) => /^[xy]axis/.test(name))) {
    full[key] = { ...axis, ...layout[key] };
    if (narrow && layout[key].automargin) full[key].tickfont = { size: 8 };
  }
  return full;
}

function widthOf(element) {
  return isOn(PRINT) ? PAPER_PX : element.clientWidth;
}

/** Draw a figure into an element: at once, or after what is being drawn there; of those that wait, the last alone. */
function draw(element, figure) {
  const chart = charts.get(element);
  chart.next = figure;
  if (!chart.busy) drawWaiting(element, chart);
}

/** The chart library draws in steps that other calls could come between, so a chart is drawn by one call at a time. */
async function drawWaiting(element, chart) {
  chart.busy = true;
  try {
    while (chart.next) {
      const figure = chart.next;
      chart.next = null;
      chart.width = widthOf(element);
      await drawOnce(element, figure, chart.width);
    }
  } finally {
    chart.busy = false;
  }
}

/** One drawing in the current theme, from nothing: Plotly.react() would start from the margins and axes of the last. */
function drawOnce(element, figure, width) {
  const colours = DATA.themes[theme()];
  const layout = dressed(figure.layout, width);
  const config = {
    displaylogo: false, doubleClick: "reset+autosize", modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d"],
  };
  element.style.minHeight = `${layout.height}px`;
  return Plotly.newPlot(element, coloured(figure.data, colours), coloured(layout, colours), config);
}

const sizes = new ResizeObserver(() => {
  clearTimeout(resizing);
  resizing = setTimeout(redrawResized, RESIZE_MS);
});

/** Draw an element's chart now, and again whenever colours, size or paper change; `redraw` calls `draw`. */
function keep(element, redraw) {
  charts.set(element, { redraw, next: null, busy: false, width: 0 });
  redraw();
  sizes.observe(element);
}

function redrawAll() {
  for (const chart of charts.values()) chart.redraw();
}

function redrawResized() {
  for (const [element, chart] of charts) if (chart.width !== widthOf(element)) chart.redraw();
}

function openForPrint(open) {
  for (const details of document.querySelectorAll("details")) {
    if (open && !details.open) {
      details.dataset.folded = "yes";
      details.open = true;
    } else if (!open && details.dataset.folded) {
      delete details.dataset.folded;
      details.open = false;
    }
  }
}

function setUpTheme() {
  const button = document.getElementById("theme");
  const show = () => button.setAttribute("aria-pressed", String(theme() === "dark"));
  button.hidden = false;
  button.addEventListener("click", () => {
    root.dataset.theme = theme() === "dark" ? "light" : "dark";
    show();
    redrawAll();
  });
  whenever(DARK, () => { show(); redrawAll(); });
  whenever(PRINT, () => { openForPrint(isOn(PRINT)); redrawAll(); });
  show();
}

for (const chart of DATA.charts) {
  const element = document.getElementById(`plot-${chart.key}`);
  const select = document.querySelector(`select[data-chart="${chart.key}"]`);
  const redraw = () => draw(element, chart.views[select ? Number(select.value) : 0]);
  if (select) select.addEventListener("change", redraw);
  keep(element, redraw);
}
setUpTheme();
