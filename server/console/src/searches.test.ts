import { expect, test } from 'vitest';

import words from '../../core/event_words.cc?raw';
import checks from '../../core/saved_searches.cc?raw';
import { changed, EVENT_KINDS, filtersOf, sameFilters, savedIdOf, unknownFilters } from './searches';

test('the kinds of events are those of the server', () => {
  const kinds = /const char\* Name\(event::v1::EventKind[\s\S]*?\n\}/.exec(words)?.[0] ?? '';
  const served = [...kinds.matchAll(/return "(\w+)"/g)].map((match) => match[1]).filter((word) => word !== 'unknown');
  expect(served.length).toBeGreaterThan(10);
  expect([...EVENT_KINDS].sort()).toEqual(served.sort());
});

test('both sides know the same filters', () => {
  const served = [...checks.matchAll(/\{"(events|alerts)", "(\w+)"/g)];
  expect(served.length).toBeGreaterThan(15);
  for (const [, place, name] of served) {
    const values = ['2026-01-02', 'transfer', 'blocked', 'new', 'low', 'mine', 'newest', 'person'];
    expect(values.some((value) => unknownFilters(place as 'events', { [name ?? '']: value }).length === 0), `${place} ${name}`).toBe(true);
  }
});

test('what is not known is told with its value', () => {
  const of = (place: 'events' | 'alerts', text: string) => unknownFilters(place, filtersOf(new URLSearchParams(text)));
  expect(of('events', 'kind=transfer&terminal=x&saved=7')).toEqual([]);
  expect(of('events', 'kind=teleport&colour=red')).toEqual([['kind', 'teleport'], ['colour', 'red']]);
  expect(of('events', 'severity=high&constructor=x')).toEqual([['severity', 'high'], ['constructor', 'x']]);
  expect(of('events', 'from=2026-13-40')).toEqual([['from', '2026-13-40']]);
  expect(of('alerts', 'state=new,closed&kind=of_tomorrow&state=all')).toEqual([]);
  expect(of('alerts', 'state=open&sort=name')).toEqual([['state', 'open'], ['sort', 'name']]);
});

test('a change keeps what it is not about', () => {
  const query = new URLSearchParams('kind=transfer&colour=red&saved=7');
  expect(changed(query, { kind: '', terminal: 'a b' }).toString()).toBe('colour=red&saved=7&terminal=a+b');
  expect(savedIdOf(query)).toBe(7);
  expect(savedIdOf(new URLSearchParams())).toBeNull();
  expect(sameFilters({ a: '1', b: '2' }, { b: '2', a: '1' })).toBe(true);
  expect(sameFilters({ a: '1' }, { a: '1', b: '2' })).toBe(false);
});
