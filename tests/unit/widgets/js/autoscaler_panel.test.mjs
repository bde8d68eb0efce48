import assert from "node:assert/strict";
import { test } from "node:test";

import panel from "../../../../widgets/kubelab_widgets/autoscaler_panel.js";
import { boundAt, roundTicks, stacked } from "../../../../widgets/kubelab_widgets/cost_chart.js";
import { fakeModel, openPage } from "./fake_page.mjs";

const row = (number, more = {}) => ({ number, time: `2026-01-01T00:0${number}:00Z`, action: "ScaleUp", expander: "price", node_group: "small",
  nodes: 2, node: "", pods: 12, usd_per_hour: 0.192, price_date: "2026-07-20", why: "small is the cheapest", ...more });
const ROWS = [row(1), row(2, { action: "ScaleDown", nodes: -1, node: "small-1", usd_per_hour: -0.096, pods: 0 }),
  row(3, { action: "NoScaleUp", nodes: 0, usd_per_hour: null, pods: 1, node_group: "" })];
const DECISION = { number: 1, time: "2026-01-01T00:01:00Z", action: "ScaleUp", expander: "price,least-waste", nodeGroup: "small", nodes: 2,
  podCount: 25, pods: ["default/<b>x"], usdPerHour: 0.192, priceDate: "2026-07-20", why: "small is the cheapest",
  options: [{ nodeGroup: "small", nodeCount: 2, podCount: 12, rank: 1, kept: true, usdPerHour: 0.192, priceDate: "2026-07-20",
    terms: [{ name: "waste", value: 0.25, unit: "", evidence: "of CPU" }], why: "it costs least", toWin: "" },
  { nodeGroup: "large", nodeCount: 1, podCount: 12, rank: 2, kept: false, usdPerHour: 0.384, priceDate: "2026-07-20",
    terms: [], why: "it costs more", toWin: "must cost less than 0.192 USD/h" }],
  steps: [{ expander: "price", kept: ["small", "equal"], why: "" }, { expander: "least-waste", kept: ["small"], why: "" }],
  skipped: [{ nodeGroup: "tiny", reason: "cpu: 4 asked, 2 there" }] };
const COST = { since: "2026-01-01T00:00:00Z", stretch_s: 60, groups: { large: [0, 0.384, 0.384, 0], small: [0.096, 0.096, 0.288, 0.288] } };
const INITIAL = { cluster: "lab", autoscaler: { exists: true, expander: "price", problem: "" }, expanders: ["price", "random"],
  money: { usd_per_hour: 0.288, spent_usd: 1.5, price_dates: ["2026-07-20"] }, cost: COST, bound: [["2026-01-01T00:00:00Z", 0.09]],
  decision: DECISION, spot_nodes: ["spot-1", "spot-2"], time: null };

function show(sections = {}, rows = ROWS) {
  const page = openPage();
  const model = fakeModel({ ...INITIAL, ...sections });
  const widget = panel();
  widget.initialize({ model });
  const close = widget.render({ model, el: page.el });
  const root = page.el.children[0];
  model.update({ reset: true, rows });
  page.paint();
  const part = (name) => root.all.find((each) => each.getAttribute("class") === name);
  const button = (text) => root.find("button", (each) => each.textContent === text);
  const input = (label) => root.all.find((each) => each.getAttribute("aria-label") === label);
  const lines = () => part("kl-decisions").find("tbody").children;
  return { ...page, model, root, close, part, button, input, lines, canvas: root.find("canvas") };
}

test("decisions stand newest first, each in a few words with its money", () => {
  assert.deepEqual(show().lines().map((tr) => tr.children.map((td) => td.textContent)), [
    ["01-01 00:03", "■ nothing helps 1 pod", ""],
    ["01-01 00:02", "▼ small-1 removed", "−0.096"],
    ["01-01 00:01", "▲ small +2 for 12 pods", "+0.192"]]);
});

test("decisions can be sifted by what they are, and a press asks for one", () => {
  const { input, lines, model } = show();
  input("Which decisions").value = "ScaleUp";
  input("Which decisions").fire("change");
  assert.equal(lines().length, 1);
  lines()[0].find("button").fire("click");
  assert.deepEqual(model.sent.at(-1), { type: "select", number: 1 });
  assert.equal(lines()[0].find("button").getAttribute("aria-pressed"), "true");
});

test("of two thousand decisions the newest two hundred are drawn, and the rest counted", () => {
  const { lines, part } = show({}, Array.from({ length: 2000 }, (_, i) => ({ ...row(1), number: i })));
  assert.equal(lines().length, 200);
  assert.match(part("kl-decisions").textContent, /and 1800 older ones$/);
});

