// The picture of a fleet: nodes as columns, pods as blocks. Pointing at something draws nothing anew.

import { Picture, h, theme } from "./elements.js";
import { GROUP_LABEL, blocksOf, boxOfNode, boxOfPod, hit, layoutFleet, sortOut } from "./fleet_layout.js";

const COLOURS = {
  light: ["#0072b2", "#d55e00", "#00835f", "#a4457f", "#8a6d00", "#3f9bd8", "#6a51a3"],
  dark: ["#56b4e9", "#e69f00", "#2fc79b", "#e39ac6", "#e8dc5a", "#8c9eff", "#d0b3ff"],
};
const OTHER = "#8a929b";
const FAINT = { Starting: 0.5, Terminating: 0.3, Unknown: 0.3 };

/** Which colour each namespace or controller has; the first come keep theirs. */
export class Colouring {
  constructor() {
    this.by = "namespace";
    this.places = new Map();
  }

  /** Colour by `namespace` or `owner`. */
  choose(by) {
    this.by = by;
    this.places.clear();
  }

  name(pod) {
    if (this.by === "namespace") return pod.namespace;
    return pod.owner ? `${pod.namespace}/${pod.owner}` : pod.namespace;
  }

  /** How many pods each name has, the first come first. */
  count(pods) {
    const counts = new Map();
    for (const pod of pods) counts.set(this.name(pod), (counts.get(this.name(pod)) ?? 0) + 1);
    for (const name of counts.keys()) if (!this.places.has(name)) this.places.set(name, this.places.size);
    return [...counts].sort((a, b) => this.places.get(a[0]) - this.places.get(b[0]));
  }

  of(name, dark) {
    return COLOURS[dark ? "dark" : "light"][this.places.get(name)] ?? OTHER;
  }
}

export class FleetCanvas extends Picture {
  /**
   * @param told called with what is pointed at, or null
   * @param above what stands between the title and the picture, which may be taller than the page
   */
  constructor(told, above) {
    super("Nodes", {
      onpointermove: (event) => this.pointAt(event.offsetX, event.offsetY),
      onpointerleave: () => this.look(this.pinned ?? null),
      onclick: (event) => this.pin(event.offsetX, event.offsetY),
      onkeydown: (event) => this.key(event),
    });
    this.told = told;
    this.colouring = new Colouring();
    this.groups = [];
    this.fleet = sortOut([]);
    this.drawn = [];
    this.mark = h("div", { class: "kl-fleet-mark", hidden: true });
    this.stage = h("div", { class: "kl-fleet-stage" }, this.canvas, this.mark);
    this.element.append(above, this.stage);
    this.canvas.setAttribute("class", "kl-canvas kl-fleet-canvas");
  }

  show(groups, rows) {
    this.groups = groups;
    this.fleet = sortOut(rows);
    this.counts = this.colouring.count(rows.filter((row) => row.kind === "pod"));
    this.schedule();
  }

  words() {
    const nodes = [...this.fleet.nodes.values()].reduce((sum, each) => sum + each.length, 0);
    const placed = [...this.fleet.pods.values()].reduce((sum, each) => sum + each.length, 0);
    return `${nodes} nodes in ${this.fleet.nodes.size} groups with ${placed} pods; ${this.fleet.pending.length} `
      + "pods are pending. Arrow keys go from node to node and from pod to pod.";
  }

  read() {}

  isDark() {
    return theme(this.canvas).dark;
  }

  paint() {
    const width = this.canvas.clientWidth;
    this.layout = layoutFleet(this.groups, this.fleet, width);
    this.canvas.style.height = `${Math.ceil(this.layout.height)}px`;
    super.paint();
    this.lookAgain();
  }

  drawOn(context, width, height, colours) {
    const { dark } = colours;
    const { labels, squares, square, columns } = this.layout;
    this.clear(context, width, height, dark);
    for (const label of labels) this.drawLabel(context, label, colours);
    for (const { pod, x, y } of squares) {
      context.strokeStyle = this.colouring.of(this.colouring.name(pod), dark);
      context.strokeRect(x + 0.5, y + 0.5, square - 1, square - 1);
    }
    columns.forEach((column, i) => {
      const pods = column.node ? this.fleet.pods.get(column.node.name) ?? [] : [];
      if (isDrawn(this.drawn[i], column.node, pods)) return;
      this.drawn[i] = { node: column.node, pods };
      this.drawColumn(context, column, pods, colours, dark);
    });
    return this.layout;
  }

