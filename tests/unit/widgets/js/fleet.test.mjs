import assert from "node:assert/strict";
import { test } from "node:test";

import { blocksOf, hit, layoutFleet, shareOf, sortOut } from "../../../../widgets/kubelab_widgets/fleet_layout.js";
import view from "../../../../widgets/kubelab_widgets/fleet_view.js";
import { fakeModel, openPage } from "./fake_page.mjs";

const GIB = 2 ** 30;
const node = (number, group, more = {}) => ({ number, kind: "node", name: `${group}-${number}`, group, instance_type: "m6i.large",
  capacity_type: "on-demand", cpu_millicores: 2000, memory_bytes: 8 * GIB, gpus: 0, max_pods: 29, state: "Ready",
  usd_per_hour: 0.096, price_date: "2026-07-20", ...more });
const pod = (number, on, more = {}) => ({ number, kind: "pod", name: `web-${number}`, namespace: "shop", owner: "web", node: on,
  cpu_millicores: 500, memory_bytes: GIB, gpus: 0, state: "Running", why: "", ...more });
const group = (name, more = {}) => ({ name, instance_type: "m6i.large", capacity_type: "on-demand", size: 2, ready: 2, target: 2,
  least: 0, most: 9, coming: 0, usd_per_hour: 0.096, price_date: "2026-07-20", problem: "", ...more });
const FLEET = { now: "2026-01-01T00:10:00Z", nodes: 2, pods: 3, pending: 1, usd_per_hour: 0.192, spent_usd: 1.5,
  since: "2026-01-01T00:00:00Z", price_dates: ["2026-07-20"], unpriced: 0 };
const ROWS = [node(1, "a"), node(2, "a"), pod(3, "a-1"), pod(4, "a-1", { namespace: "<b>" }),
  pod(5, "", { state: "Pending", why: "0/2 nodes are available: 2 Insufficient cpu." })];
const TIME = { now: "2026-01-01T00:10:00Z", playing: false, speed: 600, step_s: 60, speeds: [60, 600] };

function show(sections = {}, rows = ROWS) {
  const page = openPage();
  const model = fakeModel({ cluster: "lab", fleet: FLEET, groups: [group("a")], time: TIME, ...sections });
  const widget = view();
  widget.initialize({ model });
  const close = widget.render({ model, el: page.el });
  const root = page.el.children[0];
  model.update({ reset: true, rows });
  page.paint();
  const part = (name) => root.all.find((each) => each.getAttribute("class") === name);
  const button = (text) => root.find("button", (each) => each.textContent === text);
  return { ...page, model, root, close, part, button, canvas: root.find("canvas") };
}

test("a pod's share is the largest part that it asks for, and never less than its place among pods", () => {
  assert.equal(shareOf(pod(1, ""), node(2, "a")), 0.25);
  assert.equal(shareOf(pod(1, "", { memory_bytes: 4 * GIB }), node(2, "a")), 0.5);
  assert.equal(shareOf(pod(1, "", { cpu_millicores: 0, memory_bytes: 0 }), node(2, "a")), 1 / 29);
});

test("blocks stand on each other from the bottom, and shrink where they would not fit", () => {
  const two = [pod(1, "a-1"), pod(2, "a-1", { cpu_millicores: 1000 })];
  assert.deepEqual(blocksOf(node(9, "a"), two, 100).map(([, top, height]) => [top, height]), [[75, 25], [25, 50]]);
  const many = [1, 2, 3].map((number) => pod(number, "a-1", { cpu_millicores: 1000 }));
  assert.ok(Math.abs(blocksOf(node(9, "a"), many, 90).at(-1)[1]) < 1e-9);
});

test("a thousand nodes stay within the width, none on another", () => {
  const rows = Array.from({ length: 1000 }, (_, number) => node(number, `g${number % 7}`));
  const groups = Array.from({ length: 7 }, (_, number) => group(`g${number}`));
  const layout = layoutFleet(groups, sortOut(rows), 700);
  assert.equal(layout.columns.length, 1000);
  assert.ok(layout.columns.every(({ x, y }) => x >= 0 && x + layout.step <= 700 && y + layout.columnHeight <= layout.height));
  assert.equal(new Set(layout.columns.map(({ x, y }) => `${x} ${y}`)).size, 1000);
  const tops = new Set(layout.columns.map(({ y }) => y));
  assert.ok(layout.labels.every(({ y }) => ![...tops].some((top) => y + 26 > top && y < top + layout.columnHeight)));
});

test("nodes that come are empty columns, and those of no known group are shown too", () => {
  const layout = layoutFleet([group("a", { coming: 3 })], sortOut([node(1, "a"), node(2, "strange")]), 400);
  assert.deepEqual(layout.columns.map((each) => each.node?.name ?? null), ["a-1", null, null, null, "strange-2"]);
});

test("what lies under the pointer is a pod that waits, a pod on its node, or the node", () => {
  const fleet = sortOut(ROWS);
  const layout = layoutFleet([group("a")], fleet, 400);
  const { x, y } = layout.columns[0];
  assert.equal(hit(layout, fleet.pods, x + 1, y + layout.columnHeight - 1).pod.number, 3);
  assert.equal(hit(layout, fleet.pods, x + 1, y + 1).node.number, 1);
  assert.equal(hit(layout, fleet.pods, x + 1, y + 1).pod, null);
  assert.equal(hit(layout, fleet.pods, 1, layout.squares[0].y + 1).pod.number, 5);
  assert.equal(hit(layout, fleet.pods, 399, y + 1), null);
});

test("the price stands there with its date", () => {
  const { part } = show();
  assert.equal(part("kl-money").textContent, "0.19 USD/h·1.50 USD since 2026-01-01 00:00:00 UTC·prices of 2026-07-20");
});

