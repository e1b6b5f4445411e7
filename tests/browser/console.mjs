// The analyst's story in the console, step by step, in a real browser.
import { readFile } from 'node:fs/promises';

import { axeFindings, check, openPage, startBrowser, startServer, step, summary } from './driver.mjs';

const update = process.argv.includes('--update-screenshots');
const shots = new URL('../../docs/screenshots/', import.meta.url).pathname;
const PASSWORD = 'correct horse battery';

const server = await startServer();
const browser = await startBrowser();
const { page, troubles } = await openPage(browser, server.address, { colorScheme: 'light' });
const button = (name) => page.getByRole('button', { name, exact: true });
const go = (name) => page.getByRole('tab', { name, exact: true }).click();
let alertId = '';

async function shoot(name) {
  if (!update) return;
  await page.mouse.move(0, 799);
  await page.evaluate(() => document.activeElement?.blur());
  await page.waitForTimeout(700); // ripples fade
  await page.screenshot({ path: `${shots}${name}.png` });
}

await step('a one-time code opens the door to a password', async () => {
  await page.goto('/');
  await button('Sign in with a one-time code').click();
  await page.getByLabel('One-time code').fill(await server.tell('code suzuki'));
  await button('Sign in').click();
  await page.getByRole('heading', { name: 'Choose a password' }).waitFor();
  await page.getByLabel('New password').fill(PASSWORD);
  await page.getByLabel('The same again').fill(PASSWORD);
  await button('Set password').click();
  await page.getByRole('heading', { name: 'Alert queue' }).waitFor();
});

await step('the stream is live', async () => {
  await page.getByRole('status', { name: 'Live' }).waitFor();
});

await step('a blocked transfer appears within a second without a reload', async () => {
  await page.evaluate(() => { window.notReloaded = true; });
  await page.waitForTimeout(300); // the stream's request may still be on its way
  const start = Date.now();
  alertId = await server.tell('alert');
  await page.getByRole('link', { name: /Copy stopped: 顧客一覧_2026-11\.csv, about 1,500 people/ }).waitFor({ timeout: 3000 });
  const took = Date.now() - start;
  console.log(`      on the screen after ${took} ms`);
  check(took < 1000, `it took ${took} ms`);
  check(await page.evaluate(() => window.notReloaded === true), 'the page was loaded again');
  await shoot('alerts-en');
});

await step('the alert page tells who, what, where and why', async () => {
  await page.getByRole('link', { name: /顧客一覧/ }).click();
  await page.getByText('op01 (yamada) tried to copy 顧客一覧_2026-11.csv, with the data of about 1,500 people, from maint-osaka-07 to BUFFALO RUF3-HSL32G.').waitFor();
  await page.getByText('Nothing of it reached the medium.').waitFor();
  await page.getByText('About 1,500 people', { exact: true }).waitFor();
  await page.getByText('1500 people; the rule stops a copy from 21 people on').waitFor();
  await page.getByRole('table', { name: 'Columns' }).getByText('フリガナ').waitFor();
  await shoot('alert-en');
});

await step('acknowledge, assign, comment, close with a verdict', async () => {
  await button('Acknowledge').click();
  await page.getByText('Acknowledged', { exact: true }).waitFor();
  await button('Assign to me').click();
  await page.getByText('In progress', { exact: true }).waitFor();
  await page.getByLabel('Comment', { exact: true }).fill('Called his team lead.');
  await button('Add comment').click();
  await page.getByText('Called his team lead.').waitFor();
  await button('Close as…').click();
  await page.getByRole('menuitem', { name: 'True positive' }).click();
  await page.getByText('Closed', { exact: true }).waitFor();
  check(!(await button('Acknowledge').isVisible()), 'a closed alert can be acknowledged');
});

await step('the queue is worked by keyboard', async () => {
  await page.keyboard.press('u');
  await page.getByRole('heading', { name: 'Alert queue' }).waitFor();
  await page.getByRole('link', { name: /Attempt to get past the agent/ }).waitFor();
  await page.keyboard.press('j');
  await page.keyboard.press('Enter');
  await page.getByText(/sends no heartbeat/).waitFor();
});

await step('hostile names are text', async () => {
  await go('Events');
  await page.getByText('<svg onload=window.hacked=1>').first().waitFor();
  await go('Devices');
  await page.getByText('<img src=x onerror=window.hacked=1>').first().waitFor();
  check(await page.evaluate(() => window.hacked === undefined), 'a name ran as a script');
  check((await page.locator('img').count()) === 0, 'a name became an image');
});

await step('events are searched, and exported without formulas', async () => {
  await go('Events');
  const rows = page.getByRole('table', { name: 'Events' }).getByRole('row');
  await page.getByRole('combobox', { name: 'Outcome' }).click();
  await page.getByRole('option', { name: 'Blocked' }).click();
  await page.getByRole('combobox', { name: 'Kind' }).click();
  await page.getByRole('option', { name: 'Transfer' }).click();
  await page.getByText('<svg onload=window.hacked=1>').first().waitFor();
  await page.getByText('Device plugged').first().waitFor({ state: 'hidden' });
  check(page.url().includes('outcome=blocked') && page.url().includes('kind=transfer'), `the search is not in ${page.url()}`);
  const shown = (await rows.count()) - 1;
  await button('Export…').click();
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('menuitem', { name: /CSV/ }).click()]);
  const lines = (await readFile(await download.path(), 'utf8')).split('\r\n');
  check(lines.length === shown + 2, `${lines.length - 2} lines for ${shown} events`);
  check(lines.every((line) => !/(^|,)"?[=@]/.test(line)), 'a cell begins like a formula');
  await page.getByLabel('From day').fill('2030-01-01');
  await page.getByText('Nothing here.').waitFor();
  await button('Clear the search').click();
  await page.getByText('Device plugged').first().waitFor();
});

