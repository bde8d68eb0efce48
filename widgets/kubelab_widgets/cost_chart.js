// What nodes cost an hour over time: groups on each other as areas, and the line that no policy can cross.

import { Picture, h, say } from "./elements.js";
import { moment } from "./time_controls.js";

const AREAS = {
  light: ["#0072b2", "#d55e00", "#00835f", "#a4457f", "#8a6d00", "#3f9bd8", "#6a51a3"],
  dark: ["#56b4e9", "#e69f00", "#2fc79b", "#e39ac6", "#e8dc5a", "#8c9eff", "#d0b3ff"],
};
const REST = "#8a929b";
const EDGE = { top: 10, right: 8, bottom: 22, left: 52 };

/** Sums of stretches, from below: for each group the height of its upper edge. */
export function stacked(groups) {
  const names = Object.keys(groups);
  const below = names.length ? groups[names[0]].map(() => 0) : [];
  return names.map((name) => {
    groups[name].forEach((usd, i) => (below[i] += usd));
    return [name, [...below]];
  });
}

/** What a bound of steps says at a time in seconds; null before its first step and after its last end. */
export function boundAt(bound, seconds) {
  let found = null;
  for (const [from, usd] of bound) {
    if (Date.parse(from) / 1000 > seconds) break;
    found = usd;
  }
  return found;
}

/** A few round values from zero up to at least the greatest. */
export function roundTicks(most) {
  const raw = (most || 1) / 3;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 2.5, 5, 10].map((each) => each * power).find((each) => each >= raw);
  return Array.from({ length: Math.ceil((most || 1) / step) + 1 }, (_, i) => Number((i * step).toPrecision(6)));
}

/** A group's colour, by its place; what nobody has is grey. */
export function areaColour(name, place, dark) {
  return name === "__idle__" ? REST : (AREAS[dark ? "dark" : "light"][place] ?? REST);
}

export class CostChart extends Picture {
  /** `by` says what the areas are of, `line` what the dashed line is, `empty` how a nameless group is called. */
  constructor({ by = "node group", line = "lower bound", empty = "other nodes" } = {}) {
    super("Cost over time, USD/h", {
      onpointermove: (event) => this.put(this.placeAt(event.offsetX)),
      onpointerleave: () => this.put(null),
      onblur: () => this.put(null),
      onkeydown: (event) => this.press(event),
    });
    this.legend = h("ul", { class: "kl-legend" });
    this.element.append(this.legend);
    this.labels = { by, line, empty };
    this.cost = null;
    this.bound = [];
    this.place = null;
  }

  show(cost, bound) {
    this.cost = cost;
    this.bound = bound ?? [];
    this.edges = cost ? stacked(cost.groups) : [];
    this.schedule();
  }

  words() {
    if (!this.cost) return "What nodes cost over time; there is no node with a price yet.";
    const sums = this.edges.at(-1)?.[1] ?? [0];
    const bound = boundAt(this.bound, this.timeOf(sums.length - 1));
    const line = bound === null ? "" : ` The ${this.labels.line} is ${bound.toFixed(2)}.`;
    return `USD an hour over time, by ${this.labels.by}: now ${sums.at(-1).toFixed(2)}, at most ${Math.max(...sums).toFixed(2)}.${line}`;
  }

  /** Seconds since 1970 in the middle of a stretch. */
  timeOf(place) {
    return Date.parse(this.cost.since) / 1000 + (place + 0.5) * this.cost.stretch_s;
  }

  placeAt(x) {
    if (!this.plot) return null;
    const place = Math.floor((x - EDGE.left) / this.plot.across);
    return place >= 0 && place < this.plot.count ? place : null;
  }

  put(place) {
    this.place = place;
    this.readout.setAttribute("aria-live", place === null ? "off" : "polite");
    this.schedule();
  }

