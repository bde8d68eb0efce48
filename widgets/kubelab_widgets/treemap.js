// A treemap: each group's area is what it costs. Squarified, after Bruls, Huizing and van Wijk (2000).

import { areaColour } from "./cost_chart.js";
import { Picture } from "./elements.js";

/** Lay items of `usd`, the largest first, into a box; returns [item, x, y, width, height] of each. */
export function squarified(items, width, height) {
  const known = items.filter((item) => item.usd > 0);
  const total = known.reduce((sum, item) => sum + item.usd, 0);
  const scale = total ? (width * height) / total : 0;
  const box = { x: 0, y: 0, width, height };
  const laid = [];
  let row = [];
  for (const item of known) {
    if (row.length && worst([...row, item], box, scale) > worst(row, box, scale)) {
      laid.push(...layRow(row, box, scale));
      row = [];
    }
    row.push(item);
  }
  return row.length ? [...laid, ...layRow(row, box, scale)] : laid;
}

/** How far from a square the least square of a row is. */
function worst(row, box, scale) {
  const side = Math.min(box.width, box.height) || 1;
  const areas = row.map((item) => item.usd * scale);
  const sum = areas.reduce((a, b) => a + b, 0);
  const squared = (side / sum) ** 2;
  return Math.max(Math.max(...areas) * squared, 1 / (Math.min(...areas) * squared));
}

/** Lay a row along the shorter side of what is left of the box. */
function layRow(row, box, scale) {
  const area = row.reduce((sum, item) => sum + item.usd, 0) * scale;
  const across = box.width >= box.height;
  const depth = area / ((across ? box.height : box.width) || 1);
  let at = across ? box.y : box.x;
  const laid = row.map((item) => {
    const length = (item.usd * scale) / (depth || 1);
    const place = across ? [item, box.x, at, depth, length] : [item, at, box.y, length, depth];
    at += length;
    return place;
  });
  if (across) Object.assign(box, { x: box.x + depth, width: box.width - depth });
  else Object.assign(box, { y: box.y + depth, height: box.height - depth });
  return laid;
}

export class Treemap extends Picture {
  constructor() {
    super("Cost by size");
    this.items = [];
  }

  /** Show items of name, usd, share and the place that gives a colour. */
  show(items) {
    const key = JSON.stringify(items);
    if (key === this.key) return;
    this.key = key;
    this.items = items;
    this.schedule();
  }

  words() {
    const said = this.items.map((item) => `${item.name} ${(100 * item.share).toFixed(0)} %`);
    return said.length ? `What each costs, as areas: ${said.join(", ")}.` : "Nothing costs anything yet.";
  }

  read() {}

  drawOn(context, width, height, colours) {
    context.clearRect(0, 0, width, height);
    context.textBaseline = "top";
    context.textAlign = "left";
    for (const [item, x, y, w, h] of squarified(this.items, width, height)) {
      context.globalAlpha = 0.8;
      context.fillStyle = areaColour(item.name, item.place, colours.dark);
      context.fillRect(x + 1, y + 1, Math.max(w - 2, 0), Math.max(h - 2, 0));
      context.globalAlpha = 1;
      this.label(context, item, x, y, w, h, colours);
    }
    return null;
  }

  label(context, item, x, y, w, h, colours) {
    if (w < 46 || h < 20) return;
    context.save();
    context.beginPath();
    context.rect(x, y, w - 4, h);
    context.clip();
    context.fillStyle = colours.dark ? "#111" : "#fff";
    context.font = `600 12px ${colours.font}`;
    context.fillText(item.name === "__idle__" ? "idle" : item.name, x + 6, y + 6);
    context.font = `12px ${colours.font}`;
    if (h >= 38) context.fillText(`${item.usd.toFixed(2)} USD`, x + 6, y + 21);
    context.restore();
  }
}
