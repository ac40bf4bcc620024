// Hide tubes of a clip: places that stay hidden at every moment. The predictor says what it expects there, in features; the
// page shows the real tubelet whose features are nearest, and the features themselves as colours.
//
// Settings: size, patch (pixels), tubelet (frames), scenes: base64 of bytes [count, frames, 3, size, size], each scene's pictures
//           along its way; orders: for each motion the picture of each frame; motions: their names; first: the places hidden
//           at the start; spread: the mean absolute deviation of the features from their median.
// Networks: look, clip [1, frames, 3, size, size] -> features [1, tokens, dim], colours [1, tokens, 3], motion [1, motions]
//           expect, clip, hidden [1, tokens] (1 where hidden) -> expected [1, tokens, dim], colours [1, tokens, 3]
import { button, canvas, choice, clock, colours, cover, element, onTheme, openNetworks, reading, reducedMotion, row, say, touchable } from "./kit.mjs";

const BEAT = 0.28; // seconds for a frame

async function render({ model, el }) {
  const nets = await openNetworks(model);
  const [size, patch, tubelet, orders, motions, spread] =
    ["size", "patch", "tubelet", "orders", "motions", "spread"].map((key) => model.get(key));
  const side = size / patch, places = side * side, frames = orders[0].length, moments = frames / tubelet, tokens = moments * places;
  const values = 3 * size * size; // in a frame
  const bytes = Uint8Array.from(atob(model.get("scenes")), (c) => c.charCodeAt(0));
  const scenes = Array.from({ length: bytes.length / (frames * values) }, (_, s) =>
    Array.from({ length: frames }, (_, f) =>
      Float32Array.from(bytes.subarray((s * frames + f) * values, (s * frames + f + 1) * values), (b) => b / 255)));
  const shape = [1, frames, 3, size, size];
  const clipOf = (scene, order) => {
    const clip = new Float32Array(frames * values);
    order.forEach((picture, f) => clip.set(scenes[scene][picture], f * values));
    return clip;
  };

  // ---- what the networks say ----------------------------------------------------------------------------------------
  // The bank: every tubelet of every scene in every order, with its features as the target encoder makes them.
  const bank = [];
  for (let scene = 0; scene < scenes.length; scene++) for (const order of orders) {
    const { features } = await nets.look({ clip: [shape, clipOf(scene, order)] });
    bank.push({ scene, order, features });
  }
  const dim = bank[0].features.length / tokens;

  let scene = 0, motion = 0, order = orders[0], hidden = new Set(model.get("first")), cursor = -1, frame = 0, playing = false;
  let actual, expected, nearest = new Map(), queue = Promise.resolve();

  async function look() {
    const answer = await nets.look({ clip: [shape, clipOf(scene, order)] });
    actual = { features: answer.features, shades: answer.colours, motion: answer.motion };
  }
  async function expect() {
    const mask = Float32Array.from({ length: tokens }, (_, i) => (hidden.has(i % places) ? 1 : 0));
    const answer = await nets.expect({ clip: [shape, clipOf(scene, order)], hidden: [[1, tokens], mask] });
    expected = { features: answer.expected, shades: answer.colours };
    nearest = new Map();
    for (let token = 0; token < tokens; token++) if (hidden.has(token % places)) nearest.set(token, find(token));
    paint();
  }
  const again = (newClip = false) => (queue = queue.then(newClip ? async () => { await look(); await expect(); } : expect));

  // The nearest tubelet of another scene, anywhere and at any moment.
  function find(token) {
    const wanted = expected.features.subarray(token * dim, (token + 1) * dim);
    let best = Infinity, where;
    for (const one of bank) {
      if (one.scene === scene) continue;
      for (let other = 0; other < tokens; other++) {
        let distance = 0;
        for (let d = 0; d < dim && distance < best; d++) distance += Math.abs(one.features[other * dim + d] - wanted[d]);
        if (distance < best) [best, where] = [distance, { ...one, token: other }];
      }
    }
    return where;
  }
  function distance() {
    let sum = 0;
    for (const token of nearest.keys()) for (let d = token * dim; d < (token + 1) * dim; d++) {
      sum += Math.abs(expected.features[d] - actual.features[d]);
    }
    return sum / (nearest.size * dim) / spread;
  }

  // ---- pictures -----------------------------------------------------------------------------------------------------
  let colour = colours(el);
  const grid = element("div", { style: "display:flex;flex-wrap:wrap;gap:1rem;align-items:flex-start" });
  const left = element("div", { style: "flex:1 1 13rem;min-width:0" });
  const right = element("div", { style: "flex:1.5 1 18rem;min-width:0" });
  const pad = element("div", {
    tabindex: "0", role: "application", "data-focus": "", style: "min-width:0;border-radius:8px",
    "aria-label": "The clip. Touch or drag over places to hide or show them at every moment; or move with the arrow keys and press space.",
  });
  left.append(pad);
  grid.append(left, right);

  const tile = element("canvas", { width: size, height: size });
  // A picture of size × size pixels, place by place, from a function (place) -> (x, y) -> [red, green, blue].
  function drawPlaces(ctx, x0, y0, width, colourOf) {
    const image = new ImageData(size, size);
    for (let place = 0; place < places; place++) {
      const at = colourOf(place), x1 = (place % side) * patch, y1 = Math.floor(place / side) * patch;
      for (let y = 0; y < patch; y++) for (let x = 0; x < patch; x++) {
        image.data.set([...at(x, y).map((c) => 255 * c), 255], 4 * ((y1 + y) * size + x1 + x));
      }
    }
    tile.getContext("2d").putImageData(image, 0, 0);
    ctx.imageSmoothingEnabled = false;
    ctx.drawImage(tile, x0, y0, width, width);
  }
  const pixels = (scene, picture, place) => {
    const x1 = (place % side) * patch, y1 = Math.floor(place / side) * patch;
    return (x, y) => [0, 1, 2].map((c) => scenes[scene][picture][(c * size + y1 + y) * size + x1 + x]);
  };
  const shade = (shades, token) => () => shades.subarray ? [...shades.subarray(3 * token, 3 * token + 3)] : [0, 0, 0];
  function outline(ctx, x0, y0, width, place, stroke, dashed) {
    const step = width / side;
    ctx.strokeStyle = stroke;
    ctx.lineWidth = Math.max(1, Math.min(2, step / 12));
    ctx.setLineDash(dashed ? [3, 2] : []);
    ctx.strokeRect(x0 + (place % side) * step + 1, y0 + Math.floor(place / side) * step + 1, step - 2, step - 2);
    ctx.setLineDash([]);
  }

  const view = canvas(pad, {
    label: "One frame of the clip, with the hidden places covered.", drag: true, height: (width) => width, style: "cursor:crosshair;border-radius:8px;",
    draw(ctx, width) {
      drawPlaces(ctx, 0, 0, width, (place) => pixels(scene, order[frame], place));
      const step = width / side;
      for (const place of hidden) cover(ctx, (place % side) * step, Math.floor(place / side) * step, step, colour);
      if (cursor >= 0) {
        outline(ctx, 0, 0, width, cursor, colour.paper, false);
        outline(ctx, 1.5, 1.5, width - 3, cursor, colour.ink, false);
      }
    },
  });

  // Four strips, a column for each moment: what happens, the nearest real tubelets, expected and actual features.
  const GAP = 6, HEAD = 20;
  const strips = canvas(right, {
    label: "For each moment of the clip: the frame; the frame with the nearest real tubelets in the hidden places; expected features and actual features as colours.",
    height: (width) => 4 * ((width - (moments - 1) * GAP) / moments + HEAD + GAP),
    draw(ctx, width) {
      if (!expected) return;
      const cell = (width - (moments - 1) * GAP) / moments;
      const kinds = [
        ["what happens", colour.actual, false, (m) => (place) => pixels(scene, order[shownFrame(m)], place)],
        ["expected: the nearest real pieces", colour.imagined, true, (m) => (place) => {
          const found = nearest.get(m * places + place);
          if (!found) return pixels(scene, order[shownFrame(m)], place);
          return pixels(found.scene, found.order[Math.floor(found.token / places) * tubelet + (shownFrame(m) % tubelet)], found.token % places);
        }],
        ["expected features", colour.imagined, true, (m) => (place) => {
          const token = m * places + place;
          return shade(nearest.has(token) ? expected.shades : actual.shades, token);
        }],
        ["actual features", colour.actual, false, (m) => (place) => shade(actual.shades, m * places + place)],
      ];
      kinds.forEach(([title, stroke, dashed, colourOf], k) => {
        const top = k * (cell + HEAD + GAP);
        say(ctx, title, 1, top + 13, colour.ink, colour.paper);
        for (let m = 0; m < moments; m++) {
          const x = m * (cell + GAP);
          drawPlaces(ctx, x, top + HEAD, cell, colourOf(m));
          for (const place of hidden) outline(ctx, x, top + HEAD, cell, place, stroke, dashed);
          if (m !== Math.floor(frame / tubelet)) continue;
          ctx.fillStyle = colour.ink;
          ctx.fillRect(x, top + HEAD - 4, cell, 2.5);
        }
      });
    },
  });
  // In the column of the moment on show, the frame on show; in the others the first of the tubelet.
  const shownFrame = (m) => (m === Math.floor(frame / tubelet) ? frame : m * tubelet);

  const words = reading();
  const name = () => (motion < motions.length ? motions[motion] : "frames shuffled");
  function paint() {
    view.paint();
    strips.paint();
    if (!expected) return;
    const where = cursor < 0 ? "" : `Row ${Math.floor(cursor / side) + 1}, column ${(cursor % side) + 1}. `;
    const scores = [...actual.motion], best = scores.indexOf(Math.max(...scores));
    const off = hidden.size
      ? `${hidden.size} of ${places} places hidden: expected features are ${distance().toFixed(2)} spreads from the actual ones (1: no better than the median).`
      : "Nothing is hidden. Touch places of the clip.";
    words.textContent = `${where}${off} From all of the clip, the probe reads: ${motions[best]}.`;
  }

  // ---- hands --------------------------------------------------------------------------------------------------------
  function set(place, hide) {
    if (hide && hidden.size === places - 1) return; // an encoder that sees nothing says nothing
    hide ? hidden.add(place) : hidden.delete(place);
    again();
  }
  touchable(pad, {
    board: view.element, side, has: (place) => hidden.has(place), set,
    at: (place) => { cursor = place; paint(); },
  });

  const shuffled = (list) => list.map((each) => [Math.random(), each]).sort(([a], [b]) => a - b).map(([, each]) => each);
  function setMotion(key) {
    motion = Number(key);
    order = motion < motions.length ? orders[motion] : shuffled(orders[0]);
    return again(true);
  }
  const scrub = element("input", {
    type: "range", min: "0", max: String(frames - 1), step: "1", value: "0", "aria-label": "frame", style: "flex:1;min-width:6rem;min-height:2.75rem",
    oninput: () => { play(false); frame = Number(scrub.value); paint(); },
  });
  function play(on) {
    playing = on;
    go.textContent = on ? "Pause" : "Play";
  }
  const go = button("Play", () => play(!playing));
  const kinds = [...motions.map((words, i) => [String(i), words]), [String(motions.length), "frames shuffled"]];
  const order2 = choice("order of the frames", kinds, "0", setMotion);
  left.append(element("div", { style: "display:flex;gap:.6rem;align-items:center;margin-top:.4rem" }, go, scrub));
  el.append(grid, words, row(order2), row(
    button("Other scene", () => { scene = (scene + 1) % scenes.length; return again(true); }),
    button("New tubes", () => { hidden = new Set(shuffled([...Array(places).keys()]).slice(0, Math.ceil(0.6 * places))); return again(); }),
    button("Show all", () => { hidden.clear(); return again(); }),
  ));

  let waited = 0;
  const stopClock = clock(el, (seconds) => {
    waited += seconds;
    if (!playing || waited < BEAT) return;
    waited = 0;
    frame = (frame + 1) % frames;
    scrub.value = String(frame);
    view.paint();
    strips.paint();
  });
  const unwatch = onTheme(() => {
    colour = colours(el);
    paint();
  });
  await again(true);
  if (!reducedMotion()) play(true);
  el.wm = {
    set, setMotion, clip: () => [...clipOf(scene, order)],
    state: () => ({
      scene, motion, order, hidden: [...hidden], frame, distance: hidden.size ? distance() : null, scores: [...actual.motion],
      actual: [...actual.features], expected: [...expected.features], nearest: [...nearest].map(([token, found]) => [token, found.scene, found.order, found.token]),
    }),
  }; // for the tests
  return () => {
    stopClock();
    unwatch();
    view.stop();
    strips.stop();
  };
}

export default { render };
