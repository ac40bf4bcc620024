// How a figure of two rooms plans: what imagines (the true world or a network), what a plan costs, and one level or two.
import { generator, search } from "./rooms_world.mjs";

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
    const { cost } = await net({ z: [[m, ...tail], part], goal: [[g, ...tail], tiled] });
    costs.set(cost.subarray(0, Math.min(m, count - i)), i);
  }
  return costs;
}

// `plan({world, at, goal, chosen, start, seed})` finds a plan from `at` to `goal`; `start` is the first mean of its search. Settings
// and networks are the figure's, see rooms.mjs.
export function planner(nets, { size, reach, along, search: settings, high }) {
  // What every plan costs: `far(i)` is how far the i-th imagined place is, and the last alone counts, or all of them.
  function total(samples, horizon, far) {
    const cost = new Float64Array(samples);
    for (let s = 0; s < samples; s++) for (let t = along === "last" ? horizon - 1 : 0; t < horizon; t++) cost[s] += far(s * horizon + t);
    return cost;
  }
  async function judge(kind, { path, places }, samples, horizon, { world, goal, wanted }) {
    if (kind === "path") {
      const onFoot = world.pathLength(goal);
      return total(samples, horizon, (i) => onFoot([places[2 * i], places[2 * i + 1]]));
    }
    if (kind === "value") {
      const costs = await valued(nets.value, path, wanted, samples * horizon);
      return total(samples, horizon, (i) => costs[i]);
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
  // The second level: a few long steps of its own actions towards the goal. The lower level is to reach the first.
  async function aim(z, task, kind, noise) {
    const horizon = high.horizon ?? nets.propose.shapes.actions[1], dims = nets.propose.shapes.actions[2], { samples } = high;
    const asked = { planner: "cem", momentum: 0, floor: 0, ...high, horizon, dims, elites: elitesOf(high) };
    const actions = await search(asked, { noise, async ask(plans) {
      return { cost: await judge(kind, await unroll(nets.propose, z, plans, samples, horizon, dims), samples, horizon, task) };
    } });
    const { path, places } = await unroll(nets.propose, z, Float32Array.from(actions), 1, horizon, dims);
    return { wanted: path.slice(0, z.length), subgoals: pairs(places), transitions: samples * horizon * high.iterations };
  }
  const elitesOf = ({ share, samples }) => Math.max(2, Math.round(share * samples));

  const see = (world, place) => nets.encode({ frame: [[1, 2, size, size], world.draw(place)] });
  async function plan({ world, at, goal, chosen, start, seed }) {
    const begin = performance.now(), { horizon, samples } = chosen, noise = generator(seed), rounds = [];
    const asked = { ...settings, planner: chosen.planner, horizon, samples, reach, elites: elitesOf({ ...settings, samples }) };
    const task = { world, goal, wanted: goal };
    let imagine = (plans, many) => walk(world, at, plans, many, horizon), from = at, kind = chosen.cost, upper = null;
    if (chosen.engine === "network") {
      const [now, then] = [await see(world, at), await see(world, goal)];
      [task.wanted, from] = [then.z, [...now.place]];
      if (chosen.levels === "two") {
        upper = await aim(now.z, { ...task }, kind, noise);
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
      each: ({ best, places, cost }) => void rounds.push({ best, places, cost }),
    });
    const { places } = await imagine(Float32Array.from(actions), 1);
    return {
      actions, places: pairs(places), from, rounds, horizon, age: 0, subgoals: upper?.subgoals ?? [],
      ms: performance.now() - begin, transitions: samples * horizon * asked.iterations + (upper?.transitions ?? 0),
    };
  }

  // What the cost is all over the rooms: {side, cost: side² numbers, row by row}. What the network makes of the places is kept
  // until the walls move. `gone()` says that nobody waits for the answer any more; then it is null.
  let kept = { world: null };
  plan.map = async function ({ world, goal, chosen, gone = () => false }) {
    const latent = chosen.engine === "network" && chosen.cost !== "path", side = latent ? 15 : 56;
    const places = Array.from({ length: side * side }, (_, i) =>
      world.clear([i % side, Math.floor(i / side)].map((c) => world.low + (c / (side - 1)) * (world.high - world.low)), 0.01));
    if (!latent) return { side, cost: Float64Array.from(places, chosen.cost === "path" ? world.pathLength(goal) : (place) => apart(place, goal)) };
    if (kept.world !== world) kept = { world, z: [] };
    const mine = kept;
    while (mine.z.length < places.length) {
      const next = mine.z.length, { z } = await see(world, places[next]);
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
