// Play, pause, step and speed of a simulated cluster's time; hidden where time goes by itself.

import { h, say } from "./elements.js";
import { button } from "./parts.js";

const STEPS = [[60, "1 minute"], [600, "10 minutes"], [3600, "1 hour"], [86400, "1 day"]];

export class TimeControls {
  constructor(send) {
    this.play = button("▶ Play", () => send(this.playing ? { type: "pause" } : this.playMessage()));
    this.play.classList.toggle("kl-play", true);
    this.speed = h("select", { "aria-label": "Speed of time",
      onchange: () => { if (this.playing) send(this.playMessage()); } });
    this.stepButton = button("Step", () => send({ type: "step", seconds: Number(this.length.value) }));
    this.length = h("select", { "aria-label": "Length of a step" },
      ...STEPS.map(([seconds, text]) => h("option", { value: seconds }, text)));
    this.now = h("time", { class: "kl-now" });
    this.element = h("div", { class: "kl-time", role: "group", "aria-label": "Time", hidden: true },
      this.now, this.play, this.speed, this.stepButton, this.length);
  }

  playMessage() {
    return { type: "play", speed: Number(this.speed.value) };
  }

  /** Show what the kernel says of time; null where it goes by itself. */
  show(time) {
    this.element.hidden = !time;
    if (!time) return;
    this.playing = time.playing;
    say(this.now, moment(time.now));
    say(this.play, time.playing ? "❙❙ Pause" : "▶ Play");
    this.stepButton.disabled = time.playing;
    if (this.speed.options.length) return;
    this.speed.append(...time.speeds.map((speed) => h("option", { value: speed }, `${length(speed)} a second`)));
    this.speed.value = String(time.speed);
    this.length.value = String(time.step_s);
  }
}

/** A time as people read it: the cluster's day and hour, in UTC. */
export function moment(text) {
  return text ? `${text.slice(0, 10)} ${text.slice(11, 19)} UTC` : "";
}

function length(seconds) {
  return seconds >= 3600 ? `${seconds / 3600} h` : `${seconds / 60} min`;
}
