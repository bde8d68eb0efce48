// One container's recommendation: why, from which figures, what would change, and to do it.

import { amount } from "./amounts.js";
import { h, say } from "./elements.js";
import { AskingButton, replaceIfChanged } from "./parts.js";
import { same, title } from "./sizing_table.js";

export class SizingDetail {
  constructor(send) {
    this.title = h("h4", { class: "kl-decision-title" });
    this.reasons = h("ul", { class: "kl-skipped" });
    this.moves = h("ul", { class: "kl-terms" });
    this.notes = h("ul", { class: "kl-skipped" });
    this.apply = new AskingButton("Apply to this container", "Change it?", () => send({ type: "apply", name: this.name })).element;
    this.element = h("div", { class: "kl-decision", "aria-live": "polite" }, this.title, this.reasons, this.moves, this.notes, this.apply);
  }

  show(name, rows, changes, busy) {
    this.name = name;
    const about = rows.filter((row) => same(row.name, name));
    const change = changes.find((each) => same(each.name, name));
    say(this.title, about.length ? title(name) : "Choose a container to see why.");
    replaceIfChanged(this.reasons, about, reason);
    replaceIfChanged(this.moves, about.length ? (change?.moves ?? []) : [], move);
    const notes = [...(change?.held ?? []).map((text) => `❚❚ held: ${text}`), ...(change?.notes ?? [])];
    replaceIfChanged(this.notes, about.length ? notes : [], (text) => h("li", {}, text));
    this.apply.hidden = !about.length || !change?.moves.length;
    this.apply.disabled = Boolean(busy) || Boolean(change?.held.length);
  }
}

/** What was changed and can be put back. */
export class AppliedList {
  constructor(send) {
    this.send = send;
    this.list = h("ul", { class: "kl-skipped" });
    this.all = new AskingButton("Undo all", "Put all back?", () => send({ type: "undo" })).element;
    this.element = h("section", { class: "kl-applied", "aria-label": "Applied", hidden: true }, h("b", {}, "Applied"), " ", this.all, this.list);
  }

  show(applied, busy) {
    this.element.hidden = !applied.length;
    this.all.disabled = Boolean(busy);
    replaceIfChanged(this.list, applied.map((each) => [each, busy]), ([each]) => {
      const undo = new AskingButton("Undo", "Put it back?", () => this.send({ type: "undo", namespace: each.namespace, object: each.object, container: each.container })).element;
      undo.disabled = Boolean(busy);
      return h("li", {}, `${each.time.slice(0, 16).replace("T", " ")} ${each.namespace}/${each.object}, ${each.container}: `,
        each.moves.map(moveWords).join(", "), " ", undo);
    });
  }
}

function reason(row) {
  const bounds = row.target === null ? "" : ` (stays between ${amount(row.lower, row.resource)} and ${amount(row.upper, row.resource)})`;
  return h("li", {}, h("b", {}, row.resource === "cpu" ? "CPU" : "memory"), `: ${row.why}${bounds}`,
    row.evidence.length ? h("div", { class: "kl-hint" }, row.evidence.join("; ")) : null);
}

function move(each) {
  return h("li", {}, moveWords(each));
}

function moveWords([what, before, after]) {
  return `${what} ${before || "none"} → ${after || "none"}`;
}
