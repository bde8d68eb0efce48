import assert from "node:assert/strict";
import { test } from "node:test";

import { amount, dollars } from "../../../../widgets/kubelab_widgets/amounts.js";
import panel from "../../../../widgets/kubelab_widgets/rightsizing_panel.js";
import { fakeModel, openPage } from "./fake_page.mjs";

const GIB = 2 ** 30;
const WEB = ["shop", "Deployment", "web", "main", ""];
const AGENT = ["kube-system", "DaemonSet", "agent", "<b>x", ""];
const row = (number, name, more = {}) => ({ number, name, resource: "cpu", pods: 2, request: 1, limit: null, use: 0.125, peak: 0.2, target: 0.25, lower: 0.2,
  upper: 0.4, advice: "lower", usd_per_month: 40, saves_usd_per_month: 30, prices_of: "2026-07-20", why: "it used 125m", evidence: ["P95 of use 150m"], ...more });
const ROWS = [row(1, WEB), row(2, WEB, { resource: "memory", request: GIB, use: GIB / 4, peak: GIB / 2, target: GIB / 2, lower: GIB / 4, upper: null, saves_usd_per_month: 2 }),
  row(3, AGENT, { request: 0.1, use: 0.4, peak: 0.5, target: 0.5, advice: "raise", saves_usd_per_month: -5 })];
const CHANGES = [{ name: WEB, moves: [["cpu request", "1", "250m"]], notes: ["memory limit kept"], held: [] },
  { name: AGENT, moves: [["cpu request", "100m", "500m"]], notes: [], held: ["changed 5 minutes ago"] }];
const HEAT = [{ of: "kube-system/agent: main", resource: "cpu", cells: [
  { node: "node-1", request: 0.1, use: 0.05, peak: 0.06, target: 0.06 }, { node: "node-2", request: 0.1, use: 0.4, peak: 0.5, target: 0.5 },
  { node: "node-3", request: 0.1, use: null, peak: null, target: null }] }];
const APPLIED = [{ namespace: "shop", object: "deployment/web", container: "main", time: "2026-01-01T00:05:00Z", moves: [["cpu request", "1", "250m"]] }];
const INITIAL = { cluster: "lab", strategies: ["peak", "vpa"], question: { strategy: "peak", in_place: false, settled: true },
  rightsizing: { strategy: "peak", scope: "", saves_usd_per_month: 27, missing: [] }, changes: CHANGES, heat: HEAT, applied: APPLIED, time: null };

function show(sections = {}, rows = ROWS) {
  const page = openPage();
  const model = fakeModel({ ...INITIAL, ...sections });
  const widget = panel();
  widget.initialize({ model });
  const close = widget.render({ model, el: page.el });
  const root = page.el.children[0];
  model.update({ reset: true, rows });
  const part = (name) => root.all.find((each) => each.getAttribute("class") === name);
  const button = (text) => root.find("button", (each) => each.textContent === text);
  const input = (label) => root.all.find((each) => each.getAttribute("aria-label") === label);
  const lines = () => part("kl-sizing").find("tbody").children;
  return { ...page, model, root, close, part, button, input, lines };
}

test("amounts are short, and money has a sign", () => {
  assert.deepEqual([0.1261, 12.5].map((cores) => amount(cores, "cpu")), ["126m", "12.5"]);
  assert.deepEqual([500, 380258472, null].map((bytes) => amount(bytes, "memory")), ["500 B", "363 MiB", "–"]);
  assert.deepEqual([3, -3, 0.001].map(dollars), ["+3.00", "−3.00", "0.00"]);
});

test("what saves most stands first, with request, use, target and money", () => {
  const { lines } = show();
  assert.deepEqual(lines().map((tr) => tr.children.map((td) => td.textContent)), [
    ["shop/web: main2 pods", "CPU", "1000m", "125m", "250m▼ lower", "", "−30.00"],
    ["shop/web: main2 pods", "memory", "1 GiB", "256 MiB", "512 MiB▼ lower", "", "−2.00"],
    ["kube-system/agent: <b>x2 pods", "CPU", "100m", "400m", "500m▲ raise", "", "+5.00"]]);
  assert.equal(lines()[0].children[6].getAttribute("title"), "at prices of 2026-07-20");
});

test("the picture of a request is on one scale, and in words", () => {
  const picture = show().lines()[0].find("div", (each) => each.getAttribute("role") === "img");
  assert.equal(picture.getAttribute("aria-label"), "asks for 1000m, uses 125m, peak 200m, should ask for 250m, between 200m and 400m");
  const style = (name) => picture.children.find((each) => each.getAttribute("class") === `kl-range-${name}`).getAttribute("style");
  assert.equal(style("request"), "left: 90.9%");
  assert.equal(style("use"), "width: 11.4%");
  assert.equal(style("band"), "left: 18.2%; width: 18.2%");
});

