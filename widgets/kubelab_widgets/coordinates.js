// Parallel coordinates: a line for each trial through its parameters and its objective.

import { short, withoutOutliers } from "./chart.js";
import { Picture } from "./elements.js";
import { order, trialLook } from "./sweep_charts.js";

const MARGIN = { top: 26, right: 34, bottom: 20, left: 34 };
const MOST_TEXTS = 8;

/** The picture of a space: axes of its parameters, then the objective with the better end up. */
export class Coordinates extends Picture {
  constructor() {
    super("parameters");
    this.axes = [];
    this.rows = [];
    this.marks = {};
  }

  show(sweep, axes, rows, marks) {
    const key = JSON.stringify([axes, marks, sweep.direction, rows.map((row) => [row.values, row.objective, row.state])]);
    if (key === this.key) return;
    this.key = key;
    this.rows = rows.filter((row) => Number.isFinite(row.objective));
    this.axes = [...axes, objectiveAxis(sweep, this.rows)];
    this.marks = marks;
    this.schedule();
  }

  words() {
    const names = this.axes.map((axis) => axis.name).join(", ");
    const best = this.rows.find((row) => row.number === this.marks.best);
    const values = best ? [...best.values, best.objective] : [];
    const said = this.axes.flatMap((axis, i) => (known(values[i]) ? [`${axis.name} ${shown(values[i])}`] : []));
    const words = best ? ` The best, trial ${best.number}: ${said.join(", ")}.` : "";
    return `Parallel coordinates of ${this.rows.length} trials: ${names}.${words}`;
  }

  read() {}

  drawOn(context, width, height, theme) {
    context.clearRect(0, 0, width, height);
    context.font = `11px ${theme.font}`;
    const gap = (width - MARGIN.left - MARGIN.right) / Math.max(1, this.axes.length - 1);
    const x = (i) => Math.round(MARGIN.left + i * gap) + 0.5;
    const y = (place) => MARGIN.top + (1 - place) * (height - MARGIN.top - MARGIN.bottom);
    const below = [...this.rows].sort((a, b) => order(b, this.marks) - order(a, this.marks));
    for (const row of below) this.drawTrial(context, row, x, y, trialLook(row, { ...this.marks, count: this.rows.length }, theme));
    this.axes.forEach((axis, i) => drawAxis(context, axis, x(i), y, gap, theme));
    return null;
  }

  drawTrial(context, row, x, y, { colour, width, alpha = 1 }) {
    context.strokeStyle = colour;
    context.lineWidth = width;
    context.globalAlpha = alpha;
    const places = [...row.values, row.objective].map((value, i) => placeOn(this.axes[i], value));
    const through = places.flatMap((place, i) => (place === null ? [] : [{ i, x: x(i), y: y(place) }]));
    through.slice(1).forEach((to, at) => {
      const from = through[at];
      // Past an axis on which the trial has no value, the line is dotted.
      context.setLineDash(to.i - from.i > 1 ? [1, 4] : []);
      context.beginPath();
      context.moveTo(from.x, from.y);
      context.lineTo(to.x, to.y);
      context.stroke();
    });
    context.setLineDash([]);
    context.globalAlpha = 1;
  }
}

/** Where a value lies on its axis, from 0 to 1; null where the trial has none. */
export function placeOn(axis, value) {
  if (!known(value)) return null;
  if (axis.scale === "choice") {
    const at = axis.texts.indexOf(value);
    return at < 0 ? null : (at + 0.5) / axis.texts.length;
  }
  const scaled = axis.scale === "log" ? Math.log : (number) => number;
  const [low, high] = [scaled(axis.low), scaled(axis.high)];
  const place = high === low ? 0.5 : (scaled(value) - low) / (high - low);
  return Math.max(0, Math.min(1, axis.upside ? 1 - place : place));
}

function objectiveAxis(sweep, rows) {
  const values = withoutOutliers(rows.map((row) => row.objective));
  const [low, high] = values.length ? [values[0], values.at(-1)] : [0, 1];
  return { name: sweep.objective, scale: "linear", low, high, upside: sweep.direction === "minimize" };
}

function drawAxis(context, axis, x, y, gap, theme) {
  context.strokeStyle = theme.text;
  context.fillStyle = theme.text;
  context.lineWidth = 1;
  context.beginPath();
  context.moveTo(x, y(1));
  context.lineTo(x, y(0));
  context.stroke();
  context.textAlign = "center";
  context.textBaseline = "bottom";
  context.fillText(fitting(context, axis.name, gap - 6), x, y(1) - 13);
  if (axis.scale !== "choice") {
    context.fillText(short(axis.upside ? axis.low : axis.high), x, y(1) - 1);
    context.textBaseline = "top";
    context.fillText(short(axis.upside ? axis.high : axis.low), x, y(0) + 4);
    return;
  }
  context.textBaseline = "middle";
  context.textAlign = "left";
  const every = Math.ceil(axis.texts.length / MOST_TEXTS);
  axis.texts.forEach((text, i) => {
    if (i % every === 0) drawOver(context, fitting(context, text, gap - 12), x + 5, y((i + 0.5) / axis.texts.length), theme);
  });
}

/** A text that stays readable over lines. */
function drawOver(context, text, x, y, theme) {
  context.lineWidth = 3;
  context.strokeStyle = theme.background;
  context.strokeText(text, x, y);
  context.fillText(text, x, y);
}

function fitting(context, text, width) {
  if (!(context.measureText(text)?.width > width)) return text;
  let kept = text;
  while (kept.length > 1 && context.measureText(`${kept}…`).width > width) kept = kept.slice(0, -1);
  return `${kept}…`;
}

function known(value) {
  return value !== null && value !== undefined;
}

/** A value as a reader would write it. */
export function shown(value) {
  if (!known(value)) return "";
  return typeof value === "number" ? short(value) : String(value);
}
