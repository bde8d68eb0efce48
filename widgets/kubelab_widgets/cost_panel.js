// The panel of what a cluster costs: the burn rate, who for, what is idle, and how budgets stand.

import { CostChart } from "./cost_chart.js";
import { h, headRow, say } from "./elements.js";
import { PanelState } from "./panel_state.js";
import { Notice, Speaker, button, replaceIfChanged, widget } from "./parts.js";
import { TimeControls } from "./time_controls.js";
import { Treemap } from "./treemap.js";

const EMPTY = { costs: null, cluster: "", time: null };
const CHOICES = ["namespace", "team", "controller", "job", "trial", "node", "pod"];
const IDLE_NAME = "__idle__";

export default () => widget(() => new PanelState({ ...EMPTY }), CostPage);

class CostPage {
  constructor(state, send) {
    this.state = state;
    this.send = send;
    this.notice = new Notice();
    this.speaker = new Speaker();
    this.time = new TimeControls(send);
    this.chart = new CostChart({ by: "group", line: "budget", empty: "no name" });
    this.map = new Treemap();
    this.element = h("section", { class: "kl-panel kl-costs", "aria-label": "Costs", "data-lm-suppress-shortcuts": "true" },
      this.buildHead(), this.notice.element, this.buildMoney(), this.buildChoice(),
      h("div", { class: "kl-charts" }, this.chart.element, this.map.element), this.buildTable());
    this.listener = () => this.update();
    state.listeners.add(this.listener);
  }

  buildHead() {
    this.name = h("h3", { class: "kl-name" });
    this.summary = h("span", { class: "kl-progress-text" });
    return h("header", { class: "kl-head" }, this.name, this.summary, this.time.element, this.speaker.element);
  }

  buildMoney() {
    this.parts = { rate: h("b"), spent: h("span"), idle: h("span"), used: h("span"), dates: h("span") };
    const { rate, spent, idle, used, dates } = this.parts;
    const dot = () => h("span", { class: "kl-dot" }, "·");
    this.money = h("p", { class: "kl-money" }, rate, " USD/h now", dot(), spent, dot(), idle, dot(), used, dot(), dates);
    return this.money;
  }

  buildChoice() {
    this.by = h("input", { type: "text", "aria-label": "By", list: "kl-cost-choices", size: 22, onkeydown: (event) => event.key === "Enter" && this.choose() });
    return h("div", { class: "kl-act" }, h("span", { class: "kl-act-group" },
      h("label", { class: "kl-act-field" }, h("span", {}, "By (or label:NAME)"), this.by),
      h("datalist", { id: "kl-cost-choices" }, ...CHOICES.map((value) => h("option", { value }))),
      button("Show", () => this.choose())));
  }

  buildTable() {
    this.body = h("tbody");
    return h("div", { class: "kl-scroll kl-cost-table" },
      h("table", {}, h("thead", {}, headRow("who", "USD", "share", "pods", "CPU used", "memory used", "a month", "budget")), this.body));
  }

  choose() {
    this.send({ type: "by", aggregate: this.by.value.trim() });
  }

  update() {
    const { costs, cluster, time, notice } = this.state.sections;
    say(this.name, cluster || "Costs");
    this.notice.show(notice);
    this.time.show(time);
    this.money.hidden = !costs;
    if (!costs) return;
    say(this.summary, `by ${costs.aggregate}, over ${lasting(costs.hours)}`);
    this.speaker.tell("", this.summary.textContent);
    this.showMoney(costs);
    if (costs.aggregate !== this.shownBy) {
      this.shownBy = costs.aggregate;
      this.by.value = costs.aggregate;
    }
    this.chart.show(costs.curves, costs.budget_usd_per_hour === null ? [] : [[costs.since, costs.budget_usd_per_hour]]);
    const names = Object.keys(costs.curves?.groups ?? {});
    this.map.show(costs.rows.map((row) => ({ name: row.name, usd: row.usd, share: row.share, place: names.indexOf(row.name) })));
    replaceIfChanged(this.body, costs.rows, costRow);
  }

  showMoney(costs) {
    const [first, last] = [costs.price_dates[0], costs.price_dates.at(-1)];
    const missing = costs.unpriced ? `, ${costs.unpriced} nodes without a price` : "";
    say(this.parts.rate, costs.usd_per_hour.toFixed(2));
    say(this.parts.spent, `${costs.spent_usd.toFixed(2)} USD in ${lasting(costs.hours)}`);
    say(this.parts.idle, `idle ${costs.spent_usd ? ((100 * costs.idle_usd) / costs.spent_usd).toFixed(0) : 0} %`);
    say(this.parts.used, costs.efficiency === null ? "use is not known" : `${share(costs.efficiency)} of requests used`);
    say(this.parts.dates, (first ? `prices of ${first === last ? first : `${first} to ${last}`}` : "no prices are known") + missing);
  }

  close() {
    this.state.listeners.delete(this.listener);
    this.chart.close();
    this.map.close();
    this.element.remove();
  }
}

/** A length in hours as a reader would say it. */
export function lasting(hours) {
  return hours < 1 ? `${Math.round(hours * 60)} min` : hours < 48 ? `${Number(hours.toFixed(1))} h` : `${Number((hours / 24).toFixed(1))} days`;
}

function share(value) {
  return value === null || value === undefined ? "" : `${(100 * value).toFixed(0)} %`;
}

function costRow(row) {
  const over = row.budget_usd !== null && row.month_usd > row.budget_usd;
  return h("tr", { class: row.name === IDLE_NAME ? "kl-dimmed" : null },
    h("th", { scope: "row" }, row.name === IDLE_NAME ? "idle" : row.name),
    h("td", {}, row.usd.toFixed(2)),
    h("td", {}, share(row.share)),
    h("td", {}, row.name === IDLE_NAME ? "" : String(row.pods)),
    h("td", {}, meter(row.cpu_efficiency)),
    h("td", {}, meter(row.ram_efficiency)),
    h("td", {}, row.month_usd.toFixed(0)),
    h("td", { class: over ? "kl-over" : null }, row.budget_usd === null ? "" : `${row.budget_usd.toFixed(0)}${over ? " ▲ over" : ""}`));
}

/** Use by request as a bar and a number. */
function meter(value) {
  if (value === null || value === undefined) return "";
  return h("span", { class: "kl-meter" }, h("span", { class: "kl-bar" }, h("span", { style: `width: ${Math.min(100, 100 * value)}%` })), ` ${share(value)}`);
}
