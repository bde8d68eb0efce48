// A live line chart on a canvas: bounded series, round axes, one colour, dash and shape for each rank,
// and a sentence that says what the picture shows. No dependency; panels import what they need.

/** Colours that colour-blind readers tell apart (Okabe and Ito), for light and dark backgrounds. */
export const PALETTES = {
  light: ["#0072b2", "#d55e00", "#00835f", "#a4457f"],
  dark: ["#56b4e9", "#e69f00", "#2fc79b", "#e39ac6"],
};
const DASHES = [[], [6, 3], [2, 3], [8, 3, 2, 3]];
const SHAPES = ["circle", "square", "triangle", "diamond"];
const SYMBOLS = ["●", "■", "▲", "◆"];
const LABEL_WIDTH = 95;
const MARGIN = { top: 12, right: 16, bottom: 26, left: 50 };

/**
 * Points of one metric of one rank. When it is full, every second point goes, and from then on only every
 * second new one is kept: the whole run stays in view, evenly, and the latest point is always there.
 */
export class Series {
  constructor(name, rank, capacity = 2048) {
    this.name = name;
    this.rank = rank;
    this.capacity = capacity;
    this.steps = [];
    this.values = [];
    this.count = 0;
    this.stride = 1;
    this.provisional = false;
  }

  push(step, value) {
    if (this.provisional) {
      this.steps.pop();
      this.values.pop();
    }
    this.provisional = this.count % this.stride !== 0;
    this.count += 1;
    this.steps.push(step);
    this.values.push(value);
    if (this.steps.length > this.capacity) this.halve();
  }

  halve() {
    const last = this.steps.length - 1;
    const kept = (_, i) => i % 2 === 0 || i === last;
    this.provisional ||= last % 2 === 1;
    this.steps = this.steps.filter(kept);
    this.values = this.values.filter(kept);
    this.stride *= 2;
  }

  /** Indexes where the step went back: the workers started again from a checkpoint. */
  restarts() {
    return this.steps.map((_, i) => i).filter((i) => i > 0 && this.steps[i] < this.steps[i - 1]);
  }

  /** The index of the latest point nearest to a step, or -1. */
  nearest(step) {
    let best = -1;
    this.steps.forEach((other, i) => {
      if (best < 0 || Math.abs(other - step) <= Math.abs(this.steps[best] - step)) best = i;
    });
    return best;
  }
}

/** A rank's shape as a character, for legends. */
export function symbol(rank) {
  return SYMBOLS[rank % SYMBOLS.length];
}

/** A number as a reader would write it: four significant digits at most. */
export function short(value) {
  if (!Number.isFinite(value)) return String(value);
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e6)) return value.toExponential(1).replace("e+", "e");
  return String(Number(value.toPrecision(size >= 1000 ? Math.ceil(Math.log10(size + 1)) : 3)));
}

/** Round axis ticks that cover [low, high]: steps of 1, 2 or 5 times a power of ten. */
export function ticks(low, high, count = 4) {
  const span = high - low || Math.abs(high) || 1;
  const raw = span / count;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((m) => m * power).find((s) => s >= raw * 0.999);
  const first = Math.floor(low / step + 1e-9);
  const last = Math.max(Math.ceil(high / step - 1e-9), first + 1);
  return Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}

/** What the chart shows, in words: for screen readers and for those who cannot tell its colours. */
export function describe(metric, series) {
  const filled = series.filter((one) => one.values.some(Number.isFinite));
  if (!filled.length) return `${metric}: no values yet.`;
  return filled.map((one) => describeOne(metric, one, filled.length > 1)).join(" ");
}

function describeOne(metric, one, several) {
  const shown = one.steps.map((_, i) => i).filter((i) => Number.isFinite(one.values[i]));
  const [first, last] = [shown[0], shown[shown.length - 1]];
  const restarts = one.restarts().length;
  const who = several ? `${metric} of rank ${one.rank}` : metric;
  const again = restarts ? ` The workers started again ${restarts === 1 ? "once" : `${restarts} times`}.` : "";
  return (
    `${who}: ${short(one.values[first])} at step ${one.steps[first]}, ` +
    `now ${short(one.values[last])} at step ${one.steps[last]}.${again}`
  );
}