  /** Clear all where columns moved or colours changed; else only what is always drawn anew. */
  clear(context, width, height, dark) {
    const { labels, step, columnHeight } = this.layout;
    const { by, places } = this.colouring;
    const blocks = labels.map(({ x, y, count }) => [x, y, count]);
    const key = JSON.stringify([width, height, dark, step, columnHeight, blocks, by, places.size]);
    if (key !== this.drawnAs) {
      this.drawnAs = key;
      this.drawn = [];
      context.clearRect(0, 0, width, height);
      return;
    }
    context.clearRect(0, 0, width, this.layout.laneHeight);
    for (const label of labels) context.clearRect(label.x, label.y, label.width, GROUP_LABEL - 1);
  }

  drawLabel(context, { x, y, width, text, group }, colours) {
    context.fillStyle = colours.text;
    context.font = `${group ? "600 " : ""}12px ${colours.font}`;
    context.fillText(fitting(context, text ?? (group.name || "nodes"), width), x, y + 12);
    if (!group) return;
    context.font = `11px ${colours.font}`;
    context.fillText(fitting(context, groupWords(group), width), x, y + 26);
  }

  drawColumn(context, { x, y, node }, pods, colours, dark) {
    const { step, columnHeight } = this.layout;
    const wide = step - (step > 8 ? 3 : 2);
    context.clearRect(x, y, step, columnHeight);
    context.globalAlpha = 1;
    context.strokeStyle = colours.grid;
    if (!node) {
      context.setLineDash([2, 2]);
      context.strokeRect(x + 0.5, y + 0.5, wide, columnHeight - 1);
      context.setLineDash([]);
      return;
    }
    context.fillStyle = colours.grid;
    context.globalAlpha = 0.45;
    context.fillRect(x, y, wide + 1, columnHeight);
    context.globalAlpha = 1;
    for (const [pod, top, height] of blocksOf(node, pods, columnHeight)) {
      context.fillStyle = this.colouring.of(this.colouring.name(pod), dark);
      const faint = FAINT[pod.state];
      if (faint) context.globalAlpha = faint;
      context.fillRect(x, y + top, wide + 1, height > 3 ? height - 1 : height * 0.8);
      if (faint) context.globalAlpha = 1;
    }
    if (node.state !== "Ready") this.drawTrouble(context, x, y, wide, node.state, dark);
  }

  /** A node that is not well has a frame, dashed where it will leave, and a foot of the same colour. */
  drawTrouble(context, x, y, wide, state, dark) {
    const bad = dark ? "#ff8a80" : "#b3261e";
    const warn = dark ? "#f0b357" : "#8a5300";
    context.strokeStyle = context.fillStyle = state === "NotReady" ? bad : warn;
    context.setLineDash(state === "Leaving" ? [3, 2] : []);
    context.strokeRect(x + 0.5, y + 0.5, wide, this.layout.columnHeight - 1);
    context.setLineDash([]);
    context.fillRect(x, y + this.layout.columnHeight - 3, wide + 1, 3);
  }

  pointAt(x, y) {
    if (this.layout && !this.pinned) this.look(hit(this.layout, this.fleet.pods, x, y));
  }

  /** Keep what was pressed on in view; a press elsewhere lets go. */
  pin(x, y) {
    const found = this.layout ? hit(this.layout, this.fleet.pods, x, y) : null;
    const same = found && this.pinned && found.pod === this.pinned.pod && found.node === this.pinned.node;
    this.pinned = same ? null : found;
    this.look(found);
  }

  look(found) {
    this.seen = found;
    this.mark.hidden = !found;
    if (found) {
      const [x, y, width, height] = found.box;
      Object.assign(this.mark.style, { transform: `translate(${x}px, ${y}px)`, width: `${width}px`, height: `${height}px` });
    }
    this.told(found);
  }