test("prices of two dates are told as such, and so is what has none", () => {
  const fleet = { ...FLEET, price_dates: ["2026-06-01", "2026-07-20"], unpriced: 2 };
  assert.match(show({ fleet }).part("kl-money").textContent, /prices of 2026-06-01 to 2026-07-20; 2 nodes without a price$/);
});

test("a screen reader hears what the picture shows", () => {
  assert.match(show().canvas.getAttribute("aria-label"), /^2 nodes in 1 groups with 2 pods; 1 pods are pending\./);
});

test("arrow keys go from node to node and from pod to pod, and Escape lets go", () => {
  const { canvas, part } = show();
  const press = (key) => (canvas.fire("keydown", { key }), part("kl-fleet-detail").textContent);
  assert.match(press("ArrowRight"), /^Node a-1 \(m6i.large, on-demand\): Ready, 2 pods ask for 1 CPU, 2 GiB of 2 CPU, 8 GiB; 0.096 USD\/h \(2026-07-20\)$/);
  assert.equal(press("ArrowUp"), "Pod shop/web-3 of web: Running, asks for 0.5 CPU, 1 GiB, 25 % of node a-1");
  assert.match(press("ArrowUp"), /^Pod <b>\/web-4/);
  assert.match(press("ArrowUp"), /^Pod shop\/web-5 of web: Pending, .* 0\/2 nodes are available: 2 Insufficient cpu\.$/);
  assert.match(press("ArrowDown"), /^Node a-1/);
  assert.match(press("ArrowRight"), /^Node a-2/);
  assert.match(press("ArrowRight"), /^Node a-2/);
  assert.match(press("ArrowLeft"), /^Node a-1/);
  assert.match(press("Escape"), /^Point at/);
});

test("what was pressed on stays in view while it moves, and is let go when it is gone", () => {
  const { canvas, part, model, paint } = show();
  canvas.fire("keydown", { key: "ArrowRight" });
  canvas.fire("keydown", { key: "ArrowUp" });
  model.update({ rows: [pod(3, "a-2")] });
  paint();
  assert.match(part("kl-fleet-detail").textContent, /^Pod shop\/web-3 .* of node a-2$/);
  model.update({ gone: [3] });
  paint();
  assert.match(part("kl-fleet-detail").textContent, /^Point at/);
});

test("only the columns that changed are drawn again, and all of them when one comes", () => {
  const { canvas, model, paint } = show();
  const drawn = () => canvas.calls.filter(([name]) => name === "clearRect" ).map(([, x, y, , height]) => [x, y, height]).filter(([, , height]) => height > 40);
  model.update({ sections: { fleet: { ...FLEET, spent_usd: 2 } } });
  paint();
  assert.deepEqual(drawn(), []);
  model.update({ rows: [pod(3, "a-1", { cpu_millicores: 900 })] });
  paint();
  assert.equal(drawn().length, 1);
  model.update({ rows: [node(9, "a")] });
  paint();
  assert.equal(drawn().length, 1 + 3);
});

test("the legend counts pods by namespace, or by controller, and the first come keep their colours", () => {
  const { root, part, model } = show();
  assert.deepEqual(part("kl-legend").children.map((each) => each.textContent), ["shop 2", "<b> 1"]);
  const swatch = part("kl-legend").children[1].find("span").getAttribute("style");
  model.update({ gone: [3, 5] });
  assert.deepEqual(part("kl-legend").children.map((each) => each.find("span").getAttribute("style")), [swatch]);
  const by = root.find("select", (each) => each.getAttribute("aria-label") === "Colour pods by");
  by.value = "owner";
  by.fire("change");
  assert.deepEqual(part("kl-legend").children.map((each) => each.textContent), ["<b>/web 1"]);
});

test("groups are a table with sizes, dated prices and what troubles them", () => {
  const { part, root } = show({ groups: [group("a", { coming: 1, target: 3, problem: "no more than 2" }),
    group("b", { target: null, least: null, most: null, usd_per_hour: null })] });
  const rows = root.all.filter((each) => each.tagName === "TR").slice(1).map((tr) => tr.children.map((td) => td.textContent));
  assert.deepEqual(rows[0].slice(3), ["2", "2 (+1 coming)", "3", "0", "9", "0.096 (2026-07-20)", "no more than 2"]);
  assert.deepEqual(rows[1].slice(5, 9), ["–", "–", "–", "–"]);
  assert.ok(part("kl-data"));
});

test("time is played, paused and stepped; where it goes by itself there are no buttons", () => {
  const { button, model, root } = show();
  button("▶ Play").fire("click");
  button("Step").fire("click");
  assert.deepEqual(model.sent.slice(1), [{ type: "play", speed: 600 }, { type: "step", seconds: 60 }]);
  model.update({ sections: { time: { ...TIME, playing: true } } });
  assert.ok(button("Step").disabled);
  button("❙❙ Pause").fire("click");
  assert.deepEqual(model.sent.at(-1), { type: "pause" });
  assert.equal(root.find("div", (each) => each.getAttribute("class") === "kl-time").hidden, false);
  assert.equal(show({ time: null }).root.find("div", (each) => each.getAttribute("class") === "kl-time").hidden, true);
});

test("errors are said, and closing lets go of the page", () => {
  const { model, root, close } = show();
  model.update({ sections: { notice: { text: "the simulated cluster: it was closed." } } });
  assert.match(root.find("div", (each) => each.getAttribute("role") === "alert").textContent, /it was closed/);
  const before = openPage.disconnected ?? 0;
  close();
  assert.equal(openPage.disconnected, before + 1);
  assert.ok(root.removed);
});
