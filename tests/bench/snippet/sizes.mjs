// SPDX-License-Identifier: EUPL-1.2
// The sizes of the snippet and of its peers, each built here from its npm package with the least
// page script that makes it measure and send: bundled by esbuild, minified by terser, packed.
//   npm ci && npm run sizes              prints the table
//   npm ci && npm run sizes -- --write   puts it between its marks in docs/snippet.md
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import { readFileSync, writeFileSync } from 'node:fs';
import { build } from 'esbuild';
import { minify } from 'terser';

const here = (name) => new URL(name, import.meta.url);
const DOCUMENT = here('../../../docs/snippet.md');
const MARKS = ['<!-- sizes -->\n', '<!-- /sizes -->'];
const { devDependencies: versions } = JSON.parse(readFileSync(here('package.json')));

const five = 'onCLS, onFCP, onINP, onLCP, onTTFB';
const vitals = (from, options = '{}') =>
  `import { ${five} } from '${from}';
   for (const on of [${five}]) on((m) => navigator.sendBeacon('/b', JSON.stringify(m)), ${options});`;
const plugins = (...names) => ['boomerang.js', ...names.map((name) => `plugins/${name}.js`), 'plugins/zzz-last-plugin.js'];

const PEERS = [
  { name: 'plausible-tracker', tells: 'page views, no speed',
    page: "import p from 'plausible-tracker'; p({ domain: 'portal.example' }).enableAutoPageviews();" },
  { name: '@plausible-analytics/tracker', tells: 'page views, engagement, no speed',
    page: "import { init } from '@plausible-analytics/tracker'; init({ domain: 'portal.example' });" },
  { name: 'web-vitals', tells: 'five vitals', page: vitals('web-vitals') },
  { name: 'web-vitals', tells: 'five vitals, soft navigations',
    page: vitals('web-vitals', '{ reportSoftNavs: true }') },
  { name: 'web-vitals', tells: 'five vitals with attribution', page: vitals('web-vitals/attribution') },
  { name: 'perfume.js', tells: 'vitals, navigation, resources',
    page: `import { initPerfume } from 'perfume.js';
      initPerfume({ analyticsTracker: (m) => navigator.sendBeacon('/b', JSON.stringify(m)) });` },
  { name: 'ackee-tracker', tells: 'page views, no speed',
    page: "import { create } from 'ackee-tracker'; create('https://a.example').record('x');" },
  { name: '@elastic/apm-rum', tells: 'vitals, navigation, resources, errors',
    page: "import { init } from '@elastic/apm-rum'; init({ serviceName: 'x', serverUrl: 'https://a.example' });" },
  { name: 'boomerangjs', tells: 'navigation, vitals (six plugins)',
    files: plugins('rt', 'navtiming', 'painttiming', 'eventtiming', 'continuity', 'bfcache'),
    page: "BOOMR.init({ beacon_url: '/b' });" },
  { name: '@grafana/faro-web-sdk', tells: 'vitals, navigation, errors, logs, sessions',
    page: "import { initializeFaro } from '@grafana/faro-web-sdk'; initializeFaro({ url: '/b', app: { name: 'x' } });" },
];

const bundle = async ({ name, page, files }) => {
  if (files) return [...files.map((file) => readFileSync(here(`node_modules/${name}/${file}`), 'utf8')), page].join('\n');
  const { outputFiles } = await build({
    stdin: { contents: page, resolveDir: here('.').pathname }, bundle: true, format: 'iife', target: 'es2020',
    define: { 'process.env.NODE_ENV': '"production"' }, write: false, logLevel: 'error',
  });
  return outputFiles[0].text;
};

const sizes = (script) => {
  const params = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: script.length };
  return [script.length, gzipSync(script, { level: 9 }).length, brotliCompressSync(script, { params }).length];
};

const rows = [['**balise**', 'five vitals, soft navigations, phases, weight, errors',
  ...sizes(readFileSync(here('../../../beacon/dist/b.js')))]];
for (const peer of PEERS) {
  const { code } = await minify(await bundle(peer), { ecma: 2020, format: { comments: false } });
  rows.push([`${peer.name} ${versions[peer.name]}`, peer.tells, ...sizes(Buffer.from(code))]);
}
rows.sort((a, b) => a.at(-1) - b.at(-1));
const table = ['| | what it tells | minified | gzip -9 | brotli 11 |', '|---|---|--:|--:|--:|',
  ...rows.map((row) => `| ${row.join(' | ')} |`), ''].join('\n');
console.log(table);

if (process.argv.includes('--write')) {
  const [before, rest] = readFileSync(DOCUMENT, 'utf8').split(MARKS[0]);
  writeFileSync(DOCUMENT, before + MARKS[0] + table + MARKS[1] + rest.split(MARKS[1])[1]);
}
