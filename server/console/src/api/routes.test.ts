// docs/api/openapi.yaml and the server's table of routes are the same.
import { expect, test } from 'vitest';

import api from '../../../web/api.cc?raw';
import page from '../../../../docs/api/openapi.yaml?raw';

test('every route of the server is in openapi.yaml, and no other', () => {
  // These have handlers of their own, apart from the table.
  const served = ['GET live', 'GET session', 'POST login', 'POST logout', 'POST password', 'GET signin', 'POST provider:start', 'GET provider:callback', 'POST totp:begin', 'POST totp:confirm'];
  for (const match of api.matchAll(/\{"(GET|POST)", "([^"]+)",/g)) served.push(`${match[1]} ${match[2]}`);
  const told: string[] = [];
  let path = '';
  for (const line of page.split('\n')) {
    path = /^ {2}\/(.+):$/.exec(line)?.[1]?.replace(/\{\w+\}/, '*') ?? path;
    const method = /^ {4}(get|post):$/.exec(line)?.[1];
    if (method) told.push(`${method.toUpperCase()} ${path}`);
  }
  expect(served.length).toBeGreaterThan(15);
  expect(told.sort()).toEqual(served.sort());
});
