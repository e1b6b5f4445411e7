import { expect, test } from 'vitest';

import { coveredShare, readNote } from './inquiry';

test('a note is read without its signature', () => {
  expect(readNote('sekisho-inquiry-1\n{"answer":"found"}\n\n— k sig\n')?.answer).toBe('found');
  for (const note of ['', '{"answer":"found"}\n\n— k sig\n', 'sekisho-inquiry-1\n{"answer"\n\n— k\n', 'sekisho-inquiry-1\n\n— k\n']) expect(readNote(note)).toBeNull();
});

test('100 % is said of the whole only', () => {
  expect(coveredShare({ covered_seconds: 99_999, uncovered_seconds: 1 })).toBe(0.999);
  expect(coveredShare({ covered_seconds: 5, uncovered_seconds: 0 })).toBe(1);
  expect(coveredShare({ covered_seconds: 0, uncovered_seconds: 0 })).toBeNull();
});
