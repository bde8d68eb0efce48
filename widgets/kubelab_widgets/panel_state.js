// What the kernel has told this page, kept for every view of a panel.

import { Series } from "./chart.js";

const LOG_LINES = 500;

/** The state of one panel: sections and rows replaced whole, series and log lines appended to. */
export class PanelState {
  constructor(sections) {
    this.sections = { notice: null, busy: null, ...sections };
    this.rows = new Map();
    this.series = new Map();
    this.log = { rank: 0, lines: [], version: 0 };
    this.listeners = new Set();
  }

  /** Listen to the kernel and ask for the history; returns how to stop. */
  connect(model) {
    const receive = (content, buffers) => this.receive(content, buffers);
    Object.assign(this.sections, model.get("initial") ?? {});
    model.on("msg:custom", receive);
    model.send({ type: "hello" });
    return () => model.off("msg:custom", receive);
  }

  receive(content, buffers) {
    if (content.type !== "update") return;
    if (content.reset) {
      this.series.clear();
      this.rows.clear();
    }
    for (const row of content.rows ?? []) this.rows.set(row.number, row);
    for (const number of content.gone ?? []) this.rows.delete(number);
    Object.assign(this.sections, content.sections ?? {});
    if (content.series) this.addPoints(content.series, floats(buffers?.[0]));
    if (content.log) this.addLines(content.log);
    for (const listener of this.listeners) listener();
  }

  /** `header` names each series and its number of points; `values` holds their (step, value) pairs in turn. */
  addPoints(header, values) {
    let at = 0;
    for (const { name, rank, count, reset } of header) {
      const key = `${name}\n${rank}`;
      if (reset || !this.series.has(key)) this.series.set(key, new Series(name, rank));
      const one = this.series.get(key);
      for (let i = 0; i < count; i += 1, at += 2) one.push(values[at], values[at + 1]);
    }
  }

  addLines({ rank, lines, reset }) {
    const kept = reset || rank !== this.log.rank ? [] : this.log.lines;
    this.log = { rank, lines: [...kept, ...lines].slice(-LOG_LINES), version: this.log.version + 1 };
  }

  /** Names of the metrics reported so far, in the order they came. */
  metrics() {
    return [...new Set([...this.series.values()].map((one) => one.name))];
  }

  /** The series of one metric, by rank. */
  of(metric) {
    return [...this.series.values()].filter((one) => one.name === metric).sort((a, b) => a.rank - b.rank);
  }
}

function floats(buffer) {
  if (!buffer) return [];
  const bytes = buffer.buffer ? buffer : new DataView(buffer);
  // A copy, because a Float32Array must start at a multiple of four.
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
}
