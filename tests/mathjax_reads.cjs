// Reads {mathjax: directory, macros, formulas: name → TeX} from standard input, and writes name → error of those in
// which MathJax finds one.
const { mathjax, macros, formulas } = JSON.parse(require("fs").readFileSync(0, "utf8"));

global.MathJax = {
  loader: { paths: { mathjax }, load: ["adaptors/liteDOM", "input/tex"], require },
  tex: {
    macros,
    packages: { "[-]": ["noundefined", "noerrors"] },
    formatError: (_, error) => {
      throw error;
    },
  },
};
require(`${mathjax}/startup.js`);

MathJax.startup.promise.then(async () => {
  const errors = {};
  for (const [name, tex] of Object.entries(formulas)) {
    await MathJax.tex2mmlPromise(tex ?? "", { display: true }).catch((error) => {
      errors[name] = error.message;
    });
  }
  process.stdout.write(JSON.stringify(errors));
});
