// The panel of one JAX job: launch it, watch each worker and the loss, read its log, stop or suspend it.

import { Chart, h, headRow, say } from "./elements.js";
import { LaunchForm } from "./launch_form.js";
import { PanelState } from "./panel_state.js";
import { AskingButton, Notice, Speaker, badge, button, chooseMetric, replaceIfChanged, widget } from "./parts.js";

const THROUGHPUT = "steps_per_second";
const OVER = new Set(["Succeeded", "Failed", "Deleted"]);

export default () => widget(() => new PanelState({ form: null, job: null, workers: [], events: [] }), PanelView);

class PanelView {
  constructor(state, send) {
    this.state = state;
    this.send = send;
    this.form = new LaunchForm((values) => send({ type: "launch", values }));
    this.notice = new Notice();
    this.loss = new Chart("");
    this.speed = new Chart("steps per second", { fromZero: true });
    this.element = h("section", { class: "kl-panel", "aria-label": "JAX job", "data-lm-suppress-shortcuts": "true" },
      this.buildHead(), this.notice.element,
      h("div", { class: "kl-columns" }, this.form.element, this.buildRun()));
    this.listener = () => this.update();
    state.listeners.add(this.listener);
  }

  buildHead() {
    this.name = h("h3", { class: "kl-name" });
    this.phase = h("span", { class: "kl-phase" });
    this.progressText = h("span", { class: "kl-progress-text" });
    this.progress = h("progress", { class: "kl-progress", max: "1", "aria-label": "Training progress" });
    this.suspend = button("Suspend", () => this.send({ type: this.suspended() ? "resume" : "suspend" }));
    // What goes with the job cannot be brought back.
    this.stop = new AskingButton("Stop", "Stop and delete?", () => this.send({ type: "stop" })).element;
    this.stop.title = "Deletes the job with its pods, logs and checkpoints. To keep them, suspend it.";
    this.speaker = new Speaker();
    return h("header", { class: "kl-head" }, this.name, this.phase, this.progress, this.progressText,
      h("div", { class: "kl-actions" }, this.suspend, this.stop), this.speaker.element);
  }

  buildRun() {
    this.metric = h("select", { class: "kl-metric", "aria-label": "Metric", onchange: () => this.showCharts() });
    this.loss.title.replaceChildren(this.metric);
    this.workers = h("tbody");
    const workers = h("table", { class: "kl-workers" },
      h("caption", {}, "Workers"),
      h("thead", {}, headRow("rank", "state", "restarts", "detail")), this.workers);
    this.moreWorkers = h("p", { class: "kl-why" });
    this.empty = h("p", { class: "kl-empty" }, "No job yet. Set the values and press Launch.");
    this.run = h("div", { class: "kl-run-body" },
      h("div", { class: "kl-charts" }, this.loss.element, this.speed.element),
      workers, this.moreWorkers, this.buildOutput());
    return h("div", { class: "kl-run" }, this.empty, this.run);
  }

  buildOutput() {
    this.rank = h("select", { "aria-label": "Log of rank",
      onchange: () => this.send({ type: "rank", rank: Number(this.rank.value) }) });
    this.log = h("pre", { class: "kl-log", role: "log", "aria-live": "off", tabindex: "0", "aria-label": "Log" });
    this.events = h("tbody");
    this.eventCount = h("span", { class: "kl-count" });
    const events = h("table", { class: "kl-events" },
      h("thead", {}, headRow("time", "object", "reason", "message")), this.events);
    return h("div", { class: "kl-output" },
      h("details", { open: true }, h("summary", {}, "Log"), h("label", { class: "kl-rank" }, "rank ", this.rank), this.log),
      h("details", { class: "kl-events-box" }, h("summary", {}, "Events ", this.eventCount),
        h("div", { class: "kl-scroll", tabindex: "0", role: "group", "aria-label": "Events" }, events)));
  }

  suspended() {
    return this.state.sections.job?.phase === "Suspended";
  }

