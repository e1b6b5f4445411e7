// @vitest-environment node
// The program's own vector, which tests/unit/seal opens too.
import { beforeAll, expect, test, vi } from 'vitest';

import keyText from '../../../../tests/data/seal/analysts.key?raw';
import sealedHex from '../../../../tests/data/seal/samples.hex?raw';
import { fromHex, openSamples } from './openSamples';

const PASSPHRASE = 'a long passphrase';
// 600,000 rounds, several times, on a busy machine.
const SLOW_MS = 60_000;
const sealed = () => fromHex(sealedHex.trim());

beforeAll(async () => {
  // Node 18 has it, but not as a global.
  const name = 'node:crypto';
  const { webcrypto } = (await import(/* @vite-ignore */ name)) as { webcrypto: Crypto };
  vi.stubGlobal('crypto', webcrypto);
});

test('opens what the terminal sealed', async () => {
  expect(await openSamples(sealed(), keyText, PASSPHRASE)).toEqual({
    part: '顧客.xlsx/Sheet1',
    columns: [{ name: '氏名', type: 'person_name' }, { name: '電話番号', type: 'phone' }],
    rows: [['山田 太*', '090-****-5678']],
  });
}, SLOW_MS);

test('says what is wrong', async () => {
  const why = (bytes: Uint8Array<ArrayBuffer>, key: string, passphrase: string) => openSamples(bytes, key, passphrase).then(() => 'opened', (error: unknown) => (error as Error).message);
  expect(await why(sealed(), keyText, PASSPHRASE + 'x')).toBe('passphrase');
  expect(await why(sealed(), 'not a key', PASSPHRASE)).toBe('badKey');
  expect(await why(sealed(), keyText.replace(/^pbkdf2.*$/m, 'pbkdf2-sha256 600000 ???'), PASSPHRASE)).toBe('badKey');
  const other = sealed();
  other[3] = 255 - (other[3] ?? 0);
  expect(await why(other, keyText, PASSPHRASE)).toBe('otherKey');
  const changed = sealed();
  changed[changed.length - 1] = 255 - (changed.at(-1) ?? 0);
  expect(await why(changed, keyText, PASSPHRASE)).toBe('damaged');
  const offCurve = sealed();
  offCurve[50] = 255 - (offCurve[50] ?? 0);
  expect(await why(offCurve, keyText, PASSPHRASE)).toBe('damaged');
  expect(await why(sealed().slice(0, 40), keyText, PASSPHRASE)).toBe('damaged');
}, SLOW_MS);
