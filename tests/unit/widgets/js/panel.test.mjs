import assert from "node:assert/strict";
import { test } from "node:test";

import panel from "../../../../widgets/kubelab_widgets/jax_job_panel.js";
import { fakeModel, openPage } from "./fake_page.mjs";

const FIELD = { placeholder: "", choices: [] };
const FORM = {
  fields: [{ ...FIELD, name: "num_nodes", label: "Processes", kind: "int", value: "2" },
    { ...FIELD, name: "cpu", label: "CPU each", kind: "text", value: "1" }],
  functions: [
    { name: "train", fields: [{ ...FIELD, name: "lr", label: "lr", kind: "float", value: "0.001" }] },
    { name: "other", fields: [] },
  ],
};
const JOB = { name: "train-7f3a", kind: "TrainJob", phase: "Running", num_nodes: 2, ready: 2, step: 10,
  total_steps: 100, problem: null };
const WORKERS = [{ rank: 0, state: "Running", why: "", restarts: 0, pod: "p0", node: "lab" },
  { rank: 1, state: "Pending", why: "0/1 nodes are available: 1 Insufficient cpu.", restarts: 2, pod: "p1", node: "" }];

function show(initial) {
  const page = openPage();
  const model = fakeModel(initial);
  const widget = panel();
  const forget = widget.initialize({ model });
  const close = widget.render({ model, el: page.el });
  const root = page.el.children[0];
  const button = (text) => root.find("button", (each) => each.textContent === text);
  return { ...page, model, root, forget, close, button, widget };
}

test("a new page asks for the history at once", () => {
  assert.deepEqual(show().model.sent, [{ type: "hello" }]);
});

test("the form sends what was entered when Launch is pressed", () => {
  const { root, model } = show({ form: FORM });
  root.find("input", (each) => each.name === "lr").value = "0.01";
  root.find("form").fire("submit");
  assert.deepEqual(model.sent.at(-1), {
    type: "launch", values: { function: "train", num_nodes: "2", cpu: "1", args: { lr: "0.01" } },
  });
});

test("another function has other hyperparameters", () => {
  const { root } = show({ form: FORM });
  const choice = root.find("select", (each) => each.name === "function");
  choice.value = "other";
  choice.fire("change");
  assert.equal(root.find("input", (each) => each.name === "lr"), undefined);
});

test("every field has a label, and every table head a scope", () => {
  const { root } = show({ form: FORM, job: JOB, workers: WORKERS });
  const labels = root.all.filter((each) => each.tagName === "LABEL").map((each) => each.getAttribute("for"));
  for (const input of root.all.filter((each) => each.tagName === "INPUT")) assert.ok(labels.includes(input.id));
  for (const select of root.all.filter((each) => each.tagName === "SELECT" && !labels.includes(each.id))) {
    assert.ok(select.getAttribute("aria-label"));
  }
  for (const head of root.all.filter((each) => each.tagName === "TH")) assert.equal(head.getAttribute("scope"), "col");
});

test("Launch waits while a job is running, and says why", () => {
  const { root, button, model } = show({ form: FORM, job: JOB, workers: WORKERS });
  assert.equal(button("Launch").disabled, true);
  assert.match(root.textContent, /A job is running/);
  const before = model.sent.length;
  root.find("form").fire("submit");
  assert.equal(model.sent.length, before);
});

test("workers show their state as a word and a shape, and why they wait", () => {
  const { root } = show({ job: JOB, workers: WORKERS });
  assert.match(root.textContent, /● Running/);
  assert.match(root.textContent, /○ Pending20\/1 nodes are available: 1 Insufficient cpu\./);
  assert.match(root.textContent, /p0 on lab/);
});

test("points are appended to the charts and told in words", () => {
  const { root, model, paint } = show({ job: JOB, workers: WORKERS });
  model.update({ series: [{ name: "loss", rank: 0, count: 2 }] }, [0, 2, 10, 1]);
  model.update({ series: [{ name: "loss", rank: 0, count: 1 }, { name: "accuracy", rank: 0, count: 1 }] }, [20, 0.5, 20, 0.9]);
  paint();
  const canvas = root.find("canvas");
  assert.equal(canvas.getAttribute("role"), "img");
  assert.equal(canvas.getAttribute("aria-label"), "loss: 2 at step 0, now 0.5 at step 20.");
  assert.deepEqual(root.find("select", (each) => each.getAttribute("aria-label") === "Metric").options.map((o) => o.value),
    ["loss", "accuracy"]);
});

