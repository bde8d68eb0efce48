// The panel of one JAX job: launch it, watch each worker and the loss, read its log, stop or suspend it.

import { Chart, h, headRow, say } from "./elements.js";
import { JobState } from "./job_state.js";
import { LaunchForm } from "./launch_form.js";

const THROUGHPUT = "steps_per_second";
const OVER = new Set(["Succeeded", "Failed", "Deleted"]);
const SYMBOLS = {
  Pending: "○", Starting: "◔", Running: "●", Restarting: "↻", Terminating: "◌",
  Suspended: "❙❙", Succeeded: "✓", Failed: "✕", Deleted: "–",
};
const SPOKEN_EVERY_MS = 5000;

export default () => {
  const state = new JobState();
  return {
    initialize: ({ model }) => state.connect(model),
    render: ({ model, el }) => {
      const view = new PanelView(state, (message) => model.send(message));
      el.append(view.element);
      view.update();
      return () => view.close();
    },
  };
};

class PanelView {
  constructor(state, send) {
    this.state = state;
    this.send = send;
    this.form = new LaunchForm((values) => send({ type: "launch", values }));
    this.loss = new Chart("");
    this.speed = new Chart("steps per second", { fromZero: true });
    this.element = h("section", { class: "kl-panel", "aria-label": "JAX job", "data-lm-suppress-shortcuts": "true" },
      this.buildHead(), this.buildNotice(),
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
    this.stop = button("Stop", () => this.askToStop());
    this.stop.title = "Deletes the job with its pods, logs and checkpoints. To keep them, suspend it.";
    this.stop.addEventListener("blur", () => this.askedToStop(false));
    this.spoken = h("span", { class: "kl-spoken", role: "status", "aria-live": "polite" });
    return h("header", { class: "kl-head" }, this.name, this.phase, this.progress, this.progressText,
      h("div", { class: "kl-actions" }, this.suspend, this.stop), this.spoken);
  }

  buildNotice() {
    this.noticeText = h("p");
    this.noticeDetail = h("pre");
    this.notice = h("div", { class: "kl-notice", role: "alert", hidden: true }, this.noticeText, this.noticeDetail);
    return this.notice;
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

  /** The first press asks, the second stops: what goes with the job cannot be brought back. */
  askToStop() {
    if (this.stop.dataset.asked) this.send({ type: "stop" });
    this.askedToStop(!this.stop.dataset.asked);
  }

  askedToStop(asked) {
    if (asked) this.stop.dataset.asked = "yes";
    else delete this.stop.dataset.asked;
    say(this.stop, asked ? "Stop and delete?" : "Stop");
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
    this.showNotice(notice ?? job?.problem);
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
    this.speak(job);
  }

  /** Tell a screen reader the phase when it changes, and the progress now and then. */
  speak(job) {
    const now = Date.now();
    if (job.phase === this.spokenPhase && now - (this.spokenAt ?? 0) < SPOKEN_EVERY_MS) return;
    this.spokenPhase = job.phase;
    this.spokenAt = now;
    say(this.spoken, `${job.name}: ${job.phase}, ${progressWords(job)}`);
  }

  showNotice(notice) {
    const key = JSON.stringify(notice ?? null);
    if (key === this.noticeKey) return;
    this.noticeKey = key;
    const beside = this.form.fault(notice);
    this.notice.hidden = !notice || beside;
    if (!notice) return;
    this.notice.dataset.level = notice.level ?? "error";
    say(this.noticeText, notice.text);
    say(this.noticeDetail, notice.detail ?? "");
    this.noticeDetail.hidden = !notice.detail;
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
    const names = this.state.metrics().filter((name) => name !== THROUGHPUT);
    if (names.length !== this.metric.options.length) {
      const chosen = this.metric.value;
      this.metric.replaceChildren(...names.map((name) => h("option", { value: name }, name)));
      this.metric.value = names.includes(chosen) ? chosen : (names.find((name) => name === "loss") ?? names[0]);
    }
    const metric = this.metric.value || "loss";
    this.metric.hidden = !names.length;
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

function button(text, onclick) {
  return h("button", { type: "button", class: "kl-button", onclick }, text);
}

/** A state as shape, word and colour, so that no one of them carries it alone. */
function badge(element, phase) {
  element.dataset.phase = phase;
  say(element, `${SYMBOLS[phase] ?? "○"} ${phase}`);
  return element;
}

function placeOf({ pod, node }) {
  return node ? `${pod} on ${node}` : pod;
}

function progressWords(job) {
  const workers = OVER.has(job.phase) ? `${job.num_nodes} workers` : `${job.ready}/${job.num_nodes} workers`;
  if (job.step === null || job.step === undefined) return workers;
  return `${workers}, step ${job.step}${job.total_steps ? `/${job.total_steps}` : ""}`;
}

/** Rebuild rows only when their data changed, so that a selection in them survives. */
function replaceIfChanged(body, rows, build) {
  const key = JSON.stringify(rows);
  if (body.dataset.key === key) return;
  body.dataset.key = key;
  body.replaceChildren(...rows.map(build));
}
