import { expect, test } from 'vitest';

import { csvCell } from './exportEvents';

test('a cell is quoted where it must be', () => {
  expect(csvCell('plain')).toBe('plain');
  expect(csvCell('a,b')).toBe('"a,b"');
  expect(csvCell('say "no"')).toBe('"say ""no"""');
  expect(csvCell('two\nlines')).toBe('"two\nlines"');
  expect(csvCell(-1)).toBe('-1');
});

test('no cell is a formula', () => {
  for (const start of ['=', '+', '-', '@', '\t', '\r']) {
    expect(csvCell(`${start}cmd|' /C calc'!A0`).replace(/^"/, '').startsWith("'")).toBe(true);
  }
});
