import { expect, test } from 'vitest';

import { TERMS } from '../parts/Help';
import en from './en.json';
import ja from './ja.json';

type Tree = { [key: string]: string | Tree };

function leaves(tree: Tree, prefix = ''): Map<string, string> {
  const out = new Map<string, string>();
  for (const [key, value] of Object.entries(tree)) {
    if (typeof value === 'string') out.set(prefix + key, value);
    else leaves(value, prefix + key + '.').forEach((text, name) => out.set(name, text));
  }
  return out;
}

const english = leaves(en);
const japanese = leaves(ja);

test('both languages have the same keys', () => {
  expect([...japanese.keys()].sort()).toEqual([...english.keys()].sort());
});

test('both languages fill in the same values', () => {
  const holes = (text: string) => (text.match(/\{\{\w+\}\}/g) ?? []).sort();
  for (const [key, text] of english) {
    expect(holes(japanese.get(key) ?? ''), key).toEqual(holes(text));
  }
});

const sources = import.meta.glob('../**/*.tsx', { query: '?raw', import: 'default', eager: true });

test('every key the code asks for is there', () => {
  for (const [file, source] of Object.entries(sources)) {
    for (const match of String(source).matchAll(/\bt\(\s*'([\w.]+)'/g)) {
      expect(english.has(match[1] ?? ''), `${match[1]} in ${file}`).toBe(true);
    }
  }
});

test('every group of words the code looks in is there', () => {
  for (const [file, source] of Object.entries(sources)) {
    for (const match of String(source).matchAll(/\bt\(\s*`([\w.]+\.)\$\{/g)) {
      expect([...english.keys()].some((key) => key.startsWith(match[1] ?? '')), `${match[1]} in ${file}`).toBe(true);
    }
  }
});

test('every term of the help is explained', () => {
  for (const term of TERMS) {
    for (const part of ['name', 'text']) expect(english.has(`help.${term}.${part}`), term).toBe(true);
  }
  const asked = new Set(Object.values(sources).flatMap((source) => [...String(source).matchAll(/<Help term="(\w+)"|help="(\w+)"/g)].map((match) => match[1] ?? match[2])));
  for (const term of asked) expect(TERMS as readonly string[]).toContain(term);
});
