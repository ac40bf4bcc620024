// How a figure of two rooms plans: what imagines (the true world or a network), what a plan costs, and one level or two.
import { generator, search } from "./rooms_world.mjs";

const REST = 24; // milliseconds of work after which the page may breathe

export const apart = ([ax, ay], [bx, by]) => Math.hypot(ax - bx, ay - by);
const pairs = (flat) => Array.from({ length: flat.length / 2 }, (_, i) => [flat[2 * i], flat[2 * i + 1]]);
const rows = (exported, wanted) => (exported > 0 ? exported : wanted); // an axis that was exported free takes what is there

// Plans side by side through a network that imagines k actions at a time, for n plans at a time.
async function unroll(net, z, plans, samples, horizon, dims) {
  const n = rows(net.shapes.actions[0], samples), k = rows(net.shapes.actions[1], horizon), dim = z.length;
  const path = new Float32Array(samples * horizon * dim), places = new Float32Array(samples * horizon * 2);
  const now = new Float32Array(n * dim), part = new Float32Array(n * k * dims);
  for (let first = 0; first < samples; first += n) {
    const many = Math.min(n, samples - first);
    for (let i = 0; i < n; i++) now.set(z, i * dim);
    for (let t = 0; t < horizon; t += k) {
      const long = Math.min(k, horizon - t), at = (i) => (first + i) * horizon + t;
      for (let i = 0; i < many; i++) part.set(plans.subarray(at(i) * dims, (at(i) + long) * dims), i * k * dims);
      const out = await net({ z: [[n, ...net.shapes.z.slice(1)], now], actions: [[n, k, dims], part] });
      for (let i = 0; i < many; i++) {
        path.set(out.path.subarray(i * k * dim, (i * k + long) * dim), at(i) * dim);
        places.set(out.places.subarray(i * k * 2, (i * k + long) * 2), at(i) * 2);
        now.set(out.path.subarray(((i + 1) * k - 1) * dim, (i + 1) * k * dim), i * dim);
      }
    }
  }
  return { path, places };
}

// The learned cost from every latent of a path to the goal's.
async function valued(net, path, wanted, count) {
  const dim = wanted.length, m = rows(net.shapes.z[0], count), g = rows(net.shapes.goal[0], m), tail = net.shapes.z.slice(1);
  const tiled = Float32Array.from({ length: g * dim }, (_, i) => wanted[i % dim]), costs = new Float32Array(count);
  for (let i = 0; i < count; i += m) {
    const part = new Float32Array(m * dim);
    part.set(path.subarray(i * dim, (i + m) * dim));
    const [steps] = Object.values(await net({ z: [[m, ...tail], part], goal: [[g, ...tail], tiled] }));
    costs.set(steps.subarray(0, Math.min(m, count - i)), i);
  }
  return costs;
}

// Lets the page paint and hear its reader where a long search would keep it waiting, and counts what it took without that.
function breather() {
  let rested = performance.now(), spent = 0;
  return async () => {
    const now = performance.now();
    if (now - rested > REST) {
      spent += now - rested;
      await new Promise((resolve) => setTimeout(resolve));
      rested = performance.now();
    }
    return spent + performance.now() - rested; // milliseconds
  };
}

