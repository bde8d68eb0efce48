import assert from "node:assert/strict";
import { test } from "node:test";

import panel from "../../../../widgets/kubelab_widgets/chaos_panel.js";
import { fakeModel, openPage } from "./fake_page.mjs";

const FORM = { hypotheses: ["the job goes on", "the job recovers"], faults: {
  "drain": { says: "Drain it.", expect: "the job recovers", fields: [{ name: "duration_s", label: "Seconds", value: "5" }] },
  "kill-pod": { says: "Kill one.", expect: "the job goes on", fields: [{ name: "rank", label: "Rank", value: "" }] } } };
const ROW = { name: "drain-1", fault: "drain", hits: "node/<b>", expects: "the job recovers", created: "2026-11-27T03:52:10Z",
  phase: "Active", verdict: "Unobserved", evidence: ["hits: node/<b>"] };
const VERDICT = { fault: "drain", expects: "the job recovers", outcome: "broken", evidence: ["after: no, step 3 to step 3"] };

function show(sections = {}) {
  const page = openPage();
  const model = fakeModel({ job: "train", form: FORM, stage: null, verdict: null, span: null, experiments: [], ...sections });
  const widget = panel();
  const forget = widget.initialize({ model });
  const close = widget.render({ model, el: page.el });
  const root = page.el.children[0];
  const input = (label) => root.all.find((each) => each.getAttribute("aria-label") === label);
  const button = (text) => root.find("button", (each) => each.textContent === text);
  const images = () => root.all.filter((each) => each.tagName === "CANVAS").map((each) => each.getAttribute("aria-label"));
  return { ...page, model, root, forget, close, input, button, images };
}

test("a fault is offered with its own parameters and what it expects", () => {
  const { input } = show();
  assert.equal(input("Fault").value, "kill-pod");
  assert.equal(input("Expected").value, "the job goes on");
  assert.ok(input("Rank"));
  input("Fault").value = "drain";
  input("Fault").fire("change");
  assert.equal(input("Expected").value, "the job recovers");
  assert.equal(input("Seconds").value, "5");
  assert.equal(input("Rank"), undefined);
});

test("what is entered is sent as text, dry or not", () => {
  const { model, input, button } = show();
  input("Rank").value = "1";
  button("Whom would it hit?").fire("click");
  button("Break it").fire("click");
  const values = { rank: "1", seed: "0", max_pods: "" };
  const asked = { type: "break", fault: "kill-pod", expect: "the job goes on", values };
  assert.deepEqual(model.sent.slice(1), [{ ...asked, dry: true }, { ...asked, dry: false }]);
});

test("only what is active can be undone, and a run under way is not begun again", () => {
  const { model, button } = show({ experiments: [{ ...ROW, phase: "Ended" }] });
  assert.ok(button("Undo now").disabled);
  model.update({ sections: { experiments: [ROW], busy: "break" } });
  assert.ok(!button("Undo now").disabled && button("Break it").disabled);
  model.update({ sections: { busy: null } });
  button("Undo now").fire("click");
  assert.deepEqual(model.sent.at(-1), { type: "undo" });
});

test("a verdict is told in words and signs, and names stay text", () => {
  const { root } = show({ verdict: VERDICT, experiments: [ROW] });
  const said = root.all.find((each) => each.getAttribute("aria-label") === "Verdict");
  assert.match(said.textContent, /^drain: “the job recovers” ✕ did not hold/);
  assert.match(root.find("tbody", (each) => each.textContent.includes("⚡ Active")).textContent, /03:52:10drain.*node\/<b>/);
});

test("a screen reader hears when the fault held", () => {
  const { model, images, paint } = show({ span: [0.5, 1] });
  model.update({ series: [{ name: "step", rank: 0, count: 2 }] }, [0, 10, 2, 30]);
  paint();
  assert.equal(images()[0], "Newest step, over seconds: 10 at 0.0 s, 30 at 2.0 s. The fault held from 0.5 s to 1.0 s.");
});
