// What live figures share: networks in ONNX Runtime Web, the book's colours, sharp canvases, controls, and a clock.

// ---- networks -------------------------------------------------------------------------------------------------------
let runtime; // one for the page

async function openRuntime(url) {
  runtime ??= import(/* webpackIgnore: true */ `${url}ort.wasm.bundle.min.mjs`).then((ort) => {
    ort.env.wasm.wasmPaths = { wasm: `${url}ort-wasm-simd-threaded.wasm` }; // the bundle holds the rest
    ort.env.wasm.numThreads = 1; // more would need cross-origin isolation, which a static site cannot promise
    ort.env.logLevel = "error";
    return ort;
  });
  try {
    return await runtime;
  } catch (error) {
    runtime = undefined; // so that a second try tries again
    throw new Error(`ONNX Runtime did not load from ${url} (${error.message})`);
  }
}

// A model file is an address on the site, and bytes in a notebook.
async function bytesOf(file, name) {
  if (typeof file !== "string") return new Uint8Array(file.buffer ?? file, file.byteOffset ?? 0, file.byteLength);
  const answer = await fetch(file).catch(() => ({ ok: false, status: "no connection" }));
  if (!answer.ok) throw new Error(`the network "${name}" could not be fetched (${answer.status})`);
  return new Uint8Array(await answer.arrayBuffer());
}

// Open every network of a figure. Each becomes a function from named inputs, {x: [shape, Float32Array]}, to named
// Float32Arrays. Calls queue up, since a session runs one at a time. The function's `shapes` are those of the inputs, by name.
export async function openNetworks(model) {
  const ort = await openRuntime(model.get("runtime"));
  const opened = {};
  for (const [name, file] of Object.entries(model.get("models"))) {
    const session = await ort.InferenceSession.create(await bytesOf(file, name));
    let last = Promise.resolve();
    opened[name] = (inputs) => {
      const feeds = Object.fromEntries(
        Object.entries(inputs).map(([key, [shape, data]]) => [key, new ort.Tensor("float32", data, shape)]),
      );
      const answer = last.then(() => session.run(feeds));
      last = answer.catch(() => {});
      return answer.then((out) => Object.fromEntries(Object.entries(out).map(([key, t]) => [key, t.data])));
    };
    opened[name].shapes = Object.fromEntries(session.inputMetadata.map((input) => [input.name, [...input.shape]]));
  }
  return opened;
}

// ---- colour ---------------------------------------------------------------------------------------------------------
const COLOURS = {
  paper: "#fffdf8", ink: "#23262e", muted: "#6a6d75", grid: "#dcd8ce",
  actual: "#1c63b7", imagined: "#bf4708", rival: "#7d3fb0", third: "#1a7a52",
};

// The page's colours at this moment; the light ones where the page has none of its own (a notebook).
export function colours(el) {
  const probe = document.createElement("i");
  (el.isConnected ? el : document.body).append(probe); // what is not on the page yet has no computed style
  const found = {};
  for (const [name, fallback] of Object.entries(COLOURS)) {
    probe.style.color = `var(--wm-${name}, ${fallback})`; // resolved by the browser, light-dark() included
    found[name] = getComputedStyle(probe).color;
  }
  probe.remove();
  return found;
}

// Call `again` whenever the page turns dark or light.
export function onTheme(again) {
  const system = matchMedia("(prefers-color-scheme: dark)");
  const watch = new MutationObserver(again);
  system.addEventListener("change", again);
  watch.observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
  return () => {
    system.removeEventListener("change", again);
    watch.disconnect();
  };
}

export const reducedMotion = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

// ---- elements -------------------------------------------------------------------------------------------------------
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (key === "style") made.style.cssText = value;
    else if (value !== false) made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children);
  return made;
}

// A canvas that fills its box at any width, sharp on any screen. `draw(ctx, width, height)` is in CSS pixels; the height is
// `height(width)`. One that the reader drags on keeps the page from scrolling under the finger.
export function canvas(parent, { label, height: heightOf, draw, drag = false, style = "" }) {
  const made = element("canvas", {
    role: "img", "aria-label": label, style: `display:block;width:100%;touch-action:${drag ? "none" : "auto"};${style}`,
  });
  parent.append(made);
  const paint = () => {
    const width = made.clientWidth || 300;
    const height = Math.round(heightOf(width));
    const scale = window.devicePixelRatio || 1;
    if (made.width !== Math.round(width * scale)) {
      made.width = Math.round(width * scale);
      made.height = Math.round(height * scale);
      made.style.height = `${height}px`;
    }
    const ctx = made.getContext("2d");
    ctx.setTransform(scale, 0, 0, scale, 0, 0);
    ctx.clearRect(0, 0, width, height);
    ctx.lineJoin = ctx.lineCap = "round";
    draw(ctx, width, height);
  };
  const watch = new ResizeObserver(paint);
  watch.observe(made);
  return { element: made, paint, stop: () => watch.disconnect() };
}

// Words on a canvas, on a strip of the figure's ground so that no line crosses them.
export function say(ctx, words, x, y, colour, ground) {
  ctx.font = "12px system-ui, sans-serif";
  ctx.setLineDash([]);
  ctx.lineWidth = 4;
  ctx.strokeStyle = ground;
  ctx.strokeText(words, x, y);
  ctx.fillStyle = colour;
  ctx.fillText(words, x, y);
}

const FONT = "var(--wm-sans, system-ui, sans-serif)";

