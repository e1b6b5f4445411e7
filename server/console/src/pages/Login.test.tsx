import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { cleanup, fireEvent, render, screen, waitFor } from '@testing-library/react';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import i18n from '../i18n';
import { Login } from './Login';

const SESSION = { user: 'suzuki', roles: ['admin'], may: ['ListUsers'], csrf: 'c1', expire_time: '2026-11-20T09:00:00Z', must_set_password: false, must_enrol_totp: false, has_totp: false, via_provider: false };
const asked: { path: string; body: unknown; csrf: string | null }[] = [];
let answers: { status: number; body: unknown }[] = [];
let ways = { provider: '', passwords: true };

beforeEach(async () => {
  await i18n.changeLanguage('en');
  asked.length = 0;
  ways = { provider: '', passwords: true };
  sessionStorage.clear();
  window.history.replaceState(null, '', '/');
  vi.stubGlobal('fetch', (path: string, init: RequestInit) => {
    if (path === '/api/v1/signin') return Promise.resolve(new Response(JSON.stringify(ways)));
    const body: unknown = typeof init.body === 'string' ? JSON.parse(init.body) : null;
    asked.push({ path, body, csrf: new Headers(init.headers).get('X-Sekisho-CSRF') });
    const answer = answers.shift() ?? { status: 500, body: null };
    return Promise.resolve(new Response(JSON.stringify(answer.body), { status: answer.status }));
  });
});
afterEach(cleanup);

const type = (label: string, value: string) => fireEvent.change(screen.getByLabelText(new RegExp(label)), { target: { value } });
const press = (name: string) => fireEvent.click(screen.getByRole('button', { name }));

test('name and password lead in', async () => {
  answers = [{ status: 200, body: SESSION }];
  const enter = vi.fn();
  render(<Login ended={false} start={null} onSession={enter} />);
  type('User name', 'suzuki');
  type('Password', 'a long enough one');
  press('Sign in');
  await waitFor(() => expect(enter).toHaveBeenCalledWith(SESSION));
  expect(asked[0]).toMatchObject({ path: '/api/v1/login', body: { user: 'suzuki', password: 'a long enough one' } });
});

test('a refusal is said in words and keeps the name', async () => {
  answers = [{ status: 401, body: { error: { code: 'unauthenticated', message: 'x' } } }];
  render(<Login ended={false} start={null} onSession={vi.fn()} />);
  type('User name', 'suzuki');
  type('Password', 'wrong');
  press('Sign in');
  await screen.findByText('Name, password or code is not right.');
  expect(screen.getByLabelText<HTMLInputElement>(/User name/).value).toBe('suzuki');
});

test('a code leads to a password, sent with the session value', async () => {
  answers = [{ status: 200, body: { ...SESSION, must_set_password: true } }, { status: 200, body: {} }, { status: 200, body: SESSION }];
  const enter = vi.fn();
  render(<Login ended={false} start={null} onSession={enter} />);
  press('Sign in with a one-time code');
  type('One-time code', ' ABC ');
  press('Sign in');
  await screen.findByText('Choose a password');
  type('New password', 'a long enough one');
  type('The same again', 'a long enough on');
  expect(screen.getByRole<HTMLButtonElement>('button', { name: 'Set password' }).disabled).toBe(true);
  type('The same again', 'a long enough one');
  press('Set password');
  await waitFor(() => expect(enter).toHaveBeenCalled());
  expect(asked[0]?.body).toEqual({ code: 'ABC' });
  expect(asked[1]).toMatchObject({ path: '/api/v1/password', csrf: 'c1' });
});

test('a second factor is asked for when there is one', async () => {
  answers = [{ status: 200, body: { needs_second_factor: true } }, { status: 200, body: SESSION }];
  const enter = vi.fn();
  render(<Login ended={false} start={null} onSession={enter} />);
  type('User name', 'suzuki');
  type('Password', 'a long enough one');
  press('Sign in');
  await screen.findByLabelText(/Code of the app/);
  expect(enter).not.toHaveBeenCalled();
  type('Code of the app', ' 123456 ');
  press('Sign in');
  await waitFor(() => expect(enter).toHaveBeenCalledWith(SESSION));
  expect(asked[1]?.body).toEqual({ user: 'suzuki', password: 'a long enough one', second_factor: '123456' });
});

