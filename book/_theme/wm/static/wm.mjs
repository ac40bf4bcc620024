// What a page does by itself: the theme switch, the section list, slider figures, and live figures.

const root = document.documentElement;
const staticUrl = new URL("./", import.meta.url); // .../_static/

// ---- theme: follow the system until the reader chooses ------------------------------------------------------------
const themes = ["auto", "light", "dark"];
const themeButton = document.querySelector(".bar-theme");
themeButton.hidden = false;
const nameTheme = () => themeButton.setAttribute("aria-label", `Colour theme: ${root.dataset.theme ?? "auto"}`);
nameTheme();
themeButton.addEventListener("click", () => {
  const next = themes[(themes.indexOf(root.dataset.theme ?? "auto") + 1) % themes.length];
  if (next === "auto") delete root.dataset.theme;
  else root.dataset.theme = next;
  try {
    if (next === "auto") localStorage.removeItem("theme");
    else localStorage.setItem("theme", next);
  } catch {} // a browser that keeps nothing still switches
  nameTheme();
});

// ---- what scrolls sideways can be reached with the keyboard --------------------------------------------------------
for (const box of document.querySelectorAll(".text pre, .text table, .math-block")) {
  new ResizeObserver(() => {
    if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
    else box.removeAttribute("tabindex");
  }).observe(box);
}

// ---- the list of sections shows where the reader is ----------------------------------------------------------------
const sectionLinks = new Map(
  [...document.querySelectorAll(".sections a[href^='#']")].map((a) => [decodeURIComponent(a.hash.slice(1)), a]),
);
if (sectionLinks.size) {
  const seen = new IntersectionObserver(
    (entries) => {
      for (const { isIntersecting, target } of entries) {
        if (!isIntersecting) continue;
        for (const [id, link] of sectionLinks) {
          if (id === target.id) link.setAttribute("aria-current", "true");
          else link.removeAttribute("aria-current");
        }
      }
    },
    { rootMargin: "-10% 0px -75% 0px" },
  );
  for (const id of sectionLinks.keys()) {
    const section = id && document.getElementById(id);
    if (section) seen.observe(section);
  }
}

// ---- figures with sliders: every setting was drawn when the book was built ------------------------------------------
async function unpack(script) {
  const bytes = Uint8Array.from(atob(script.textContent.trim()), (c) => c.charCodeAt(0));
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).json();
}

for (const figure of document.querySelectorAll(".wm-explore")) {
  const frame = figure.querySelector(".wm-explore-frame");
  const sliders = [...figure.querySelectorAll("input[type=range]")];
  let frames; // unpacked when a slider is first moved
  for (const slider of sliders) {
    const words = JSON.parse(slider.dataset.values);
    slider.addEventListener("input", async () => {
      slider.setAttribute("aria-valuetext", words[slider.value]);
      slider.parentElement.querySelector("output").textContent = words[slider.value];
      frames ??= unpack(figure.querySelector("script"));
      const drawings = await frames;
      const index = sliders.reduce((at, s) => at * (Number(s.max) + 1) + Number(s.value), 0);
      frame.innerHTML = drawings[index];
    });
  }
}

// ---- live figures: mounted when the reader asks ----------------------------------------------------------------------
// The stand-in for anywidget's model: the same get, set, on, off and save_changes, without a kernel.
function localModel(values) {
  const listeners = new Map();
  return {
    get: (key) => values[key],
    set(key, value) {
      values[key] = value;
      for (const listener of listeners.get(`change:${key}`) ?? []) listener(value);
    },
    on: (event, listener) => listeners.set(event, [...(listeners.get(event) ?? []), listener]),
    off: (event, listener) => listeners.set(event, (listeners.get(event) ?? []).filter((l) => l !== listener)),
    save_changes() {},
  };
}

async function run(figure) {
  const stage = figure.querySelector(".wm-live-stage");
  const status = figure.querySelector(".wm-live-status");
  const set = (state, words) => {
    figure.dataset.state = state;
    status.textContent = words;
  };
  set("loading", "Loading the model …");
  const settings = JSON.parse(figure.querySelector("script[type='application/json']").textContent);
  const models = Object.fromEntries(
    Object.entries(settings.models).map(([key, file]) => [key, new URL(`live/${figure.dataset.lesson}/${file}`, staticUrl).href]),
  );
  const model = localModel({ ...settings, models, runtime: new URL("vendor/onnxruntime/", staticUrl).href });
  const el = document.createElement("div");
  try {
    const { default: widget } = await import(new URL(`live/${figure.dataset.live}.mjs`, staticUrl));
    await widget.render({ model, el });
    stage.replaceChildren(el);
    set("running", "");
    figure.wm = { model, el };
    el.querySelector("[data-focus]")?.focus({ preventScroll: true });
  } catch (error) {
    console.warn(error);
    set("error", `This figure could not start: ${error.message}`);
    addRunButton(figure, "Try again");
  }
}

function addRunButton(figure, label) {
  const stage = figure.querySelector(".wm-live-stage");
  stage.querySelector(".wm-live-run")?.remove();
  const button = document.createElement("button");
  button.type = "button";
  button.className = "wm-live-run";
  button.innerHTML = `<span>${label}</span>`;
  button.addEventListener("click", () => {
    button.remove();
    run(figure);
  });
  stage.append(button);
}

for (const figure of document.querySelectorAll(".wm-live")) {
  addRunButton(figure, "Run");
  figure.querySelector(".wm-live-status").textContent =
    location.protocol === "file:"
      ? "Browsers do not let a page opened from a file load a model. Serve the folder (make serve) to run this figure."
      : "";
}
