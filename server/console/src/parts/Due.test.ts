import { expect, test } from 'vitest';

import type { Alert } from '../api/types';
import { dueOf, roundSpan } from './Due';

const NOW = Date.parse('2026-11-20T10:00:00Z');
const alert = (acknowledge_due: string | null, close_due: string | null) => ({ acknowledge_due, close_due }) as Alert;

test('the nearer clock is shown, as long as one runs', () => {
  expect(dueOf(alert(null, null), NOW)).toBeNull();
  expect(dueOf(alert('2026-11-20T10:15:00Z', '2026-11-20T14:00:00Z'), NOW)).toMatchObject({ what: 'acknowledge', left: 900 });
  expect(dueOf(alert(null, '2026-11-20T09:00:00Z'), NOW)).toMatchObject({ what: 'close', left: -3600 });
});

test('time left is told in whole units', () => {
  expect(roundSpan(0)).toBe(60);
  expect(roundSpan(89)).toBe(60);
  expect(roundSpan(7199)).toBe(7200);
  expect(roundSpan(9000)).toBe(10_800);
  expect(roundSpan(172_800)).toBe(172_800);
  expect(roundSpan(200_000)).toBe(172_800);
});
