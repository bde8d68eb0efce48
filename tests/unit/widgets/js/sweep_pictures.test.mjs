import assert from "node:assert/strict";
import { test } from "node:test";

import { layout, withoutOutliers } from "../../../../widgets/kubelab_widgets/chart.js";
import { placeOn } from "../../../../widgets/kubelab_widgets/coordinates.js";
import { bestSoFar, order, trialLook } from "../../../../widgets/kubelab_widgets/sweep_charts.js";

const THEME = { text: "grey", palette: ["blue", "orange", "green", "purple"] };

test("the best and the chosen trial stand out, and what came to nothing is dimmed", () => {
  const marks = { best: 1, chosen: 2 };
  const look = (number, state) => trialLook({ number, state }, marks, THEME);
  assert.deepEqual([look(1, "Succeeded").colour, look(1, "Succeeded").width], ["orange", 2.5]);
  assert.equal(look(2, "Failed").colour, "purple");
  for (const state of ["EarlyStopped", "Failed", "Killed", "MetricsUnavailable"]) {
    assert.equal(look(3, state).colour, "grey");
    assert.ok(look(3, state).alpha < look(3, "Succeeded").alpha);
  }
  assert.ok(look(3, "Running").width > look(3, "Succeeded").width);
});

test("the best lies over the chosen, that over those that run, and so on", () => {
  const marks = { best: 1, chosen: 2 };
  const rows = [{ number: 5, state: "Failed" }, { number: 4, state: "Succeeded" }, { number: 3, state: "Running" },
    { number: 2, state: "Failed" }, { number: 1, state: "Succeeded" }];
  assert.deepEqual(rows.map((row) => order(row, marks)), [4, 3, 2, 1, 0]);
});

test("the best so far goes only down, or up where more is better, over trials that ended with a number", () => {
  const states = ["Succeeded", "EarlyStopped", "Running", "Succeeded", "Succeeded", "Failed"];
  const rows = [3, 1, 0, 2, "inf", 0.1].map((objective, number) => ({ number, objective, state: states[number] }));
  const [best, each] = bestSoFar(rows, "minimize");
  assert.deepEqual([best.steps, best.values, each.values], [[0, 1, 3], [3, 1, 1], [3, 1, 2]]);
  assert.deepEqual(bestSoFar(rows, "maximize")[0].values, [3, 3, 3]);
});

test("values lie on their axes by their scale", () => {
  const log = { scale: "log", low: 0.001, high: 0.1 };
  assert.deepEqual([0.001, 0.01, 0.1].map((value) => Math.round(placeOn(log, value) * 1000) / 1000), [0, 0.5, 1]);
  const choice = { scale: "choice", texts: ["a", "b"] };
  assert.deepEqual(["a", "b", "c", null].map((value) => placeOn(choice, value)), [0.25, 0.75, null, null]);
  assert.equal(placeOn({ scale: "linear", low: 0, high: 10, upside: true }, 2), 0.8);
  assert.equal(placeOn({ scale: "linear", low: 0, high: 10 }, 25), 1);
  assert.equal(placeOn({ scale: "linear", low: 3, high: 3 }, 3), 0.5);
});

test("a few values that diverge do not stretch the axis of many", () => {
  const values = [...Array.from({ length: 100 }, (_, i) => i / 100), 1e9];
  assert.equal(withoutOutliers(values).length, 100);
  assert.deepEqual(withoutOutliers([1, 1, 1]), [1, 1, 1]);
  assert.deepEqual(withoutOutliers([]), []);
  const plot = (robust) => layout(400, 200, [{ steps: values.map((_, i) => i), values }], { robust });
  assert.ok(plot(true).yTicks.at(-1) <= 1.5);
  assert.ok(plot(false).yTicks.at(-1) >= 1e9);
  const curve = (top) => ({ steps: [0, 1], values: [top, 1] });
  const curves = [...Array.from({ length: 20 }, () => curve(6)), curve(20)];
  assert.ok(layout(400, 200, curves, { robust: true }).yTicks.at(-1) <= 8);
});

test("among many trials those that ended are fainter; the best and those that run are not", () => {
  const alpha = (count, state, number = 3) => trialLook({ number, state }, { best: 1, count }, THEME).alpha ?? 1;
  assert.ok(alpha(200, "Succeeded") < alpha(20, "Succeeded"));
  assert.ok(alpha(200, "Failed") < alpha(20, "Failed"));
  assert.deepEqual([alpha(200, "Running"), alpha(200, "Succeeded", 1)], [1, 1]);
});
