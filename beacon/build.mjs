// SPDX-License-Identifier: EUPL-1.2
// Builds dist/b.js from src/, its brotli and gzip forms, and the line that `balise snippet` tells of
// it: the name of its own address and its Subresource Integrity. The results are committed, so that
// neither the server's build nor an installation needs Node.
//   node build.mjs          write dist/
//   node build.mjs --check  fail when dist/ is not what src/ builds
import { createHash } from 'node:crypto';
import { build } from 'esbuild';
import { minify } from 'terser';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { brotliCompressSync, brotliDecompressSync, constants, gunzipSync, gzipSync } from 'node:zlib';

const BROTLI_MAX = 1400;
const HASH_LENGTH = 16; // as the server names its lasting URL
const here = (name) => new URL(name, import.meta.url);

const bundle = await build({
  entryPoints: [here('src/main.js').pathname],
  bundle: true,
  format: 'iife',
  target: 'es2020',
  charset: 'utf8',
  write: false,
  logLevel: 'warning',
});
const { code } = await minify(bundle.outputFiles[0].text, {
  ecma: 2020,
  // Not toplevel: the names would be moved out of the function and become the page's globals.
  // unsafe_arrows and pure_getters: no function here is called with new, no property has effects.
  compress: { passes: 4, unsafe_arrows: true, pure_getters: true },
  mangle: true,
  format: { comments: false },
});
// A block keeps names from the page as well as a function does, and is shorter.
const [, body] = code.match(/^\(\(\)=>\{var (.*)\}\)\(\);$/s);
const script = Buffer.from(`{let ${body}}`);
const brotli = brotliCompressSync(script, {
  params: {
    [constants.BROTLI_PARAM_MODE]: constants.BROTLI_MODE_TEXT,
    [constants.BROTLI_PARAM_QUALITY]: 11,
    [constants.BROTLI_PARAM_SIZE_HINT]: script.length,
  },
});
const gzip = gzipSync(script, { level: 9 });
gzip[9] = 255; // the header's operating system: unknown, so that every system builds the same

const hash = (name, form) => createHash(name).update(script).digest(form);
const line = Buffer.from(
  `b.${hash('sha256', 'hex').slice(0, HASH_LENGTH)}.js sha384-${hash('sha384', 'base64')}\n`,
);

console.log(`b.js ${script.length} bytes, gzip ${gzip.length}, brotli ${brotli.length}`);
if (brotli.length > BROTLI_MAX) {
  console.error(`the snippet is over its budget of ${BROTLI_MAX} bytes of brotli`);
  process.exit(1);
}

if (process.argv.includes('--check')) {
  // Encoders differ from one Node to the next: what must be equal is what they decode to.
  const stale = [
    ['b.js', (bytes) => bytes],
    ['b.js.br', brotliDecompressSync],
    ['b.js.gz', gunzipSync],
  ].filter(([name, decode]) => !decode(readFileSync(here(`dist/${name}`))).equals(script));
  if (!readFileSync(here('dist/b.js.sri')).equals(line)) stale.push(['b.js.sri']);
  if (stale.length > 0) {
    console.error(`stale, run "npm run build": ${stale.map(([name]) => name).join(' ')}`);
    process.exit(1);
  }
} else {
  mkdirSync(here('dist/'), { recursive: true });
  writeFileSync(here('dist/b.js'), script);
  writeFileSync(here('dist/b.js.br'), brotli);
  writeFileSync(here('dist/b.js.gz'), gzip);
  writeFileSync(here('dist/b.js.sri'), line);
}
