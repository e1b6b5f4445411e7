// Opens sealed samples in the browser: the key and what it opens never leave
// it. The bytes are those of seal/seal.h in the sources (docs/adr/0107).

export interface Samples {
  part: string;
  columns: { name: string; type: string }[];
  rows: string[][];
}

export class SamplesError extends Error {
  constructor(readonly why: 'badKey' | 'passphrase' | 'otherKey' | 'damaged') {
    super(why);
  }
}

const ID_BYTES = 8;
const POINT_BYTES = 65;
const HEADER_BYTES = 1 + ID_BYTES + POINT_BYTES;
const NONCE_BYTES = 12;
const CURVE = { name: 'ECDH', namedCurve: 'P-256' };
const INFO = 'sekisho-sealed-1';

type Octets = Uint8Array<ArrayBuffer>;

const utf8 = (text: string): Octets => new TextEncoder().encode(text) as Octets;

export function fromHex(hex: string): Octets {
  return Uint8Array.from(hex.match(/../g) ?? [], (byte) => parseInt(byte, 16));
}

function toHex(bytes: Octets): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

function fromBase64(text: string): Octets {
  return Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
}

function joined(...parts: Octets[]): Octets {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

async function decrypt(key: CryptoKey, iv: Octets, additionalData: Octets, data: Octets): Promise<Octets | null> {
  try {
    return new Uint8Array(await crypto.subtle.decrypt({ name: 'AES-GCM', iv, additionalData }, key, data));
  } catch {
    return null; // the tag does not fit
  }
}

// The PKCS #8 of the key file, under its passphrase.
async function unlock(keyText: string, passphrase: string): Promise<{ id: string; pkcs8: Octets }> {
  const [first, idLine = '', kdfLine = '', body = ''] = keyText.split('\n');
  const kdf = /^pbkdf2-sha256 (\d{5,8}) ([A-Za-z0-9+/=]+)$/.exec(kdfLine);
  const id = /^id ([0-9a-f]{16})$/.exec(idLine)?.[1];
  if (first !== 'sekisho-private-key 1' || !kdf || !id) throw new SamplesError('badKey');
  let salt: Octets;
  let sealed: Octets;
  try {
    salt = fromBase64(kdf[2] ?? '');
    sealed = fromBase64(body.trim());
  } catch {
    throw new SamplesError('badKey');
  }
  const secret = await crypto.subtle.importKey('raw', utf8(passphrase), 'PBKDF2', false, ['deriveKey']);
  const key = await crypto.subtle.deriveKey({ name: 'PBKDF2', hash: 'SHA-256', salt, iterations: Number(kdf[1]) }, secret, { name: 'AES-GCM', length: 256 }, false, ['decrypt']);
  const pkcs8 = await decrypt(key, sealed.slice(0, NONCE_BYTES), utf8(idLine), sealed.slice(NONCE_BYTES));
  if (!pkcs8) throw new SamplesError('passphrase');
  return { id, pkcs8 };
}

// The public half, which a private key holds.
async function publicPoint(pkcs8: Octets): Promise<Octets> {
  const whole = await crypto.subtle.importKey('pkcs8', pkcs8, CURVE, true, ['deriveBits']);
  const { kty, crv, x, y } = await crypto.subtle.exportKey('jwk', whole);
  const key = await crypto.subtle.importKey('jwk', { kty, crv, x, y } as JsonWebKey, CURVE, true, []);
  return new Uint8Array(await crypto.subtle.exportKey('raw', key));
}

export async function openSamples(sealed: Octets, keyText: string, passphrase: string): Promise<Samples> {
  if (sealed.length < HEADER_BYTES + 16 || sealed[0] !== 1) throw new SamplesError('damaged');
  const { id, pkcs8 } = await unlock(keyText, passphrase);
  if (toHex(sealed.slice(1, 1 + ID_BYTES)) !== id) throw new SamplesError('otherKey');
  const point = sealed.slice(1 + ID_BYTES, HEADER_BYTES);
  let shared: ArrayBuffer;
  let own: Octets;
  try {
    const privateKey = await crypto.subtle.importKey('pkcs8', pkcs8, CURVE, false, ['deriveBits']);
    const other = await crypto.subtle.importKey('raw', point, CURVE, false, []);
    shared = await crypto.subtle.deriveBits({ name: 'ECDH', public: other }, privateKey, 256);
    own = await publicPoint(pkcs8);
  } catch {
    throw new SamplesError('damaged');
  }
  const secret = await crypto.subtle.importKey('raw', shared, 'HKDF', false, ['deriveBits']);
  const derived = new Uint8Array(await crypto.subtle.deriveBits({ name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(), info: joined(utf8(INFO), point, own) }, secret, (32 + NONCE_BYTES) * 8));
  const key = await crypto.subtle.importKey('raw', derived.slice(0, 32), 'AES-GCM', false, ['decrypt']);
  const text = await decrypt(key, derived.slice(32), sealed.slice(0, HEADER_BYTES), sealed.slice(HEADER_BYTES));
  if (!text) throw new SamplesError('damaged');
  return readSamples(new TextDecoder().decode(text));
}

// All the world can seal to a public key: what is inside is checked, too.
function readSamples(text: string): Samples {
  let read: Partial<Samples> | null;
  try {
    read = JSON.parse(text) as Partial<Samples> | null;
  } catch {
    throw new SamplesError('damaged');
  }
  const columns = Array.isArray(read?.columns) ? read.columns : [];
  const rows = Array.isArray(read?.rows) ? read.rows : [];
  return {
    part: String(read?.part ?? ''),
    columns: columns.map((column) => ({ name: String(column.name), type: String(column.type) })),
    rows: rows.map((row) => (Array.isArray(row) ? row.map(String) : [])),
  };
}