/**
 * How the canvas is divided, and how steps and values map onto it. A rate's axis starts at zero (`fromZero`);
 * one of many runs leaves out what a few of them that diverge would stretch it to (`robust`).
 */
export function layout(width, height, series, { fromZero = false, robust = false } = {}) {
  const known = series.map((one) => one.values.filter(Number.isFinite));
  const finite = robust ? ordinary(known) : known.flat();
  const steps = series.flatMap((one) => one.steps);
  const [low, high] = finite.length ? extent(finite) : [0, 1];
  const [first, to] = steps.length ? extent(steps) : [0, 1];
  const from = first > 0 && first <= to * 0.1 ? 0 : first;
  const yTicks = ticks(low > 0 && (fromZero || low < high * 0.6) ? 0 : low, high);
  const xTicks = ticks(from, to, Math.max(3, Math.min(6, Math.floor(width / 70)))).filter(
    (t) => t >= from && t <= to && Number.isInteger(t),
  );
  const [bottom, top] = [yTicks[0], yTicks[yTicks.length - 1]];
  const inner = { width: width - MARGIN.left - MARGIN.right, height: height - MARGIN.top - MARGIN.bottom };
  return {
    xTicks,
    yTicks,
    x: (step) => MARGIN.left + ((step - from) / (to - from || 1)) * inner.width,
    y: (value) => MARGIN.top + (1 - (value - bottom) / (top - bottom || 1)) * inner.height,
    step: (x) => from + ((x - MARGIN.left) / (inner.width || 1)) * (to - from),
    left: MARGIN.left,
    right: width - MARGIN.right,
    top: MARGIN.top,
    bottom: height - MARGIN.bottom,
  };
}

/** What an axis of many runs covers: the extremes of most of them; of one or two series, most values. */
function ordinary(known) {
  if (known.length <= 2) return withoutOutliers(known.flat());
  return withoutOutliers(known.filter((values) => values.length).flatMap(extent), 1);
}

function extent(list) {
  return list.reduce(([a, b], v) => [Math.min(a, v), Math.max(b, v)], [Infinity, -Infinity]);
}

/** Values without the few that are farther out from the rest than `times` the width of these. */
export function withoutOutliers(values, times = 3) {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share) => sorted[Math.round(share * (sorted.length - 1))];
  const room = times * (at(0.95) - at(0.05)) || Infinity;
  return sorted.filter((value) => value >= at(0.05) - room && value <= at(0.95) + room);
}

/** A rank's colour, dash and shape; rank 0 is the thickest. */
function rankLook({ rank }, theme) {
  return {
    colour: theme.palette[rank % theme.palette.length],
    width: rank === 0 ? 2 : 1.5,
    dash: DASHES[rank % DASHES.length],
    shape: SHAPES[rank % SHAPES.length],
  };
}

/**
 * Draw series of one metric, the first over the others; `theme` has the colours of text and grid, a font and a
 * palette; `look` gives a series' colour, width, dash, alpha, the shape of its last point, and whether it is
 * `stepped` or only `dots`.
 */
export function draw(context, width, height, series, theme, options = {}) {
  const { cursor = null, look = rankLook } = options;
  const plot = layout(width, height, series, options);
  context.clearRect(0, 0, width, height);
  context.font = `11px ${theme.font}`;
  if (!series.some((one) => one.values.some(Number.isFinite))) {
    drawNothing(context, width, height, theme);
    return plot;
  }
  drawAxes(context, plot, theme);
  context.save();
  context.beginPath();
  context.rect(plot.left - 6, plot.top - 6, plot.right - plot.left + 12, plot.bottom - plot.top + 12);
  context.clip();
  for (const one of [...series].reverse()) drawSeries(context, plot, one, look(one, theme));
  context.restore();
  if (series.length) drawRestarts(context, plot, series[0], theme);
  if (cursor !== null) drawCursor(context, plot, series, theme, cursor, look);
  return plot;
}

function drawNothing(context, width, height, theme) {
  context.fillStyle = theme.text;
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.fillText("no values yet", width / 2, height / 2);
}

