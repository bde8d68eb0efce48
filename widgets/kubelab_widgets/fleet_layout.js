// Where nodes and pods stand in the picture of a fleet: pure, so that it can be tested without a page.

const LANE_LABEL = 17;
/** How high the two lines over a group's columns are. */
export const GROUP_LABEL = 31;
const BLOCK_WIDTH = 262;
const SHELF_GAP = 5;
const BLOCK_GAP = 16;
const SQUARE = 9;
const LANE_ROWS = 4;
const COMING_MOST = 60;
const SIZES = [[38, 104], [26, 84], [20, 76], [15, 68], [11, 60], [8, 52], [6, 44], [5, 36]];
const MOST_HEIGHT = 470;

/** The largest part that a pod asks for of a node's CPU, memory, GPUs or number of pods. */
export function shareOf(pod, node) {
  let most = 0;
  for (const name of ["cpu_millicores", "memory_bytes", "gpus"]) {
    if (node[name]) most = Math.max(most, pod[name] / node[name]);
  }
  return node.max_pods ? Math.max(most, 1 / node.max_pods) : most;
}

/** Rows of a fleet, sorted out: nodes by group, pods by node, and those that wait. */
export function sortOut(rows) {
  const nodes = new Map();
  const pods = new Map();
  const pending = [];
  for (const row of rows) {
    if (row.kind === "node") {
      if (!nodes.has(row.group)) nodes.set(row.group, []);
      nodes.get(row.group).push(row);
    } else if (!row.node) {
      pending.push(row);
    } else {
      if (!pods.has(row.node)) pods.set(row.node, []);
      pods.get(row.node).push(row);
    }
  }
  return { nodes, pods, pending };
}

/** Blocks of a node's pods from the bottom up, as [pod, top, height]; they shrink where they do not fit. */
export function blocksOf(node, pods, height) {
  const shares = pods.map((pod) => shareOf(pod, node));
  const scale = height / Math.max(1, shares.reduce((sum, share) => sum + share, 0));
  let top = height;
  return pods.map((pod, i) => {
    top -= shares[i] * scale;
    return [pod, top, shares[i] * scale];
  });
}

/**
 * Columns, labels and squares within a width, as large as the height allows.
 * @param groups what the kernel says of groups, in the order they are shown
 * @param fleet what `sortOut` gave
 */
export function layoutFleet(groups, fleet, width) {
  let found = null;
  for (const [step, height] of SIZES) {
    found = place(groups, fleet, Math.max(width, 60), step, height);
    if (found.height <= MOST_HEIGHT) break;
  }
  return found;
}

function place(groups, fleet, width, step, columnHeight) {
  const lane = placePending(fleet.pending, width);
  const out = { ...lane, laneHeight: lane.height, columns: [], labels: lane.labels, step, columnHeight, width };
  let x = 0;
  let y = lane.height + SHELF_GAP;
  let wrapped = true;
  for (const group of shown(groups, fleet.nodes)) {
    const nodes = fleet.nodes.get(group.name) ?? [];
    const count = nodes.length + Math.min(group.coming, COMING_MOST);
    const wide = Math.max(count * step, BLOCK_WIDTH);
    if (x > 0 && (wrapped || x + wide > width)) {
      x = 0;
      y += GROUP_LABEL + columnHeight + SHELF_GAP;
    }
    wrapped = false;
    const from = x;
    out.labels.push({ x, y, group, count, width: Math.min(wide, width - x) });
    for (let i = 0; i < count; i += 1) {
      if (x + step > width) {
        x = 0;
        y += columnHeight + SHELF_GAP;
        wrapped = true;
      }
      out.columns.push({ x, y: y + GROUP_LABEL, node: nodes[i] ?? null, group: group.name });
      x += step;
    }
    x = wrapped ? width : Math.max(x, from + BLOCK_WIDTH) + BLOCK_GAP;
  }
  out.height = out.labels.length > 1 ? y + GROUP_LABEL + columnHeight + 2 : y;
  return out;
}

/** Groups that have something to show; nodes whose group nobody told of come last. */
function shown(groups, nodes) {
  const known = new Set(groups.map((group) => group.name));
  const unknown = [...nodes.keys()].filter((name) => !known.has(name)).map((name) => ({ name, coming: 0 }));
  return [...groups.filter((group) => group.coming || nodes.has(group.name)), ...unknown];
}

function placePending(pending, width) {
  const across = Math.max(1, Math.floor(width / SQUARE));
  const most = across * LANE_ROWS;
  const squares = pending.slice(0, most)
    .map((pod, i) => ({ pod, x: (i % across) * SQUARE, y: LANE_LABEL + Math.floor(i / across) * SQUARE }));
  const rows = Math.max(1, Math.ceil(squares.length / across));
  const more = pending.length - squares.length;
  const text = `Pending pods: ${pending.length}${more > 0 ? `, of which ${squares.length} are drawn` : ""}`;
  return { squares, square: SQUARE - 2, height: LANE_LABEL + rows * SQUARE,
    labels: [{ x: 0, y: 0, text, width }] };
}

/** What lies under a point: a pod and its node, a node, or null; each with its box. */
export function hit(layout, pods, x, y) {
  const { squares, square, columns, step, columnHeight } = layout;
  const waiting = squares.find((each) => within(x, y, each.x, each.y, square + 2, square + 2));
  if (waiting) return { pod: waiting.pod, node: null, box: [waiting.x, waiting.y, square, square] };
  const column = columns.find((each) => each.node && within(x, y, each.x, each.y, step, columnHeight));
  if (!column) return null;
  const blocks = blocksOf(column.node, pods.get(column.node.name) ?? [], columnHeight);
  const block = blocks.find(([, top, height]) => within(x, y, column.x, column.y + top, step, height));
  return block ? boxOfPod(layout, column, block) : boxOfNode(layout, column);
}

export function boxOfNode({ step, columnHeight }, column) {
  return { pod: null, node: column.node, box: [column.x, column.y, step - 1, columnHeight] };
}

export function boxOfPod({ step }, column, [pod, top, height]) {
  return { pod, node: column.node, box: [column.x, column.y + top, step - 1, Math.max(height, 2)] };
}

function within(x, y, left, top, width, height) {
  return x >= left && x < left + width && y >= top && y < top + height;
}
