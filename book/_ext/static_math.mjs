// Formulas in on stdin as [{tex, display}], out on stdout as {html: [...], css, faults: [...]}.
// Usage: node static_math.mjs NODE_MODULES < formulas.json
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const require = createRequire(`${process.argv[2]}/`);
const MathJax = await require("mathjax").init({
  loader: { load: ["input/tex", "output/chtml"] },
  tex: { formatError: (_, error) => { throw error; } },
  chtml: { fontURL: "vendor/mathjax" },
});
const { adaptor } = MathJax.startup;
const faults = [];
const html = JSON.parse(readFileSync(0, "utf8")).map(({ tex, display }) => {
  try {
    const seen = MathJax.tex2chtml(tex, { display, em: 17, ex: 8, containerWidth: 720 });
    adaptor.setAttribute(seen, "aria-hidden", "true");
    const said = MathJax.tex2mml(tex, { display }).replace(/\n\s*/g, "");
    return `${adaptor.outerHTML(seen)}<span class="math-said">${said}</span>`;
  } catch (error) {
    faults.push(`${error.message}: ${tex}`);
    return "";
  }
});
console.log(JSON.stringify({ html, css: adaptor.textContent(MathJax.chtmlStylesheet()), faults }));
