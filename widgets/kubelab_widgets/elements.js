// What panels draw with: an element maker, and pictures on a canvas with their legend, words and table.

import { PALETTES, describe, draw, short, symbol } from "./chart.js";

/** Make an element: `on…` attributes are listeners, `true` is a bare attribute, null and false are left out. */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/** Set text only where it changed, so that a selection in it or a screen reader is not disturbed. */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** A canvas with a title, a readout and words for it; subclasses give `words`, `read` and `drawOn`. */
export class Picture {
  constructor(title, listeners = {}) {
    this.title = h("span", { class: "kl-chart-title" }, title);
    this.readout = h("span", { class: "kl-readout" });
    this.canvas = h("canvas", { class: "kl-canvas", role: "img", tabindex: "0", ...listeners });
    this.element = h("figure", { class: "kl-chart" },
      h("figcaption", {}, this.title, this.readout), this.canvas);
    this.observer = new ResizeObserver(() => this.schedule());
    this.observer.observe(this.canvas);
  }

  /** Draw at the next frame, once, however often this is called before it. */
  schedule() {
    this.frame ??= requestAnimationFrame(() => {
      this.frame = null;
      this.paint();
    });
  }

  paint() {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    const ratio = globalThis.devicePixelRatio || 1;
    this.canvas.setAttribute("aria-label", this.words());
    const colours = theme(this.canvas);
    this.read(colours.palette);
    if (!width || !height) return;
    if (this.canvas.width !== width * ratio || this.canvas.height !== height * ratio) {
      this.canvas.width = width * ratio;
      this.canvas.height = height * ratio;
    }
    const context = this.canvas.getContext("2d");
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.plot = this.drawOn(context, width, height, colours);
  }

  close() {
    this.observer.disconnect();
    if (this.frame) cancelAnimationFrame(this.frame);
  }
}

/** A line chart that can be read with the pointer, the arrow keys, a screen reader or as a table. */
export class Chart extends Picture {
  constructor(title, { fromZero = false, heads = ["rank", "step", "value"] } = {}) {
    super(title, {
      onpointermove: (event) => this.point(this.plot?.step(event.offsetX) ?? null, event.offsetY),
      onpointerleave: () => this.point(null),
      onblur: () => this.point(null),
      onkeydown: (event) => this.key(event),
    });
    this.fromZero = fromZero;
    this.series = [];
    this.cursor = null;
    this.table = h("tbody");
    this.details = h("details", { class: "kl-data", ontoggle: () => this.fillTable() },
      h("summary", {}, "Data"),
      h("table", {}, h("thead", {}, headRow(...heads)), this.table));
    this.foot = h("div", { class: "kl-foot" }, this.details);
    this.element.append(this.foot);
  }

  /** Show these series of one metric. */
  show(metric, series) {
    this.metric = metric;
    this.series = series;
    this.schedule();
  }

  words() {
    return describe(this.metric ?? "chart", this.series);
  }

  paint() {
    super.paint();
    if (this.details.open) this.fillTable();
  }

  drawOn(context, width, height, colours) {
    return draw(context, width, height, this.series, colours, this);
  }

  /** Show the values under the cursor, or the latest, each with its rank's shape and colour. */
  read(palette) {
    const at = (one) => (this.cursor === null ? one.steps.length - 1 : one.nearest(this.cursor));
    const known = this.series.filter((one) => one.steps.length);
    const values = known.map((one) => h("span", { class: "kl-value" },
      known.length > 1 ? h("span", { style: `color: ${palette[one.rank % palette.length]}` }, symbol(one.rank)) : null,
      known.length > 1 ? ` rank ${one.rank}  ` : null,
      h("b", {}, short(one.values[at(one)]))));
    const step = this.cursor === null || !known.length ? null : `step ${known[0].steps[at(known[0])]}`;
    this.readout.replaceChildren(...(step ? [h("span", { class: "kl-value" }, step)] : []), ...values);
  }

  /** Put the cursor at a step, and at a height where a pointer is there. */
  point(step, height = null) {
    this.cursor = step;
    this.height = height;
    this.readout.setAttribute("aria-live", step === null ? "off" : "polite");
    this.schedule();
  }

  key(event) {
    const one = this.series[0];
    const move = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!one?.steps.length || (!move && event.key !== "Escape")) return;
    event.preventDefault();
    if (!move) return this.point(null);
    const at = this.cursor === null ? one.steps.length : one.nearest(this.cursor);
    this.point(one.steps[Math.max(0, Math.min(one.steps.length - 1, at + move))]);
  }

  /** The latest values of a series, for the table under the chart. */
  latest(one) {
    return one.steps.slice(-20).map((step, i) => [one.rank, step, short(one.values.slice(-20)[i])]);
  }

  fillTable() {
    const rows = this.series.flatMap((one) => this.latest(one));
    this.table.replaceChildren(...rows.map((cells) => h("tr", {}, ...cells.map((cell) => h("td", {}, String(cell))))));
  }
}

export function headRow(...names) {
  return h("tr", {}, ...names.map((name) => h("th", { scope: "col" }, name)));
}

/** Colours from the page's own theme, so that light and dark need no switch of ours. */
export function theme(element) {
  const style = getComputedStyle(element);
  const dark = luminance(style.getPropertyValue("--kl-background").trim()) < 0.5;
  return {
    dark,
    text: style.getPropertyValue("--kl-quiet").trim() || "#666",
    background: style.getPropertyValue("--kl-background").trim() || "#fff",
    strong: style.getPropertyValue("--kl-text").trim() || "#222",
    grid: style.getPropertyValue("--kl-line").trim() || "#ddd",
    font: style.fontFamily || "sans-serif",
    palette: dark ? PALETTES.dark : PALETTES.light,
  };
}

/** How light a CSS colour is, from 0 to 1; white where it cannot be told. */
export function luminance(colour) {
  const hex = /^#([0-9a-f]{3}|[0-9a-f]{6})$/i.exec(colour)?.[1];
  const digits = hex?.length === 3 ? [...hex].map((d) => d + d).join("") : hex;
  const parts = digits
    ? [0, 2, 4].map((i) => parseInt(digits.slice(i, i + 2), 16))
    : (colour.match(/[\d.]+/g) ?? []).slice(0, 3).map(Number);
  if (parts.length < 3) return 1;
  return (0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]) / 255;
}
