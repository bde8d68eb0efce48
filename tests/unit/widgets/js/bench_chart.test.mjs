import assert from "node:assert/strict";
import { test } from "node:test";

import { axisOf, curvesOf } from "../../../../widgets/kubelab_widgets/bench_chart.js";

const ROWS = [
  { backend: "nftables", services: 5000, endpoints: 2, full_s: [2, 1, 3] },
  { backend: "nftables", services: 1000, endpoints: 2, full_s: [0.2, 0.1, 0.3] },
  { backend: "iptables-nft", services: 1000, endpoints: 2, skipped: "not installed" },
];

test("curves go through a backend's sizes in order, and leave out what was skipped", () => {
  const [line, ...others] = curvesOf(ROWS, "full_s", ["iptables-nft", "nftables"]);
  assert.equal(others.length, 0);
  assert.deepEqual([line.name, line.place], ["nftables", 1]);
  assert.deepEqual(line.points, [[1000, 0.2, 0.1, 0.3], [5000, 2, 1, 3]]);
});

test("numbers of endpoints are lines of their own, with names that say so", () => {
  const rows = [...ROWS, { backend: "nftables", services: 5000, endpoints: 1, full_s: [1, 1, 1] }];
  const lines = curvesOf(rows, "full_s", ["nftables"]);
  assert.deepEqual(lines.map((line) => [line.name, line.place, line.kind, line.points.length]),
    [["nftables (2 endpoints)", 0, 0, 2], ["nftables (1 endpoint)", 0, 1, 1]]);
});

test("a logarithmic axis has whole decades around all bars", () => {
  const axis = axisOf(curvesOf(ROWS, "full_s", ["nftables"]), true);
  assert.deepEqual(axis.map((value) => Number(value.toPrecision(6))), [0.1, 1, 10]);
});

test("one value still has an axis of two ends", () => {
  assert.equal(axisOf([{ points: [[1000, 1, 1, 1]] }], true).length, 2);
});

test("a linear axis reaches below zero only where a value does", () => {
  assert.equal(axisOf([{ points: [[1000, 6, 4, 9]] }], false)[0], 0);
  assert.ok(axisOf([{ points: [[1000, -1, -2, 0]] }], false)[0] < 0);
});
