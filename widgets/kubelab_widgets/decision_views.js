// The autoscaler's decisions as a list, and one of them with its options and reasons.

import { h, headRow, say } from "./elements.js";
import { replaceIfChanged } from "./parts.js";
import { moment } from "./time_controls.js";

const LISTED = 200;
const NAMED = 5;
const SIGNS = { ScaleUp: "▲", ScaleDown: "▼", NoScaleUp: "■", ScaleUpFailed: "✕" };
const NAMES = { ScaleUp: "Scale up", ScaleDown: "Scale down", NoScaleUp: "No scale-up", ScaleUpFailed: "Scale-up failed" };

/** The newest decisions, newest first; one can be chosen. */
export class DecisionList {
  constructor(choose) {
    this.choose = choose;
    this.body = h("tbody");
    this.action = h("select", { "aria-label": "Which decisions", onchange: () => this.render() },
      h("option", { value: "" }, "all decisions"), ...Object.entries(NAMES).map(([value, text]) => h("option", { value }, text)));
    this.more = h("p", { class: "kl-hint" });
    this.element = h("div", { class: "kl-decisions" }, this.action,
      h("div", { class: "kl-scroll", tabindex: "0", "aria-label": "Decisions" },
        h("table", {}, h("thead", {}, headRow("Time", "What", "USD/h")), this.body)), this.more);
  }

  show(rows, chosen) {
    this.rows = rows;
    this.chosen = chosen;
    this.render();
  }

  render() {
    const wanted = this.rows.filter((row) => !this.action.value || row.action === this.action.value).reverse();
    replaceIfChanged(this.body, wanted.slice(0, LISTED).map((row) => [row, row.number === this.chosen]),
      ([row, chosen]) => this.line(row, chosen));
    const rest = wanted.length - LISTED;
    say(this.more, wanted.length ? (rest > 0 ? `and ${rest} older ones` : "") : "No decision yet: let time pass, or add load.");
  }

  line(row, chosen) {
    const press = h("button", { type: "button", class: "kl-pick", "aria-pressed": String(chosen), onclick: () => this.choose(row.number) },
      `${SIGNS[row.action] ?? ""} ${decisionWords(row)}`);
    const priced = row.price_date ? `at prices of ${row.price_date}` : null;
    return h("tr", { "data-action": row.action, title: priced }, h("td", {}, row.time.slice(5, 16).replace("T", " ")), h("td", {}, press),
      h("td", { class: "kl-number" }, row.usd_per_hour === null ? "" : signed(row.usd_per_hour)));
  }
}

/** One decision: what, why, each option's terms, who was dropped when, and which groups could not help. */
export class DecisionDetail {
  constructor() {
    this.title = h("h4", { class: "kl-decision-title" });
    this.why = h("p");
    this.pods = h("p", { class: "kl-hint" });
    this.options = h("tbody");
    this.optionsBox = h("div", { class: "kl-scroll kl-options", tabindex: "0", "aria-label": "Options" },
      h("table", {}, h("thead", {}, headRow("Option", "Nodes", "Pods", "USD/h", "Terms", "Why, and what it would take to win")), this.options));
    this.steps = h("ol", { class: "kl-steps" });
    this.skipped = h("ul", { class: "kl-skipped" });
    this.skippedBox = h("details", {}, h("summary", {}, "Groups that could not help"), this.skipped);
    this.element = h("div", { class: "kl-decision", "aria-live": "polite" },
      this.title, this.why, this.pods, this.optionsBox, this.steps, this.skippedBox);
  }

  show(decision) {
    say(this.title, decision ? `${moment(decision.time)}: ${NAMES[decision.action] ?? decision.action}${about(decision)}` : "Choose a decision to see its options and reasons.");
    say(this.why, decision?.why ?? "");
    const pods = (decision?.pods ?? []).slice(0, NAMED);
    const rest = (decision?.podCount ?? 0) - pods.length;
    say(this.pods, pods.length ? `For ${podsWords(decision.podCount)}: ${pods.join(", ")}${rest > 0 ? ` and ${rest} more` : ""}` : "");
    const options = decision?.options ?? [];
    this.optionsBox.hidden = !options.length;
    replaceIfChanged(this.options, options.map((option) => [option, option.nodeGroup === decision.nodeGroup]), ([option, won]) => optionRow(option, won));
    const steps = decision?.steps ?? [];
    replaceIfChanged(this.steps, steps.length > 1 ? steps : [], (step) => h("li", {},
      h("b", {}, step.expander), ` kept ${step.kept.join(", ")}${step.why ? `: ${step.why}` : ""}`));
    const skipped = decision?.skipped ?? [];
    this.skippedBox.hidden = !skipped.length;
    replaceIfChanged(this.skipped, skipped, (each) => h("li", {}, h("b", {}, each.nodeGroup), ` ${each.reason}`));
  }
}

function optionRow(option, won) {
  const mark = won ? "★ chosen" : option.kept ? "✓ kept" : "– dropped";
  const price = option.usdPerHour === undefined ? ["–"] : [String(Number(option.usdPerHour.toPrecision(4))), h("div", { class: "kl-hint" }, `(${option.priceDate})`)];
  const rank = option.rank ? `, rank ${option.rank}` : "";
  const terms = (option.terms ?? []).map((term) => h("li", { title: term.evidence || null },
    `${term.name} ${Number((term.value ?? 0).toPrecision(4))}${term.unit ? ` ${term.unit}` : ""}`));
  return h("tr", { class: won ? "kl-won" : option.kept ? "" : "kl-dropped" },
    h("td", {}, h("b", {}, option.nodeGroup), h("div", { class: "kl-hint" }, `${mark}${rank}`)),
    h("td", {}, String(option.nodeCount ?? "")), h("td", {}, String(option.podCount ?? "")), h("td", {}, ...price),
    h("td", {}, h("ul", { class: "kl-terms" }, ...terms)),
    h("td", { class: "kl-why" }, option.why ?? "", option.toWin ? h("div", {}, h("b", {}, "To win: "), option.toWin) : null));
}

/** A decision in a few words. */
export function decisionWords(row) {
  if (row.action === "ScaleDown") return `${row.node || row.node_group} removed`;
  if (row.action === "NoScaleUp") return `nothing helps ${podsWords(row.pods)}`;
  const nodes = Math.abs(row.nodes);
  return `${row.node_group} ${row.nodes < 0 ? "−" : "+"}${nodes}${row.action === "ScaleUpFailed" ? ": they did not come" : ` for ${podsWords(row.pods)}`}`;
}

function podsWords(count) {
  return count === 1 ? "1 pod" : `${count} pods`;
}

function about(decision) {
  const money = decision.usdPerHour === undefined ? "" : `, ${signed(decision.usdPerHour)} USD/h (prices of ${decision.priceDate})`;
  const group = decision.nodeGroup ? `, ${decision.nodeGroup}` : "";
  const by = decision.expander ? `, by ${decision.expander}` : "";
  return `${group}${decision.nodes > 0 ? ` +${decision.nodes}` : ""}${money}${by}`;
}

function signed(usd) {
  return `${usd < 0 ? "−" : "+"}${Number(Math.abs(usd).toPrecision(4))}`;
}
