// SPDX-License-Identifier: Apache-2.0
// Draws every concept as every vendor drew it: node prepare.mjs OUT
//
// Reads concepts.csv and the icon sets that package.json names (run `npm install` first). Writes OUT/SET/ICON.png, 96 × 96 with
// transparent ground, and OUT/pictures.json with licence, author and SHA-256 of each drawing; and for the README OUT/examples, larger
// and on white ground. Nothing is downloaded.
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const require = createRequire(join(process.cwd(), 'package.json'));
const sharp = require('sharp');
const HELD_OUT = 'openmoji'; // never trained on
const TRAINED = [
  'noto', 'noto-v1', 'twemoji', 'fluent-emoji', 'fluent-emoji-flat', 'emojione', 'emojione-v1', 'fxemoji',
];
const SIZE = 96;
const EXAMPLES = ['red-apple', 'bicycle']; // of the held-out vendor
const EXAMPLE_SIZE = 256;
const CLEAR = { r: 0, g: 0, b: 0, alpha: 0 };

const out = process.argv[2];
if (!out) {
  console.error('usage: node prepare.mjs OUT');
  process.exit(2);
}
const here = dirname(fileURLToPath(import.meta.url));
const concepts = readFileSync(join(here, 'concepts.csv'), 'utf8').trim().split('\n').slice(1).map(line => line.split(',')[0]);

const pictures = {};
for (const set of [...TRAINED, HELD_OUT]) {
  const icons = JSON.parse(readFileSync(require.resolve(`@iconify-json/${set}/icons.json`)));
  const info = JSON.parse(readFileSync(require.resolve(`@iconify-json/${set}/info.json`)));
  mkdirSync(join(out, set), { recursive: true });
  const drawn = {};
  for (const concept of concepts) {
    const icon = find(icons, concept);
    if (!icon) continue;
    const png = await draw(icons, icon, SIZE).png().toBuffer();
    writeFileSync(join(out, set, `${concept}.png`), png);
    drawn[concept] = createHash('sha256').update(png).digest('hex');
    if (set === HELD_OUT && EXAMPLES.includes(concept)) {
      mkdirSync(join(out, 'examples'), { recursive: true });
      await draw(icons, icon, EXAMPLE_SIZE).flatten({ background: '#fff' }).png({ palette: true }).toFile(join(out, 'examples', `${concept}.png`));
    }
  }
  pictures[set] = { held_out: set === HELD_OUT, author: info.author, licence: info.license, drawn };
  console.log(`${set}: ${Object.keys(drawn).length} of ${concepts.length} concepts, ${info.license.title}`);
}
writeFileSync(join(out, 'pictures.json'), JSON.stringify(pictures, null, 1) + '\n');

/** A drawing of the given width and height, transparent where nothing is. */
function draw(icons, icon, size) {
  const [width, height] = [icon.width ?? icons.width ?? 16, icon.height ?? icons.height ?? 16];
  const [left, top] = [icon.left ?? icons.left ?? 0, icon.top ?? icons.top ?? 0];
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="${width}" height="${height}" viewBox="${left} ${top} ${width} ${height}">${icon.body}</svg>`;
  return sharp(Buffer.from(svg), { density: (72 * 2 * size) / width })
    .resize({ width: size, height: size, fit: 'contain', background: CLEAR })
    .ensureAlpha();
}

/** An icon by its name, by an alias, or, as one set spells names, without hyphens. */
function find(icons, name) {
  for (const key of [name, name.replaceAll('-', '')]) {
    if (icons.icons[key]) return icons.icons[key];
    const alias = icons.aliases?.[key];
    if (alias && !alias.rotate && !alias.hFlip && !alias.vFlip && icons.icons[alias.parent]) return { ...icons.icons[alias.parent], ...alias };
  }
  return null;
}
