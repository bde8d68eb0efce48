// The panel of a cluster's requests: what is asked for, used and recommended, why, and to change it and back.

import { dollars } from "./amounts.js";
import { h, say } from "./elements.js";
import { HeatMap } from "./heat_map.js";
import { PanelState } from "./panel_state.js";
import { AskingButton, Notice, Speaker, replaceIfChanged, widget } from "./parts.js";
import { AppliedList, SizingDetail } from "./sizing_detail.js";
import { SizingTable, same } from "./sizing_table.js";
import { TimeControls } from "./time_controls.js";

const EMPTY = { cluster: "", strategies: [], question: null, rightsizing: null, changes: [], heat: [], applied: [], time: null };

export default () => widget(() => new PanelState({ ...EMPTY }), RightsizingPage);

class RightsizingPage {
  constructor(state, send) {
    this.state = state;
    this.send = send;
    this.chosen = null;
    this.notice = new Notice();
    this.speaker = new Speaker();
    this.time = new TimeControls(send);
    this.table = new SizingTable((name) => this.choose(name));
    this.detail = new SizingDetail(send);
    this.heat = new HeatMap();
    this.applied = new AppliedList(send);
    this.element = h("section", { class: "kl-panel kl-rightsizing", "aria-label": "Rightsizing", "data-lm-suppress-shortcuts": "true" },
      this.buildHead(), this.notice.element, this.buildActions(), this.gaps, this.table.element, this.detail.element, this.applied.element, this.heat.element);
    this.listener = () => this.update();
    state.listeners.add(this.listener);
  }

  buildHead() {
    this.name = h("h3", { class: "kl-name" });
    this.summary = h("span", { class: "kl-progress-text" });
    return h("header", { class: "kl-head" }, this.name, this.summary, this.time.element, this.speaker.element);
  }

  buildActions() {
    this.strategy = h("select", { "aria-label": "Strategy", onchange: () => this.send({ type: "strategy", strategy: this.strategy.value }) });
    this.inPlace = h("input", { type: "checkbox", onchange: () => this.send({ type: "in_place", yes: this.inPlace.checked }) });
    this.all = new AskingButton("Apply all", "Change all of them?", () => this.send({ type: "apply", name: null })).element;
    this.gaps = h("p", { class: "kl-hint" });
    return h("div", { class: "kl-act" },
      h("label", { class: "kl-act-field" }, h("span", {}, "Strategy"), this.strategy),
      h("label", { title: "Running pods are resized, and their workloads' templates stay." }, this.inPlace, " resize pods in place"), this.all);
  }

  choose(name) {
    this.chosen = name;
    this.update();
  }

  update() {
    const { cluster, strategies, question, rightsizing, changes, heat, applied, notice, time } = this.state.sections;
    const busy = this.state.sections.busy || !question?.settled;
    const rows = [...this.state.rows.values()].sort((a, b) => (b.saves_usd_per_month ?? 0) - (a.saves_usd_per_month ?? 0) || a.number - b.number);
    say(this.name, cluster || "Rightsizing");
    say(this.summary, summaryWords(rightsizing, rows));
    this.speaker.tell("", this.summary.textContent);
    this.notice.show(notice);
    this.time.show(time);
    replaceIfChanged(this.strategy, strategies, (value) => h("option", { value }, value));
    if (question) this.ask(question);
    say(this.gaps, (rightsizing?.missing ?? []).join("; "));
    const made = changes.filter((each) => each.moves.length && !each.held.length).length;
    this.all.disabled = Boolean(busy) || !made;
    this.chosen = rows.some((row) => same(row.name, this.chosen)) ? this.chosen : (rows[0]?.name ?? null);
    this.table.show(rows, this.chosen);
    this.detail.show(this.chosen, rows, changes, busy);
    this.applied.show(applied, busy);
    this.heat.show(heat);
  }

  /** Show what the kernel asks by, once it changes, so that a choice under way is not undone. */
  ask(question) {
    const key = JSON.stringify([question.strategy, question.in_place]);
    if (key === this.asked) return;
    this.asked = key;
    this.strategy.value = question.strategy;
    this.inPlace.checked = question.in_place;
  }

  close() {
    this.state.listeners.delete(this.listener);
    this.element.remove();
  }
}

function summaryWords(rightsizing, rows) {
  if (!rightsizing) return "";
  const counted = (advice) => rows.filter((row) => row.advice === advice).length;
  const scope = rightsizing.scope ? ` by ${rightsizing.scope}` : "";
  const words = [["lower", "could be lower"], ["raise", "too low"], ["fits", "fitting"], ["unknown", "unknown"]]
    .filter(([advice]) => counted(advice)).map(([advice, text]) => `${counted(advice)} ${text}`);
  return `${rightsizing.strategy}${scope}: ${words.join(", ") || "no requests"}; ${dollars(-rightsizing.saves_usd_per_month)} USD/month of requests`;
}
