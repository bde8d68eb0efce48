import assert from "node:assert/strict";
import { test } from "node:test";

import panel from "../../../../widgets/kubelab_widgets/sweep_panel.js";
import { fakeModel, openPage } from "./fake_page.mjs";

const SWEEP = { name: "sweep", phase: "Running", reason: "", objective: "loss", direction: "minimize",
  max_trials: 20, counts: { Running: 1, Succeeded: 1, EarlyStopped: 1 }, best: 0, ended: 2 };
const AXES = [{ name: "lr", scale: "log", low: 0.001, high: 1, texts: [] },
  { name: "kind", scale: "choice", low: 0, high: 1, texts: ["plain", "<img src=x>"] }];
const ROWS = [
  { number: 0, state: "Succeeded", objective: 0.5, values: [0.1, "plain"], step: 40, why: "" },
  { number: 1, state: "EarlyStopped", objective: 2.5, values: [0.01, "<img src=x>"], step: 7, why: "step 7: loss 2.5 is worse" },
  { number: 2, state: "Running", objective: null, values: [0.5, null], step: null, why: "" },
];
const INITIAL = { sweep: SWEEP, axes: AXES, importances: {} };

function show(sections = {}, rows = ROWS) {
  const page = openPage();
  const model = fakeModel({ ...INITIAL, ...sections });
  const widget = panel();
  const forget = widget.initialize({ model });
  const close = widget.render({ model, el: page.el });
  const root = page.el.children[0];
  model.update({ reset: true, rows });
  const button = (text) => root.find("button", (each) => each.textContent === text);
  const head = (name) => root.find("th", (each) => each.textContent === name);
  const table = () => root.find("table", (each) => each.getAttribute("class") === "kl-trials").find("tbody");
  const numbers = () => table().children.map((tr) => tr.children[0].textContent);
  const images = () => root.all.filter((each) => each.tagName === "CANVAS").map((each) => each.getAttribute("aria-label"));
  return { ...page, model, widget, root, forget, close, button, head, table, numbers, images };
}

test("a new page asks for everything at once", () => {
  assert.deepEqual(show().model.sent, [{ type: "hello" }]);
});

test("the best trial stands first and is marked; those without a value come last", () => {
  const { numbers, table } = show();
  assert.deepEqual(numbers(), ["★ 0", "1", "2"]);
  assert.deepEqual(table().children.map((tr) => tr.children[1].textContent), ["✓ Succeeded", "◼ Stopped early", "● Running"]);
  assert.match(table().children[1].textContent, /step 7: loss 2.5 is worse$/);
});

test("where more is better, the greatest stands first", () => {
  assert.deepEqual(show({ sweep: { ...SWEEP, direction: "maximize", best: 1 } }).numbers(), ["★ 1", "0", "2"]);
});

test("a press on a head sorts by it, a second turns it round, and the head says so", () => {
  const { head, numbers } = show();
  assert.equal(head("loss").getAttribute("aria-sort"), "ascending");
  head("lr").find("button").fire("click");
  assert.deepEqual(numbers(), ["1", "★ 0", "2"]);
  head("lr").find("button").fire("click");
  assert.deepEqual(numbers(), ["2", "★ 0", "1"]);
  assert.equal(head("lr").getAttribute("aria-sort"), "descending");
  assert.equal(head("loss").getAttribute("aria-sort"), "none");
});

test("rows that did not change are the same elements, with the same texts", () => {
  const { table, model } = show();
  const before = table().children.map((tr) => [tr, tr.children[2]]);
  const untouched = before[0][0].children.map((cell) => cell.children[0]);
  model.update({ rows: [{ ...ROWS[1], objective: 1.5 }] });
  assert.equal(table().children[1].children[2].textContent, "1.5");
  table().children.forEach((tr, i) => assert.ok(tr === before[i][0] && tr.children[2] === before[i][1]));
  assert.ok(before[0][0].children.every((cell, i) => cell.children[0] === untouched[i]));
});

