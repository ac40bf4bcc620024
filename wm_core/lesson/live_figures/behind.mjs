// Change what happens behind the occluder. Two clips begin in the same way; the page draws both, and a network says how much
// each moment of each surprises it, from all earlier moments.
//
// Settings: size, frames, tubelet (frames of a moment), thickness (of a wall, in sides), half: half the width of each kind, in
//           radii; waves: [kx, ky] of the background; usual: for each network its mean surprise by possible clips;
//           scenes: {open: [...], walled: [...]}, each {kinds, hues, heights: two each; level, radius, direction, centre, wide,
//           tall, speed, crossing; paint: [3]; texture: [3][2 * waves]}, lengths in sides, hues in turns, times in frames.
// Networks: features, pixels: clips [2, frames, 3, size, size] -> surprise [2, moments - 1, places]
import { button, canvas, choice, clock, colours, element, onTheme, openNetworks, reading, reducedMotion, row, say } from "./kit.mjs";

const BEAT = 0.22; // seconds for a frame
const EVENTS = [
  ["vanish", "it vanishes"], ["colour", "it changes colour"], ["shape", "it changes shape"], ["turn", "it turns back"],
  ["pass_through", "it passes a wall"], ["appear", "it comes from nowhere"], ["teleport", "it jumps in plain sight"],
  ["nothing", "nothing special"],
];
const SQUARE = Math.sqrt(Math.PI) / 2, TIP = Math.sqrt((4 * Math.PI) / (3 * Math.sqrt(3))), PLUS = Math.sqrt((9 * Math.PI) / 20);
const clamp = (value, low = 0, high = 1) => Math.min(high, Math.max(low, value));

// The screen colour of a hue in turns.
const rgb = (hue, saturation = 0.85, value = 0.95) => [0, 2 / 3, 1 / 3].map((offset) => {
  const ramp = clamp(Math.abs(6 * ((hue + offset) % 1) - 3) - 1);
  return value * (1 - saturation + saturation * ramp);
});

// How much of a pixel at (dx, dy) pixels from its centre a shape of r pixels covers.
function coverage(kind, dx, dy, r) {
  const across = Math.abs(dx), along = Math.abs(dy);
  let distance;
  if (kind === 0) distance = Math.sqrt(dx * dx + dy * dy + 1e-6) - r;
  else if (kind === 2) distance = Math.max(dy, across * (Math.sqrt(3) / 2) - dy / 2) - (TIP / 2) * r;
  else {
    const [long, short] = (kind === 3 ? [PLUS, PLUS / 3] : [SQUARE, SQUARE]).map((part) => part * r);
    distance = Math.max(Math.max(across, along) - long, Math.min(across, along) - short);
  }
  return clamp(0.5 - distance);
}