  press(event) {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!this.plot || (!by && event.key !== "Escape")) return;
    event.preventDefault();
    if (!by) this.put(null);
    else this.put(Math.max(0, Math.min(this.plot.count - 1, (this.place ?? this.plot.count) + by)));
  }

  read() {
    if (!this.cost) return this.readout.replaceChildren();
    const at = this.place ?? (this.edges[0]?.[1].length ?? 1) - 1;
    const sum = this.edges.at(-1)?.[1][at] ?? 0;
    const when = moment(new Date(1000 * this.timeOf(at)).toISOString());
    const bound = boundAt(this.bound, this.timeOf(at));
    const line = bound === null ? "" : `, ${this.labels.line} ${bound.toFixed(2)}`;
    say(this.readout, this.place === null ? "" : `${when}: ${sum.toFixed(2)} USD/h${line}`);
  }

  drawOn(context, width, height, colours) {
    context.clearRect(0, 0, width, height);
    context.font = `11px ${colours.font}`;
    const { dark } = colours;
    this.showLegend(dark);
    if (!this.cost) return null;
    const count = this.edges[0]?.[1].length ?? 0;
    const most = Math.max(0.01, ...(this.edges.at(-1)?.[1] ?? []), ...this.inView(count));
    const ticks = roundTicks(most);
    const box = { count, across: (width - EDGE.left - EDGE.right) / count, up: (height - EDGE.top - EDGE.bottom) / ticks.at(-1),
      floor: height - EDGE.bottom, right: width - EDGE.right };
    this.drawGrid(context, box, ticks, colours);
    this.edges.forEach((edge, i) => this.drawArea(context, box, edge[1], this.edges[i - 1]?.[1], areaColour(edge[0], i, dark)));
    this.drawBound(context, box, colours);
    if (this.place !== null) this.drawCursor(context, box, colours);
    return box;
  }

  /** What the bound says in the middle of each stretch. */
  inView(count) {
    return Array.from({ length: count }, (_, i) => boundAt(this.bound, this.timeOf(i)) ?? 0);
  }

  drawGrid(context, { floor, right, up }, ticks, colours) {
    context.strokeStyle = colours.grid;
    context.fillStyle = colours.text;
    context.lineWidth = 1;
    context.textAlign = "right";
    for (const tick of ticks) {
      const y = Math.round(floor - tick * up) + 0.5;
      context.beginPath();
      context.moveTo(EDGE.left, y);
      context.lineTo(right, y);
      context.stroke();
      context.fillText(String(tick), EDGE.left - 6, y + 4);
    }
    context.textAlign = "left";
    context.fillText(clock(this.cost.since), EDGE.left, floor + 16);
    context.textAlign = "right";
    const count = this.edges[0]?.[1].length ?? 0;
    context.fillText(clock(new Date(1000 * this.timeOf(count - 0.5)).toISOString()), right, floor + 16);
    context.textAlign = "left";
  }

  drawArea(context, { floor, across, up }, upper, lower, colour) {
    const line = (values, i) => floor - (values?.[i] ?? 0) * up;
    context.beginPath();
    context.moveTo(EDGE.left, line(upper, 0));
    upper.forEach((_, i) => {
      context.lineTo(EDGE.left + i * across, line(upper, i));
      context.lineTo(EDGE.left + (i + 1) * across, line(upper, i));
    });
    for (let i = upper.length - 1; i >= 0; i -= 1) {
      context.lineTo(EDGE.left + (i + 1) * across, line(lower, i));
      context.lineTo(EDGE.left + i * across, line(lower, i));
    }
    context.closePath();
    context.fillStyle = colour;
    context.globalAlpha = 0.8;
    context.fill();
    context.globalAlpha = 1;
  }

  drawBound(context, { count, floor, across, up }, colours) {
    if (!this.bound.length) return;
    for (const [colour, width] of [[colours.background, 5], [colours.strong, 2]]) {
      context.beginPath();
      let open = false;
      for (let i = 0; i < count; i += 1) {
        const usd = boundAt(this.bound, this.timeOf(i));
        if (usd === null) continue;
        const y = floor - usd * up;
        if (open) context.lineTo(EDGE.left + i * across, y);
        else context.moveTo(EDGE.left + i * across, y);
        context.lineTo(EDGE.left + (i + 1) * across, y);
        open = true;
      }
      context.strokeStyle = colour;
      context.lineWidth = width;
      context.setLineDash(width === 2 ? [6, 4] : []);
      context.stroke();
    }
    context.setLineDash([]);
    context.lineWidth = 1;
  }

  drawCursor(context, { floor, across }, colours) {
    const x = Math.round(EDGE.left + (this.place + 0.5) * across) + 0.5;
    context.strokeStyle = colours.strong;
    context.beginPath();
    context.moveTo(x, EDGE.top);
    context.lineTo(x, floor);
    context.stroke();
  }

  showLegend(dark) {
    const at = this.place ?? (this.edges?.[0]?.[1].length ?? 1) - 1;
    const groups = Object.entries(this.cost?.groups ?? {}).map(([name, values], i) => [name === "__idle__" ? "idle" : name || this.labels.empty, values[at], areaColour(name, i, dark)]);
    const shown = groups.filter(([, usd]) => usd > 0);
    const key = JSON.stringify([shown, this.bound.length > 0, dark]);
    if (key === this.key) return;
    this.key = key;
    this.legend.replaceChildren(
      ...shown.map(([name, usd, colour]) => h("li", {}, h("span", { class: "kl-swatch", style: `background: ${colour}` }),
        `${name} ${usd.toFixed(2)}`)),
      ...(this.bound.length ? [h("li", {}, h("span", { class: "kl-bound-key" }), this.labels.line)] : []));
  }
}

function clock(text) {
  return `${text.slice(5, 10)} ${text.slice(11, 16)}`;
}