test("an interval without an end goes to the edge", () => {
  const picture = show().lines()[1].find("div", (each) => each.getAttribute("role") === "img");
  const band = picture.children.find((each) => each.getAttribute("class") === "kl-range-band");
  assert.equal(band.getAttribute("style"), "left: 22.7%; width: 77.3%");
});

test("requests can be sifted by name and resource", () => {
  const { input, lines, part } = show();
  input("Resource").value = "memory";
  input("Resource").fire("change");
  assert.equal(lines().length, 1);
  input("Filter").value = "nothing";
  input("Filter").fire("input");
  assert.equal(lines().length, 0);
  assert.match(part("kl-sizing").textContent, /No container that runs has such a name/);
});

test("of many requests the first hundred are drawn and the rest counted", () => {
  const { lines, part } = show({}, Array.from({ length: 300 }, (_, i) => row(i, WEB)));
  assert.equal(lines().length, 100);
  assert.match(part("kl-sizing").textContent, /and 200 more/);
});

test("a chosen container says why, from which figures, and what would change", () => {
  const { part } = show();
  const text = part("kl-decision").textContent;
  for (const said of ["shop/web: main", "it used 125m", "P95 of use 150m", "cpu request 1 → 250m", "memory limit kept"]) assert.ok(text.includes(said), said);
});

test("a change that is held says why and cannot be applied", () => {
  const { lines, part, button } = show();
  lines()[2].find("button").fire("click");
  assert.match(part("kl-decision").textContent, /❚❚ held: changed 5 minutes ago/);
  assert.equal(button("Apply to this container").disabled, true);
  assert.equal(lines()[2].find("button").getAttribute("aria-pressed"), "true");
});

test("changes are asked for twice before they are made", () => {
  const { button, model } = show();
  button("Apply to this container").fire("click");
  assert.notEqual(model.sent.at(-1).type, "apply");
  button("Change it?").fire("click");
  assert.deepEqual(model.sent.at(-1), { type: "apply", name: WEB });
  button("Apply all").fire("click");
  button("Change all of them?").fire("click");
  assert.deepEqual(model.sent.at(-1), { type: "apply", name: null });
});

test("while a new question has no answer nothing can be applied", () => {
  const { button, input, model } = show();
  input("Strategy").value = "vpa";
  input("Strategy").fire("change");
  assert.deepEqual(model.sent.at(-1), { type: "strategy", strategy: "vpa" });
  model.update({ sections: { question: { strategy: "vpa", in_place: false, settled: false } } });
  assert.equal(button("Apply all").disabled, true);
  assert.equal(button("Apply to this container").disabled, true);
});

test("what was applied is listed and can be put back", () => {
  const { button, part, model } = show();
  assert.match(part("kl-applied").textContent, /2026-01-01 00:05 shop\/deployment\/web, main: cpu request 1 → 250m/);
  button("Undo").fire("click");
  button("Put it back?").fire("click");
  assert.deepEqual(model.sent.at(-1), { type: "undo", namespace: "shop", object: "deployment/web", container: "main" });
  button("Undo all").fire("click");
  button("Put all back?").fire("click");
  assert.deepEqual(model.sent.at(-1), { type: "undo" });
  assert.equal(show({ applied: [] }).part("kl-applied").hidden, true);
});

test("a DaemonSet's nodes are tiles as deep as their use, and those that ask for too little are marked", () => {
  const { part } = show();
  const tiles = part("kl-heat-tiles").children;
  assert.deepEqual(tiles.map((tile) => tile.getAttribute("style")), ["--kl-share: 13%", "--kl-share: 100%", "--kl-share: 0%"]);
  assert.deepEqual(tiles.map((tile) => tile.textContent), ["node-150m", "node-2▲ 400m", "node-3–"]);
  assert.equal(part("kl-heat-tiles").getAttribute("aria-label"), "Most on node-2: 400m; the median node 50m. 1 of 3 nodes ask for too little (▲).");
});

test("nodes are coloured by another figure when asked", () => {
  const { input, part } = show();
  input("Colour by").value = "request";
  input("Colour by").fire("change");
  assert.deepEqual(part("kl-heat-tiles").children.map((tile) => tile.getAttribute("style")), Array(3).fill("--kl-share: 100%"));
});

test("without a DaemonSet there is no map", () => {
  assert.equal(show({ heat: [] }).part("kl-heat").hidden, true);
});

test("the head counts what could be lower and what is too low", () => {
  const { part } = show({ rightsizing: { ...INITIAL.rightsizing, missing: ["the source is down"] } });
  assert.equal(part("kl-progress-text").textContent, "peak: 2 could be lower, 1 too low; −27.00 USD/month of requests");
  assert.equal(part("kl-hint").textContent, "the source is down");
});

test("a closed view is told nothing more", () => {
  const { close, root, model } = show();
  close();
  assert.equal(root.removed, true);
  model.update({ sections: { cluster: "other" } });
  assert.ok(!root.textContent.includes("other"));
});
