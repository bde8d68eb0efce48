// The panel of an autoscaler: what it costs, why it chose what it chose, and what one can do to it.

import { CostChart } from "./cost_chart.js";
import { DecisionDetail, DecisionList } from "./decision_views.js";
import { h, say } from "./elements.js";
import { PanelState } from "./panel_state.js";
import { AskingButton, Notice, Speaker, button, replaceIfChanged, widget } from "./parts.js";
import { TimeControls } from "./time_controls.js";

const EMPTY = { autoscaler: null, money: null, cost: null, bound: [], decision: null, spot_nodes: [], time: null, cluster: "", expanders: [] };

export default () => widget(() => new PanelState({ ...EMPTY }), AutoscalerPage);

class AutoscalerPage {
  constructor(state, send) {
    this.state = state;
    this.send = send;
    this.notice = new Notice();
    this.speaker = new Speaker();
    this.time = new TimeControls(send);
    this.chart = new CostChart();
    this.detail = new DecisionDetail();
    this.list = new DecisionList((number) => this.choose(number));
    this.element = h("section", { class: "kl-panel kl-autoscaler", "aria-label": "Autoscaler", "data-lm-suppress-shortcuts": "true" },
      this.buildHead(), this.notice.element, this.buildMoney(), this.buildActions(), this.chart.element,
      h("div", { class: "kl-decision-columns" }, this.list.element, this.detail.element));
    this.listener = () => this.update();
    state.listeners.add(this.listener);
  }

  buildHead() {
    this.name = h("h3", { class: "kl-name" });
    this.summary = h("span", { class: "kl-progress-text" });
    return h("header", { class: "kl-head" }, this.name, this.summary, this.time.element, this.speaker.element);
  }

  buildMoney() {
    this.perHour = h("b");
    this.spent = h("b");
    this.dates = h("span");
    this.money = h("p", { class: "kl-money" }, this.perHour, " USD/h", h("span", { class: "kl-dot" }, "·"), this.spent,
      " USD so far", h("span", { class: "kl-dot" }, "·"), this.dates);
    return this.money;
  }

  buildActions() {
    this.policy = field("Policy", { value: "", list: "kl-expanders", size: 22 });
    this.policies = h("datalist", { id: "kl-expanders" });
    this.apply = button("Apply", () => this.send({ type: "policy", expander: this.policy.input.value.trim() }));
    this.pods = field("Pods", { value: "20", inputmode: "numeric", size: 4 });
    this.cpu = field("CPU", { value: "1", size: 4 });
    this.memory = field("Memory", { value: "2Gi", size: 5 });
    this.load = button("Add load", () => this.addLoad());
    this.unload = new AskingButton("Remove load", "Delete what was added?", () => this.send({ type: "unload" })).element;
    this.spot = h("select", { "aria-label": "Spot node" });
    this.interrupt = button("Interrupt", () => this.send({ type: "interrupt", node: this.spot.value }));
    this.interrupt.title = "The provider takes this spot node back, with two minutes' notice.";
    return h("div", { class: "kl-act" },
      h("span", { class: "kl-act-group" }, this.policy.element, this.policies, this.apply),
      h("span", { class: "kl-act-group" }, this.pods.element, this.cpu.element, this.memory.element, this.load, this.unload),
      this.spotGroup = h("span", { class: "kl-act-group" }, this.spot, this.interrupt));
  }

  addLoad() {
    const pods = Number(this.pods.input.value);
    const valid = Number.isInteger(pods) && pods > 0;
    this.pods.input.setAttribute("aria-invalid", !valid);
    if (!valid) return this.pods.input.focus();
    this.send({ type: "load", pods, cpu: this.cpu.input.value.trim(), memory: this.memory.input.value.trim() });
  }

  choose(number) {
    this.send({ type: "select", number });
  }

  update() {
    const { autoscaler, money, cost, bound, decision, time, cluster, notice, busy } = this.state.sections;
    say(this.name, cluster || "Autoscaler");
    this.notice.show(notice ?? trouble(autoscaler));
    this.time.show(time);
    const rows = [...this.state.rows.values()].sort((a, b) => a.number - b.number);
    say(this.summary, autoscaler?.exists ? `${autoscaler.expander} chooses; ${rows.length} decisions` : "no autoscaler runs");
    this.speaker.tell("", this.summary.textContent);
    this.showMoney(money);
    this.showActions(autoscaler, busy);
    this.chart.show(cost, bound);
    this.list.show(rows, decision?.number ?? null);
    this.detail.show(decision);
  }

  showMoney(money) {
    this.money.hidden = !money;
    if (!money) return;
    const [first, last] = [money.price_dates[0], money.price_dates.at(-1)];
    say(this.perHour, money.usd_per_hour.toFixed(2));
    say(this.spent, money.spent_usd.toFixed(2));
    say(this.dates, first ? `prices of ${first === last ? first : `${first} to ${last}`}` : "no prices are known");
  }

  showActions(autoscaler, busy) {
    const { expanders, spot_nodes: spot } = this.state.sections;
    for (const each of [this.apply, this.load, this.unload, this.interrupt]) each.disabled = Boolean(busy);
    say(this.apply, autoscaler && !autoscaler.exists ? "Start the autoscaler" : "Apply");
    if (autoscaler && autoscaler.expander !== this.shownPolicy) {
      this.shownPolicy = autoscaler.expander;
      this.policy.input.value = autoscaler.expander || "least-waste";
    }
    replaceIfChanged(this.policies, expanders, (value) => h("option", { value }));
    const chosen = this.spot.value;
    this.spotGroup.hidden = !spot.length;
    replaceIfChanged(this.spot, spot, (value) => h("option", { value }, value));
    this.spot.value = spot.includes(chosen) ? chosen : (spot[0] ?? "");
  }

  close() {
    this.state.listeners.delete(this.listener);
    this.chart.close();
    this.element.remove();
  }
}

function field(text, attributes) {
  const input = h("input", { type: "text", "aria-label": text, ...attributes });
  return { input, element: h("label", { class: "kl-act-field" }, h("span", {}, text), input) };
}

function trouble(autoscaler) {
  return autoscaler?.problem ? { text: autoscaler.problem } : null;
}