// `plan({world, at, goal, chosen, start, before, noise})` finds a plan from `at` to `goal`. `start` is the first mean of its search,
// `before` the plan that it is left of, `noise` draws normal numbers. Settings and networks are the figure's, see rooms.mjs.
export function planner(nets, { size, reach, along, stride = 1, search: settings, high }) {
  // The imagined places that count: the last alone, or every `stride`-th of a plan that is as long.
  const counted = (horizon) => Array.from({ length: horizon }, (_, t) => t)
    .filter((t) => (along === "last" || horizon < stride ? t === horizon - 1 : (t + 1) % stride === 0));
  // What every plan costs: `far(i)` is how far the i-th imagined place is.
  function total(samples, horizon, far) {
    const cost = new Float64Array(samples), moments = counted(horizon);
    for (let s = 0; s < samples; s++) for (const t of moments) cost[s] += far(s * horizon + t);
    return cost;
  }
  async function judge(kind, { path, places }, samples, horizon, { world, goal, wanted }) {
    if (kind === "path") {
      const onFoot = world.pathLength(goal);
      return total(samples, horizon, (i) => onFoot(world.free([places[2 * i], places[2 * i + 1]])));
    }
    if (kind === "value") { // only of the latents that count: the network is not for nothing
      const moments = counted(horizon), each = moments.length, dim = wanted.length, asked = new Float32Array(samples * each * dim);
      for (let s = 0; s < samples; s++) moments.forEach((t, j) => {
        asked.set(path.subarray((s * horizon + t) * dim, (s * horizon + t + 1) * dim), (s * each + j) * dim);
      });
      const costs = await valued(nets.value, asked, wanted, samples * each);
      return Float64Array.from({ length: samples }, (_, s) => moments.reduce((sum, _, j) => sum + costs[s * each + j], 0));
    }
    const dim = wanted.length; // the squared distance, of latents or of places
    return total(samples, horizon, (i) => {
      let square = 0;
      for (let d = 0; d < dim; d++) square += (path[i * dim + d] - wanted[d]) ** 2;
      return square;
    });
  }
  // The true world imagines without the nudges, which nobody can foresee. Its latent is the place itself.
  function walk(world, from, plans, samples, horizon) {
    const places = new Float32Array(samples * horizon * 2);
    for (let s = 0; s < samples; s++) {
      let here = from;
      for (let i = s * horizon; i < (s + 1) * horizon; i++) places.set((here = world.step(here, [plans[2 * i], plans[2 * i + 1]])), 2 * i);
    }
    return { path: places, places };
  }
  // The second level: a few long steps of its own actions towards the goal. The lower level is to reach the first. Its search goes
  // on from its last plan; after `lasts` lower searches the first of its actions counts as done (wm_core.planning.subgoals).
  async function aim(z, task, kind, noise, before, breathe) {
    const horizon = high.horizon ?? nets.propose.shapes.actions[1], dims = nets.propose.shapes.actions[2], { samples, lasts = 1 } = high;
    const searches = (before?.searches ?? 0) + 1, done = before ? Math.floor(before.searches / lasts) - Math.floor((before.searches - 1) / lasts) : 0;
    const asked = { planner: "cem", ...high, horizon, dims, elites: elitesOf(high) };
    const actions = await search(asked, {
      start: before?.actions.slice(dims * done), noise, each: breathe,
      async ask(plans) {
        return { cost: await judge(kind, await unroll(nets.propose, z, plans, samples, horizon, dims), samples, horizon, task) };
      },
    });
    const { path, places } = await unroll(nets.propose, z, Float32Array.from(actions), 1, horizon, dims);
    return { wanted: path.slice(0, z.length), subgoals: pairs(places), transitions: samples * horizon * high.iterations, actions, searches };
  }
  const elitesOf = ({ share, samples }) => Math.max(2, Math.round(share * samples));

  const see = (world, place) => nets.encode({ frame: [[1, 2, size, size], world.draw(place)] });
  async function plan({ world, at, goal, chosen, start, before, noise = generator(1) }) {
    const above = chosen.engine === "network" && chosen.levels === "two", { samples } = chosen, rounds = [];
    const horizon = Math.min(chosen.horizon, (above && high.below) || Infinity); // to the first sub-goal, and no farther
    const breathe = breather(), elites = elitesOf({ ...settings, samples });
    const asked = { reach, ...settings, planner: chosen.planner, horizon, samples, elites };
    const task = { world, goal, wanted: goal };
    let imagine = (plans, many) => walk(world, at, plans, many, horizon), from = at, kind = chosen.cost, upper = null;
    if (chosen.engine === "network") {
      const [now, then] = [await see(world, at), await see(world, goal)];
      [task.wanted, from] = [then.z, [...now.place]];
      if (above) {
        upper = await aim(now.z, { ...task }, kind, noise, start ? before?.upper : null, breathe);
        [task.wanted, kind] = [upper.wanted, "plain"]; // the lower level only has to get near the first sub-goal
      }
      imagine = (plans, many) => unroll(nets.imagine, now.z, plans, many, horizon, 2);
    }
    const actions = await search(asked, {
      start, noise,
      async ask(plans) {
        const seen = await imagine(plans, samples);
        return { places: seen.places, cost: await judge(kind, seen, samples, horizon, task) };
      },
      async each({ best, places, cost }) {
        rounds.push({ best, places, cost });
        await breathe();
      },
    });
    const places = pairs((await imagine(Float32Array.from(actions), 1)).places);
    const breaches = places.map((place, i) => world.breach(places[i - 1] ?? from, place)).filter(Boolean);
    return {
      actions, places, from, breaches, rounds, horizon, age: 0, upper, subgoals: upper?.subgoals ?? [], tried: { samples, elites },
      ms: await breathe(), transitions: samples * horizon * asked.iterations + (upper?.transitions ?? 0),
    };
  }

  // What the cost is all over the rooms: {side, cost: side² numbers, row by row}. What the network makes of the places is kept
  // until the walls move. `gone()` says that nobody waits for the answer any more; then it is null.
  let kept = { world: null };
  plan.map = async function ({ world, goal, chosen, gone = () => false }) {
    const latent = chosen.engine === "network" && chosen.cost !== "path", side = latent ? 15 : 56;
    const places = Array.from({ length: side * side }, (_, i) =>
      world.free([i % side, Math.floor(i / side)].map((c) => world.low + (c / (side - 1)) * (world.high - world.low))));
    if (!latent) return { side, cost: Float64Array.from(places, chosen.cost === "path" ? world.pathLength(goal) : (place) => apart(place, goal)) };
    if (kept.world !== world) kept = { world, z: [] };
    const mine = kept, breathe = breather();
    while (mine.z.length < places.length) {
      const next = mine.z.length, { z } = await see(world, places[next]);
      await breathe();
      if (gone()) return null;
      mine.z[next] = z; // of two that ask at once, both write the same
    }
    const wanted = (await see(world, goal)).z, path = new Float32Array(places.length * wanted.length);
    mine.z.forEach((z, i) => path.set(z, i * wanted.length));
    const cost = chosen.cost === "value" ? await valued(nets.value, path, wanted, places.length)
      : mine.z.map((z) => Math.sqrt(z.reduce((sum, c, d) => sum + (c - wanted[d]) ** 2, 0)));
    return { side, cost: Float64Array.from(cost) };
  };
  return plan;
}
