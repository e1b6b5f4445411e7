// Values as people read them, in the language and time zone of the browser.
import type { Severity, Who } from './api/types';
import i18n from './i18n';

// The worst first.
export const SEVERITIES: Severity[] = ['critical', 'high', 'medium', 'low'];

// A formatter costs more to make than to use a thousand times.
const made = new Map<string, Intl.DateTimeFormat | Intl.NumberFormat>();

function kept<T extends Intl.DateTimeFormat | Intl.NumberFormat>(name: string, make: (language: string) => T): T {
  const key = `${i18n.language} ${name}`;
  const found = (made.get(key) as T | undefined) ?? make(i18n.language);
  made.set(key, found);
  return found;
}

export function formatTime(iso: string | null | undefined): string {
  if (!iso) return '–';
  return kept('time', (language) => new Intl.DateTimeFormat(language, { dateStyle: 'short', timeStyle: 'medium' })).format(new Date(iso));
}

export function formatDay(iso: string): string {
  return new Intl.DateTimeFormat(i18n.language, { month: 'numeric', day: 'numeric' }).format(new Date(iso));
}

export function formatDate(iso: string): string {
  return new Intl.DateTimeFormat(i18n.language, { dateStyle: 'medium' }).format(new Date(iso));
}

// The reader's time zone by name, for what the server counts by days.
export function ownZone(): string {
  return new Intl.DateTimeFormat().resolvedOptions().timeZone;
}

// The reader's calendar day of a moment, as a date field holds it.
export function dayOf(iso: string): string {
  const time = new Date(iso);
  const two = (value: number) => String(value).padStart(2, '0');
  return `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())}`;
}

export function formatNumber(value: number): string {
  return kept('number', (language) => new Intl.NumberFormat(language)).format(value);
}

// A length of time in its largest whole unit.
export function formatSpan(seconds: number): string {
  if (seconds <= 0) return '–';
  const [value, unit]: [number, string] = seconds % 86400 === 0 ? [seconds / 86400, 'day'] : seconds % 3600 === 0 ? [seconds / 3600, 'hour'] : [Math.ceil(seconds / 60), 'minute'];
  return kept(unit, (language) => new Intl.NumberFormat(language, { style: 'unit', unit, unitDisplay: 'long' })).format(value);
}

export function formatShare(value: number): string {
  return new Intl.NumberFormat(i18n.language, { style: 'percent' }).format(value);
}

export function formatBytes(value: number): string {
  if (value <= 0) return '–';
  const units = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte'];
  const step = Math.min(Math.floor(Math.log10(value) / 3), units.length - 1);
  return new Intl.NumberFormat(i18n.language, {
    style: 'unit',
    unit: units[step] ?? 'byte',
    unitDisplay: 'short',
    maximumFractionDigits: 1,
  }).format(value / 1000 ** step);
}

export function deviceName(facts: {
  manufacturer: string;
  product: string;
  vendor_id: string;
  product_id: string;
}): string {
  const name = `${facts.manufacturer} ${facts.product}`.trim();
  return name || `${facts.vendor_id}:${facts.product_id}`;
}

export function fileName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1) || path;
}

// Who an event counts for, with the account at which he proved it.
export function personOf(who: Who): string {
  return who.proven_by ? `${who.stated_person} (${who.person})` : who.person;
}
