// The panel that breaks things under a job: choose a fault and what is expected, watch, and read the verdict.

import { FaultChart } from "./chaos_chart.js";
import { h, headRow, say } from "./elements.js";
import { PanelState } from "./panel_state.js";
import { Notice, Speaker, button, replaceIfChanged, widget } from "./parts.js";

const EMPTY = { job: "", form: null, stage: null, verdict: null, span: null, experiments: [] };
const STAGES = { dry: "asking whom it would hit", before: "waiting until the job runs and what is expected holds", during: "broken now", after: "undone; waiting until what is expected holds" };
const OUTCOMES = { held: "✓ held", broken: "✕ did not hold",
  "no effect": "○ held, but the fault touched nothing", "not steady": "○ did not hold before either: nothing was broken",
  refused: "○ refused: nothing was broken", "dry run": "○ dry run: nothing was broken" };
const VERDICTS = { Held: "✓ Held", Broken: "✕ Broken", "No effect": "○ No effect", Unobserved: "○ Unobserved" };
const OVER = new Set(["Ended", "Refused"]);
const FIRST = "kill-pod";

export default () => widget(() => new PanelState({ ...EMPTY }), ChaosPage);

class ChaosPage {
  constructor(state, send) {
    this.state = state;
    this.send = send;
    this.notice = new Notice();
    this.speaker = new Speaker();
    this.name = h("h3", { class: "kl-name" });
    this.doing = h("span", { class: "kl-progress-text" });
    this.element = h("section", { class: "kl-panel kl-chaos", "aria-label": "Chaos", "data-lm-suppress-shortcuts": "true" },
      h("header", { class: "kl-head" }, this.name, this.doing, this.speaker.element), this.notice.element,
      this.buildForm(), this.buildVerdict(), this.buildCharts(), this.buildTable());
    this.listener = () => this.update();
    state.listeners.add(this.listener);
  }

  buildForm() {
    this.fault = h("select", { "aria-label": "Fault", onchange: () => this.choose(this.fault.value) });
    this.expect = h("select", { "aria-label": "Expected" });
    this.fields = h("span", { class: "kl-act-group" });
    this.says = h("p", { class: "kl-hint" });
    this.seed = number("Seed", "0");
    this.most = number("Pods at most", "");
    this.most.placeholder = "the job's";
    this.dry = button("Whom would it hit?", () => this.start(true));
    this.dry.title = "A dry run: nothing is touched.";
    this.run = button("Break it", () => this.start(false));
    this.run.setAttribute("class", "kl-button kl-primary");
    this.undo = button("Undo now", () => this.send({ type: "undo" }));
    return h("div", { class: "kl-act kl-chaos-form" },
      h("span", { class: "kl-act-group" }, field("Fault", this.fault), this.fields, field("Seed", this.seed), field("Pods at most", this.most)),
      h("span", { class: "kl-act-group" }, field("Expected", this.expect), this.dry, this.run, this.undo), this.says);
  }

  buildVerdict() {
    this.outcome = h("p", { class: "kl-chaos-outcome" });
    this.evidence = h("ul", { class: "kl-steps" });
    this.verdict = h("div", { class: "kl-chaos-verdict", role: "group", "aria-label": "Verdict", hidden: true }, this.outcome, this.evidence);
    return this.verdict;
  }

  buildCharts() {
    this.steps = new FaultChart("Newest step, over seconds", { place: 0, unit: "steps" });
    this.workers = new FaultChart("Workers that run, over seconds", { place: 2, unit: "workers", stepped: true, fromZero: true });
    this.charts = h("div", { class: "kl-charts", hidden: true }, this.steps.element, this.workers.element);
    return this.charts;
  }

  buildTable() {
    this.rows = h("tbody");
    this.shown = [];
    this.table = h("div", { class: "kl-scroll kl-chaos-table", tabindex: "0", role: "group", "aria-label": "Experiments", hidden: true },
      h("table", {}, h("thead", {}, headRow("time", "fault", "expected", "phase", "verdict", "evidence")), this.rows));
    return this.table;
  }

