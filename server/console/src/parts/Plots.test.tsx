import { render, screen } from '@testing-library/react';
import { MemoryRouter } from 'react-router-dom';
import { expect, test } from 'vitest';

import { niceCeiling, StackedBars } from './Plots';

test('the axis ends at the next round number', () => {
  for (const [value, top] of [[0, 1], [1, 1], [3, 4], [7, 8], [9, 10], [10, 10], [11, 20], [420, 600], [7524, 8000], [9280000, 10000000]] as const) {
    expect(niceCeiling(value)).toBe(top);
  }
});

test('each bar is a link that says its numbers', () => {
  const parts = [{ name: 'Blocked', value: 2, color: 'red' }, { name: 'Allowed', value: 5, color: 'grey' }];
  render(
    <MemoryRouter>
      <StackedBars label="By day" bars={[{ key: 'a', label: '1', title: '1 May', to: '/events?from=x', parts }, { key: 'b', label: '2', title: '2 May', to: '/events?from=y', parts: [] }]} />
    </MemoryRouter>,
  );
  expect(screen.getByRole('group', { name: 'By day' })).toBeTruthy();
  expect(screen.getByRole('link', { name: '1 May: Blocked 2, Allowed 5' }).getAttribute('href')).toBe('/events?from=x');
  // What is not there is not drawn, but can still be followed.
  expect(screen.getAllByRole('link').length).toBe(2);
});

test('a name is text, whatever it holds', () => {
  const evil = '<img src=x onerror=alert(1)>';
  const { container } = render(
    <MemoryRouter>
      <StackedBars label="By day" bars={[{ key: 'a', label: evil, title: evil, to: '/', parts: [{ name: evil, value: 1, color: 'red' }] }]} />
    </MemoryRouter>,
  );
  expect(container.querySelector('img')).toBeNull();
});
