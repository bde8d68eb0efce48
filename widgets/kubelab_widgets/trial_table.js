// The table of a sweep's trials: sorted by any column, and only what changed in it is touched.

import { h, say } from "./elements.js";
import { badge } from "./parts.js";
import { shown } from "./coordinates.js";
import { DIMMED } from "./sweep_charts.js";

/** A table that a press on a column's head sorts, and on a trial's number chooses that trial. */
export class TrialTable {
  constructor(choose) {
    this.choose = choose;
    this.entries = new Map();
    this.head = h("tr");
    this.body = h("tbody");
    this.sorting = { name: null, down: false };
    this.element = h("div", { class: "kl-scroll kl-trials-box", tabindex: "0", role: "group", "aria-label": "Trials" },
      h("table", { class: "kl-trials" }, h("caption", {}, "Trials"), h("thead", {}, this.head), this.body));
  }

  show(sweep, axes, rows, marks) {
    this.sweep = sweep;
    this.marks = marks;
    this.showHead(["trial", "state", sweep.objective, ...axes.map((axis) => axis.name), "step", "why"]);
    for (const row of rows) this.showRow(row);
    const numbers = new Set(rows.map((row) => row.number));
    for (const number of this.entries.keys()) if (!numbers.has(number)) this.entries.delete(number);
    this.arrange();
  }

  showHead(names) {
    const key = JSON.stringify(names);
    if (key === this.headKey) return;
    this.headKey = key;
    this.names = names;
    this.entries.clear();
    this.sorting = { name: this.sweep.objective, down: this.sweep.direction === "maximize" };
    this.heads = names.map((name) => h("th", { scope: "col" },
      h("button", { type: "button", class: "kl-sort", onclick: () => this.sort(name) }, name)));
    this.head.replaceChildren(...this.heads);
    this.showSorting();
  }

  sort(name) {
    this.sorting = { name, down: this.sorting.name === name && !this.sorting.down };
    this.showSorting();
    this.arrange();
  }

  showSorting() {
    this.heads.forEach((head, i) => {
      const sorted = this.names[i] === this.sorting.name;
      head.setAttribute("aria-sort", sorted ? (this.sorting.down ? "descending" : "ascending") : "none");
    });
  }

  showRow(row) {
    const [isBest, isChosen] = [row.number === this.marks.best, row.number === this.marks.chosen];
    const key = JSON.stringify([row, isBest, isChosen]);
    if (!this.entries.has(row.number)) this.entries.set(row.number, this.newEntry(row.number));
    const entry = this.entries.get(row.number);
    entry.row = row;
    if (entry.key === key) return;
    entry.key = key;
    entry.tr.classList.toggle("kl-best", isBest);
    entry.tr.classList.toggle("kl-dimmed", DIMMED.has(row.state));
    entry.button.setAttribute("aria-pressed", isChosen);
    say(entry.button, isBest ? `★ ${row.number}` : String(row.number));
    badge(entry.state, row.state);
    [row.objective, ...row.values, row.step, row.why].forEach((value, i) => say(entry.cells[i], shown(value)));
  }

  newEntry(number) {
    const state = h("span", { class: "kl-phase" });
    const pick = h("button", { type: "button", class: "kl-pick", title: "Show this trial in the pictures",
      onclick: () => this.choose(number) });
    const cells = this.names.slice(2).map((name) => h("td", { class: name === "why" ? "kl-why" : null }));
    return { button: pick, state, cells, tr: h("tr", {}, h("td", {}, pick), h("td", {}, state), ...cells) };
  }

  /** Put the rows in order; those that are in place already are not moved. */
  arrange() {
    const sorted = [...this.entries.values()].sort((a, b) => this.compare(a.row, b.row));
    const key = sorted.map((entry) => entry.row.number).join();
    if (key === this.orderKey) return;
    this.orderKey = key;
    this.body.replaceChildren(...sorted.map((entry) => entry.tr));
  }

  /** Missing values come last, whichever way is sorted; equal ones by number. */
  compare(a, b) {
    const [left, right] = [this.value(a), this.value(b)];
    const [noLeft, noRight] = [left, right].map((value) => value === null || value === undefined || value === "");
    if (noLeft || noRight) return noLeft - noRight || a.number - b.number;
    const by = typeof left === "number" && typeof right === "number"
      ? left - right : String(left).localeCompare(String(right), undefined, { numeric: true });
    return (this.sorting.down ? -by : by) || a.number - b.number;
  }

  value(row) {
    const at = this.names.indexOf(this.sorting.name);
    return [row.number, row.state, row.objective, ...row.values, row.step, row.why][at];
  }
}
