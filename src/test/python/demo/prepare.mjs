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
  'noto', 'noto-v1', 'twemoji', 'fluent-emoji', 'fluent-emoji-flat', 'emojione', 'emojione-v1', 'fxemoji', 'streamline-emojis',
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
const [columns, ...rows] = readFileSync(join(here, 'concepts.csv'), 'utf8').trim().split('\n').map(line => line.split(','));
const concepts = rows.map(row => row[columns.indexOf('icon')]);
const otherNames = rows.map(row => row[columns.indexOf('also')].split(' ').filter(name => name));

const pictures = {};
for (const set of [...TRAINED, HELD_OUT]) {
  const icons = JSON.parse(readFileSync(require.resolve(`@iconify-json/${set}/icons.json`)));
  const info = JSON.parse(readFileSync(require.resolve(`@iconify-json/${set}/info.json`)));
  mkdirSync(join(out, set), { recursive: true });
  const drawn = {};
  for (const [index, concept] of concepts.entries()) {
    for (const [number, icon] of find(icons, [concept, ...otherNames[index]]).entries()) {
      const name = number ? `${concept}-${number + 1}` : concept;
      const png = await draw(icons, icon, SIZE).png().toBuffer();
      writeFileSync(join(out, set, `${name}.png`), png);
      drawn[name] = { concept, sha256: createHash('sha256').update(png).digest('hex') };
    }
    if (set === HELD_OUT && EXAMPLES.includes(concept)) {
      mkdirSync(join(out, 'examples'), { recursive: true });
      await draw(icons, find(icons, [concept])[0], EXAMPLE_SIZE).flatten({ background: '#fff' }).png({ palette: true }).toFile(join(out, 'examples', `${concept}.png`));
    }
  }
  pictures[set] = { held_out: set === HELD_OUT, author: info.author, licence: info.license, drawn };
  console.log(`${set}: ${Object.keys(drawn).length} drawings for ${concepts.length} concepts, ${info.license.title}`);
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

/** The icons of one of these names: as it is, or as one set spells names, without hyphens, or, as another does, numbered. */
function find(icons, names) {
  for (const name of names.flatMap(name => [name, name.replaceAll('-', '')])) {
    const icon = byName(icons, name);
    if (icon) return [icon];
    const numbered = [1, 2, 3].map(number => byName(icons, `${name}-${number}`)).filter(icon => icon);
    if (numbered.length) return numbered;
  }
  return [];
}

function byName(icons, name) {
  if (icons.icons[name]) return icons.icons[name];
  const alias = icons.aliases?.[name];
  if (alias && !alias.rotate && !alias.hFlip && !alias.vFlip && icons.icons[alias.parent]) return { ...icons.icons[alias.parent], ...alias };
  return null;
}
