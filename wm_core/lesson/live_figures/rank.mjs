// A picture as a sum of products: choose the picture and the rank, see the curves along both axes and what their products add up to.
//
// Settings: names (of the pictures), angles (of the ridges; pictures beyond them are the two waves), length and width (of the ridge),
// ranks, best (the least error that each rank allows, by picture).
// Network: factors, x [n] -> factors [pictures × ranks, 2, n, R]: the curves of every trained pair along x and along y.
import { canvas, choice, colours, element, legend, onTheme, openNetworks, reading, row, say } from "./kit.mjs";

const LAST = 0.999; // how far from the border the finger is kept

async function render({ model, el }) {
  const nets = await openNetworks(model);
  const [names, angles, ranks, best] = ["names", "angles", "ranks", "best"].map((key) => model.get(key));
  const [long, narrow] = [model.get("length"), model.get("width")];
  const n = nets.factors.shapes.x[0];
  const even = Float32Array.from({ length: n }, (_, i) => -1 + (2 * i) / (n - 1));
  const { factors } = await nets.factors({ x: [[n], even] });
  const columns = factors.length / (names.length * ranks.length * 2 * n);

  const truth = (picture, x, y) => {
    if (picture >= angles.length)
      return Math.sin(Math.PI * x) * Math.sin(Math.PI * y) + Math.sin(3 * Math.PI * x) * Math.sin(2 * Math.PI * y);
    const angle = (angles[picture] * Math.PI) / 180, cos = Math.cos(angle), sin = Math.sin(angle);
    return Math.exp(-(((cos * x + sin * y) / long) ** 2 + ((cos * y - sin * x) / narrow) ** 2) / 2);
  };
  let picture = angles.length - 1, step = Math.min(1, ranks.length - 1), at = [0.25, 0.25], target, sum, miss, shares;
  // A product does not say how its size is shared: shown, both curves of a pair are equally tall, and that along x begins upright.
  const raw = (axis, i, r) => factors[(((picture * ranks.length + step) * 2 + axis) * n + i) * columns + r];
  const curve = (axis, i, r) => (axis ? raw(1, i, r) / shares[r] : raw(0, i, r) * shares[r]);
  const tallest = (axis, r) => even.reduce((best, _, i) => (Math.abs(raw(axis, i, r)) > Math.abs(best) ? raw(axis, i, r) : best), 1e-9);

  const nearest = (v) => Math.round(((v + 1) / 2) * (n - 1));

  const work = () => {
    target = new Float64Array(n * n);
    sum = new Float64Array(n * n);
    shares = Array.from({ length: ranks[step] }, (_, r) => Math.sign(tallest(0, r)) * Math.sqrt(Math.abs(tallest(1, r) / tallest(0, r))));
    let off = 0, all = 0;
    for (let i = 0; i < n; i++)
      for (let j = 0; j < n; j++) {
        let value = 0;
        for (let r = 0; r < ranks[step]; r++) value += curve(0, i, r) * curve(1, j, r);
        const wanted = truth(picture, even[i], even[j]);
        sum[i * n + j] = value;
        target[i * n + j] = wanted;
        off += (value - wanted) ** 2;
        all += wanted ** 2;
      }
    miss = Math.sqrt(off / all);
  };

  // ---- pictures ------------------------------------------------------------------------------------------------
  let colour = colours(el);
  const box = element("div", { style: "display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,15rem),1fr));gap:.8rem" });
  el.append(box);
  const left = element("div"), right = element("div");
  box.append(left, right);

  const channels = (css) => css.match(/[\d.]+/g).slice(0, 3).map(Number);
  const map = (ctx, values, x0, y0, side) => { // positive in orange or blue, negative in violet, nothing in the ground's colour
    const [paper, more, less] = [colour.paper, values === target ? colour.actual : colour.imagined, colour.rival].map(channels);
    const image = new ImageData(n, n);
    for (let i = 0; i < n; i++)
      for (let j = 0; j < n; j++) {
        const value = Math.max(-1, Math.min(1, values[i * n + j] / (picture >= angles.length ? 1.6 : 1)));
        const ink = value > 0 ? more : less, share = Math.abs(value), spot = 4 * ((n - 1 - j) * n + i);
        for (let c = 0; c < 3; c++) image.data[spot + c] = paper[c] + share * (ink[c] - paper[c]);
        image.data[spot + 3] = 255;
      }
    const small = Object.assign(document.createElement("canvas"), { width: n, height: n });
    small.getContext("2d").putImageData(image, 0, 0);
    ctx.drawImage(small, x0, y0, side, side);
    ctx.strokeStyle = colour.grid;
    ctx.lineWidth = 1;
    ctx.strokeRect(x0, y0, side, side);
    const [px, py] = [x0 + ((at[0] + 1) / 2) * side, y0 + ((1 - at[1]) / 2) * side];
    ctx.strokeStyle = colour.ink;
    ctx.beginPath();
    ctx.moveTo(px, y0);
    ctx.lineTo(px, y0 + side);
    ctx.moveTo(x0, py);
    ctx.lineTo(x0 + side, py);
    ctx.stroke();
    ctx.beginPath();
    ctx.arc(px, py, 4, 0, 2 * Math.PI);
    ctx.stroke();
  };
  const shades = () => [colour.imagined, colour.third, colour.rival, colour.actual, colour.ink, colour.muted, colour.imagined, colour.third];
  const room = (width) => ({ margin: 0.24 * width, side: 0.76 * width - 1 });

  const sums = canvas(left, {
    label: "The sum of products. Left of it the curves along y, under it the curves along x. Touch it, or use the arrow keys.",
    height: (width) => width, drag: true, style: "cursor:crosshair;border-radius:8px;",
    draw(ctx, width) {
      const { margin, side } = room(width);
      map(ctx, sum, margin, 0, side);
      let reach = 1e-9;
      for (let axis = 0; axis < 2; axis++)
        for (let i = 0; i < n; i++) for (let r = 0; r < ranks[step]; r++) reach = Math.max(reach, Math.abs(curve(axis, i, r)));
      const tall = (margin / 2 - 8) / reach;
      ctx.lineWidth = 1;
      ctx.strokeStyle = colour.grid;
      ctx.beginPath();
      ctx.moveTo(margin, side + margin / 2);
      ctx.lineTo(margin + side, side + margin / 2);
      ctx.moveTo(margin / 2, 0);
      ctx.lineTo(margin / 2, side);
      ctx.stroke();
      for (let r = ranks[step] - 1; r >= 0; r--) {
        ctx.strokeStyle = shades()[r];
        ctx.lineWidth = 1.8;
        ctx.setLineDash(r > 5 ? [4, 3] : []);
        for (let axis = 0; axis < 2; axis++) {
          ctx.beginPath();
          for (let i = 0; i < n; i++) {
            const along = (i / (n - 1)) * side, up = curve(axis, i, r) * tall;
            if (axis === 0) ctx.lineTo(margin + along, side + margin / 2 - up);
            else ctx.lineTo(margin / 2 - up, side - along);
          }
          ctx.stroke();
        }
      }
      ctx.setLineDash([]);
      const [px, py] = [margin + ((at[0] + 1) / 2) * side, ((1 - at[1]) / 2) * side]; // where the touched point meets the curves
      ctx.strokeStyle = colour.ink;
      ctx.lineWidth = 1;
      ctx.beginPath();
      ctx.moveTo(px, side);
      ctx.lineTo(px, side + margin);
      ctx.moveTo(margin, py);
      ctx.lineTo(0, py);
      ctx.stroke();
      for (let r = ranks[step] - 1; r >= 0; r--) {
        ctx.fillStyle = shades()[r];
        const heights = [side + margin / 2 - curve(0, nearest(at[0]), r) * tall, margin / 2 - curve(1, nearest(at[1]), r) * tall];
        for (const [x, y] of [[px, heights[0]], [heights[1], py]]) {
          ctx.beginPath();
          ctx.arc(x, y, 3.5, 0, 2 * Math.PI);
          ctx.fill();
        }
      }
      say(ctx, `sum of ${ranks[step]}`, margin + 6, 15, colour.ink, colour.paper);
      say(ctx, "along x", margin + 6, side + margin - 4, colour.muted, colour.paper);
      say(ctx, "along y", 2, side + 16, colour.muted, colour.paper);
    },
  });
  const truths = canvas(right, {
    label: "The picture that the sum should be.",
    height: (width) => room(width).side + 4,
    draw(ctx, width) {
      const { margin, side } = room(width);
      map(ctx, target, margin / 2, 0, side);
      say(ctx, "truth", margin / 2 + 6, 15, colour.ink, colour.paper);
    },
  });

  // ---- words and controls ----------------------------------------------------------------------------------------
  const words = reading();
  const percent = (share) => `${(100 * share).toFixed(1)} %`;
  const report = () => {
    const [i, j] = at.map(nearest), few = ranks[step] <= 2;
    const parts = Array.from({ length: ranks[step] }, (_, r) => `${curve(0, i, r).toFixed(2)} × ${curve(1, j, r).toFixed(2)}`);
    const here = `at (${at[0].toFixed(2)}, ${at[1].toFixed(2)}): ${few ? `${parts.join(" + ")} = ` : ""}${sum[i * n + j].toFixed(2)}, truth ${target[i * n + j].toFixed(2)}`;
    words.textContent = `${names[picture]}, rank ${ranks[step]} · error ${percent(miss)}, least possible ${percent(best[picture][step])} · ${here}`;
  };
  const paint = () => {
    sums.paint();
    truths.paint();
    report();
  };
  const slider = element("input", {
    type: "range", min: "0", max: String(ranks.length - 1), step: "1", value: String(step), "aria-label": "rank",
    style: "flex:1;min-width:7rem;min-height:2.75rem;accent-color:var(--wm-imagined,#bf4708)",
  });
  const output = element("span", { style: "min-width:1.2em;font-variant-numeric:tabular-nums" });
  const chosen = choice("picture", names.map((name, i) => [String(i), name]), String(picture), (value) => set(Number(value), step));
  const set = (which, how) => {
    picture = Math.max(0, Math.min(names.length - 1, which));
    step = Math.max(0, Math.min(ranks.length - 1, how));
    slider.value = String(step);
    slider.setAttribute("aria-valuetext", String(ranks[step]));
    output.textContent = ranks[step];
    chosen.querySelector("select").value = String(picture);
    work();
    paint();
  };
  slider.addEventListener("input", () => set(picture, Number(slider.value)));
  const label = element("label", { style: "display:flex;align-items:center;gap:.5rem;font:500 .95rem var(--wm-sans,system-ui,sans-serif)" }, "rank", slider, output);
  el.append(row(chosen, label), words, legend([["actual", "truth, where positive"], ["imagined", "sum, where positive"], ["rival", "negative"]]));

  const pad = sums.element;
  pad.tabIndex = 0;
  pad.dataset.focus = "";
  const touch = (event) => {
    const area = pad.getBoundingClientRect(), { margin, side } = room(area.width);
    const clamp = (v) => Math.max(-LAST, Math.min(LAST, v));
    at = [clamp((2 * (event.clientX - area.left - margin)) / side - 1), clamp(1 - (2 * (event.clientY - area.top)) / side)];
    paint();
  };
  pad.addEventListener("pointerdown", (event) => {
    pad.setPointerCapture(event.pointerId);
    touch(event);
  });
  pad.addEventListener("pointermove", (event) => pad.hasPointerCapture(event.pointerId) && touch(event));
  pad.addEventListener("keydown", (event) => {
    const moves = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowUp: [1, 0], ArrowDown: [-1, 0] };
    if (!moves[event.key]) return;
    set(picture + moves[event.key][0], step + moves[event.key][1]);
    event.preventDefault();
  });

  const stopTheme = onTheme(() => {
    colour = colours(el);
    paint();
  });
  set(picture, step);
  el.wm = { nets, set, state: () => ({ picture, rank: ranks[step], miss, at, sum: [...sum], target: [...target] }) }; // for tests
  return () => [stopTheme, sums.stop, truths.stop].forEach((stop) => stop());
}

export default { render };
