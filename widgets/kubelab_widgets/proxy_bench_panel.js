// The bench of kube-proxy's modes: choose, run, stop; what is done; curves over Services; every cell in a table.

import { BenchChart, benchKey, benchMark, curvesOf } from "./bench_chart.js";
import { short } from "./chart.js";
import { h, headRow, say, theme } from "./elements.js";
import { PanelState } from "./panel_state.js";
import { Notice, Speaker, button, replaceIfChanged, widget } from "./parts.js";

const EMPTY = { form: null, progress: null, origin: "", recorded: false, verdicts: [] };
const HEADS = ["backend", "Services", "endpoints", "rules", "all rules, s", "one more, s", "listing, s", "bytes", "last, net µs", "connections/s"];

export default () => widget(() => new PanelState({ ...EMPTY }), BenchPage);

class BenchPage {
  constructor(state, send) {
    this.state = state;
    this.send = send;
    this.notice = new Notice();
    this.speaker = new Speaker();
    this.element = h("section", { class: "kl-panel kl-proxy-bench", "aria-label": "Proxy bench", "data-lm-suppress-shortcuts": "true" },
      this.buildHead(), this.notice.element, this.buildForm(), this.buildProgress(), this.buildCharts(), this.buildTable());
    this.listener = () => this.update();
    state.listeners.add(this.listener);
  }

  buildHead() {
    this.origin = h("span", { class: "kl-progress-text" });
    return h("header", { class: "kl-head" }, h("h3", { class: "kl-name" }, "kube-proxy's rules on this kernel"), this.origin, this.speaker.element);
  }

  buildForm() {
    this.services = h("input", { type: "text", size: 18, "aria-label": "Services" });
    this.endpoints = h("input", { type: "text", size: 3, inputmode: "numeric", "aria-label": "Endpoints each" });
    this.repeats = h("input", { type: "text", size: 3, inputmode: "numeric", "aria-label": "Repeats" });
    this.backends = h("fieldset", { class: "kl-bench-backends", "aria-label": "Backends" });
    this.run = button("Run", () => this.start());
    this.run.setAttribute("class", "kl-button kl-primary");
    this.halt = button("Stop", () => this.send({ type: "stop" }));
    this.kept = button("Recorded", () => this.send({ type: "recorded" }));
    this.kept.title = "Show a full run on the development machine.";
    const field = (text, input) => h("label", { class: "kl-act-field" }, h("span", {}, text), input);
    return h("div", { class: "kl-bench-head" }, field("Services", this.services), field("Endpoints each", this.endpoints),
      field("Repeats", this.repeats), this.backends, h("span", { class: "kl-actions" }, this.run, this.halt, this.kept));
  }

  buildProgress() {
    this.bar = h("progress", { class: "kl-progress", "aria-label": "Cells measured" });
    this.doing = h("span");
    this.progress = h("p", { class: "kl-bench-progress", hidden: true }, this.bar, this.doing);
    return this.progress;
  }

  buildCharts() {
    this.charts = [
      ["net_us", new BenchChart("Last Service's first packet, net µs", { unit: "µs" })],
      ["full_s", new BenchChart("All rules anew, s", { unit: "s", logarithmic: true })],
      ["add_s", new BenchChart("One Service more, s", { unit: "s", logarithmic: true })],
    ];
    this.legend = h("ul", { class: "kl-legend" });
    return h("div", {}, this.legend, h("div", { class: "kl-bench-charts" }, ...this.charts.map(([, chart]) => chart.element)));
  }

  buildTable() {
    this.verdicts = h("ul", { class: "kl-steps" });
    this.words = h("div", { class: "kl-scroll", tabindex: "0", role: "group", "aria-label": "In words" }, this.verdicts);
    this.body = h("tbody");
    this.table = h("div", { class: "kl-scroll kl-bench-table" }, h("table", {}, h("thead", {}, headRow(...HEADS)), this.body));
    return h("div", {}, this.words, this.table);
  }

  start() {
    const backends = this.boxes.filter((box) => box.checked).map((box) => box.value);
    this.send({ type: "run", services: this.services.value, endpoints: this.endpoints.value, repeats: this.repeats.value, backends });
  }

  update() {
    const { form, progress, origin, recorded, verdicts, notice, busy } = this.state.sections;
    const rows = [...this.state.rows.values()].sort((a, b) => a.number - b.number);
    const backends = form?.backends ?? [];
    const known = backends.filter((name) => rows.some((row) => row.backend === name));
    this.fill(form);
    this.notice.show(notice);
    say(this.origin, origin);
    this.origin.setAttribute("class", recorded ? "kl-progress-text kl-recorded" : "kl-progress-text");
    this.run.disabled = Boolean(busy);
    this.kept.disabled = Boolean(busy);
    this.halt.disabled = busy !== "run";
    this.showProgress(progress, busy);
    for (const [name, chart] of this.charts) chart.show(curvesOf(rows, name, backends));
    const dashed = [...new Set(rows.map((row) => row.endpoints))].sort((a, b) => b - a).slice(1);
    replaceIfChanged(this.legend, [...known, ...dashed], (key) => typeof key === "number"
      ? h("li", {}, `dashed: ${key} endpoint${key > 1 ? "s" : ""} each`)
      : benchKey(key, backends.indexOf(key), theme(this.element).dark));
    this.words.hidden = !verdicts.length;
    replaceIfChanged(this.verdicts, verdicts, (text) => h("li", {}, text));
    this.table.hidden = !rows.length;
    replaceIfChanged(this.body, rows, (row) => benchRow(row, backends.indexOf(row.backend)));
  }

  /** Fill the form once: from then on it is the reader's. */
  fill(form) {
    if (!form || this.boxes) return;
    this.services.value = form.services;
    this.endpoints.value = String(form.endpoints);
    this.repeats.value = String(form.repeats);
    this.boxes = form.backends.map((value) => {
      const box = h("input", { type: "checkbox", value });
      box.checked = form.chosen.includes(value) && !form.reasons[value];
      box.disabled = value in form.reasons;
      return box;
    });
    this.backends.replaceChildren(...this.boxes.map((box) =>
      h("label", { title: form.reasons[box.value] ?? null, class: box.disabled ? "kl-count" : null }, box, ` ${box.value}`)));
  }

  showProgress(progress, busy) {
    this.progress.hidden = !progress || !busy;
    if (!progress) return;
    this.bar.max = progress.total || 1;
    this.bar.value = progress.done;
    const words = `${progress.done} of ${progress.total || "?"}: ${progress.doing}${busy === "stop" ? ", stopping" : ""}`;
    say(this.doing, words);
    this.speaker.tell("", words);
  }

  close() {
    this.state.listeners.delete(this.listener);
    for (const [, chart] of this.charts) chart.close();
    this.element.remove();
  }
}

function benchRow(row, place) {
  const name = h("th", { scope: "row" }, `${benchMark(Math.max(0, place))} ${row.backend}`);
  const shape = [row.services.toLocaleString("en"), String(row.endpoints)].map((text) => h("td", {}, text));
  if (row.skipped) return h("tr", { class: "kl-dimmed" }, name, ...shape, h("td", { class: "kl-why", colspan: HEADS.length - 3 }, row.skipped));
  const cells = [row.rules.toLocaleString("en"), short(row.full_s[0]), short(row.add_s[0]), row.listing, row.add_bytes.toLocaleString("en"),
    row.net_us[0].toFixed(1), row.per_s === null ? "" : Math.round(row.per_s).toLocaleString("en")];
  return h("tr", {}, name, ...shape, ...cells.map((text) => h("td", {}, text)));
}
