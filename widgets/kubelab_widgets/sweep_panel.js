// The panel of a sweep: curves of all trials, the best so far, what was chosen and what mattered; steer it.

import { Coordinates } from "./coordinates.js";
import { h, say } from "./elements.js";
import { PanelState } from "./panel_state.js";
import { AskingButton, Notice, Speaker, badge, button, chooseMetric, replaceIfChanged, widget } from "./parts.js";
import { BestSoFar, TrialCurves } from "./sweep_charts.js";
import { TrialTable } from "./trial_table.js";
import { short } from "./chart.js";

const OVER = new Set(["Succeeded", "Failed", "Deleted"]);

export default () => widget(() => new PanelState({ sweep: null, axes: [], importances: {} }), SweepView);

class SweepView {
  constructor(state, send) {
    this.state = state;
    this.send = send;
    this.chosen = null;
    this.notice = new Notice();
    this.curves = new TrialCurves();
    this.history = new BestSoFar();
    this.coordinates = new Coordinates();
    this.table = new TrialTable((number) => this.choose(number));
    this.element = h("section", { class: "kl-panel", "aria-label": "Sweep", "data-lm-suppress-shortcuts": "true" },
      this.buildHead(), this.notice.element, this.buildBody());
    this.listener = () => this.update();
    state.listeners.add(this.listener);
  }

  buildHead() {
    this.name = h("h3", { class: "kl-name" });
    this.phase = h("span", { class: "kl-phase" });
    this.progressText = h("span", { class: "kl-progress-text" });
    this.progress = h("progress", { class: "kl-progress", max: "1", "aria-label": "Trials that ended" });
    this.pause = button("Pause", () => this.send({ type: this.paused() ? "resume" : "pause" }));
    this.pause.title = "Starts no more trials; those that run go on.";
    this.stop = new AskingButton("Stop", "Stop all trials?", () => this.send({ type: "stop" })).element;
    this.stop.title = "Ends the sweep and the trials that run; what they reported stays.";
    this.promote = button("Promote best", () => this.send({ type: "promote" }));
    this.promote.title = "Runs the best trial's function once more, as a job of its own.";
    this.speaker = new Speaker();
    return h("header", { class: "kl-head" }, this.name, this.phase, this.progress, this.progressText,
      h("div", { class: "kl-actions" }, this.buildAdding(), this.pause, this.stop, this.promote), this.speaker.element);
  }

  buildAdding() {
    this.count = h("input", { type: "text", inputmode: "numeric", class: "kl-count-field", value: "5",
      "aria-label": "How many trials to add" });
    this.add = button("Add trials", () => this.addTrials());
    return h("span", { class: "kl-adding" }, this.count, this.add);
  }

  buildBody() {
    this.metric = h("select", { class: "kl-metric", "aria-label": "Metric", onchange: () => this.showCurves() });
    this.curves.title.replaceChildren(this.metric);
    this.importances = h("ol", { class: "kl-importances", "aria-label": "Parameter importance" });
    this.body = h("div", { class: "kl-run-body kl-sweep" },
      h("div", { class: "kl-charts" }, this.curves.element, this.history.element),
      h("div", { class: "kl-charts kl-parameters" }, this.coordinates.element,
        h("div", {}, h("span", { class: "kl-chart-title" }, "what mattered"), this.importances)),
      this.table.element);
    return this.body;
  }

  paused() {
    return this.state.sections.sweep?.phase === "Paused";
  }

  addTrials() {
    const count = Number(this.count.value);
    const valid = Number.isInteger(count) && count > 0;
    this.count.setAttribute("aria-invalid", !valid);
    if (valid) this.send({ type: "add", count });
    else this.count.focus();
  }

  /** Show a trial in all pictures; once more, and it is as before. */
  choose(number) {
    this.chosen = this.chosen === number ? null : number;
    this.update();
  }

  update() {
    const { sweep, notice, busy } = this.state.sections;
    this.body.hidden = !sweep;
    this.showHead(sweep, busy);
    this.notice.show(notice ?? failure(sweep));
    if (!sweep) return;
    const { axes } = this.state.sections;
    const marks = { best: sweep.best, chosen: this.chosen };
    const rows = [...this.state.rows.values()].sort((a, b) => a.number - b.number);
    this.showCurves();
    this.history.show(sweep.objective, rows, sweep.direction);
    this.coordinates.show(sweep, axes, rows, marks);
    this.showImportances();
    this.table.show(sweep, axes, rows, marks);
  }

  showHead(sweep, busy) {
    say(this.name, sweep ? sweep.name : "Sweep");
    for (const each of [this.phase, this.progress, this.pause, this.stop, this.promote]) each.hidden = !sweep;
    this.add.hidden = this.count.hidden = !sweep || sweep.phase === "Deleted";
    if (!sweep) return;
    const active = !OVER.has(sweep.phase);
    badge(this.phase, sweep.phase);
    this.progress.value = sweep.max_trials ? Math.min(1, sweep.ended / sweep.max_trials) : 0;
    this.progress.hidden = !sweep.max_trials;
    say(this.progressText, this.progressWords(sweep));
    this.pause.hidden = this.stop.hidden = !active;
    say(this.pause, this.paused() ? "Resume" : "Pause");
    this.promote.disabled = sweep.best === null || busy === "promote" || sweep.phase === "Deleted";
    this.speaker.tell(sweep.phase, `${sweep.name}: ${sweep.phase}, ${this.progressWords(sweep)}`);
  }

  progressWords(sweep) {
    const best = this.state.rows.get(sweep.best);
    const running = sweep.counts.Running ? `, ${sweep.counts.Running} running` : "";
    const found = best ? `, best ${sweep.objective} ${short(best.objective)}` : "";
    return `${sweep.ended}${sweep.max_trials ? `/${sweep.max_trials}` : ""} trials${running}${found}`;
  }

  showCurves() {
    const { sweep } = this.state.sections;
    const metric = chooseMetric(this.metric, this.state.metrics(), sweep?.objective);
    const series = this.state.of(metric);
    const marks = { best: sweep?.best, chosen: this.chosen, count: series.length };
    this.curves.show(metric, series, this.state.rows, marks);
  }

  showImportances() {
    const shares = Object.entries(this.state.sections.importances);
    replaceIfChanged(this.importances, shares.length ? shares : [null], (entry) => entry === null
      ? h("li", { class: "kl-why" }, "Said once enough trials have ended.")
      : h("li", {}, h("span", { class: "kl-parameter" }, entry[0]),
        h("span", { class: "kl-bar" }, h("span", { style: `width: ${(100 * entry[1]).toFixed(1)}%` })),
        h("span", { class: "kl-share" }, `${Math.round(100 * entry[1])} %`)));
  }

  close() {
    this.state.listeners.delete(this.listener);
    for (const picture of [this.curves, this.history, this.coordinates]) picture.close();
    this.element.remove();
  }
}

function failure(sweep) {
  return sweep?.phase === "Failed" ? { text: sweep.reason || "The sweep failed." } : null;
}