function drawAxes(context, plot, theme) {
  context.strokeStyle = theme.grid;
  context.fillStyle = theme.text;
  context.lineWidth = 1;
  context.setLineDash([]);
  context.textBaseline = "middle";
  context.textAlign = "right";
  for (const tick of plot.yTicks) {
    const y = Math.round(plot.y(tick)) + 0.5;
    line(context, plot.left, y, plot.right, y);
    context.fillText(short(tick), plot.left - 8, y);
  }
  context.textBaseline = "top";
  context.textAlign = "center";
  for (const tick of plot.xTicks) context.fillText(String(tick), plot.x(tick), plot.bottom + 8);
}

function drawSeries(context, plot, one, { colour, width, dash = [], alpha = 1, shape, stepped, dots }) {
  context.globalAlpha = alpha;
  context.strokeStyle = colour;
  context.fillStyle = colour;
  context.lineWidth = width;
  context.lineJoin = "round";
  context.setLineDash(dash);
  if (dots) drawDots(context, plot, one, shape);
  else drawLine(context, plot, one, stepped);
  context.setLineDash([]);
  const last = one.values.length - 1;
  if (shape && !dots && last >= 0 && Number.isFinite(one.values[last])) {
    mark(context, shape, plot.x(one.steps[last]), plot.y(one.values[last]), 4);
  }
  context.globalAlpha = 1;
}

function drawLine(context, plot, one, stepped) {
  context.beginPath();
  let pen = false;
  one.steps.forEach((step, i) => {
    if (i && step < one.steps[i - 1]) pen = false;
    if (!Number.isFinite(one.values[i])) pen = false;
    else if (pen) {
      if (stepped) context.lineTo(plot.x(step), plot.y(one.values[i - 1]));
      context.lineTo(plot.x(step), plot.y(one.values[i]));
    } else {
      context.moveTo(plot.x(step), plot.y(one.values[i]));
      pen = true;
    }
  });
  context.stroke();
}

function drawDots(context, plot, one, shape) {
  one.steps.forEach((step, i) => {
    if (Number.isFinite(one.values[i])) mark(context, shape, plot.x(step), plot.y(one.values[i]), 3);
  });
}

function drawRestarts(context, plot, one, theme) {
  context.strokeStyle = theme.text;
  context.fillStyle = theme.text;
  context.textBaseline = "top";
  for (const i of one.restarts()) {
    const x = Math.round(plot.x(one.steps[i])) + 0.5;
    const right = plot.right - x > LABEL_WIDTH;
    context.textAlign = right ? "left" : "right";
    context.setLineDash([3, 3]);
    line(context, x, plot.top, x, plot.bottom);
    context.setLineDash([]);
    if (!right && x - plot.left < LABEL_WIDTH) continue;
    context.fillText(`resumed at ${one.steps[i]}`, x + (right ? 5 : -5), plot.top);
  }
}

function drawCursor(context, plot, series, theme, step, look) {
  const x = Math.round(plot.x(step)) + 0.5;
  context.strokeStyle = theme.text;
  context.setLineDash([]);
  line(context, x, plot.top, x, plot.bottom);
  for (const one of series) {
    const i = one.nearest(step);
    if (i < 0 || !Number.isFinite(one.values[i])) continue;
    const { colour, shape } = look(one, theme);
    if (!shape) continue;
    context.fillStyle = colour;
    mark(context, shape, plot.x(one.steps[i]), plot.y(one.values[i]), 4.5);
  }
}

function line(context, x1, y1, x2, y2) {
  context.beginPath();
  context.moveTo(x1, y1);
  context.lineTo(x2, y2);
  context.stroke();
}

function mark(context, shape, x, y, size) {
  const corners = {
    square: [[-1, -1], [1, -1], [1, 1], [-1, 1]],
    triangle: [[0, -1.2], [1.1, 0.9], [-1.1, 0.9]],
    diamond: [[0, -1.3], [1.3, 0], [0, 1.3], [-1.3, 0]],
  }[shape];
  context.beginPath();
  if (corners) corners.forEach(([dx, dy], i) => context[i ? "lineTo" : "moveTo"](x + dx * size, y + dy * size));
  else context.arc(x, y, size, 0, 2 * Math.PI);
  context.closePath();
  context.fill();
}