  update() {
    const { form, job, busy, notice } = this.state.sections;
    const active = Boolean(job) && !OVER.has(job.phase);
    this.element.classList.toggle("kl-with-form", Boolean(form));
    this.form.show(form, busy, active);
    this.empty.hidden = Boolean(job) || !form;
    this.run.hidden = !job;
    this.showHead(job, busy, active);
    this.notice.show(notice ?? job?.problem, (said) => this.form.fault(said));
    if (!job) return;
    this.showWorkers();
    this.showCharts();
    this.showLog();
    this.showEvents();
  }

  showHead(job, busy, active) {
    say(this.name, job ? job.name : "New JAX job");
    this.phase.hidden = this.suspend.hidden = this.stop.hidden = !job;
    this.progress.hidden = this.progressText.hidden = !job;
    if (!job) return;
    badge(this.phase, job.phase);
    if (job.total_steps) this.progress.value = Math.min(1, (job.step ?? 0) / job.total_steps);
    else if (job.phase === "Succeeded") this.progress.value = 1;
    else this.progress.hidden = true;
    say(this.progressText, progressWords(job));
    this.suspend.disabled = this.stop.disabled = Boolean(busy) || !active;
    say(this.suspend, this.suspended() ? "Resume" : "Suspend");
    this.speaker.tell(job.phase, `${job.name}: ${job.phase}, ${progressWords(job)}`);
  }

  showWorkers() {
    const rows = this.state.sections.workers;
    replaceIfChanged(this.workers, rows, (worker) => h("tr", {},
      h("td", {}, String(worker.rank)), h("td", {}, badge(h("span", { class: "kl-phase" }), worker.state)),
      h("td", {}, String(worker.restarts)),
      h("td", { class: "kl-why" }, worker.why || placeOf(worker))));
    const more = (this.state.sections.job?.num_nodes ?? 0) - rows.length;
    say(this.moreWorkers, more > 0 && rows.length ? `and ${more} more` : "");
    const ranks = rows.map((worker) => worker.rank);
    if (this.rank.options.length !== ranks.length) {
      this.rank.replaceChildren(...ranks.map((rank) => h("option", { value: rank }, String(rank))));
    }
    this.rank.value = String(this.state.log.rank);
  }

  showCharts() {
    const metric = chooseMetric(this.metric, this.state.metrics().filter((name) => name !== THROUGHPUT), "loss");
    this.loss.show(metric, this.state.of(metric));
    this.speed.show(THROUGHPUT, this.state.of(THROUGHPUT));
  }

  showLog() {
    const { lines, version } = this.state.log;
    if (version === this.logVersion) return;
    this.logVersion = version;
    const atEnd = this.log.scrollHeight - this.log.scrollTop - this.log.clientHeight < 24;
    say(this.log, lines.length ? lines.join("\n") : "");
    if (atEnd) this.log.scrollTop = this.log.scrollHeight;
  }

  showEvents() {
    const rows = this.state.sections.events;
    say(this.eventCount, String(rows.length));
    replaceIfChanged(this.events, rows, (event) => h("tr", { class: event.type === "Warning" ? "kl-warning" : null },
      h("td", {}, event.time.slice(11, 19)), h("td", {}, event.object),
      h("td", {}, event.type === "Warning" ? `⚠ ${event.reason}` : event.reason),
      h("td", {}, event.count > 1 ? `${event.message} (×${event.count})` : event.message)));
  }

  close() {
    this.state.listeners.delete(this.listener);
    this.loss.close();
    this.speed.close();
    this.element.remove();
  }
}

function placeOf({ pod, node }) {
  return node ? `${pod} on ${node}` : pod;
}

function progressWords(job) {
  const workers = OVER.has(job.phase) ? `${job.num_nodes} workers` : `${job.ready}/${job.num_nodes} workers`;
  if (job.step === null || job.step === undefined) return workers;
  return `${workers}, step ${job.step}${job.total_steps ? `/${job.total_steps}` : ""}`;
}
