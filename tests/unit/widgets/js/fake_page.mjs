// As much of a page as the panels touch: elements with attributes, children, listeners and text, and a model.

class FakeElement {
  constructor(tag) {
    this.tagName = tag.toUpperCase();
    this.attributes = new Map();
    this.children = [];
    this.listeners = {};
    this.dataset = {};
    this.style = {};
    Object.assign(this, { value: "", disabled: false, hidden: false, open: false, title: "" });
    Object.assign(this, { clientWidth: 400, clientHeight: 180, scrollHeight: 0, scrollTop: 0 });
    this.classList = { toggle: (name, on) => this.setAttribute(`class:${name}`, on) };
  }

  setAttribute(name, value) {
    this.attributes.set(name, String(value));
    if (["value", "id", "name", "title"].includes(name)) this[name] = String(value);
    if (["hidden", "open", "checked", "selected"].includes(name)) this[name] = true;
  }

  getAttribute(name) {
    return this.attributes.get(name) ?? null;
  }

  addEventListener(name, listener) {
    (this.listeners[name] ??= []).push(listener);
  }

  fire(name, event = {}) {
    for (const listener of this.listeners[name] ?? []) {
      listener({ preventDefault() {}, target: this, offsetX: 0, ...event });
    }
  }

  append(...children) {
    for (const child of children) {
      this.children.push(child);
      if (this.tagName === "SELECT" && child.selected) this.value = child.value;
    }
    if (this.tagName === "SELECT" && !this.value && this.children[0]) this.value = this.children[0].value;
  }

  replaceChildren(...children) {
    this.children = [];
    this.append(...children);
  }

  get options() {
    return this.children;
  }

  get textContent() {
    return this.children.map((child) => (child instanceof FakeElement ? child.textContent : String(child))).join("");
  }

  set textContent(text) {
    this.children = text === "" ? [] : [text];
  }

  get all() {
    return [this, ...this.children.flatMap((child) => (child instanceof FakeElement ? child.all : []))];
  }

  find(tag, test = () => true) {
    return this.all.find((each) => each.tagName === tag.toUpperCase() && test(each));
  }

  getContext() {
    this.calls = [];
    const record = (name) => (...values) => this.calls.push([name, ...values]);
    return new Proxy({}, { get: (target, name) => target[name] ?? record(name), set: (t, n, v) => (t[n] = v, true) });
  }

  focus() {
    globalThis.document.activeElement = this;
  }

  remove() {
    this.removed = true;
  }
}

/** Put a page into the global scope; frames run when `paint` is called. */
export function openPage() {
  const frames = [];
  globalThis.document = { createElement: (tag) => new FakeElement(tag), activeElement: null };
  globalThis.requestAnimationFrame = (call) => frames.push(call);
  globalThis.cancelAnimationFrame = () => {};
  globalThis.getComputedStyle = () => ({ fontFamily: "sans", getPropertyValue: () => "#ffffff" });
  globalThis.ResizeObserver = class {
    observe() {}
    disconnect() {
      openPage.disconnected = (openPage.disconnected ?? 0) + 1;
    }
  };
  return { el: new FakeElement("div"), paint: () => frames.splice(0).forEach((frame) => frame()) };
}

/** A widget model that records what is sent and lets the test speak for the kernel. */
export function fakeModel(initial = {}) {
  const handlers = new Set();
  const sent = [];
  return {
    sent,
    handlers,
    get: (name) => (name === "initial" ? initial : undefined),
    send: (message) => sent.push(message),
    on: (_name, handler) => handlers.add(handler),
    off: (_name, handler) => handlers.delete(handler),
    update: (message, numbers) => {
      const buffers = numbers ? [new DataView(new Float32Array(numbers).buffer)] : [];
      handlers.forEach((handler) => handler({ type: "update", ...message }, buffers));
    },
  };
}
