import { expect, test } from 'vitest';

import { groupsOf } from './groups';

test('groups are separated by commas of both languages, each once', () => {
  expect(groupsOf(' tokyo, osaka、大阪 南 ,tokyo,')).toEqual(['tokyo', 'osaka', '大阪 南']);
});

test('nothing typed is no group, not the whole fleet', () => {
  expect(groupsOf(' , ')).toEqual([]);
});
