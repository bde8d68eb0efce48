// The panel of one name's lookup: choose how the pod resolves, and see every query that leaves it.

import { h, headRow, say } from "./elements.js";
import { PanelState } from "./panel_state.js";
import { Notice, Speaker, button, replaceIfChanged, widget } from "./parts.js";

const EMPTY = { lookup: null, history: [], caches: false, machine: "", missing: "" };
const FAMILIES = { any: "A and AAAA", ipv4: "A only", ipv6: "AAAA only" };
const SIGNS = { NOERROR: "✓ found", NXDOMAIN: "✕ no such name", NODATA: "○ other types only", LOST: "⚡ lost" };

export default () => widget(() => new PanelState({ ...EMPTY }), DnsPage);

class DnsPage {
  constructor(state, send) {
    this.state = state;
    this.send = send;
    this.notice = new Notice();
    this.speaker = new Speaker();
    this.name = h("h3", { class: "kl-name" });
    this.summary = h("span", { class: "kl-progress-text" });
    this.where = h("p", { class: "kl-hint" });
    this.conf = h("pre", { class: "kl-hint", "aria-label": "resolv.conf" });
    this.element = h("section", { class: "kl-panel kl-dns", "aria-label": "DNS lookups", "data-lm-suppress-shortcuts": "true" },
      h("header", { class: "kl-head" }, this.name, this.summary, this.speaker.element), this.notice.element,
      this.buildForm(), this.conf, this.buildQueries(), this.buildHistory(), this.where);
    this.listener = () => this.update();
    state.listeners.add(this.listener);
  }

  buildForm() {
    const onkeydown = (event) => event.key === "Enter" && this.lookUp();
    const text = (label, size) => h("input", { type: "text", "aria-label": label, size, onkeydown });
    this.fields = {
      name: text("Name", 20), ndots: text("ndots", 3), search: text("Search list", 36),
      family: h("select", { "aria-label": "Records" }, ...Object.entries(FAMILIES).map(([value, word]) => h("option", { value }, word))),
      autopath: h("input", { type: "checkbox", "aria-label": "autopath" }),
      cache: h("input", { type: "checkbox", "aria-label": "node's cache" }),
    };
    this.run = button("Look up", () => this.lookUp());
    const field = (key, word) => h("label", { class: "kl-act-field" }, h("span", {}, word), this.fields[key]);
    return h("div", { class: "kl-act" }, h("span", { class: "kl-act-group" },
      field("name", "Name (a dot at the end: as it is)"), field("ndots", "ndots"), field("search", "Search list"),
      field("family", "Records"), field("autopath", "autopath"), field("cache", "node's cache"), this.run));
  }

  buildQueries() {
    this.queries = h("tbody");
    return h("div", { class: "kl-scroll kl-dns-queries", tabindex: "0", role: "group", "aria-label": "Queries" },
      h("table", {}, h("thead", {}, headRow("", "name", "type", "answer", "over")), this.queries));
  }

  buildHistory() {
    this.history = h("tbody");
    return h("div", { class: "kl-scroll kl-dns-history", tabindex: "0", role: "group", "aria-label": "Lookups so far" },
      h("table", {}, h("caption", {}, "Lookups so far"),
        h("thead", {}, headRow("name", "ndots", "search domains", "how", "queries", "wasted", "at the server", "ms")), this.history));
  }

  lookUp() {
    const { name, ndots, search, family, autopath, cache } = this.fields;
    this.send({ type: "look-up", name: name.value, ndots: ndots.value, search: search.value,
      family: family.value, autopath: autopath.checked, cache: cache.checked });
  }

  update() {
    const { lookup, history, caches, machine, missing, notice, busy } = this.state.sections;
    this.notice.show(notice);
    this.run.disabled = Boolean(busy);
    this.fields.cache.disabled = !caches;
    say(this.where, missing ? `Reckoned, not measured: ${missing}` : `Measured on ${machine}${caches ? "" : "; no program for a node's cache is installed"}`);
    if (!lookup) return;
    say(this.name, lookup.name);
    say(this.summary, lookup.summary);
    say(this.conf, lookup.resolv_conf);
    this.speaker.tell(lookup.name, lookup.summary);
    this.fill(lookup);
    replaceIfChanged(this.queries, lookup.queries, queryRow);
    replaceIfChanged(this.history, history, lookupRow);
  }

  /** Show what was asked in the form, once for each lookup, so that what is being typed stays. */
  fill(lookup) {
    if (lookup === this.shown) return;
    this.shown = lookup;
    for (const key of ["name", "ndots", "search", "family"]) this.fields[key].value = String(lookup[key]);
    for (const key of ["autopath", "cache"]) this.fields[key].checked = lookup[key];
  }

  close() {
    this.state.listeners.delete(this.listener);
    this.element.remove();
  }
}

function queryRow(query, place) {
  return h("tr", { class: query.answer === "NXDOMAIN" ? "kl-dimmed" : null },
    h("td", {}, String(place + 1)), h("td", {}, query.name), h("td", {}, query.type),
    h("td", {}, SIGNS[query.answer] ?? query.answer), h("td", {}, query.transport));
}

function lookupRow(one) {
  const cells = [one.ndots, one.domains, one.how, one.count, one.wasted, one.upstream ?? "", one.ms === null ? "" : one.ms.toFixed(1)];
  return h("tr", {}, h("th", { scope: "row" }, one.name), ...cells.map((cell) => h("td", {}, String(cell))));
}