test("two hundred trials are shown, and one more report touches one row", () => {
  const rows = Array.from({ length: 200 }, (_, number) => ({ ...ROWS[0], number, objective: number }));
  const { table, model } = show({}, rows);
  assert.equal(table().children.length, 200);
  let rebuilt = 0;
  table().replaceChildren = () => (rebuilt += 1);
  model.update({ rows: [{ ...rows[199], step: 41 }] });
  assert.equal(rebuilt, 0);
  assert.match(table().children[199].textContent, /41$/);
});

test("every picture says in words what it shows", () => {
  const { images, model, paint } = show();
  model.update({ series: [{ name: "loss", rank: 0, count: 2 }, { name: "loss", rank: 1, count: 1 }] }, [1, 2, 40, 0.5, 7, 2.5]);
  paint();
  assert.deepEqual(images(), [
    "loss of 2 trials over steps. Trial 0, the best, is at 0.5 at step 40.",
    "best loss so far: 0.5 with trial 0, 0.5 after trial 1.",
    "Parallel coordinates of 2 trials: lr, kind, loss. The best, trial 0: lr 0.1, kind plain, loss 0.5.",
  ]);
});

test("a curve that starts again loses what it had, and others keep theirs", () => {
  const { root, images, model, paint } = show();
  model.update({ series: [{ name: "loss", rank: 0, count: 2 }, { name: "loss", rank: 1, count: 1 }] }, [1, 2, 40, 0.5, 7, 2.5]);
  model.update({ series: [{ name: "loss", rank: 0, count: 1, reset: true }] }, [1, 9]);
  paint();
  assert.equal(images()[0], "loss of 2 trials over steps. Trial 0, the best, is at 9 at step 1.");
  for (const key of ["ArrowLeft", "ArrowLeft"]) root.find("canvas").fire("keydown", { key });
  paint();
  assert.equal(root.find("figcaption").children[1].textContent, "trial 0 (best), step 1  9");
});

test("the pointer names the curve that is nearest to it, and the arrow keys read the best", () => {
  const { root, model, paint } = show();
  model.update({ series: [{ name: "loss", rank: 0, count: 2 }, { name: "loss", rank: 1, count: 2 }] }, [0, 2, 10, 0, 0, 2, 10, 2]);
  paint();
  const [canvas, words] = [root.find("canvas"), () => root.find("figcaption").children[1].textContent];
  assert.equal(words(), "trial 0 (best), step 10  0");
  canvas.fire("pointermove", { offsetX: 380, offsetY: 15 });
  paint();
  assert.equal(words(), "trial 1 (EarlyStopped), step 10  2");
  canvas.fire("pointerleave");
  canvas.fire("keydown", { key: "ArrowLeft" });
  canvas.fire("keydown", { key: "ArrowLeft" });
  paint();
  assert.equal(words(), "trial 0 (best), step 0  2");
});

test("a curve that ended long before the pointer is not the nearest", () => {
  const { root, model, paint } = show();
  model.update({ series: [{ name: "loss", rank: 0, count: 2 }, { name: "loss", rank: 1, count: 2 }] }, [0, 0, 10, 0, 0, 2, 1, 2]);
  paint();
  root.find("canvas").fire("pointermove", { offsetX: 380, offsetY: 15 });
  paint();
  assert.match(root.find("figcaption").children[1].textContent, /^trial 0/);
});

test("a chosen trial is pressed, and once more it is not", () => {
  const { button, model } = show();
  button("1").fire("click");
  assert.equal(button("1").getAttribute("aria-pressed"), "true");
  button("1").fire("click");
  assert.equal(button("1").getAttribute("aria-pressed"), "false");
  assert.deepEqual(model.sent, [{ type: "hello" }]);
});

