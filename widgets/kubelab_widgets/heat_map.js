// What a DaemonSet's pods use on each node, as tiles whose depth of colour is the amount.

import { amount } from "./amounts.js";
import { h, headRow, say } from "./elements.js";
import { replaceIfChanged } from "./parts.js";

const TILES = 400;
const WRITTEN = 80;
const VALUES = [["use", "use"], ["peak", "peak"], ["target", "recommended"], ["request", "request"]];

export class HeatMap {
  constructor() {
    this.which = h("select", { "aria-label": "DaemonSet", onchange: () => this.render() });
    this.value = h("select", { "aria-label": "Colour by", onchange: () => this.render() }, ...VALUES.map(([value, text]) => h("option", { value }, text)));
    this.tiles = h("div", { class: "kl-heat-tiles", role: "img", tabindex: "0" });
    this.words = h("p", { class: "kl-hint" });
    this.table = h("tbody");
    this.details = h("details", { class: "kl-data", ontoggle: () => this.render() }, h("summary", {}, "Data"),
      h("div", { class: "kl-scroll" }, h("table", {}, h("thead", {}, headRow("Node", "Asks for", "Uses", "Peak", "Recommended")), this.table)));
    this.element = h("section", { class: "kl-heat", "aria-label": "DaemonSets by node", hidden: true },
      h("div", { class: "kl-act" }, h("b", {}, "DaemonSets by node"), this.which, this.value), this.tiles, this.words, this.details);
  }

  show(maps) {
    this.maps = maps;
    this.element.hidden = !maps.length;
    const chosen = this.which.value;
    const names = maps.map((map) => `${map.of}, ${map.resource === "cpu" ? "CPU" : "memory"}`);
    replaceIfChanged(this.which, names, (value) => h("option", { value }, value));
    this.which.value = names.includes(chosen) ? chosen : (names[0] ?? "");
    this.names = names;
    this.render();
  }

  render() {
    const map = this.maps?.[this.names.indexOf(this.which.value)];
    if (!map) return;
    const by = this.value.value || "use";
    const known = map.cells.filter((cell) => cell[by] !== null);
    const highest = Math.max(0, ...known.map((cell) => cell[by]));
    const written = map.cells.length <= WRITTEN;
    replaceIfChanged(this.tiles, map.cells.slice(0, TILES).map((cell) => [cell, by, written, highest]),
      ([cell]) => tile(cell, by, map.resource, highest, written));
    const words = heatWords(map, by, known, highest);
    this.tiles.setAttribute("aria-label", words);
    say(this.words, map.cells.length > TILES ? `${words} The first ${TILES} nodes are drawn.` : words);
    if (this.details.open) replaceIfChanged(this.table, map.cells, (cell) => tableRow(cell, map.resource));
  }
}

function tile(cell, by, resource, highest, written) {
  const share = highest ? (cell[by] ?? 0) / highest : 0;
  const wrong = cell.target !== null && cell.request !== null && cell.target > cell.request;
  const said = VALUES.map(([name, text]) => `${text} ${amount(cell[name], resource)}`).join(", ");
  return h("span", { class: wrong ? "kl-tile kl-tile-short" : "kl-tile", "data-depth": share > 0.6 ? "deep" : null,
    style: `--kl-share: ${Math.round(share * 100)}%`, title: `${cell.node}: ${said}${wrong ? " (asks for too little)" : ""}` },
  ...(written ? [h("span", { class: "kl-tile-name" }, cell.node), h("b", {}, `${wrong ? "▲ " : ""}${amount(cell[by], resource)}`)] : []));
}

/** How uneven the nodes are, in words. */
export function heatWords(map, by, known, highest) {
  if (!known.length) return `Nothing is known of ${map.cells.length} nodes.`;
  const sorted = known.map((cell) => cell[by]).sort((a, b) => a - b);
  const middle = sorted[Math.floor((sorted.length - 1) / 2)];
  const most = known.find((cell) => cell[by] === highest);
  const short = map.cells.filter((cell) => cell.target !== null && cell.request !== null && cell.target > cell.request).length;
  const told = short ? ` ${short} of ${map.cells.length} nodes ask for too little (▲).` : "";
  return `Most on ${most.node}: ${amount(highest, map.resource)}; the median node ${amount(middle, map.resource)}.${told}`;
}

function tableRow(cell, resource) {
  return h("tr", {}, h("td", {}, cell.node), ...["request", "use", "peak", "target"].map((name) => h("td", { class: "kl-number" }, amount(cell[name], resource))));
}
