// The view of a fleet: price and counts, the picture of nodes and pods, what is pointed at, and the groups.

import { h, headRow, say } from "./elements.js";
import { FleetCanvas } from "./fleet_canvas.js";
import { shareOf } from "./fleet_layout.js";
import { PanelState } from "./panel_state.js";
import { Notice, Speaker, replaceIfChanged, widget } from "./parts.js";
import { TimeControls, moment } from "./time_controls.js";

const IN_LEGEND = 8;
const HEADS = ["Group", "Type", "Bought", "Ready", "Nodes", "Target", "Least", "Most", "USD/h of a node", "Trouble"];
const HINT = "Point at a column or a block, or use the arrow keys, to see what it is.";

export default () => widget(() => new PanelState({ fleet: null, groups: [], time: null, cluster: "" }), FleetPage);

class FleetPage {
  constructor(state, send) {
    this.state = state;
    this.notice = new Notice();
    this.speaker = new Speaker();
    this.time = new TimeControls(send);
    this.detail = h("p", { class: "kl-fleet-detail", "aria-live": "polite" }, HINT);
    this.canvas = new FleetCanvas((found) => this.tell(found), this.detail);
    this.element = h("section", { class: "kl-panel kl-fleet", "aria-label": "Fleet", "data-lm-suppress-shortcuts": "true" },
      this.buildHead(), this.notice.element, this.buildBody());
    this.listener = () => this.update();
    state.listeners.add(this.listener);
  }

  buildHead() {
    this.name = h("h3", { class: "kl-name" });
    this.counts = h("span", { class: "kl-progress-text" });
    return h("header", { class: "kl-head" }, this.name, this.counts, this.time.element, this.speaker.element);
  }

  buildBody() {
    this.perHour = h("b");
    this.spent = h("b");
    this.since = h("span");
    this.dates = h("span");
    this.money = h("p", { class: "kl-money" }, this.perHour, " USD/h", h("span", { class: "kl-dot" }, "·"), this.spent,
      " USD ", this.since, h("span", { class: "kl-dot" }, "·"), this.dates);
    this.by = h("select", { "aria-label": "Colour pods by", onchange: () => this.colour() },
      h("option", { value: "namespace" }, "namespace"), h("option", { value: "owner" }, "controller"));
    this.canvas.title.replaceChildren("Nodes, coloured by ", this.by);
    this.legend = h("ul", { class: "kl-legend" });
    this.rows = h("tbody");
    this.table = h("details", { class: "kl-data" }, h("summary", {}, "Node groups"),
      h("div", { class: "kl-scroll", tabindex: "0" }, h("table", {}, h("thead", {}, headRow(...HEADS)), this.rows)));
    this.body = h("div", { class: "kl-fleet-body" }, this.money, this.canvas.element, this.legend, this.table);
    return this.body;
  }

  colour() {
    this.canvas.colouring.choose(this.by.value);
    this.update();
  }

  update() {
    const { fleet, groups, notice, time, cluster } = this.state.sections;
    say(this.name, cluster || "Fleet");
    this.notice.show(notice);
    this.time.show(time);
    this.body.hidden = !fleet;
    if (!fleet) return;
    say(this.counts, `${fleet.nodes} nodes, ${fleet.pods} pods, ${fleet.pending} pending`);
    this.speaker.tell("", `${this.counts.textContent}, ${fleet.usd_per_hour.toFixed(2)} US dollars an hour`);
    this.showMoney(fleet);
    this.canvas.show(groups, [...this.state.rows.values()]);
    this.showLegend();
    replaceIfChanged(this.rows, groups, (group) => h("tr", {}, ...cells(group).map((text) => h("td", {}, String(text)))));
  }

  showMoney(fleet) {
    const [first, last] = [fleet.price_dates[0], fleet.price_dates.at(-1)];
    say(this.perHour, fleet.usd_per_hour.toFixed(2));
    say(this.spent, fleet.spent_usd.toFixed(2));
    say(this.since, fleet.since ? `since ${moment(fleet.since)}` : "so far");
    const dates = first ? `prices of ${first === last ? first : `${first} to ${last}`}` : "no prices are known";
    say(this.dates, fleet.unpriced ? `${dates}; ${fleet.unpriced} nodes without a price` : dates);
  }

  showLegend() {
    const counts = this.canvas.counts.slice(0, IN_LEGEND);
    const rest = this.canvas.counts.length - counts.length;
    const dark = this.canvas.isDark();
    const entries = [...counts.map(([name, count]) => [name, count, this.canvas.colouring.of(name, dark)]),
      ...(rest > 0 ? [[`and ${rest} more`, null, "transparent"]] : [])];
    replaceIfChanged(this.legend, entries, ([name, count, colour]) => h("li", {},
      h("span", { class: "kl-swatch", style: `background: ${colour}` }), count === null ? name : `${name} ${count}`));
  }

  /** Say what is pointed at, in words. */
  tell(found) {
    say(this.detail, found ? describeFound(found, this.canvas.fleet.pods) : HINT);
  }

  close() {
    this.state.listeners.delete(this.listener);
    this.canvas.close();
    this.element.remove();
  }
}

/** A pod or a node in a sentence. */
export function describeFound({ pod, node }, pods) {
  return pod ? podWords(pod, node) : nodeWords(node, pods.get(node.name) ?? []);
}

function podWords(pod, node) {
  const of = pod.owner ? ` of ${pod.owner}` : "";
  const part = node ? `, ${Math.round(100 * shareOf(pod, node))} % of node ${node.name}` : "";
  const why = pod.why ? `. ${pod.why}` : "";
  return `Pod ${pod.namespace}/${pod.name}${of}: ${pod.state}, asks for ${amountsOf(pod)}${part}${why}`;
}

function nodeWords(node, pods) {
  const used = { cpu_millicores: 0, memory_bytes: 0, gpus: 0 };
  for (const pod of pods) for (const name of Object.keys(used)) used[name] += pod[name];
  const price = node.usd_per_hour === null ? "price not known" : `${node.usd_per_hour} USD/h (${node.price_date})`;
  const type = [node.instance_type, node.capacity_type].filter(Boolean).join(", ");
  return `Node ${node.name}${type ? ` (${type})` : ""}: ${node.state}, ${pods.length} pods ask for ${amountsOf(used)} `
    + `of ${amountsOf(node)}; ${price}`;
}

function amountsOf({ cpu_millicores: cpu, memory_bytes: memory, gpus }) {
  const gpu = gpus ? `, ${gpus} GPU` : "";
  return `${Number((cpu / 1000).toFixed(3))} CPU, ${Number((memory / 2 ** 30).toFixed(2))} GiB${gpu}`;
}

function cells(group) {
  const known = (value) => value ?? "–";
  const price = group.usd_per_hour === null ? "–" : `${group.usd_per_hour} (${group.price_date})`;
  const coming = group.coming ? ` (+${group.coming} coming)` : "";
  return [group.name || "nodes", group.instance_type, group.capacity_type, group.ready, `${group.size}${coming}`,
    known(group.target), known(group.least), known(group.most), price, group.problem];
}