  /** Offer a fault's own parameters, with its defaults. */
  choose(fault) {
    const { says, expect, fields } = this.state.sections.form.faults[fault];
    this.inputs = new Map(fields.map(({ name, label, value }) => [name, number(label, value)]));
    this.fields.replaceChildren(...fields.map(({ name, label }) => field(label, this.inputs.get(name))));
    this.expect.value = expect;
    say(this.says, says);
  }

  start(dry) {
    const values = Object.fromEntries([...this.inputs].map(([name, input]) => [name, input.value]));
    this.send({ type: "break", fault: this.fault.value, expect: this.expect.value, dry,
      values: { ...values, seed: this.seed.value, max_pods: this.most.value } });
  }

  update() {
    const { job, form, stage, verdict, span, experiments, notice, busy } = this.state.sections;
    this.fill(form);
    this.notice.show(notice);
    say(this.name, job);
    const words = stage && busy ? `${stage.fault}: ${STAGES[stage.name]}` : "";
    say(this.doing, words);
    this.run.disabled = this.dry.disabled = Boolean(busy);
    this.undo.disabled = !busy && experiments.every((each) => OVER.has(each.phase));
    this.showVerdict(verdict);
    const said = words || (verdict ? this.outcome.textContent : "");
    this.speaker.tell(said, said);
    const seen = this.state.of("step").length + this.state.of("workers that run").length > 0;
    this.charts.hidden = !seen;
    for (const [chart, name] of [[this.steps, "step"], [this.workers, "workers that run"]]) {
      chart.show(name, this.state.of(name));
      chart.shadow(span);
    }
    this.table.hidden = !experiments.length;
    const open = new Set(this.shown.filter(({ details }) => details.open).map(({ name }) => name));
    const rows = experiments.map((one, place) => ({ ...one, isWatched: Boolean(busy) && place === 0 }));
    replaceIfChanged(this.rows, rows, (one) => this.experimentRow(one, open.has(one.name)));
  }

  /** A row whose evidence stays open when it is made anew. */
  experimentRow(one, open) {
    const details = h("details", { open }, h("summary", {}, one.hits), h("ul", { class: "kl-steps" }, ...one.evidence.map((text) => h("li", {}, text))));
    this.shown = [...this.shown.filter(({ name }) => name !== one.name), { name: one.name, details }];
    const isJudged = OVER.has(one.phase) && !(one.verdict === "Unobserved" && (one.isWatched || one.phase === "Refused"));
    return h("tr", { class: one.phase === "Active" ? "kl-chaos-active" : null },
      h("td", {}, one.created.slice(11, 19)), h("th", { scope: "row" }, one.fault), h("td", {}, one.expects),
      h("td", {}, one.phase === "Active" ? "⚡ Active" : one.phase || "Waiting"),
      h("td", {}, isJudged ? (VERDICTS[one.verdict] ?? one.verdict) : ""), h("td", { class: "kl-why" }, details));
  }

  fill(form) {
    if (!form || this.inputs) return;
    this.fault.replaceChildren(...Object.keys(form.faults).map((name) => h("option", { value: name, selected: name === FIRST }, name)));
    this.expect.replaceChildren(...form.hypotheses.map((text) => h("option", { value: text }, text)));
    this.choose(FIRST);
  }

  showVerdict(verdict) {
    this.verdict.hidden = !verdict;
    if (!verdict) return;
    this.verdict.dataset.outcome = verdict.outcome;
    say(this.outcome, `${verdict.fault}: “${verdict.expects}” ${OUTCOMES[verdict.outcome]}`);
    replaceIfChanged(this.evidence, verdict.evidence, (text) => h("li", {}, text));
  }

  close() {
    this.state.listeners.delete(this.listener);
    this.steps.close();
    this.workers.close();
    this.element.remove();
  }
}

function number(label, value) {
  return h("input", { type: "text", size: 6, inputmode: "decimal", "aria-label": label, value });
}

function field(text, input) {
  return h("label", { class: "kl-act-field" }, h("span", {}, text), input);
}
