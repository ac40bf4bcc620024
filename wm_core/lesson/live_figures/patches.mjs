// Hide patches of a picture. The predictor says what it expects there, in features; the page shows the real patch whose
// features are nearest, and the features themselves as colours.
//
// Settings: size, patch (pixels), pictures: base64 of bytes [count, 3, size, size], first: the tokens hidden at the start.
// Networks: look, image [1, 3, size, size] -> features [1, tokens, dim], colours [1, tokens, 3]
//           expect, image, hidden [1, tokens] (1 where hidden) -> expected [1, tokens, dim], colours [1, tokens, 3]
import { button, canvas, colours, cover, element, onTheme, openNetworks, reading, row, say, touchable } from "./kit.mjs";

async function render({ model, el }) {
  const nets = await openNetworks(model);
  const [size, patch] = [model.get("size"), model.get("patch")];
  const side = size / patch, tokens = side * side, values = 3 * size * size;
  const bytes = Uint8Array.from(atob(model.get("pictures")), (c) => c.charCodeAt(0));
  const pictures = Array.from({ length: bytes.length / values }, (_, i) =>
    Float32Array.from(bytes.subarray(i * values, (i + 1) * values), (b) => b / 255));

  // ---- what the networks say ----------------------------------------------------------------------------------------
  // The bank: the patches of every picture but the one on show, each with its features as the target encoder sees them.
  const seen = [];
  for (const picture of pictures) {
    const { features, colours: shades } = await nets.look({ image: [[1, 3, size, size], picture] });
    seen.push({ features, shades });
  }
  const dim = seen[0].features.length / tokens;
  const spread = spreadOf(seen.map((each) => each.features), dim);

  let shown = 0, hidden = new Set(model.get("first")), cursor = -1, expected, nearest, queue = Promise.resolve();

  async function expect() {
    const mask = Float32Array.from({ length: tokens }, (_, i) => (hidden.has(i) ? 1 : 0));
    const answer = await nets.expect({ image: [[1, 3, size, size], pictures[shown]], hidden: [[1, tokens], mask] });
    expected = { features: answer.expected, shades: answer.colours };
    nearest = new Map([...hidden].map((token) => [token, find(expected.features.subarray(token * dim, (token + 1) * dim))]));
    paint();
  }
  const again = () => (queue = queue.then(expect));

  function find(wanted) {
    let best = Infinity, where;
    seen.forEach(({ features }, picture) => {
      if (picture === shown) return;
      for (let token = 0; token < tokens; token++) {
        let distance = 0;
        for (let d = 0; d < dim && distance < best; d++) distance += (features[token * dim + d] - wanted[d]) ** 2;
        if (distance < best) [best, where] = [distance, { picture, token }];
      }
    });
    return where;
  }

  // ---- pictures -----------------------------------------------------------------------------------------------------
  let colour = colours(el);
  const grid = element("div", { style: "display:grid;grid-template-columns:repeat(auto-fit,minmax(7.5rem,1fr));gap:.8rem" });
  const pad = element("div", {
    tabindex: "0", role: "application", "data-focus": "", style: "min-width:0;border-radius:8px",
    "aria-label": "The picture. Touch or drag over patches to hide or show them; or move with the arrow keys and press space.",
  });
  const panel = () => element("div", { style: "min-width:0" });
  const [guess, actual, imagined] = [panel(), panel(), panel()];
  grid.append(pad, guess, actual, imagined);
  // On a phone the two pictures take a row each, so that a patch stays as large as a finger.
  const fitted = new ResizeObserver(() => {
    for (const wide of [pad, guess]) wide.style.gridColumn = grid.clientWidth < 460 ? "1 / -1" : "auto";
  });
  fitted.observe(grid);
  const words = reading();
  el.append(grid, words, row(
    button("Other picture", () => { shown = (shown + 1) % pictures.length; again(); }),
    button("Hide a block", () => { hideBlock(); again(); }),
    button("Show all", () => { hidden.clear(); again(); }),
  ));

  const tile = element("canvas", { width: size, height: size });
  const square = (parent, title, label, draw, drag = false) =>
    canvas(parent, { label, drag, height: (width) => width + 20, draw: (ctx, width) => {
      say(ctx, title, 1, 13, colour.ink, colour.paper);
      ctx.save();
      ctx.translate(0, 20);
      ctx.imageSmoothingEnabled = false;
      draw(ctx, width);
      ctx.restore();
    } });
  // The tile's pixels, token by token, from a function (token) -> (x, y, channel) -> value.
  function drawTokens(ctx, width, valueOf) {
    const image = new ImageData(size, size);
    for (let token = 0; token < tokens; token++) {
      const at = valueOf(token), left = (token % side) * patch, top = Math.floor(token / side) * patch;
      for (let y = 0; y < patch; y++) for (let x = 0; x < patch; x++) {
        const place = 4 * ((top + y) * size + left + x);
        for (let c = 0; c < 3; c++) image.data[place + c] = 255 * at(x, y, c);
        image.data[place + 3] = 255;
      }
    }
    tile.getContext("2d").putImageData(image, 0, 0);
    ctx.drawImage(tile, 0, 0, width, width);
  }
  const pixel = (picture, token) => {
    const left = (token % side) * patch, top = Math.floor(token / side) * patch;
    return (x, y, c) => pictures[picture][c * size * size + (top + y) * size + left + x];
  };
  const shade = (shades, token) => (x, y, c) => shades[3 * token + c];
  function outline(ctx, width, token, stroke, dashed = false) {
    const step = width / side;
    ctx.strokeStyle = stroke;
    ctx.lineWidth = 2;
    ctx.setLineDash(dashed ? [4, 3] : []);
    ctx.strokeRect((token % side) * step + 1, Math.floor(token / side) * step + 1, step - 2, step - 2);
    ctx.setLineDash([]);
  }

  const boards = [
    square(pad, "what the encoder sees", "The picture with hidden patches covered", (ctx, width) => {
      drawTokens(ctx, width, (token) => pixel(shown, token));
      const step = width / side;
      for (const token of hidden) cover(ctx, (token % side) * step, Math.floor(token / side) * step, step, colour);
      if (cursor >= 0) outline(ctx, width, cursor, colour.ink);
    }, true),
    square(guess, "expected: real patches", "Each hidden patch replaced by the real patch whose features are nearest to those expected",
      (ctx, width) => {
        drawTokens(ctx, width, (token) => (nearest?.has(token) ? pixel(nearest.get(token).picture, nearest.get(token).token) : pixel(shown, token)));
        for (const token of hidden) outline(ctx, width, token, colour.imagined, true);
      }),
    square(imagined, "expected features", "The expected features of hidden patches as colours, beside the actual ones of the others", (ctx, width) => {
      drawTokens(ctx, width, (token) => shade(expected && hidden.has(token) ? expected.shades : seen[shown].shades, token));
      for (const token of hidden) outline(ctx, width, token, colour.imagined, true);
    }),
    square(actual, "actual features", "The features that the target encoder gives the whole picture, as colours", (ctx, width) => {
      drawTokens(ctx, width, (token) => shade(seen[shown].shades, token));
      for (const token of hidden) outline(ctx, width, token, colour.actual);
    }),
  ];

  function paint() {
    for (const board of boards) board.paint();
    if (!expected) return;
    const where = cursor < 0 ? "" : `Row ${Math.floor(cursor / side) + 1}, column ${(cursor % side) + 1}. `;
    if (!hidden.size) {
      words.textContent = `${where}Nothing is hidden. Touch patches of the first picture.`;
      return;
    }
    let error = 0;
    for (const token of hidden) for (let d = token * dim; d < (token + 1) * dim; d++) {
      error += (expected.features[d] - seen[shown].features[d]) ** 2;
    }
    const share = Math.sqrt(error / (hidden.size * dim)) / spread;
    words.textContent = where + (hidden.size === tokens
      ? `Everything is hidden. Expected and actual features are ${share.toFixed(2)} spreads apart: a guess from places alone.`
      : `${hidden.size} of ${tokens} hidden. Expected and actual features are ${share.toFixed(2)} spreads apart (1: no better than the mean).`);
  }

  // ---- hands --------------------------------------------------------------------------------------------------------
  function set(token, hide) {
    hide ? hidden.add(token) : hidden.delete(token);
    again();
  }
  touchable(pad, {
    board: boards[0].element, side, top: 20, has: (token) => hidden.has(token), set,
    at: (token) => { cursor = token; paint(); },
  });
  function hideBlock() {
    const [h, w] = [[2, 3], [3, 2], [3, 3]][Math.floor(Math.random() * 3)];
    const [top, left] = [h, w].map((length) => Math.floor(Math.random() * (side - length + 1)));
    hidden = new Set();
    for (let y = top; y < top + h; y++) for (let x = left; x < left + w; x++) hidden.add(y * side + x);
  }

  el.wm = { state: () => ({ shown, hidden: [...hidden], expected: [...expected.features], nearest: [...nearest] }), set }; // for the tests
  const unwatch = onTheme(() => {
    colour = colours(el);
    paint();
  });
  await again();
  return () => {
    unwatch();
    fitted.disconnect();
    for (const board of boards) board.stop();
  };
}

// The root mean square of the features about their mean at each dimension: how much there is to predict.
function spreadOf(pictures, dim) {
  const mean = new Float64Array(dim);
  let count = 0, sum = 0;
  for (const features of pictures) for (let i = 0; i < features.length; i++) mean[i % dim] += features[i];
  for (const features of pictures) count += features.length / dim;
  for (let d = 0; d < dim; d++) mean[d] /= count;
  for (const features of pictures) for (let i = 0; i < features.length; i++) sum += (features[i] - mean[i % dim]) ** 2;
  return Math.sqrt(sum / (count * dim));
}

export default { render };