test("an arrow key reads an earlier value", () => {
  const { root, model, paint } = show({ job: JOB, workers: WORKERS });
  model.update({ series: [{ name: "loss", rank: 0, count: 3 }] }, [0, 2, 10, 1, 20, 0.5]);
  root.find("canvas").fire("keydown", { key: "ArrowLeft" });
  root.find("canvas").fire("keydown", { key: "ArrowLeft" });
  paint();
  assert.match(root.find("figcaption").textContent, /step 10.*1$/);
});

test("a reset forgets the points of the job before", () => {
  const { root, model, paint } = show({ job: JOB, workers: WORKERS });
  model.update({ series: [{ name: "loss", rank: 0, count: 1 }] }, [500, 9]);
  model.update({ reset: true, series: [{ name: "loss", rank: 0, count: 1 }] }, [0, 2]);
  paint();
  assert.equal(root.find("canvas").getAttribute("aria-label"), "loss: 2 at step 0, now 2 at step 0.");
});

test("the log is appended to, and replaced when another rank is chosen", () => {
  const { root, model } = show({ job: JOB, workers: WORKERS });
  const log = root.find("pre", (each) => each.getAttribute("role") === "log");
  model.update({ log: { rank: 0, lines: ["a"], reset: true } });
  model.update({ log: { rank: 0, lines: ["b"], reset: false } });
  assert.equal(log.textContent, "a\nb");
  const rank = root.find("select", (each) => each.getAttribute("aria-label") === "Log of rank");
  rank.value = "1";
  rank.fire("change");
  assert.deepEqual(model.sent.at(-1), { type: "rank", rank: 1 });
  model.update({ log: { rank: 1, lines: ["c"], reset: true } });
  assert.equal(log.textContent, "c");
});

test("Suspend becomes Resume, and Stop asks before it deletes", () => {
  const { button, model } = show({ job: JOB, workers: WORKERS });
  button("Suspend").fire("click");
  assert.deepEqual(model.sent.at(-1), { type: "suspend" });
  model.update({ sections: { job: { ...JOB, phase: "Suspended" } } });
  button("Resume").fire("click");
  assert.deepEqual(model.sent.at(-1), { type: "resume" });
  button("Stop").fire("click");
  assert.deepEqual(model.sent.at(-1), { type: "resume" });
  button("Stop and delete?").fire("click");
  assert.deepEqual(model.sent.at(-1), { type: "stop" });
});

test("what went wrong is said in words; a wrong field says so beside it and takes the focus", () => {
  const { root, model } = show({ form: FORM });
  const alert = root.find("div", (each) => each.getAttribute("role") === "alert");
  model.update({ sections: { notice: { field: "lr", text: "'x' is not a number." } } });
  const input = root.find("input", (each) => each.name === "lr");
  assert.equal(alert.hidden, true);
  assert.equal(input.getAttribute("aria-invalid"), "true");
  assert.equal(document.activeElement, input);
  model.update({ sections: { notice: { text: "the function takes 9 GiB along" } } });
  assert.equal(alert.hidden, false);
  assert.match(alert.textContent, /9 GiB/);
  model.update({ sections: { notice: null, job: { ...JOB, phase: "Failed", problem: { level: "error", text: "rank 1 exited", detail: "KeyError" } } } });
  assert.match(alert.textContent, /rank 1 exitedKeyError/);
});

test("text from the cluster is never taken for markup", () => {
  const { root } = show({ job: { ...JOB, name: "<img src=x>" }, workers: WORKERS });
  assert.equal(root.find("img"), undefined);
  assert.match(root.textContent, /<img src=x>/);
});

test("two views share one state, and closing leaves no listener", () => {
  const first = show({ job: JOB, workers: WORKERS });
  const second = openPage();
  const close = first.widget.render({ model: first.model, el: second.el });
  first.model.update({ sections: { job: { ...JOB, step: 77 } } });
  assert.match(second.el.textContent, /step 77\/100/);
  close();
  first.close();
  first.forget();
  assert.equal(first.model.handlers.size, 0);
});
