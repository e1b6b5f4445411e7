// Fails if the first page (index.html, what it loads, and the overview)
// is over its limit: 600 KB gzip is promised, 300 KB is kept.
import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';

const LIMIT_BYTES = 300_000;
const dist = new URL('../dist/', import.meta.url);
const manifest = JSON.parse(readFileSync(new URL('.vite/manifest.json', dist), 'utf8'));

const files = new Set(['index.html']);
function add(key) {
  const chunk = manifest[key];
  if (!chunk || files.has(chunk.file)) return;
  files.add(chunk.file);
  for (const css of chunk.css ?? []) files.add(css);
  for (const next of chunk.imports ?? []) add(next);
}
add('index.html');
add('src/pages/Overview.tsx');

const bytes = [...files].reduce((sum, name) => sum + gzipSync(readFileSync(new URL(name, dist))).length, 0);
console.log(`first page: ${files.size} files, ${bytes} bytes gzip (limit ${LIMIT_BYTES})`);
if (files.size < 3 || bytes > LIMIT_BYTES) {
  console.error('the first page is too large, or its files were not found');
  process.exit(1);
}