test("a decision shows why, its options with terms and dated prices, and what would have to change", () => {
  const { part } = show();
  const detail = part("kl-decision");
  assert.match(detail.find("h4").textContent, /^2026-01-01 00:01:00 UTC: Scale up, small \+2, \+0.192 USD\/h \(prices of 2026-07-20\), by price,least-waste$/);
  const options = detail.find("tbody").children.map((tr) => tr.children.map((td) => td.textContent));
  assert.deepEqual(options, [["small★ chosen, rank 1", "2", "12", "0.192(2026-07-20)", "waste 0.25", "it costs least"],
    ["large– dropped, rank 2", "1", "12", "0.384(2026-07-20)", "", "it costs moreTo win: must cost less than 0.192 USD/h"]]);
  assert.match(detail.textContent, /price kept small, equal/);
  assert.match(detail.textContent, /tiny cpu: 4 asked, 2 there/);
  assert.match(detail.textContent, /For 25 pods: default\/<b>x and 24 more/);
});

test("without a decision the panel says so", () => {
  const { part } = show({ decision: null }, []);
  assert.match(part("kl-decision").textContent, /^Choose a decision/);
  assert.match(part("kl-decisions").textContent, /No decision yet/);
});

test("buttons send what the fields say, and none while something is under way", () => {
  const { button, input, model } = show();
  input("Policy").value = " random ";
  button("Apply").fire("click");
  input("Pods").value = "30";
  button("Add load").fire("click");
  button("Remove load").fire("click");
  button("Delete what was added?").fire("click");
  input("Spot node").value = "spot-2";
  button("Interrupt").fire("click");
  assert.deepEqual(model.sent.slice(1), [{ type: "policy", expander: "random" }, { type: "load", pods: 30, cpu: "1", memory: "2Gi" },
    { type: "unload" }, { type: "interrupt", node: "spot-2" }]);
  model.update({ sections: { busy: "load" } });
  assert.ok(["Apply", "Add load", "Remove load", "Interrupt"].every((text) => button(text).disabled));
});

test("a number of pods that is none is not sent, and its field is marked", () => {
  const { button, input, model } = show();
  input("Pods").value = "many";
  button("Add load").fire("click");
  assert.equal(model.sent.length, 1);
  assert.equal(input("Pods").getAttribute("aria-invalid"), "true");
});

test("what is being typed as a policy stays while the autoscaler goes on, and gives way to another policy", () => {
  const { input, model } = show();
  input("Policy").value = "rand";
  model.update({ sections: { money: { ...INITIAL.money, spent_usd: 2 } } });
  assert.equal(input("Policy").value, "rand");
  model.update({ sections: { autoscaler: { exists: true, expander: "score", problem: "" } } });
  assert.equal(input("Policy").value, "score");
});

test("where no autoscaler runs one can be started, and its trouble is said", () => {
  assert.ok(show({ autoscaler: { exists: false, expander: "", problem: "" } }).button("Start the autoscaler"));
  const { root } = show({ autoscaler: { exists: true, expander: "price,price", problem: "price is named twice" } });
  assert.match(root.find("div", (each) => each.getAttribute("role") === "alert").textContent, /named twice/);
});

test("groups are stacked on each other, and the bound is read where it holds", () => {
  assert.deepEqual(stacked({ a: [1, 2], b: [3, 4] }), [["a", [1, 2]], ["b", [4, 6]]]);
  const bound = [["2026-01-01T00:00:00Z", 2], ["2026-01-01T01:00:00Z", 3]];
  const at = (text) => boundAt(bound, Date.parse(text) / 1000);
  assert.deepEqual([at("2025-12-31T23:59:59Z"), at("2026-01-01T00:30:00Z"), at("2026-01-01T02:00:00Z")], [null, 2, 3]);
  assert.deepEqual(roundTicks(7.5), [0, 2.5, 5, 7.5]);
  assert.ok(roundTicks(0).every(Number.isFinite));
});

test("a screen reader hears the cost and the bound, and arrow keys read the curve", () => {
  const { canvas, part, paint } = show();
  assert.equal(canvas.getAttribute("aria-label"),
    "USD an hour over time, by node group: now 0.29, at most 0.67. The lower bound is 0.09.");
  canvas.fire("keydown", { key: "ArrowLeft" });
  canvas.fire("keydown", { key: "ArrowLeft" });
  paint();
  assert.equal(part("kl-readout").textContent, "2026-01-01 00:02:30 UTC: 0.67 USD/h, lower bound 0.09");
  assert.deepEqual(part("kl-legend").children.map((each) => each.textContent), ["large 0.38", "small 0.29", "lower bound"]);
});

test("the cost is drawn without a node, a price or a bound too", () => {
  const { canvas } = show({ cost: null, bound: [], money: { usd_per_hour: 0, spent_usd: 0, price_dates: [] } });
  assert.match(canvas.getAttribute("aria-label"), /no node with a price yet/);
});
