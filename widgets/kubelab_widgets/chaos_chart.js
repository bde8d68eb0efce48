// What was seen of a job over time, with the time marked in which something was broken.

import { draw, short } from "./chart.js";
import { Chart, h } from "./elements.js";

/** One value over seconds since the first look; `shadow([from, to])` marks a fault, to null while it holds. */
export class FaultChart extends Chart {
  constructor(title, { place, unit, stepped = false, fromZero = false }) {
    super(title, { fromZero, heads: ["second", unit] });
    Object.assign(this, { name: title, unit, span: null });
    this.look = (_one, colours) => ({ colour: colours.palette[place], width: 2, stepped });
  }

  shadow(span) {
    this.span = span;
    this.schedule();
  }

  words() {
    const points = this.points();
    if (!points.length) return `${this.name}: nothing seen yet.`;
    const [first, last] = [points[0], points.at(-1)];
    const said = `${this.name}: ${short(first[1])} at ${seconds(first[0])}, ${short(last[1])} at ${seconds(last[0])}.`;
    if (!this.span) return said;
    const [from, to] = this.span;
    if (from === to) return `${said} The fault came at ${seconds(from)}.`;
    return `${said} The fault held from ${seconds(from)}${to === null ? " on" : ` to ${seconds(to)}`}.`;
  }

  points() {
    return this.series.flatMap((one) => one.steps.map((at, i) => [at, one.values[i]]));
  }

  read() {
    const one = this.series[0];
    const place = !one ? -1 : this.cursor === null ? one.steps.length - 1 : one.nearest(this.cursor);
    const value = place < 0 ? [] : [seconds(one.steps[place]), h("b", {}, `${short(one.values[place])} ${this.unit}`)];
    this.readout.replaceChildren(...value.map((part) => h("span", { class: "kl-value" }, part)));
  }

  latest(one) {
    return one.steps.map((at, i) => [seconds(at), short(one.values[i])]).slice(-20);
  }

  drawOn(context, width, height, colours) {
    const plot = draw(context, width, height, this.series, colours, this);
    if (!this.span || !this.points().length) return plot;
    const inside = (x) => Math.max(plot.left, Math.min(plot.right, x));
    const [from, to] = [inside(plot.x(this.span[0])), this.span[1] === null ? plot.right : inside(plot.x(this.span[1]))];
    context.fillStyle = colours.palette[1];
    context.globalAlpha = 0.18;
    context.fillRect(from, plot.top, Math.max(2, to - from), plot.bottom - plot.top);
    context.globalAlpha = 1;
    context.textBaseline = "top";
    context.textAlign = "left";
    context.fillStyle = colours.strong;
    context.fillText("fault", Math.min(from + 4, plot.right - 30), plot.top + 2);
    return plot;
  }
}

function seconds(at) {
  return `${at.toFixed(1)} s`;
}