async function render({ model, el }) {
  const nets = await openNetworks(model);
  const [size, frames, tubelet, thickness, half, waves, usual, scenes] =
    ["size", "frames", "tubelet", "thickness", "half", "waves", "usual", "scenes"].map((key) => model.get(key));
  const moments = frames / tubelet, area = size * size, values = 3 * area;

  // ---- the world ----------------------------------------------------------------------------------------------------
  // What is where in frame t of a scene, if `event` happens (null: what the world does where that event would be).
  function track(s, event, t, possible) {
    const walled = event === "pass_through", progress = s.speed * (t - s.crossing), past = progress > 0;
    const changed = (what) => (event === what && !possible && past ? 1 : 0);
    const kind = s.kinds[changed("shape")];
    const edge = event === "turn" ? 0 : -half[kind] * s.radius - thickness / 2;
    const turns = (walled && possible) || (event === "turn" && !possible);
    const way = turns && progress > edge ? 2 * edge - progress : progress;
    const there = event === "appear" ? past && !possible : event === "vanish" ? possible || !past : true;
    const y = event === "teleport" ? s.heights[changed("teleport")] : s.level;
    return { kind, hue: s.hues[changed("colour")], x: s.centre + s.direction * way, y, there };
  }
  function bar(left, top, right, bottom) {
    const part = (low, high, i) => clamp(Math.min(size * high, i + 1) - Math.max(size * low, i));
    return (x, y) => part(left, right, x) * part(top, bottom, y);
  }
  function film(s, event, possible) {
    const clip = new Float32Array(frames * values), ground = new Float32Array(values);
    const wall = bar(s.centre - thickness / 2, 0, s.centre + thickness / 2, 1);
    const occluder = bar(s.centre - s.wide, s.level - s.tall, s.centre + s.wide, s.level + s.tall);
    for (let c = 0; c < 3; c++) for (let y = 0; y < size; y++) for (let x = 0; x < size; x++) {
      let sum = 0.35;
      waves.forEach(([kx, ky], w) => {
        const angle = (Math.PI * (kx * (x + 0.5) + ky * (y + 0.5))) / size;
        sum += s.texture[c][w] * Math.cos(angle) + s.texture[c][w + waves.length] * Math.sin(angle);
      });
      ground[c * area + y * size + x] = sum;
    }
    for (let t = 0; t < frames; t++) {
      const at = track(s, event, t, possible), paint = rgb(at.hue);
      for (let y = 0; y < size; y++) {
        const stripe = 0.05 + 0.9 * (Math.floor((y * 12) / size) % 2);
        for (let x = 0; x < size; x++) {
          const cover = at.there ? coverage(at.kind, x + 0.5 - size * at.x, y + 0.5 - size * at.y, size * s.radius) : 0;
          const behind = event === "pass_through" ? wall(x, y) : 0, front = event === "teleport" ? 0 : occluder(x, y);
          for (let c = 0; c < 3; c++) {
            let value = ground[c * area + y * size + x];
            value += cover * (paint[c] - value);
            value += behind * (stripe - value);
            value += front * (s.paint[c] - value);
            clip[t * values + c * area + y * size + x] = clamp(value);
          }
        }
      }
    }
    return clip;
  }

  // ---- what the reader chooses, and what the network says -----------------------------------------------------------
  let event = "vanish", who = "features", number = 0, shift = 0, frame = 0, playing = false;
  let clips = [], surprise = [], queue = Promise.resolve();
  const places = () => surprise[0][0].length;
  function scene() {
    const s = scenes[event === "pass_through" ? "walled" : "open"][number];
    return { ...s, level: s.level + shift, heights: s.heights.map((height) => height + shift) };
  }
  const again = () => (queue = queue.then(async () => {
    const s = scene();
    const both = [film(s, event, true), film(s, event, event === "nothing")];
    const data = new Float32Array(2 * frames * values);
    both.forEach((clip, i) => data.set(clip, i * frames * values));
    const found = (await nets[who]({ clips: [[2, frames, 3, size, size], data] })).surprise;
    const per = found.length / (2 * (moments - 1));
    clips = both;
    surprise = [0, 1].map((i) => Array.from({ length: moments - 1 }, (_, m) =>
      [...found.subarray((i * (moments - 1) + m) * per, (i * (moments - 1) + m + 1) * per)]));
    paint();
  }));
  const mean = (list) => list.reduce((a, b) => a + b, 0) / list.length;
  const traces = () => surprise.map((clip) => clip.map(mean)); // [2][moments - 1]

  // ---- pictures -----------------------------------------------------------------------------------------------------
  let colour = colours(el);
  const grid = element("div", { style: "display:flex;flex-wrap:wrap;gap:1rem;align-items:flex-start" });
  const left = element("div", { style: "flex:1.2 1 15rem;min-width:0" });
  const right = element("div", { style: "flex:1 1 15rem;min-width:0" });
  const pad = element("div", {
    tabindex: "0", role: "application", "data-focus": "", style: "min-width:0;border-radius:8px;touch-action:none",
    "aria-label": "The two clips. Left and right arrow keys step through the frames, up and down move the path; or drag.",
  });
  left.append(pad);
  grid.append(left, right);
  const tile = element("canvas", { width: size, height: size }), GAP = 10, HEAD = 20;
  const names = ["what the world does", "the other clip"], shades = () => [colour.actual, colour.imagined];
  const view = canvas(pad, {
    label: "One frame of both clips. Orange squares show where the network was surprised, the more the stronger.", drag: true,
    height: (width) => (width - GAP) / 2 + HEAD, style: "cursor:ew-resize;border-radius:8px;",
    draw(ctx, width) {
      if (!clips.length) return;
      const side = (width - GAP) / 2, across = Math.sqrt(places()), step = side / across, moment = Math.floor(frame / tubelet);
      const most = Math.max(...surprise.flat(2));
      clips.forEach((clip, i) => {
        const image = new ImageData(size, size), x0 = i * (side + GAP);
        for (let p = 0; p < area; p++) {
          image.data.set([...[0, 1, 2].map((c) => 255 * clip[frame * values + c * area + p]), 255], 4 * p);
        }
        tile.getContext("2d").putImageData(image, 0, 0);
        ctx.imageSmoothingEnabled = false;
        ctx.drawImage(tile, x0, HEAD, side, side);
        say(ctx, names[i], x0 + 1, 13, shades()[i], colour.paper);
        if (moment === 0) return;
        surprise[i][moment - 1].forEach((value, place) => {
          ctx.globalAlpha = value / most;
          ctx.strokeStyle = colour.imagined;
          ctx.lineWidth = 2;
          ctx.strokeRect(x0 + (place % across) * step + 3, HEAD + Math.floor(place / across) * step + 3, step - 6, step - 6);
        });
        ctx.globalAlpha = 1;
      });
    },
  });
  const FOOT = 22;
  const chart = canvas(right, {
    label: "Surprise of each moment, for both clips, up to the frame on show.", height: (width) => Math.max(170, 0.62 * width),
    draw(ctx, width, height) {
      if (!clips.length) return;
      const lines = traces(), top = 1.15 * Math.max(...lines.flat(), usual[who]), floor = height - FOOT;
      const X = (f) => 4 + (f / frames) * (width - 8), Y = (v) => floor - (v / top) * (floor - HEAD);
      ctx.strokeStyle = colour.muted;
      ctx.lineWidth = 1;
      ctx.beginPath();
      ctx.moveTo(X(0), floor);
      ctx.lineTo(X(frames), floor);
      ctx.stroke();
      ctx.setLineDash([2, 4]);
      ctx.beginPath();
      ctx.moveTo(X(0), Y(usual[who]));
      ctx.lineTo(X(frames), Y(usual[who]));
      ctx.moveTo(X(frame + 0.5), HEAD);
      ctx.lineTo(X(frame + 0.5), floor);
      ctx.stroke();
      lines.forEach((line, i) => line.forEach((value, m) => {
        const from = (m + 1) * tubelet, shown = from <= frame;
        ctx.globalAlpha = shown ? 1 : 0.25;
        ctx.strokeStyle = shades()[i];
        ctx.setLineDash(i ? [7, 4] : []);
        ctx.lineWidth = 3;
        ctx.beginPath();
        if (m > 0) ctx.moveTo(X(from), Y(line[m - 1]));
        else ctx.moveTo(X(from), Y(value));
        ctx.lineTo(X(from), Y(value));
        ctx.lineTo(X(from + tubelet), Y(value));
        ctx.stroke();
      }));
      ctx.globalAlpha = 1;
      ctx.setLineDash([]);
      say(ctx, "surprise", 4, 13, colour.ink, colour.paper);
      say(ctx, "first frame", 4, height - 6, colour.muted, colour.paper);
      ctx.textAlign = "center";
      say(ctx, "dotted: usual surprise", width / 2, height - 6, colour.muted, colour.paper);
      ctx.textAlign = "right";
      say(ctx, "last", X(frames), height - 6, colour.muted, colour.paper);
      ctx.textAlign = "left";
    },
  });
  const words = reading();
  function paint() {
    view.paint();
    chart.paint();
    if (!clips.length) return;
    const lines = traces(), moment = Math.floor(frame / tubelet), digits = who === "pixels" ? 5 : 3;
    const now = moment === 0 ? "of the first moment nothing was expected"
      : `surprise now ${lines[0][moment - 1].toFixed(digits)} and ${lines[1][moment - 1].toFixed(digits)}`;
    const whole = lines.map(mean), more = whole[1] / whole[0] - 1;
    const verdict = Math.abs(more) < 5e-4 ? "Over the whole clip, both surprise alike."
      : `Over the whole clip, the other clip surprises ${more > 0 ? "more" : "less"}, by ${(100 * Math.abs(more)).toFixed(1)} %.`;
    words.textContent = `Frame ${frame + 1} of ${frames}, path at ${(100 * scene().level).toFixed(0)} % of the height: ${now}. ${verdict}`;
  }

  // ---- hands --------------------------------------------------------------------------------------------------------
  function go(to) {
    frame = clamp(Math.round(to), 0, frames - 1);
    scrub.value = String(frame);
    paint();
  }
  function move(by) {
    const level = scenes[event === "pass_through" ? "walled" : "open"][number].level;
    const next = clamp(shift + by, 0.34 - level, 0.66 - level);
    if (next === shift) return;
    shift = next;
    again();
  }
  let last;
  pad.addEventListener("pointerdown", (e) => {
    pad.setPointerCapture(e.pointerId);
    last = [e.clientX, e.clientY, frame];
    play(false);
  });
  pad.addEventListener("pointermove", (e) => {
    if (!last) return;
    const width = view.element.clientWidth;
    last[2] = clamp(last[2] + ((e.clientX - last[0]) / width) * frames, 0, frames - 1);
    go(last[2]);
    move((e.clientY - last[1]) / (width / 2));
    [last[0], last[1]] = [e.clientX, e.clientY];
  });
  for (const end of ["pointerup", "pointercancel"]) pad.addEventListener(end, () => (last = undefined));
  const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  pad.addEventListener("keydown", (e) => {
    const step = STEPS[e.key];
    if (!step) return;
    e.preventDefault();
    play(false);
    if (step[0]) go((frame + step[0] + frames) % frames);
    else move(0.03 * step[1]);
  });
  const scrub = element("input", {
    type: "range", min: "0", max: String(frames - 1), step: "1", value: "0", "aria-label": "frame", style: "flex:1;min-width:6rem;min-height:2.75rem",
    oninput: () => { play(false); go(Number(scrub.value)); },
  });
  function play(on) {
    playing = on;
    player.textContent = on ? "Pause" : "Play";
  }
  const player = button("Play", () => play(!playing));
  const setEvent = (key) => { event = key; shift = 0; return again(); };
  const setWho = (key) => { who = key; return again(); };
  left.append(element("div", { style: "display:flex;gap:.6rem;align-items:center;margin-top:.4rem" }, player, scrub));
  el.append(grid, words, row(choice("other clip:", EVENTS, event, setEvent)), row(
    choice("surprise of", [["features", "the next-moment JEPA"], ["pixels", "the pixel predictor"]], who, setWho),
    button("Other scene", () => { number = (number + 1) % scenes.open.length; shift = 0; return again(); }),
  ));

  let waited = 0;
  const stopClock = clock(el, (seconds) => {
    waited += seconds;
    if (!playing || waited < BEAT) return;
    waited = 0;
    go((frame + 1) % frames);
  });
  const unwatch = onTheme(() => {
    colour = colours(el);
    paint();
  });
  await again();
  if (reducedMotion()) go(frames - 1);
  else play(true);
  el.wm = {
    setEvent, setWho, go,
    state: () => ({ event, who, frame, number, scene: scene(), clips: clips.map((clip) => [...clip]), surprise, traces: traces() }),
  }; // for the tests
  return () => {
    stopClock();
    unwatch();
    view.stop();
    chart.stop();
  };
}

export default { render };
