// Edit a scene and ask about it. The network expects the answer's embedding at every frame; only when that has moved far
// enough from what was said last, a small decoder puts it into words.
//
// Settings: size (pixels), papers (how many), first: the scene at the start, bank: base64 of float32 [meanings, out], unit
//           vectors, one an answer; names [meanings]; offsets: each question's first meaning; kinds, colours, borders, large:
//           as in worlds.captions; questions: [[name, words, [[tokens], ...]], ...]; vocabulary, end: the words' list and the
//           number of the end token; length: of an answer; threshold: the least 1 - cosine that is spoken about.
// Networks: draw, factors [1, 6] (kind, hue, x, y, radius, angle), noise [1, 3, size, size], paper [1] -> image
//           meaning, image, question [1, tokens] -> z [1, out], of length 1
//           write, z, tokens [1, length] -> logits [1, length, words]
import { button, canvas, choice, colours, element, onTheme, openNetworks, reading, reducedMotion, row, say } from "./kit.mjs";

const KEPT = 60; // frames on the strip
const GRAIN = 0.05;

async function render({ model, el }) {
  const nets = await openNetworks(model);
  const get = (key) => model.get(key);
  const [size, length, names, offsets, questions] = ["size", "length", "names", "offsets", "questions"].map(get);
  const bank = new Float32Array(Uint8Array.from(atob(get("bank")), (c) => c.charCodeAt(0)).buffer);
  const out = bank.length / names.length;

  const scene = { ...get("first") };
  let asked = questions.length - 1, wording = 0, paper = 0, threshold = get("threshold");
  let frame = 0, image, z, said, ranked = [], frames = [], spoken = [], speeches = 0, event = false;

  // ---- what is so, and what the networks say ------------------------------------------------------------------------
  function truth() {
    const [left, right] = get("borders");
    const third = (at) => (at >= left) + (at >= right);
    const place = 3 * third(scene.y) + third(scene.x);
    const answers = {
      colour: scene.colour, kind: scene.kind, place, side: +(scene.x >= 0.5), height: +(scene.y >= 0.5),
      size: +(scene.radius >= get("large")), scene: (scene.kind * get("colours").length + scene.colour) * 9 + place,
    };
    return offsets[asked] + answers[questions[asked][0]];
  }
  const normal = () => Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random());
  const dot = (a, b, from = 0) => a.reduce((sum, value, i) => sum + value * b[from + i], 0);

  async function look(noise = Float32Array.from({ length: 3 * size * size }, () => GRAIN * normal())) {
    const { kind, colour, x, y, radius, angle } = scene;
    const factors = Float32Array.of(kind, colour / get("colours").length, x, y, radius, angle);
    ({ image } = await nets.draw({ factors: [[1, 6], factors], noise: [[1, 3, size, size], noise], paper: [[1], Float32Array.of(paper)] }));
    const tokens = Float32Array.from(questions[asked][2][wording]);
    ({ z } = await nets.meaning({ image: [[1, 3, size, size], image], question: [[1, tokens.length], tokens] }));
    ranked = names.map((name, i) => ({ name, meaning: i, cosine: dot(z, bank, i * out) })).sort((a, b) => b.cosine - a.cosine).slice(0, 4);
    const moved = said ? 1 - dot(z, said) : undefined;
    const speak = moved === undefined || moved > threshold;
    frame += 1;
    frames.push({ frame, moved, speak, event });
    if (frames.length > KEPT) frames.shift();
    event = false;
    if (speak) {
      said = z;
      speeches += 1;
      spoken.unshift({ frame, words: await write(z) });
      spoken.length = Math.min(spoken.length, 4);
    }
    paint();
  }

  async function write(from) {
    const tokens = new Float32Array(length), words = get("vocabulary").length, written = [];
    for (let place = 0; place < length; place++) {
      const { logits } = await nets.write({ z: [[1, out], from], tokens: [[1, length], tokens] });
      const row = logits.subarray(place * words, (place + 1) * words);
      const best = row.reduce((top, value, i) => (value > row[top] ? i : top), 0);
      if (best === get("end")) break;
      tokens[place] = best;
      written.push(get("vocabulary")[best]);
    }
    return written.join(" ");
  }

  // One look at a time; edits that come meanwhile are seen together at the next.
  let busy, again = false;
  function edited() {
    again = true;
    busy ??= (async () => {
      try {
        while (again) {
          again = false;
          await look();
        }
      } finally {
        busy = undefined;
      }
    })();
    return busy;
  }

  // ---- the page -----------------------------------------------------------------------------------------------------
  let colour = colours(el);
  const top = element("div", { style: "display:grid;grid-template-columns:repeat(auto-fit,minmax(min(15rem,100%),1fr));gap:.6rem 1.2rem;align-items:center;margin-top:.7rem" });
  const pad = element("div", {
    tabindex: "0", role: "application", "data-focus": "", style: "min-width:0;max-width:20rem;width:100%;justify-self:center;border-radius:8px;touch-action:none",
    "aria-label": "The scene. Drag the shape, or move it with the arrow keys.",
  });
  const font = "var(--wm-sans, system-ui, sans-serif)";
  const answers = element("div", { style: `min-width:0;font:500 .92rem/1.35 ${font}` });
  const talk = element("div", { style: `font:500 .92rem/1.45 ${font};min-height:6.2em;margin-top:.4rem` });
  const strip = element("div", { style: "min-width:0;margin-top:.6rem" });
  const words = reading();
  top.append(pad, answers);
  const pick = (label, key) => choice(label, get(`${key}s`).map((name, i) => [String(i), name]), String(scene[key]), (value) => change(() => (scene[key] = +value)));
  const selects = { kind: pick("Kind", "kind"), colour: pick("Colour", "colour") };
  const question = choice("Ask", questions.map(([name, asking]) => [name, asking]), questions[asked][0], (value) =>
    change(() => { asked = questions.findIndex(([name]) => name === value); wording = 0; }));
  const strictness = choice("Speak when it has moved by", [["0.05", "0.05"], [String(threshold), `${threshold} (chosen)`], ["1", "1.00"]],
    String(threshold), (value) => change(() => (threshold = +value)));
  question.style.flexWrap = strictness.style.flexWrap = "wrap";
  el.append(row(question), top, row(selects.kind, selects.colour,
    button("Smaller", () => change(() => (scene.radius = Math.max(0.12, scene.radius - 0.02)))),
    button("Larger", () => change(() => (scene.radius = Math.min(0.2, scene.radius + 0.02)))),
    button("Turn", () => change(() => (scene.angle += 0.4))),
    button("Other wallpaper", () => change(() => (paper = (paper + 1) % get("papers")), false))),
    words, strip, talk, row(strictness, button("Run a film of 60 frames", () => film())));

  const tile = element("canvas", { width: size, height: size });
  const board = canvas(pad, { label: "The scene with its shape", drag: true, height: (width) => width, draw: (ctx, width) => {
    if (!image) return;
    const pixels = new ImageData(size, size);
    for (let i = 0; i < size * size; i++) {
      for (let c = 0; c < 3; c++) pixels.data[4 * i + c] = 255 * image[c * size * size + i];
      pixels.data[4 * i + 3] = 255;
    }
    tile.getContext("2d").putImageData(pixels, 0, 0);
    ctx.imageSmoothingEnabled = false;
    ctx.drawImage(tile, 0, 0, width, width);
  } });
  const chart = canvas(strip, { label: "How far the meaning has moved from what was said last, frame by frame", height: () => 132, draw: (ctx, width, height) => {
    const [left, right, roof, floor] = [8, 8, 26, height - 20];
    const x = (i) => left + ((width - left - right) * (i + 0.5)) / KEPT;
    const y = (moved) => floor - (floor - roof) * Math.min(1, moved);
    ctx.strokeStyle = colour.grid;
    ctx.lineWidth = 1;
    ctx.strokeRect(left, roof, width - left - right, floor - roof);
    ctx.setLineDash([4, 4]);
    ctx.strokeStyle = colour.muted;
    ctx.beginPath();
    ctx.moveTo(left, y(threshold));
    ctx.lineTo(width - right, y(threshold));
    ctx.stroke();
    ctx.setLineDash([]);
    frames.forEach(({ moved, speak, event: happened }, i) => {
      if (happened) {
        ctx.fillStyle = colour.actual;
        ctx.fillRect(x(i) - 1.5, floor + 2, 3, 8);
      }
      ctx.strokeStyle = ctx.fillStyle = speak ? colour.imagined : colour.muted;
      ctx.lineWidth = 2;
      ctx.beginPath();
      ctx.moveTo(x(i), floor);
      ctx.lineTo(x(i), y(moved ?? 1));
      ctx.stroke();
      if (speak) {
        ctx.beginPath();
        ctx.arc(x(i), y(moved ?? 1), 4, 0, 7);
        ctx.fill();
      }
    });
    say(ctx, "moved since it spoke", left + 2, 13, colour.ink, colour.paper);
    ctx.textAlign = "right";
    say(ctx, "● it speaks", width - right, 13, colour.imagined, colour.paper);
    say(ctx, "▮ an event of the film", width - right, height - 2, colour.actual, colour.paper);
    ctx.textAlign = "left";
    say(ctx, "frames →", left + 2, height - 2, colour.muted, colour.paper);
  } });

  function paint() {
    board.paint();
    chart.paint();
    const right = truth();
    answers.replaceChildren(element("div", { style: "font-weight:600;margin-bottom:.2rem" }, "Nearest answers, and their cosines"),
      ...ranked.map(({ name, meaning, cosine }) => element("div", { style: "margin:.3rem 0" },
        `${cosine.toFixed(2)}  ${name}${meaning === right ? " ✓" : ""}`,
        element("div", { "aria-hidden": "true", style: `height:.4rem;border-radius:.2rem;width:${Math.max(0, 100 * cosine)}%;background:${meaning === right ? colour.actual : colour.muted}` }))));
    talk.replaceChildren(...spoken.map((each, i) => element("div", { style: i ? `color:${colour.muted}` : "" }, `Frame ${each.frame}: “${each.words}”`)));
    const last = frames.at(-1);
    const how = last.speak ? "It speaks." : `It has moved by ${last.moved.toFixed(3)} since it spoke, and says nothing.`;
    words.textContent = `Frame ${last.frame}. ${ranked[0].meaning === right ? "Right" : `Wrong, it is “${names[right]}”`}: nearest is “${ranked[0].name}”, cosine ${ranked[0].cosine.toFixed(3)}. ${how} Decoded ${speeches} of ${frame} frames.`;
  }

  // ---- hands and films ----------------------------------------------------------------------------------------------
  let playing = 0;
  function change(how, stop = true) {
    if (stop) playing += 1; // a hand on the scene ends the film
    how();
    return edited();
  }
  const clamp = (value) => Math.min(0.8, Math.max(0.2, value));
  const move = (x, y) => change(() => { scene.x = clamp(x); scene.y = clamp(y); });
  let hold;
  pad.addEventListener("pointerdown", (start) => {
    const box = board.element.getBoundingClientRect();
    const at = (event) => [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
    const [x, y] = at(start);
    const near = Math.hypot(x - scene.x, y - scene.y) < 0.25; // a touch elsewhere fetches the shape
    const by = near ? [scene.x - x, scene.y - y] : [0, 0];
    pad.setPointerCapture(start.pointerId);
    hold = (event) => move(at(event)[0] + by[0], at(event)[1] + by[1]);
    hold(start);
  });
  pad.addEventListener("pointermove", (event) => hold?.(event));
  for (const end of ["pointerup", "pointercancel"]) pad.addEventListener(end, () => (hold = undefined));
  const STEPS = { ArrowLeft: [-0.04, 0], ArrowRight: [0.04, 0], ArrowUp: [0, -0.04], ArrowDown: [0, 0.04] };
  pad.addEventListener("keydown", (press) => {
    const step = STEPS[press.key];
    if (!step) return;
    press.preventDefault();
    move(scene.x + step[0], scene.y + step[1]);
  });

  // Six events in sixty frames, four or more apart, as worlds.captions.stream draws them; in between the shape sways.
  async function film() {
    const mine = (playing += 1);
    const other = (now, count) => (now + 1 + Math.floor(Math.random() * (count - 1))) % count;
    const gaps = Array.from({ length: 35 }, (_, i) => [Math.random(), i]).sort((a, b) => a[0] - b[0]).slice(0, 6).map(([, i]) => i);
    const moments = gaps.sort((a, b) => a - b).map((gap, i) => 5 + gap + 3 * i);
    const [paceX, paceY, turn] = [0, 0, 0].map(() => 1 + Math.random()), angle = scene.angle;
    let place = [Math.round((scene.x - 0.3) / 0.2), Math.round((scene.y - 0.3) / 0.2)].map((at) => Math.min(2, Math.max(0, at)));
    for (let t = 0; t < 60 && playing === mine; t++) {
      if (moments.includes(t)) {
        event = true;
        const which = Math.floor(Math.random() * 3);
        if (which === 0) scene.kind = other(scene.kind, get("kinds").length);
        if (which === 1) scene.colour = other(scene.colour, get("colours").length);
        if (which === 2) { const at = other(3 * place[1] + place[0], 9); place = [at % 3, Math.floor(at / 3)]; }
        for (const key of ["kind", "colour"]) selects[key].querySelector("select").value = String(scene[key]);
      }
      scene.x = 0.3 + 0.2 * place[0] + 0.06 * Math.sin((paceX * t) / 8);
      scene.y = 0.3 + 0.2 * place[1] + 0.06 * Math.sin((paceY * t) / 8 + 1);
      scene.angle = angle + 0.3 * Math.sin((turn * t) / 8);
      await edited();
      if (!reducedMotion()) await new Promise((done) => setTimeout(done, 90));
    }
  }

  el.wm = { // for the tests
    state: () => ({ scene: { ...scene }, image: [...(image ?? [])], z: [...(z ?? [])], truth: truth(), ranked, frames, spoken, speeches, frame, threshold }),
    set: (to) => change(() => Object.assign(scene, to)), ask: (name) => change(() => { asked = questions.findIndex(([key]) => key === name); }),
  };
  const unwatch = onTheme(() => {
    colour = colours(el);
    paint();
  });
  await edited();
  return () => {
    playing += 1;
    unwatch();
    board.stop();
    chart.stop();
  };
}

export default { render };
