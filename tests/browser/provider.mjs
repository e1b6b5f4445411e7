// Sign-in at a real OpenID provider (glewlwyd) and the real server, as a person
// at a browser does it. Part of console.mjs; alone: node tests/browser/provider.mjs
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';

import { axeFindings, check, openPage, startBrowser, step, summary } from './driver.mjs';

const run = promisify(execFile);

async function freePort() {
  const listener = createServer().listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address();
  listener.close();
  await once(listener, 'close');
  return port;
}

// The provider, obeying a line at a time (tests/support/glewlwyd.py).
async function startProvider(folder) {
  const program = new URL('../support/glewlwyd.py', import.meta.url).pathname;
  const child = spawn('/usr/bin/python3', ['-B', program, folder], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout });
  const next = async () => (await once(lines, 'line'))[0];
  const settings = JSON.parse(await next());
  return {
    settings,
    async tell(line) {
      const answer = next();
      child.stdin.write(`${line}\n`);
      check((await answer) === 'ok', line);
    },
    async stop() {
      child.stdin.end();
      await once(child, 'exit');
    },
  };
}

async function startSekisho(state, provider) {
  const { SEKISHO_REAL_SERVER, SEKISHO_CLI, SEKISHO_DIST } = process.env;
  const port = await freePort();
  const address = `https://localhost:${port}`;
  await mkdir(`${state}/run`, { recursive: true });
  await run(SEKISHO_REAL_SERVER, ['init', '--state', `${state}/state`, '--name', 'localhost']);
  const { issuer, client_id, client_secret_file, ca_file, scopes } = provider.settings;
  await writeFile(`${state}/server.yaml`, `oidc:\n  name: Example ID\n  redirect_base: ${address}\n  issuer: ${issuer}\n` +
    `  client_id: ${client_id}\n  client_secret_file: ${client_secret_file}\n  ca_file: ${ca_file}\n  scopes: ${scopes}\n` +
    '  roles: { soc: [viewer, analyst] }\n');
  const child = spawn(SEKISHO_REAL_SERVER, ['--config', `${state}/server.yaml`, '--state', `${state}/state`, '--runtime', `${state}/run`,
    '--agents-listen', '127.0.0.1:0', '--console-address', '127.0.0.1', '--console-port', String(port), '--console-dir', SEKISHO_DIST,
    '--metrics-listen', 'off', '--sinks', `${state}/none.yaml`], { stdio: ['ignore', 'pipe', 'pipe'] });
  child.stderr.on('data', (text) => void appendFile(`${state}/server.log`, text));
  await once(createInterface({ input: child.stdout }), 'line');
  return {
    address,
    cli: (...words) => run(SEKISHO_CLI, [...words, '--socket', `${state}/run/admin.sock`]),
    async stop() {
      child.kill();
      await once(child, 'exit');
    },
  };
}

// Types name and password into the provider's own page and goes on.
async function signInThere(page, name, password) {
  await page.waitForURL(/\/login\.html/);
  await page.locator('#username').fill(name);
  await page.locator('#password').fill(password);
  await page.locator('#password').press('Enter');
  await page.locator('button.btn-success').click();
}