  /** What was looked at may have moved, changed or gone. */
  lookAgain() {
    if (this.pinned) this.pinned = this.find(this.pinned);
    if (this.seen) this.look(this.find(this.seen));
  }

  find({ pod, node }) {
    const square = pod && this.layout.squares.find((each) => each.pod.number === pod.number);
    if (square) return { pod: square.pod, node: null, box: [square.x, square.y, this.layout.square, this.layout.square] };
    const name = pod ? this.nodeOf(pod) : node.name;
    const column = this.layout.columns.find((each) => each.node?.name === name);
    if (!column) return null;
    if (!pod) return boxOfNode(this.layout, column);
    return boxOfPod(this.layout, column, this.blocks(column).find(([each]) => each.number === pod.number));
  }

  /** Where a pod is now, which may not be where it was when it was looked at. */
  nodeOf(pod) {
    for (const [name, pods] of this.fleet.pods) if (pods.some((each) => each.number === pod.number)) return name;
    return null;
  }

  blocks(column) {
    return blocksOf(column.node, this.fleet.pods.get(column.node.name) ?? [], this.layout.columnHeight);
  }

  key(event) {
    const across = { ArrowLeft: -1, ArrowRight: 1 }[event.key] ?? 0;
    const up = { ArrowUp: 1, ArrowDown: -1 }[event.key] ?? 0;
    if (!this.layout || (!across && !up && event.key !== "Escape")) return;
    event.preventDefault();
    this.pinned = null;
    if (event.key === "Escape") this.look(null);
    else this.look(across ? this.besides(across) : this.above(up));
    this.pinned = this.seen;
  }

  /** The next node, or the next pod that waits. */
  besides(by) {
    if (this.seen && !this.seen.node) return this.waiting(by);
    const columns = this.layout.columns.filter((each) => each.node);
    const at = columns.findIndex((each) => each.node === this.seen?.node);
    const next = columns[at < 0 ? 0 : Math.max(0, Math.min(columns.length - 1, at + by))];
    return next ? boxOfNode(this.layout, next) : this.waiting(1);
  }

  waiting(by) {
    const { squares, square } = this.layout;
    const at = squares.findIndex((each) => each.pod === this.seen?.pod);
    const next = squares[Math.max(0, Math.min(squares.length - 1, at + by))];
    return next ? { pod: next.pod, node: null, box: [next.x, next.y, square, square] } : null;
  }

  /** The next pod of the node; above the last one, those that wait; below the first, the node itself. */
  above(by) {
    const column = this.layout.columns.find((each) => each.node && each.node === this.seen?.node);
    if (!column) return by < 0 || !this.layout.squares.length ? this.firstNode() : this.waiting(1);
    const blocks = this.blocks(column);
    const next = blocks.findIndex(([pod]) => pod === this.seen.pod) + by;
    if (next >= blocks.length && this.layout.squares.length) {
      this.seen = null;
      return this.waiting(1);
    }
    const block = blocks[Math.min(next, blocks.length - 1)];
    return next < 0 || !block ? boxOfNode(this.layout, column) : boxOfPod(this.layout, column, block);
  }

  firstNode() {
    const column = this.layout.columns.find((each) => each.node);
    return column ? boxOfNode(this.layout, column) : null;
  }
}

/** A group in a line: its size of its target, and what one node costs. */
export function groupWords(group) {
  if (group.size === undefined) return "";
  const sizes = group.target === null ? `${group.size} nodes` : `${group.size}/${group.target}, most ${group.most}`;
  const price = group.usd_per_hour === null ? "" : ` · ${group.usd_per_hour} USD/h (${group.price_date})`;
  return `${group.problem ? "⚠ " : ""}${sizes}${price}`;
}

/** Whether a column shows these very rows; what did not change is the same object. */
function isDrawn(drawn, node, pods) {
  return drawn?.node === node && drawn.pods.length === pods.length && drawn.pods.every((pod, i) => pod === pods[i]);
}

function fitting(context, text, width) {
  const long = context.measureText?.(text)?.width ?? 0;
  if (long <= width) return text;
  return `${text.slice(0, Math.max(1, Math.floor((text.length * width) / long) - 1))}…`;
}
