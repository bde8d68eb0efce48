// The curves of all trials of a sweep, and the best objective so far.

import { Series, short } from "./chart.js";
import { Chart, h } from "./elements.js";

/** States of trials that came to nothing, or were not let come to anything. */
export const DIMMED = new Set(["EarlyStopped", "Failed", "Killed", "MetricsUnavailable"]);
/** States of trials that the best is chosen from. */
const JUDGED = new Set(["Succeeded", "EarlyStopped"]);
const BEST = 1;
const POINTED = 2;
const CHOSEN = 3;
/** So many lines can be told apart. */
const CROWD = 30;

/** How a trial is drawn, in every picture of a sweep; the more there are, the fainter those that ended. */
export function trialLook(row, { best, chosen, count = 0 }, theme) {
  const faint = Math.min(1, Math.sqrt(CROWD / count));
  if (row?.number === best) return { colour: theme.palette[BEST], width: 2.5, shape: "diamond" };
  if (row?.number === chosen) return { colour: theme.palette[CHOSEN], width: 2.5, shape: "square" };
  if (DIMMED.has(row?.state)) return { colour: theme.text, width: 1, dash: [3, 3], alpha: 0.4 * faint };
  if (row?.state === "Running") return { colour: theme.palette[0], width: 1.5, shape: "circle" };
  return { colour: theme.palette[0], width: 1, alpha: 0.6 * faint };
}

/** What lies over what: the best, the chosen, those that run, those that ended, those dimmed. */
export function order(row, { best, chosen }) {
  if (row?.number === best) return 0;
  if (row?.number === chosen) return 1;
  if (row?.state === "Running") return 2;
  return DIMMED.has(row?.state) ? 4 : 3;
}

/** Every trial's curve of one metric. */
export class TrialCurves extends Chart {
  constructor() {
    super("", { heads: ["trial", "step", "value"] });
    this.robust = true;
    this.marks = {};
    this.rows = new Map();
    this.look = (one, theme) => one === this.pointed
      ? { colour: theme.palette[POINTED], width: 2.5, shape: "triangle" }
      : trialLook(this.rows.get(one.rank), this.marks, theme);
    this.foot.append(legend());
  }

  /** `marks` names the best trial and the chosen one. */
  show(metric, series, rows, marks) {
    this.rows = rows;
    this.marks = marks;
    const place = (one) => order(rows.get(one.rank), marks);
    super.show(metric, [...series].sort((a, b) => place(a) - place(b) || a.rank - b.rank));
  }

  words() {
    const known = this.series.filter((one) => one.values.some(Number.isFinite));
    if (!known.length) return `${this.metric}: no values yet.`;
    const best = known.find((one) => one.rank === this.marks.best);
    const trials = known.length === 1 ? "1 trial" : `${known.length} trials`;
    const now = best ? ` Trial ${best.rank}, the best, is at ${short(best.values.at(-1))} at step ${best.steps.at(-1)}.` : "";
    return `${this.metric} of ${trials} over steps.${now}`;
  }

  /** Name the trial nearest to the pointer, or the best. */
  read() {
    this.pointed = this.nearest();
    const one = this.pointed ?? this.series.find((each) => each.rank === this.marks.best);
    if (!one?.steps.length) return this.readout.replaceChildren();
    const at = this.cursor === null ? one.steps.length - 1 : one.nearest(this.cursor);
    const state = one.rank === this.marks.best ? "best" : (this.rows.get(one.rank)?.state ?? "");
    this.readout.replaceChildren(
      h("span", { class: "kl-value" }, `trial ${one.rank} (${state}), step ${one.steps[at]}  `, h("b", {}, short(one.values[at]))));
  }

  /** The series that passes nearest to the pointer; none where the arrow keys read the best. */
  nearest() {
    if (this.cursor === null || this.height === null || !this.plot) return null;
    const { x, y } = this.plot;
    const away = (one) => {
      const i = one.nearest(this.cursor);
      if (i < 0 || !Number.isFinite(one.values[i])) return Infinity;
      return Math.hypot(x(one.steps[i]) - x(this.cursor), y(one.values[i]) - this.height);
    };
    let [nearest, least] = [null, Infinity];
    for (const one of this.series) {
      const distance = away(one);
      if (distance < least) [nearest, least] = [one, distance];
    }
    return nearest;
  }

  latest(one) {
    return super.latest(one).slice(-1);
  }
}

function legend() {
  const entry = (kind, words) => h("span", { class: "kl-key", "data-kind": kind }, words);
  return h("p", { class: "kl-legend" }, entry("best", "best"), entry("running", "running"), entry("ended", "ended"),
    entry("dimmed", "stopped or failed"));
}

/** The objective of each trial that ended, and the best so far. */
export class BestSoFar extends Chart {
  constructor() {
    super("best so far", { heads: ["", "trial", "value"] });
    this.robust = true;
    this.look = (one, theme) => one.rank === 0
      ? { colour: theme.palette[BEST], width: 2, stepped: true, shape: "diamond" }
      : { colour: theme.palette[0], width: 1, dots: true, shape: "circle", alpha: 0.7 };
  }

  show(objective, rows, direction) {
    const key = JSON.stringify([objective, direction, rows.map((row) => [row.number, row.objective, row.state])]);
    if (key === this.key) return;
    this.key = key;
    super.show(objective, bestSoFar(rows, direction));
  }

  words() {
    const [best] = this.series;
    if (!best?.steps.length) return `best ${this.metric} so far: none yet.`;
    return `best ${this.metric} so far: ${short(best.values[0])} with trial ${best.steps[0]}, ` +
      `${short(best.values.at(-1))} after trial ${best.steps.at(-1)}.`;
  }

  read() {
    const [best, each] = this.series;
    if (!best?.steps.length) return this.readout.replaceChildren();
    const at = this.cursor === null ? best.steps.length - 1 : best.nearest(this.cursor);
    const trial = this.cursor === null ? "" : `trial ${best.steps[at]}: ${short(each.values[at])}, best so far  `;
    this.readout.replaceChildren(h("span", { class: "kl-value" }, trial, h("b", {}, short(best.values[at]))));
  }

  latest(one) {
    return super.latest(one).map(([rank, ...rest]) => [rank === 0 ? "best so far" : "trial", ...rest]);
  }
}

/** Two series over trial numbers: the best so far, and each trial's own value. */
export function bestSoFar(rows, direction) {
  const [best, each] = [new Series("best so far", 0, Infinity), new Series("trial", 1, Infinity)];
  const better = direction === "maximize" ? Math.max : Math.min;
  let reached = null;
  for (const { number, objective } of rows.filter((row) => JUDGED.has(row.state) && Number.isFinite(row.objective))) {
    reached = reached === null ? objective : better(reached, objective);
    best.push(number, reached);
    each.push(number, objective);
  }
  return [best, each];
}
