// Parts of a panel that have a life of their own: buttons, badges, what is said, and tables that change little.

import { h, say } from "./elements.js";

const SPOKEN_EVERY_MS = 5000;
const SYMBOLS = {
  Pending: "○", Created: "○", Starting: "◔", Running: "●", Restarting: "↻", Terminating: "◌",
  Suspended: "❙❙", Paused: "❙❙", Succeeded: "✓", Failed: "✕", MetricsUnavailable: "✕", EarlyStopped: "◼",
  Killed: "–", Deleted: "–",
};
const WORDS = { Created: "Waiting", EarlyStopped: "Stopped early", MetricsUnavailable: "No metrics" };

/** What anywidget asks for: one state for all views of a panel. */
export function widget(newState, View) {
  const state = newState();
  return {
    initialize: ({ model }) => state.connect(model),
    render: ({ model, el }) => {
      const view = new View(state, (message) => model.send(message));
      el.append(view.element);
      view.update();
      return () => view.close();
    },
  };
}

export function button(text, onclick) {
  return h("button", { type: "button", class: "kl-button", onclick }, text);
}

/** A button whose first press asks and whose second acts. */
export class AskingButton {
  constructor(text, question, act) {
    this.text = text;
    this.question = question;
    this.element = button(text, () => {
      if (this.element.dataset.asked) act();
      this.ask(!this.element.dataset.asked);
    });
    this.element.addEventListener("blur", () => this.ask(false));
  }

  ask(asked) {
    if (asked) this.element.dataset.asked = "yes";
    else delete this.element.dataset.asked;
    say(this.element, asked ? this.question : this.text);
  }
}

/** What went wrong, or what was done, in words. */
export class Notice {
  constructor() {
    this.text = h("p");
    this.detail = h("pre");
    this.element = h("div", { class: "kl-notice", role: "alert", hidden: true }, this.text, this.detail);
  }

  /** `beside` is told of a new notice, and says whether it is shown at a field instead. */
  show(notice, beside = () => false) {
    const key = JSON.stringify(notice ?? null);
    if (key === this.key) return;
    this.key = key;
    this.element.hidden = beside(notice) || !notice;
    if (!notice) return;
    this.element.dataset.level = notice.level ?? "error";
    say(this.text, notice.text);
    say(this.detail, notice.detail ?? "");
    this.detail.hidden = !notice.detail;
  }
}

/** Tells a screen reader the phase when it changes, and the progress now and then. */
export class Speaker {
  constructor() {
    this.element = h("span", { class: "kl-spoken", role: "status", "aria-live": "polite" });
  }

  tell(phase, words) {
    const now = Date.now();
    if (phase === this.phase && now - (this.at ?? 0) < SPOKEN_EVERY_MS) return;
    this.phase = phase;
    this.at = now;
    say(this.element, words);
  }
}

/** A state as shape, word and colour, so that no one of them carries it alone. */
export function badge(element, phase) {
  element.dataset.phase = phase;
  say(element, `${SYMBOLS[phase] ?? "○"} ${WORDS[phase] ?? phase}`);
  return element;
}

/** Offer the metrics there are, keep what was chosen, and return it. */
export function chooseMetric(select, names, preferred) {
  if (names.length !== select.options.length) {
    const chosen = select.value;
    select.replaceChildren(...names.map((name) => h("option", { value: name }, name)));
    select.value = names.includes(chosen) ? chosen : (names.find((name) => name === preferred) ?? names[0]);
  }
  select.hidden = !names.length;
  return select.value || preferred;
}

/** Rebuild rows only when their data changed, so that a selection in them survives. */
export function replaceIfChanged(body, rows, build) {
  const key = JSON.stringify(rows);
  if (body.dataset.key === key) return;
  body.dataset.key = key;
  body.replaceChildren(...rows.map(build));
}