test('a role that needs a second factor enrols one first', async () => {
  answers = [{ status: 200, body: { ...SESSION, must_enrol_totp: true } }, { status: 200, body: { secret: 'MZXW6YTBOI', uri: 'otpauth://totp/Sekisho:suzuki?secret=MZXW6YTBOI' } },
    { status: 200, body: { recovery_codes: ['abcd-efgh-ijkl-mnop'] } }, { status: 200, body: SESSION }];
  const enter = vi.fn();
  render(<QueryClientProvider client={new QueryClient()}><Login ended={false} start={null} onSession={enter} /></QueryClientProvider>);
  type('User name', 'suzuki');
  type('Password', 'a long enough one');
  press('Sign in');
  fireEvent.click(await screen.findByRole('button', { name: 'Set it up now' }));
  await screen.findByText('MZXW 6YTB OI');
  expect(screen.getByRole('img', { name: 'QR code for the app' })).toBeDefined();
  type('Code of the app', '123456');
  press('Put in force');
  await screen.findByText('abcd-efgh-ijkl-mnop');
  expect(enter).not.toHaveBeenCalled();
  press('I have kept them');
  await waitFor(() => expect(enter).toHaveBeenCalledWith(SESSION));
});

test('an ended session says that nothing is lost', () => {
  render(<Login ended start={null} onSession={vi.fn()} />);
  expect(screen.getByText(/what you typed is kept/)).toBeDefined();
});

test('the provider has a button only if there is one', async () => {
  const { unmount } = render(<Login ended={false} start={null} onSession={vi.fn()} />);
  await screen.findByLabelText(/User name/);
  expect(screen.queryByRole('button', { name: /Sign in with Ex/ })).toBeNull();
  unmount();
  ways = { provider: 'Example ID', passwords: true };
  render(<Login ended={false} start={null} onSession={vi.fn()} />);
  await screen.findByRole('button', { name: 'Sign in with Example ID' });
  expect(screen.getByLabelText(/User name/)).toBeDefined();
});

test('a provider that is down is said in words, and passwords stay', async () => {
  ways = { provider: 'Example ID', passwords: true };
  answers = [{ status: 503, body: { error: { code: 'unavailable', message: 'x' } } }];
  render(<Login ended={false} start={null} onSession={vi.fn()} />);
  fireEvent.click(await screen.findByRole('button', { name: 'Sign in with Example ID' }));
  await screen.findByText(/Example ID does not answer/);
  expect(asked[0]).toMatchObject({ path: '/api/v1/provider:start', body: {} });
  expect(screen.getByRole<HTMLButtonElement>('button', { name: 'Sign in' }).disabled).toBe(false);
});

test('with the provider alone, passwords are behind the glass', async () => {
  ways = { provider: 'Example ID', passwords: false };
  render(<Login ended={false} start={null} onSession={vi.fn()} />);
  fireEvent.click(await screen.findByRole('button', { name: 'Sign in with the break-glass account' }));
  expect(screen.getByLabelText(/User name/)).toBeDefined();
});

test('what went wrong at the provider is told once, in words of ours alone', async () => {
  ways = { provider: 'Example ID', passwords: true };
  window.history.replaceState(null, '', '/?signin=unknown');
  const { unmount } = render(<Login ended={false} start={null} onSession={vi.fn()} />);
  await screen.findByText(/Example ID knows you, but you are not known here/);
  expect(window.location.search).toBe('');
  unmount();
  window.history.replaceState(null, '', '/?signin=%3Cimg%20src=x%3E');
  render(<Login ended={false} start={null} onSession={vi.fn()} />);
  await screen.findByText(/The sign-in failed/);
  expect(document.body.innerHTML).not.toContain('img src');
});