test("Pause becomes Resume, and Stop asks before it stops", () => {
  const { button, model } = show();
  button("Pause").fire("click");
  model.update({ sections: { sweep: { ...SWEEP, phase: "Paused" } } });
  button("Resume").fire("click");
  button("Stop").fire("click");
  assert.deepEqual(model.sent.slice(1), [{ type: "pause" }, { type: "resume" }]);
  button("Stop all trials?").fire("click");
  assert.deepEqual(model.sent.at(-1), { type: "stop" });
});

test("a question that is left is taken back", () => {
  const { button, model } = show();
  button("Stop").fire("click");
  button("Stop all trials?").fire("blur");
  button("Stop").fire("click");
  assert.equal(model.sent.length, 1);
});

test("the best is promoted once there is one", () => {
  const { button, model } = show({ sweep: { ...SWEEP, best: null } });
  assert.equal(button("Promote best").disabled, true);
  model.update({ sections: { sweep: SWEEP } });
  assert.equal(button("Promote best").disabled, false);
  button("Promote best").fire("click");
  assert.deepEqual(model.sent.at(-1), { type: "promote" });
});

test("a number of trials is added, and what is none is marked", () => {
  const { root, button, model } = show();
  const field = root.find("input");
  for (const wrong of ["", "0", "-3", "2.5", "many"]) {
    field.value = wrong;
    button("Add trials").fire("click");
    assert.equal(field.getAttribute("aria-invalid"), "true");
    assert.equal(document.activeElement, field);
  }
  assert.equal(model.sent.length, 1);
  field.value = "12";
  button("Add trials").fire("click");
  assert.deepEqual(model.sent.at(-1), { type: "add", count: 12 });
  assert.equal(field.getAttribute("aria-invalid"), "false");
});

test("an ended sweep can neither be paused nor stopped; trials can still be added", () => {
  const { button } = show({ sweep: { ...SWEEP, phase: "Succeeded" } });
  assert.ok(button("Pause").hidden && button("Stop").hidden);
  assert.ok(!button("Add trials").hidden);
});

test("a failed sweep says why", () => {
  const { root } = show({ sweep: { ...SWEEP, phase: "Failed", reason: "Experiment has failed: 4 trials failed" } });
  const alert = root.find("div", (each) => each.getAttribute("role") === "alert");
  assert.equal(alert.hidden, false);
  assert.match(alert.textContent, /4 trials failed/);
});

test("what mattered is said in per cent", () => {
  const { root, model } = show();
  const list = root.find("ol");
  assert.match(list.textContent, /once enough trials have ended/);
  model.update({ sections: { importances: { lr: 0.874, kind: 0.126 } } });
  assert.deepEqual(list.children.map((item) => item.textContent), ["lr87 %", "kind13 %"]);
});

test("every control has a name, and every table head a scope", () => {
  const { root } = show();
  for (const each of root.all.filter((one) => ["SELECT", "INPUT", "PROGRESS"].includes(one.tagName))) {
    assert.ok(each.getAttribute("aria-label"));
  }
  for (const each of root.all.filter((one) => one.tagName === "TH")) assert.equal(each.getAttribute("scope"), "col");
  assert.equal(root.find("span", (each) => each.getAttribute("role") === "status").textContent,
    "sweep: Running, 2/20 trials, 1 running");
});

test("text from the cluster is never taken for markup", () => {
  const { root, table } = show();
  assert.equal(root.find("img"), undefined);
  assert.match(table().textContent, /<img src=x>/);
});

test("a sweep of another page is forgotten with a reset", () => {
  const { model, numbers } = show();
  model.update({ reset: true, rows: [ROWS[0]] });
  assert.deepEqual(numbers(), ["★ 0"]);
});

test("two views share one state, and closing leaves no listener", () => {
  const first = show();
  const second = openPage();
  const close = first.widget.render({ model: first.model, el: second.el });
  first.model.update({ sections: { sweep: { ...SWEEP, ended: 7 } } });
  assert.match(second.el.textContent, /7\/20 trials/);
  close();
  first.close();
  first.forget();
  assert.equal(first.model.handlers.size, 0);
});
