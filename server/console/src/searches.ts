// What the address of a page may hold as its search, and what of it this
// version does not know. A filter that is not known is never left out by
// itself: without it the search would find more than it says.
import type { SearchPlace } from './api/types';

export const EVENT_KINDS = ['transfer', 'landing', 'device_plugged', 'device_decided', 'device_removed', 'medium_mounted', 'medium_unmounted', 'medium_files', 'medium_erased', 'past', 'request', 'code', 'identified', 'tamper', 'gap', 'health', 'policy_changed', 'agent_started', 'agent_stopped'];
export const OUTCOMES = ['blocked', 'alerted', 'allowed'];
export const OPEN = 'new,acknowledged,in_progress';
export const GROUPS = ['person', 'device_id', 'terminal', 'rule', 'kind'] as const;
const STATES = ['new', 'acknowledged', 'in_progress', 'closed'];

type Check = (value: string) => boolean;
const anything: Check = () => true;
const oneOf = (words: readonly string[]): Check => (value) => words.includes(value);
const day: Check = (value) => /^\d{4}-\d\d-\d\d$/.test(value) && !Number.isNaN(Date.parse(value));
const word: Check = (value) => /^[a-z_]+$/.test(value);

const KNOWN: Record<SearchPlace, Record<string, Check>> = {
  events: { from: day, to: day, kind: oneOf(EVENT_KINDS), outcome: oneOf([...OUTCOMES, 'none']), terminal: anything, person: anything, device_id: anything, file: anything, file_hash: anything, data_owner: anything },
  alerts: {
    state: (value) => value === 'all' || value.split(',').every((one) => STATES.includes(one)),
    severity: oneOf(['low', 'medium', 'high', 'critical']), kind: word, owner: oneOf(['mine', 'none']), sort: oneOf(['newest', 'oldest', 'severity']),
    group: oneOf(GROUPS), person: anything, device_id: anything, terminal: anything, rule: anything,
  },
};
// Beside the filters: which saved search it is.
const SAVED = 'saved';

export type Filters = Record<string, string>;

export function filtersOf(query: URLSearchParams): Filters {
  return Object.fromEntries([...query].filter(([name, value]) => name !== SAVED && value !== ''));
}

export function unknownFilters(place: SearchPlace, filters: Filters): [string, string][] {
  const known = KNOWN[place];
  return Object.entries(filters).filter(([name, value]) => !(Object.hasOwn(known, name) && known[name]?.(value)));
}

export function savedIdOf(query: URLSearchParams): number | null {
  const text = query.get(SAVED);
  return text === null ? null : Number(text);
}

// The address with other values for some filters; all else stays.
export function changed(query: URLSearchParams, change: Filters): URLSearchParams {
  const next = new URLSearchParams(query);
  for (const [name, value] of Object.entries(change)) {
    if (value === '') next.delete(name);
    else next.set(name, value);
  }
  return next;
}

export function sameFilters(one: Filters, other: Filters): boolean {
  const text = (filters: Filters) => JSON.stringify(Object.entries(filters).sort());
  return text(one) === text(other);
}