export async function signInAtProvider(browser, state) {
  const provider = await startProvider(`${state}/provider`);
  const server = await startSekisho(state, provider);
  await provider.tell(`client ${server.address}`);
  await provider.tell('add-user u-1001 tanaka soc');
  await provider.tell('add-user u-1002 sato soc');
  await provider.tell('add-user u-1003 kato staff');
  await server.cli('user', 'add', 'tanaka', '--roles', 'viewer,analyst');
  await server.cli('user', 'add', 'suzuki', '--roles', 'admin');
  const { password } = provider.settings;
  const open = async (options = {}) => openPage(browser, server.address, options);
  const button = (page) => page.getByRole('button', { name: 'Sign in with Example ID', exact: true });

  await step('at the provider: who is known signs in and lands where he was', async () => {
    const { page, context, troubles } = await open();
    await page.goto('/devices');
    await button(page).waitFor();
    for (const line of await axeFindings(page)) check(false, line);
    await button(page).click();
    await signInThere(page, 'u-1001', password);
    await page.getByRole('heading', { name: 'Devices' }).waitFor();
    check(page.url().startsWith(server.address), page.url());
    await page.getByText('tanaka', { exact: true }).waitFor();
    const cookies = await context.cookies(server.address);
    const session = cookies.find((one) => one.name === '__Host-sekisho');
    check(session?.httpOnly && session.secure && session.sameSite === 'Strict', JSON.stringify(session));
    check(!cookies.some((one) => one.name === '__Host-sekisho-attempt'), 'the attempt is still there');
    // The session outlives a reload, and its changes carry its value.
    await page.reload();
    await page.getByRole('heading', { name: 'Devices' }).waitFor();
    await page.goto('/admin?tab=sessions');
    await page.getByRole('table', { name: 'Sessions' }).getByText(provider.settings.issuer).waitFor();
    check((await page.getByRole('tab', { name: 'Second factor' }).count()) === 0, 'a second factor of ours is offered');
    await page.getByRole('button', { name: 'Log out' }).click();
    await button(page).waitFor();
    // The provider's page asks for a translation that it has not.
    const ours = troubles.filter((one) => !one.includes('status of 404'));
    check(ours.length === 0, ours.join('\n'));
    await context.close();
  });

  for (const [what, name, language, words] of [
    ['who is not known here', 'u-1002', 'en-US', 'Example ID knows you, but you are not known here. Ask an administrator of Sekisho for an account.'],
    ['in Japanese, too', 'u-1002', 'ja-JP', 'Example ID では確認できましたが、ここには登録されていません。Sekisho の管理者にアカウントを依頼してください。'],
    ['who is in no group that may', 'u-1003', 'en-US', 'Example ID knows you, but you are in no group that may use Sekisho. Ask who looks after your groups.'],
  ]) {
    await step(`at the provider: ${what} is told so`, async () => {
      const { page, context } = await open({ locale: language });
      await page.goto('/');
      await page.getByRole('button', { name: /Example ID/ }).click();
      await signInThere(page, name, password);
      await page.getByRole('alert').getByText(words).waitFor();
      check(new URL(page.url()).search === '', page.url());
      for (const line of await axeFindings(page)) check(false, line);
      check(!(await context.cookies(server.address)).some((one) => one.name === '__Host-sekisho'), 'there is a session');
      await context.close();
    });
  }

  await step('at the provider: an old answer is expired, and says to begin again', async () => {
    const { page, context } = await open();
    await page.goto('/api/v1/provider:callback?state=x&code=y');
    await page.getByText('This sign-in took too long or belongs to another window. Begin again.').waitFor();
    await context.close();
  });

  await step('at the provider: an admin sees how each signs in', async () => {
    const { page, context } = await open();
    const said = await server.cli('login', 'suzuki');
    await page.goto('/');
    await page.getByRole('button', { name: 'Sign in with a one-time code' }).click();
    await page.getByLabel('One-time code').fill(said.stdout.split('\n').find((line) => line.length === 32));
    await page.getByRole('button', { name: 'Sign in', exact: true }).click();
    await page.getByLabel('New password').fill('correct horse battery');
    await page.getByLabel('The same again').fill('correct horse battery');
    await page.getByRole('button', { name: 'Set password' }).click();
    await page.getByRole('tab', { name: 'Admin' }).waitFor();
    await page.goto('/admin?tab=users');
    const row = page.getByRole('table', { name: 'Users' }).getByRole('row', { name: /tanaka/ });
    await row.getByText(provider.settings.issuer).waitFor();
    await row.getByRole('button', { name: 'Use the OpenID provider…' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Reason (kept in the record)').fill('another subject at the provider');
    for (const line of await axeFindings(page)) check(false, line);
    await dialog.getByRole('button', { name: 'Use the OpenID provider' }).click();
    await dialog.waitFor({ state: 'hidden' });
    await row.getByText('not yet').waitFor();
    await context.close();
  });

  await step('at the provider: while it is down the button says so, and passwords work', async () => {
    await provider.tell('stop');
    await server.stop();
    const again = await startSekisho(`${state}/again`, provider);
    const { page, context } = await openPage(browser, again.address);
    await page.goto('/');
    await button(page).click();
    await page.getByText('Example ID does not answer. Try again in a moment, or sign in another way.').waitFor();
    check(await page.getByRole('button', { name: 'Sign in', exact: true }).isEnabled(), 'no password');
    await context.close();
    await again.stop();
  });
  await provider.stop();
}

if (process.argv[1] === new URL(import.meta.url).pathname) {
  const browser = await startBrowser();
  await signInAtProvider(browser, process.env.SEKISHO_STATE);
  await browser.close();
  process.exitCode = summary();
}
