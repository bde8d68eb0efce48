import assert from "node:assert/strict";
import { test } from "node:test";

import { Series, describe, draw, layout, short, ticks } from "../../../../widgets/kubelab_widgets/chart.js";

function series(points, rank = 0, capacity = 2048) {
  const one = new Series("loss", rank, capacity);
  for (const [step, value] of points) one.push(step, value);
  return one;
}

test("a long series stays within its capacity, keeps the latest point and the whole run", () => {
  const one = series(Array.from({ length: 10000 }, (_, i) => [i, i]), 0, 100);
  assert.ok(one.steps.length <= 101);
  assert.equal(one.steps.at(-1), 9999);
  assert.equal(one.steps[0], 0);
  const gaps = one.steps.slice(1, -1).map((step, i) => step - one.steps[i]);
  assert.equal(new Set(gaps).size, 1);
});

test("a step that goes back is a restart", () => {
  assert.deepEqual(series([[0, 1], [10, 1], [5, 1], [10, 1]]).restarts(), [2]);
});

test("numbers are short", () => {
  assert.deepEqual([0.123456, 12.3456, 1234.56, 0, 1e-7, 2.5e6, NaN].map(short),
    ["0.123", "12.3", "1235", "0", "1.0e-7", "2.5e6", "NaN"]);
});

test("ticks are round and cover the values", () => {
  assert.deepEqual(ticks(0, 2.3), [0, 1, 2, 3]);
  for (const [low, high] of [[0, 0], [5, 5], [-3, 7], [0.0001, 0.0002], [1e6, 3e6]]) {
    const found = ticks(low, high);
    assert.ok(found[0] <= low && found.at(-1) >= high, `${low}..${high}: ${found}`);
    assert.ok(found.length >= 2 && found.length <= 8);
  }
});

test("the chart is described in words, with restarts", () => {
  assert.equal(describe("loss", []), "loss: no values yet.");
  assert.equal(
    describe("loss", [series([[0, 2], [10, 1], [5, 1.5]])]),
    "loss: 2 at step 0, now 1.5 at step 5. The workers started again once.",
  );
  assert.match(describe("loss", [series([[0, 2]]), series([[0, 3]], 1)]), /loss of rank 1: 3 at step 0/);
});

test("values map into the drawing area, and a rate's axis starts at zero", () => {
  const plot = layout(400, 200, [series([[0, 80], [100, 90]])], { fromZero: true });
  assert.equal(plot.yTicks[0], 0);
  assert.equal(plot.x(0), plot.left);
  assert.equal(plot.x(100), plot.right);
  assert.ok(plot.y(90) < plot.y(80));
  assert.equal(Math.round(plot.step(plot.x(40))), 40);
});

test("a value that is no number breaks the line and harms nothing", () => {
  const moves = [];
  const context = new Proxy({ moveTo: (...xy) => moves.push(xy) }, { get: (t, n) => t[n] ?? (() => {}), set: () => true });
  const theme = { text: "#000", grid: "#ddd", font: "sans", palette: ["#00f"] };
  draw(context, 400, 200, [series([[0, 1], [1, NaN], [2, 1]])], theme);
  assert.ok(moves.flat().every(Number.isFinite));
});