// A button whose name is its label, and follows it; `title` names one whose label is a sign.
export function button(label, press, { title } = {}) {
  return element(
    "button",
    {
      type: "button", "aria-label": title ?? false, onclick: press,
      style: `min-width:2.75rem;min-height:2.75rem;padding:.3rem .9rem;border:1px solid var(--wm-grid,#dcd8ce);border-radius:8px;background:var(--wm-paper,#fff);color:var(--wm-ink,#23262e);font:600 .95rem ${FONT};cursor:pointer;touch-action:manipulation`,
    },
    label,
  );
}

export function choice(label, options, value, change) {
  const select = element(
    "select",
    {
      onchange: () => change(select.value),
      style: `min-height:2.75rem;padding:.3rem .5rem;border:1px solid var(--wm-grid,#dcd8ce);border-radius:8px;background:var(--wm-paper,#fff);color:var(--wm-ink,#23262e);font:500 .95rem ${FONT}`,
    },
    ...options.map(([key, words]) => element("option", { value: key, selected: key === value }, words)),
  );
  return element("label", { style: `display:flex;align-items:center;gap:.5rem;font:500 .95rem ${FONT}` }, label, select);
}

export function row(...children) {
  return element("div", { style: "display:flex;flex-wrap:wrap;gap:.6rem;align-items:center;justify-content:center;margin-top:.7rem" }, ...children);
}

// A line of text that changes often; a screen reader hears it only when it is asked to (role="status" would chatter).
export function reading() {
  return element("p", { style: `margin:.5rem 0 0;font:500 .95rem/1.4 ${FONT};font-variant-numeric:tabular-nums;text-align:center` });
}

// Words for a key to the colours: [["actual", "the world"], ...], each with the mark that the figure draws.
export function legend(entries) {
  const marks = entries.map(([name, words]) =>
    element("span", { style: "display:inline-flex;align-items:center;gap:.4em" },
      element("i", { "aria-hidden": "true", style: `width:.85em;height:.85em;border-radius:50%;border:2px ${name === "actual" ? "solid" : "dashed"} var(--wm-${name},${COLOURS[name]});background:${name === "actual" ? `var(--wm-actual,${COLOURS.actual})` : "none"}` }),
      words));
  return element("div", { style: `display:flex;flex-wrap:wrap;gap:.2rem 1.2rem;justify-content:center;margin-top:.5rem;font:500 .92rem ${FONT}` }, ...marks);
}

// Squares of a picture that the reader hides and shows: by touch, by dragging, or with the arrow keys and space.
// `board` is the canvas, cut into `side` × `side` squares `top` pixels below its upper edge; `has` tells whether a square is
// hidden, `set` hides or shows one, and `at` hears where the keys point (-1: nowhere).
export function touchable(pad, { board, side, top = 0, has, set, at }) {
  const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  const clamp = (value) => Math.min(side - 1, Math.max(0, value));
  let cursor = -1, hiding; // true while hiding, false while showing, undefined while the pointer is up
  const under = (event) => {
    const box = board.getBoundingClientRect(), step = box.width / side;
    const [x, y] = [Math.floor((event.clientX - box.left) / step), Math.floor((event.clientY - box.top - top) / step)];
    return x === clamp(x) && y === clamp(y) ? y * side + x : -1;
  };
  const change = (square, hide) => square >= 0 && has(square) !== hide && set(square, hide);
  pad.style.touchAction = "none";
  pad.addEventListener("pointerdown", (event) => {
    const square = under(event);
    if (square < 0) return;
    pad.setPointerCapture(event.pointerId);
    at((cursor = -1));
    change(square, (hiding = !has(square)));
  });
  pad.addEventListener("pointermove", (event) => hiding !== undefined && change(under(event), hiding));
  for (const end of ["pointerup", "pointercancel"]) pad.addEventListener(end, () => (hiding = undefined));
  pad.addEventListener("keydown", (event) => {
    const step = steps[event.key], typed = event.key === " " || event.key === "Enter";
    if (!step && !typed) return;
    event.preventDefault();
    if (cursor < 0) cursor = side * Math.floor(side / 2) + Math.floor(side / 2); // near the middle
    if (step) cursor = clamp(Math.floor(cursor / side) + step[1]) * side + clamp((cursor % side) + step[0]);
    else change(cursor, !has(cursor));
    at(cursor);
  });
}

// Paint over a square of `step` pixels whose corner is at (x, y): what is there is hidden.
export function cover(ctx, x, y, step, colour) {
  ctx.fillStyle = colour.grid;
  ctx.fillRect(x, y, step + 0.5, step + 0.5);
  ctx.strokeStyle = colour.muted;
  ctx.lineWidth = 1;
  ctx.beginPath();
  ctx.moveTo(x, y + step);
  ctx.lineTo(x + step, y);
  ctx.stroke();
}

// ---- time -----------------------------------------------------------------------------------------------------------
// Call `tick(seconds)` every frame while the figure is on screen. `tick` may be async; a slow one drops frames.
export function clock(el, tick) {
  let visible = true, last, frame, stopped = false, busy = false;
  const watch = new IntersectionObserver((entries) => (visible = entries.at(-1).isIntersecting)); // the last is the newest
  watch.observe(el);
  const next = async (now) => {
    if (stopped) return;
    frame = requestAnimationFrame(next);
    const seconds = last === undefined ? 0 : Math.min((now - last) / 1000, 0.1);
    if (busy) return;
    last = now;
    if (!visible || !el.isConnected) return;
    busy = true;
    try {
      await tick(seconds);
    } finally {
      busy = false;
    }
  };
  frame = requestAnimationFrame(next);
  return () => {
    stopped = true;
    cancelAnimationFrame(frame);
    watch.disconnect();
  };
}
