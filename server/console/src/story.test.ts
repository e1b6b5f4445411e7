import { beforeEach, expect, test } from 'vitest';

import type { Alert } from './api/types';
import i18n from './i18n';
import { alertStory, alertTitle } from './story';

const ALERT = {
  alert_id: 7, kind: 'transfer_blocked', severity: 'high', state: 'new', title: 'A file (csv) was kept', person: 'op01', terminal: 'maint-1', device_id: '0411:0282:A', verdict: '', comments: [],
  event: {
    outcome: 'blocked', who: { person: 'op01 (yamada)' }, reason: '1500 people', gate_state: 'full',
    device: { manufacturer: 'BUFFALO', product: 'RUF3', vendor_id: '0411', product_id: '0282' },
    transfer: { file_path: '/home/op01/顧客.csv', persons: 1500, persons_written: 0 },
  },
} as unknown as Alert;

beforeEach(() => i18n.changeLanguage('en'));

test('a stopped copy says who, what, how many, from where to where', () => {
  expect(alertStory(ALERT, i18n.t)).toBe(
    'op01 (yamada) tried to copy 顧客.csv, with the data of about 1,500 people, from maint-1 to BUFFALO RUF3. The copy was stopped. Nothing of it reached the medium.',
  );
  expect(alertTitle(ALERT, i18n.t)).toBe('Copy stopped: 顧客.csv, about 1,500 people');
});

test('people on the medium are never kept quiet', () => {
  const written = structuredClone(ALERT);
  if (written.event?.transfer) written.event.transfer.persons_written = 12;
  expect(alertStory(written, i18n.t)).toContain('Rows of 12 people had reached the medium.');
});

test('the same in Japanese', async () => {
  await i18n.changeLanguage('ja');
  expect(alertStory(ALERT, i18n.t)).toContain('約 1,500 人分の個人データを含む 顧客.csv');
  expect(alertStory(ALERT, i18n.t)).toContain('媒体には何も書かれていません。');
});

test('who proved to be there is named with the account', () => {
  const known = structuredClone(ALERT);
  if (known.event) known.event.who = { ...known.event.who, person: 'maint', stated_person: 'yamada', proven_by: 'pin' };
  expect(alertStory(known, i18n.t)).toMatch(/^yamada \(maint\) tried/);
  if (known.event) known.event.who.proven_by = '';
  expect(alertStory(known, i18n.t)).toMatch(/^maint tried/);
});

test('an unknown person is said to be unknown', () => {
  const nobody = structuredClone(ALERT);
  nobody.person = '';
  if (nobody.event) nobody.event.who.person = '';
  expect(alertStory(nobody, i18n.t)).toMatch(/^An unknown person tried/);
});

test('names are text: no markup is escaped or interpreted', () => {
  const hostile = structuredClone(ALERT);
  if (hostile.event?.transfer) hostile.event.transfer.file_path = '/x/<b>{{person}}$t(app.help)';
  expect(alertTitle(hostile, i18n.t)).toBe('Copy stopped: <b>{{person}}$t(app.help), about 1,500 people');
});

test('a kind this console does not know keeps the title of the server', () => {
  const newer = { ...ALERT, kind: 'newer_kind' };
  expect(alertTitle(newer, i18n.t)).toBe('A file (csv) was kept');
  expect(alertStory(newer, i18n.t)).toBe('A file (csv) was kept');
});

test('in Japanese the title of the server stands below the name of its kind', async () => {
  await i18n.changeLanguage('ja');
  const halted = { ...ALERT, kind: 'rollout_halted', title: 'Version 7 was halted' };
  expect(alertTitle(halted, i18n.t)).toBe('段階配布の停止: Version 7 was halted');
  expect(alertStory(halted, i18n.t)).toContain('一つ前の版のまま');
});
