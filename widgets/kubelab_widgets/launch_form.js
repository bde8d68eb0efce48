// The form that launches a job: which function, how many processes, how much of the node, hyperparameters.

import { h, say } from "./elements.js";

let forms = 0;

/** A form built from the kernel's description; `launch(values)` is called with what was entered. */
export class LaunchForm {
  constructor(launch) {
    this.launch = launch;
    this.prefix = `kl-form-${(forms += 1)}`;
    this.inputs = new Map();
    this.body = h("div", { class: "kl-fields" });
    this.button = h("button", { type: "submit", class: "kl-button kl-primary" }, "Launch");
    this.why = h("p", { class: "kl-hint", id: `${this.prefix}-why` });
    this.button.setAttribute("aria-describedby", this.why.id);
    this.element = h("form", { class: "kl-form", "aria-label": "Launch a job", novalidate: true,
      onsubmit: (event) => this.submit(event) }, this.body, this.button, this.why);
  }

  /** Show the description; what the reader has typed stays. */
  show(form, busy, active) {
    this.element.hidden = !form;
    if (!form) return;
    const description = JSON.stringify(form);
    if (description !== this.description) {
      this.description = description;
      this.form = form;
      this.build(form.functions[0]?.name);
    }
    this.button.disabled = Boolean(busy) || active || !form.functions.length;
    this.button.textContent = busy === "launch" ? "Launching…" : "Launch";
    say(this.why, this.reason(form, active));
  }

  reason(form, active) {
    if (!form.functions.length) {
      return "Define a function that calls kubelab.training.context() in a cell, then run this cell again.";
    }
    return active ? "A job is running: stop it, or wait for it, to launch another." : "";
  }

  build(name) {
    const chosen = this.form.functions.find((one) => one.name === name);
    this.inputs.clear();
    this.body.replaceChildren(
      this.field(this.functionField(name)),
      ...this.form.fields.map((field) => this.field(field)),
      ...(chosen?.fields.length
        ? [h("fieldset", {}, h("legend", {}, "Hyperparameters"),
            ...chosen.fields.map((field) => this.field({ ...field, argument: true })))]
        : []),
    );
  }

  functionField(name) {
    const choices = this.form.functions.map((one) => one.name);
    return { name: "function", label: "Function", kind: "choice", choices, value: name,
      onchange: (event) => this.build(event.target.value) };
  }

  field(field) {
    const id = `${this.prefix}-${field.argument ? "arg-" : ""}${field.name}`;
    const input = control(field, id);
    const error = h("span", { class: "kl-field-error", id: `${id}-error` });
    this.inputs.set(id, { field, input, error });
    return h("div", { class: field.kind === "bool" ? "kl-field kl-check" : "kl-field" },
      h("label", { for: id }, field.label ?? field.name), input, error);
  }

  /** What was entered, as text; the kernel reads it, so there is one set of rules. */
  values() {
    const values = { args: {} };
    for (const { field, input } of this.inputs.values()) {
      (field.argument ? values.args : values)[field.name] = field.kind === "bool" ? input.checked : input.value;
    }
    return values;
  }

  submit(event) {
    event.preventDefault();
    if (this.button.disabled) return;
    this.fault(null);
    this.launch(this.values());
  }

  /** Say beside a field what is wrong with it. */
  fault(notice) {
    let first = null;
    for (const { field, input, error } of this.inputs.values()) {
      const text = notice?.field === field.name ? notice.text : "";
      say(error, text);
      input.setAttribute("aria-invalid", text ? "true" : "false");
      if (text) {
        input.setAttribute("aria-describedby", error.id);
        first ??= input;
      }
    }
    first?.focus();
    return first !== null;
  }
}

function control(field, id) {
  if (field.kind === "choice") {
    const options = field.choices.map((choice) =>
      h("option", { value: choice, selected: choice === field.value }, String(choice)));
    return h("select", { id, name: field.name, onchange: field.onchange ?? null }, ...options);
  }
  if (field.kind === "bool") return h("input", { id, name: field.name, type: "checkbox", checked: field.value });
  const mode = { int: "numeric", float: "decimal" }[field.kind] ?? null;
  return h("input", { id, name: field.name, type: "text", inputmode: mode, value: field.value ?? "",
    placeholder: field.placeholder ?? null, autocomplete: "off", spellcheck: "false" });
}
