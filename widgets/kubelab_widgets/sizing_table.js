// Requests as a list, each with a picture of what is asked for, used and recommended on one scale.

import { amount, dollars } from "./amounts.js";
import { h, headRow, say } from "./elements.js";
import { replaceIfChanged } from "./parts.js";

const SHOWN = 100;
const SIGNS = { raise: "▲ raise", lower: "▼ lower", fits: "✓ fits", unknown: "– unknown" };

/** The requests that a recommendation would change most, first; one container can be chosen. */
export class SizingTable {
  constructor(choose) {
    this.choose = choose;
    this.body = h("tbody");
    this.filter = h("input", { type: "text", "aria-label": "Filter", placeholder: "Filter by name", size: 16, oninput: () => this.render() });
    this.resource = h("select", { "aria-label": "Resource", onchange: () => this.render() },
      ...[["", "CPU and memory"], ["cpu", "CPU"], ["memory", "memory"]].map(([value, text]) => h("option", { value }, text)));
    this.more = h("p", { class: "kl-hint" });
    this.element = h("div", { class: "kl-sizing" },
      h("div", { class: "kl-act" }, this.filter, this.resource, legend()),
      h("div", { class: "kl-scroll kl-sizing-box", tabindex: "0", "aria-label": "Requests" },
        h("table", {}, h("thead", {}, headRow("Container", "What", "Asks for", "Uses", "Recommended", "Picture", "USD/month")), this.body)),
      this.more);
  }

  show(rows, chosen) {
    this.rows = rows;
    this.chosen = chosen;
    this.render();
  }

  render() {
    const wanted = (this.rows ?? []).filter((row) => (!this.resource.value || row.resource === this.resource.value)
      && title(row.name).includes(this.filter.value.trim()));
    replaceIfChanged(this.body, wanted.slice(0, SHOWN).map((row) => [row, same(row.name, this.chosen)]),
      ([row, chosen]) => this.line(row, chosen));
    const rest = wanted.length - SHOWN;
    say(this.more, wanted.length ? (rest > 0 ? `and ${rest} more: filter by name to see them` : "") : "No container that runs has such a name.");
  }

  line(row, chosen) {
    const press = h("button", { type: "button", class: "kl-pick", "aria-pressed": String(chosen), onclick: () => this.choose(row.name) }, title(row.name));
    const money = row.saves_usd_per_month === null ? "" : dollars(-row.saves_usd_per_month);
    return h("tr", { "data-advice": row.advice },
      h("td", {}, press, h("div", { class: "kl-hint" }, `${row.pods} ${row.pods === 1 ? "pod" : "pods"}`)),
      h("td", {}, row.resource === "cpu" ? "CPU" : "memory"),
      ...[row.request, row.use].map((value) => h("td", { class: "kl-number" }, amount(value, row.resource))),
      h("td", { class: "kl-number" }, h("b", {}, amount(row.target, row.resource)), h("div", { class: "kl-hint kl-advice" }, SIGNS[row.advice] ?? row.advice)),
      h("td", { class: "kl-range-cell" }, rangeBar(row)),
      h("td", { class: "kl-number", title: row.prices_of ? `at prices of ${row.prices_of}` : null }, money));
  }
}

/** What is used as a bar, the interval as a band, request and recommendation as marks, on one scale. */
export function rangeBar(row) {
  const scale = Math.max(...["request", "use", "peak", "target"].map((name) => row[name] ?? 0)) * 1.1;
  const upper = row.upper === null ? null : Math.min(row.upper, scale);
  const at = (value) => `${Math.min(100, (100 * value) / (scale || 1)).toFixed(1)}%`;
  const mark = (name, value) => (value === null ? null : h("span", { class: name, style: `left: ${at(value)}` }));
  const band = row.target === null ? null : h("span", { class: "kl-range-band", style: `left: ${at(row.lower ?? 0)}; width: ${at((upper ?? scale) - (row.lower ?? 0))}` });
  const bar = row.use === null ? null : h("span", { class: "kl-range-use", style: `width: ${at(row.use)}` });
  return h("div", { class: "kl-range", role: "img", "aria-label": rangeWords(row) },
    band, bar, mark("kl-range-peak", row.peak), mark("kl-range-request", row.request), mark("kl-range-target", row.target));
}

/** The picture of a row in words. */
export function rangeWords(row) {
  const named = [["asks for", row.request], ["uses", row.use], ["peak", row.peak], ["should ask for", row.target]];
  const words = named.map(([name, value]) => `${name} ${amount(value, row.resource)}`).join(", ");
  return row.target === null ? words : `${words}, between ${amount(row.lower, row.resource)} and ${amount(row.upper, row.resource)}`;
}

/** A group of containers in words. */
export function title([namespace, , workload, container, scope]) {
  return `${namespace}/${workload}: ${container}${scope ? ` on ${scope}` : ""}`;
}

/** Whether two names are of one group of containers. */
export function same(one, other) {
  return JSON.stringify(one) === JSON.stringify(other ?? null);
}

function legend() {
  return h("ul", { class: "kl-legend kl-range-legend" }, ...[["use", "use"], ["peak", "peak"], ["request", "request"], ["target", "recommended"], ["band", "may stay within"]]
    .map(([name, text]) => h("li", {}, h("span", { class: "kl-range kl-range-key" }, h("span", { class: `kl-range-${name}`, style: name === "use" || name === "band" ? "width: 100%" : "left: 50%" })), text)));
}