await step('a device is approved', async () => {
  await go('Devices');
  const row = page.getByRole('row', { name: /DataTraveler/ });
  await row.getByRole('button', { name: 'Approve' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Who answers for it').fill('保守二課 高橋');
  await dialog.getByLabel('What for').fill('Log collection');
  await dialog.getByRole('button', { name: 'Approve' }).click();
  await dialog.waitFor({ state: 'hidden' });
  await row.getByText('Every copy inspected').waitFor();
});

await step('a request for approval is refused with a reason, or given', async () => {
  await go('Requests');
  const row = page.getByRole('row', { name: /障害ログ/ });
  await row.getByText('8 hours').waitFor();
  await shoot('requests-en');
  await row.getByRole('button', { name: 'Deny' }).click();
  const dialog = page.getByRole('dialog');
  check(await dialog.getByRole('button', { name: 'Deny' }).isDisabled(), 'a request can be denied without a reason');
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  await row.getByRole('button', { name: 'Approve' }).click();
  await dialog.getByText('op01 (yamada) on maint-osaka-07 asks to use').waitFor();
  await dialog.getByText('only on maint-osaka-07').waitFor();
  await dialog.getByRole('button', { name: 'Approve' }).click();
  await dialog.waitFor({ state: 'hidden' });
  await row.waitFor({ state: 'hidden' });
  await page.getByRole('combobox', { name: 'State' }).click();
  await page.getByRole('option', { name: 'Decided' }).click();
  await row.getByText('Approved', { exact: true }).waitFor();
  await row.getByText(/inspect on maint-osaka-07 until/).waitFor();
});

await step('a policy with an error is refused at its line and column', async () => {
  await go('Policy');
  const text = page.getByLabel('Policy text (YAML)');
  await page.getByText('Version 2').first().waitFor();
  const good = await text.inputValue();
  const line = good.split('\n').indexOf('mode: enforce') + 1;
  await text.fill(good.replace('mode: enforce', 'mode: enforced'));
  await button('Check, sign and push').click();
  await page.getByText('Refused; the policy in force has not changed.').waitFor();
  await page.getByText(`line ${line}, column 7`).first().waitFor();
  await text.fill(good);
  await button('Check, sign and push').click();
  await page.getByText('Version 3 is pushed').waitFor();
});

await step('the other language', async () => {
  await go('Devices');
  await page.getByRole('heading', { name: 'Devices' }).waitFor();
  await button('日本語').click();
  await page.getByRole('heading', { name: 'デバイス' }).waitFor();
  check((await page.getAttribute('html', 'lang')) === 'ja', 'html lang is not ja');
  await page.getByText('コピーをすべて検査').first().waitFor();
  await shoot('devices-ja');
  await page.goto(`/alerts/${await server.tell('alert')}`);
  await page.getByText(/op01 \(yamada\) が maint-osaka-07 から/).waitFor();
  await shoot('alert-ja');
  await button('English').click();
  await page.getByText(/op01 \(yamada\) tried to copy/).waitFor();
});

await step('an ended session shows the door and keeps what was typed', async () => {
  await page.goto('/alerts/1');
  await page.getByLabel('Comment', { exact: true }).fill('half a thought');
  await server.tell('end-sessions');
  await button('Acknowledge').click();
  await page.getByText('Your session has ended.').waitFor();
  await page.getByLabel('User name').fill('suzuki');
  await page.getByLabel('Password').fill(PASSWORD);
  await button('Sign in').click();
  await page.getByRole('heading', { name: 'Alert 1' }).waitFor();
  check((await page.getByLabel('Comment', { exact: true }).inputValue()) === 'half a thought', 'the comment is gone');
});

await step('a wrong password is refused in words', async () => {
  const other = await openPage(browser, server.address);
  await other.page.goto('/');
  await other.page.getByLabel('User name').fill('suzuki');
  await other.page.getByLabel('Password').fill('wrong');
  await other.page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await other.page.getByText('Name, password or code is not right.').waitFor();
  await other.context.close();
});

const PAGES = ['/alerts', '/alerts/1', `/alerts/${alertId}`, '/requests', '/events', '/devices', '/terminals', '/policy'];
for (const scheme of ['light', 'dark']) {
  await step(`nothing serious for axe (${scheme})`, async () => {
    await page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' });
    const found = [];
    for (const path of PAGES) {
      await page.goto(path);
      await page.getByRole('heading', { level: 1 }).waitFor();
      await page.getByRole('progressbar').waitFor({ state: 'hidden' });
      for (const line of await axeFindings(page)) found.push(`${path}: ${line}`);
    }
    check(found.length === 0, found.join('\n'));
  });
}

await step('the page fits 1280x720 and a phone', async () => {
  for (const [width, height] of [[1280, 720], [390, 844]]) {
    await page.setViewportSize({ width, height });
    for (const path of PAGES) {
      await page.goto(path);
      await page.getByRole('heading', { level: 1 }).waitFor();
      await page.getByRole('progressbar').waitFor({ state: 'hidden' });
      const over = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      check(over <= 0, `${path} is ${over} px too wide at ${width}`);
    }
  }
});

await step('no script error and no CSP violation on the way', async () => {
  check(troubles.length === 0, troubles.join('\n'));
});

await browser.close();
server.stop();
process.exitCode = summary();
