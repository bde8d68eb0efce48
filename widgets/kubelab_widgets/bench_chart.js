// Curves over the number of Services, a line for each backend, with bars from the least to the most of the repeats.

import { short, ticks } from "./chart.js";
import { areaColour } from "./cost_chart.js";
import { Picture, h, say } from "./elements.js";

const MARKS = ["●", "■", "▲", "◆", "✚"];
const DASH = [[], [6, 3], [2, 3], [8, 3, 2, 3], [1, 3]];
const FRAME = { top: 10, right: 14, bottom: 22, left: 46 };

/** A backend's sign as a character. */
export function benchMark(place) {
  return MARKS[place % MARKS.length];
}

/**
 * Lines of one value, by backend and number of endpoints: a name, the backend's place, the number's kind (a dash), and
 * points [services, value, least, most].
 */
export function curvesOf(rows, name, backends) {
  const known = rows.filter((row) => Array.isArray(row[name]));
  const counts = [...new Set(known.map((row) => row.endpoints))].sort((a, b) => b - a);
  return backends.flatMap((backend, place) => counts.map((count, kind) => ({
    name: counts.length === 1 ? backend : `${backend} (${count} endpoint${count > 1 ? "s" : ""})`, place, kind,
    points: known.filter((row) => row.backend === backend && row.endpoints === count)
      .map((row) => [row.services, ...row[name]]).sort((a, b) => a[0] - b[0]) })))
    .filter((line) => line.points.length);
}

/** Values of an axis: decades around them where it is logarithmic, else round steps from zero. */
export function axisOf(curves, logarithmic) {
  const values = curves.flatMap((line) => line.points.flatMap(([, ...rest]) => rest));
  if (!logarithmic) return ticks(Math.min(0, ...values), Math.max(1, ...values));
  const above = values.filter((value) => value > 0).map(Math.log10);
  const [low, high] = [Math.floor(Math.min(...above)), Math.ceil(Math.max(...above))];
  return Array.from({ length: Math.max(1, high - low) + 1 }, (_, i) => 10 ** (low + i));
}

export class BenchChart extends Picture {
  constructor(title, { unit, logarithmic = false }) {
    super(title, {
      onpointermove: (event) => this.choose(this.nearest(event.offsetX)),
      onpointerleave: () => this.choose(null),
      onblur: () => this.choose(null),
      onkeydown: (event) => this.press(event),
    });
    Object.assign(this, { name: title, unit, logarithmic, curves: [], chosen: null });
  }

  show(curves) {
    this.curves = curves;
    this.schedule();
  }

  sizes() {
    return [...new Set(this.curves.flatMap((line) => line.points.map(([services]) => services)))].sort((a, b) => a - b);
  }

  words() {
    if (!this.curves.length) return `${this.name}: nothing was measured yet.`;
    const at = this.sizes().at(-1);
    return `${this.name} at ${at.toLocaleString("en")} Services: ${this.valuesAt(at).join(", ")}.`;
  }

  valuesAt(services) {
    return this.curves.flatMap(({ name, points }) => points.filter(([size]) => size === services)
      .map(([, value]) => `${name} ${short(value)} ${this.unit}`));
  }

  read() {
    say(this.readout, this.chosen === null ? "" : `${this.chosen.toLocaleString("en")}: ${this.valuesAt(this.chosen).join(", ")}`);
  }

  nearest(x) {
    if (!this.plot) return null;
    const away = (size) => Math.abs(this.plot.x(size) - x);
    return this.sizes().reduce((best, size) => (best === null || away(size) < away(best) ? size : best), null);
  }

  choose(services) {
    this.chosen = services;
    this.readout.setAttribute("aria-live", services === null ? "off" : "polite");
    this.schedule();
  }

  press(event) {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!by && event.key !== "Escape") return;
    event.preventDefault();
    const sizes = this.sizes();
    const at = this.chosen === null ? sizes.length : sizes.indexOf(this.chosen);
    this.choose(by && sizes.length ? sizes[Math.max(0, Math.min(sizes.length - 1, at + by))] : null);
  }

  drawOn(context, width, height, colours) {
    context.clearRect(0, 0, width, height);
    context.font = `11px ${colours.font}`;
    context.textBaseline = "middle";
    if (!this.curves.length) {
      context.fillStyle = colours.text;
      context.textAlign = "center";
      context.fillText("nothing measured yet", width / 2, height / 2);
      return null;
    }
    const plot = this.scale(width, height);
    this.drawGrid(context, plot, colours);
    for (const line of this.curves) this.drawCurve(context, plot, line, areaColour(line.name, line.place, colours.dark));
    return plot;
  }

  scale(width, height) {
    const axis = axisOf(this.curves, this.logarithmic);
    const on = this.logarithmic ? (value) => Math.log10(Math.max(value, axis[0])) : (value) => value;
    const [low, high] = [on(axis[0]), on(axis.at(-1))];
    const inner = { width: width - FRAME.left - FRAME.right, height: height - FRAME.top - FRAME.bottom };
    const most = this.sizes().at(-1);
    return { axis, right: width - FRAME.right, floor: height - FRAME.bottom,
      x: (services) => FRAME.left + (services / most) * inner.width,
      y: (value) => FRAME.top + (1 - (on(value) - low) / (high - low)) * inner.height };
  }

  drawGrid(context, plot, colours) {
    context.strokeStyle = colours.grid;
    context.fillStyle = colours.text;
    context.lineWidth = 1;
    context.textAlign = "right";
    for (const tick of plot.axis) {
      const y = Math.round(plot.y(tick)) + 0.5;
      stroke(context, [[FRAME.left, y], [plot.right, y]]);
      context.fillText(short(tick), FRAME.left - 6, y);
    }
    context.textAlign = "center";
    let free = -Infinity;
    for (const size of this.sizes().reverse()) {
      if (Math.abs(free - plot.x(size)) < 36) continue;
      free = plot.x(size);
      context.fillText(size.toLocaleString("en"), Math.min(free, plot.right - 10), plot.floor + 13);
    }
    if (this.chosen !== null) stroke(context, [[plot.x(this.chosen), FRAME.top], [plot.x(this.chosen), plot.floor]]);
  }

  drawCurve(context, plot, { place, kind, points }, colour) {
    context.strokeStyle = colour;
    context.fillStyle = colour;
    context.lineWidth = 1.5;
    context.setLineDash(DASH[kind % DASH.length]);
    stroke(context, points.map(([services, value]) => [plot.x(services), plot.y(value)]));
    context.setLineDash([]);
    context.textAlign = "center";
    for (const [services, value, least, most] of points) {
      const x = plot.x(services);
      const [top, bottom] = [plot.y(most), plot.y(least)];
      context.fillText(benchMark(place), x, plot.y(value));
      stroke(context, [[x, bottom], [x, top]]);
      for (const y of [top, bottom]) stroke(context, [[x - 4, y], [x + 4, y]]);
    }
  }
}

/** Which line is whose. */
export function benchKey(backend, place, dark) {
  return h("li", {}, h("span", { style: `color: ${areaColour(backend, place, dark)}` }, benchMark(place)), ` ${backend}`);
}

function stroke(context, points) {
  context.beginPath();
  points.forEach(([x, y], i) => (i ? context.lineTo(x, y) : context.moveTo(x, y)));
  context.stroke();
}
