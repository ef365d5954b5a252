// SPDX-License-Identifier: EUPL-1.2
// Builds dist/ from src/: the page, one script, one style sheet and the icon, each with its brotli and gzip form. The
// results are committed, so that neither the server's build nor an installation needs Node.
//   node build.mjs          write dist/
//   node build.mjs --check  fail when dist/ is not what src/ builds
import { build } from 'esbuild';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { brotliCompressSync, brotliDecompressSync, constants, gunzipSync, gzipSync } from 'node:zlib';

const BROTLI_MAX = 60_000; // all files together
const here = (name) => new URL(name, import.meta.url);

async function bundle(entry) {
  const { outputFiles } = await build({
    entryPoints: [here(`src/${entry}`).pathname],
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    charset: 'utf8',
    legalComments: 'none',
    write: false,
    logLevel: 'warning',
  });
  return Buffer.from(outputFiles[0].contents);
}

/** Without the comments and the white space between lines, which are for readers of the source. */
const markup = (name) => Buffer.from(readFileSync(here(`src/${name}`), 'utf8')
  .replaceAll(/<!--.*?-->/gs, '').replaceAll(/\s*\n\s*/g, '\n').trimStart());

function brotli(bytes) {
  const { BROTLI_PARAM_MODE, BROTLI_MODE_TEXT, BROTLI_PARAM_QUALITY, BROTLI_PARAM_SIZE_HINT } = constants;
  return brotliCompressSync(bytes, {
    params: { [BROTLI_PARAM_MODE]: BROTLI_MODE_TEXT, [BROTLI_PARAM_QUALITY]: 11, [BROTLI_PARAM_SIZE_HINT]: bytes.length },
  });
}

function gzip(bytes) {
  const packed = gzipSync(bytes, { level: 9 });
  packed[9] = 255; // the header's operating system: unknown, so that every system builds the same
  return packed;
}

const files = {
  'index.html': markup('index.html'),
  'dashboard.js': await bundle('main.js'),
  'dashboard.css': await bundle('style.css'),
  'icon.svg': markup('icon.svg'),
};

let total = 0;
for (const [name, bytes] of Object.entries(files)) {
  const packed = brotli(bytes).length;
  total += packed;
  console.log(`${name} ${bytes.length} bytes, brotli ${packed}`);
}
console.log(`together ${total} bytes of brotli`);
if (total > BROTLI_MAX) {
  console.error(`the dashboard is over its budget of ${BROTLI_MAX} bytes of brotli`);
  process.exit(1);
}

if (process.argv.includes('--check')) {
  // Encoders differ from one Node to the next: what must be equal is what they decode to.
  const forms = { '': (bytes) => bytes, '.br': brotliDecompressSync, '.gz': gunzipSync };
  const stale = Object.entries(files).flatMap(([name, bytes]) => Object.entries(forms)
    .filter(([ending, decode]) => !decode(readFileSync(here(`dist/${name}${ending}`))).equals(bytes))
    .map(([ending]) => name + ending));
  if (stale.length > 0) {
    console.error(`stale, run "npm run build": ${stale.join(' ')}`);
    process.exit(1);
  }
} else {
  mkdirSync(here('dist/'), { recursive: true });
  for (const [name, bytes] of Object.entries(files)) {
    writeFileSync(here(`dist/${name}`), bytes);
    writeFileSync(here(`dist/${name}.br`), brotli(bytes));
    writeFileSync(here(`dist/${name}.gz`), gzip(bytes));
  }
}
