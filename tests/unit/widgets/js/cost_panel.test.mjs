import assert from "node:assert/strict";
import { test } from "node:test";

import { lasting } from "../../../../widgets/kubelab_widgets/cost_panel.js";
import { squarified } from "../../../../widgets/kubelab_widgets/treemap.js";

test("areas of a treemap are in proportion, inside the box, and fill it", () => {
  const items = [6, 6, 4, 3, 2, 2, 1, 0].map((usd, i) => ({ name: `g${i}`, usd }));
  const laid = squarified(items, 600, 400);
  assert.equal(laid.length, 7);
  for (const [item, x, y, width, height] of laid) {
    assert.ok(Math.abs(width * height - (item.usd / 24) * 240000) < 1e-6);
    assert.ok(x >= -1e-9 && y >= -1e-9 && x + width <= 600 + 1e-6 && y + height <= 400 + 1e-6);
  }
});

test("areas of a treemap are near squares, as in the paper's example", () => {
  const items = [6, 6, 4, 3, 2, 2, 1].map((usd) => ({ usd }));
  const ratios = squarified(items, 6, 4).map(([, , , w, h]) => Math.max(w / h, h / w));
  assert.ok(Math.max(...ratios) < 3);
  assert.ok(ratios.reduce((a, b) => a + b) / ratios.length < 1.8);
});

test("a treemap of nothing is empty", () => {
  assert.deepEqual(squarified([], 600, 400), []);
});

test("lengths are told as a reader would say them", () => {
  assert.deepEqual([0.5, 1.25, 24, 168].map(lasting), ["30 min", "1.3 h", "24 h", "7 days"]);
});
