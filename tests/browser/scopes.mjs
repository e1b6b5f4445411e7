// An admin gives a user groups of terminals and a person; who has groups finds
// a queue of his own, and nothing of the others.
import { axeFindings, check, openPage, startBrowser, startServer, step, summary } from './driver.mjs';

const PASSWORD = 'correct horse battery';

async function signIn(page, code) {
  await page.clock.setSystemTime(new Date('2026-11-20T09:13:00Z'));
  await page.goto('/');
  await page.getByRole('button', { name: 'Sign in with a one-time code', exact: true }).click();
  await page.getByLabel('One-time code').fill(code);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await page.getByLabel('New password').fill(PASSWORD);
  await page.getByLabel('The same again').fill(PASSWORD);
  await page.getByRole('button', { name: 'Set password', exact: true }).click();
  // The page before has a heading, too.
  await page.getByRole('button', { name: 'Log out' }).waitFor();
}

export async function scopes(browser) {
  const server = await startServer();
  await server.tell('groups');
  const admin = await openPage(browser, server.address);
  const { page } = admin;
  const button = (name) => page.getByRole('button', { name, exact: true });
  const rowOf = (user) => page.getByRole('row').filter({ has: page.getByRole('cell', { name: user, exact: true }) });
  let code = '';

  await step('an admin adds a user who sees one group', async () => {
    await signIn(page, await server.tell('code suzuki'));
    await page.goto('/admin?tab=users');
    await button('Add a user').click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('User name').fill('hara');
    for (const role of [/^Viewer/, /^Analyst/]) await dialog.getByRole('checkbox', { name: role }).check();
    await dialog.getByRole('checkbox', { name: 'The whole fleet' }).uncheck();
    check(await dialog.getByRole('button', { name: 'Save' }).isDisabled(), 'no group can be saved');
    await dialog.getByLabel('Terminal groups').fill('oska');
    await dialog.getByRole('button', { name: 'Save' }).click();
    await dialog.getByText(/no terminal of the register is in the group 'oska'/).waitFor();
    await dialog.getByLabel('Terminal groups').fill('osaka');
    await dialog.getByRole('button', { name: 'Save' }).click();
    code = await dialog.getByRole('code').or(dialog.locator('code')).first().innerText();
    await dialog.getByRole('button', { name: 'Close' }).click();
    await rowOf('hara').getByText('osaka').waitFor();
    await rowOf('suzuki').getByText('everything').waitFor();
    for (const line of await axeFindings(page)) check(false, line);
  });

  const other = await openPage(browser, server.address);
  await step('a scoped analyst sees his queue and says so', async () => {
    await signIn(other.page, code.trim());
    await other.page.getByText('you see: osaka').waitFor();
    for (const name of ['Devices', 'Policy', 'Reports', 'Review']) {
      check((await other.page.getByRole('tab', { name, exact: true }).count()) === 0, `${name} is shown`);
    }
    await other.page.getByRole('tab', { name: 'Alerts', exact: true }).click();
    await other.page.getByRole('heading', { name: 'Alert queue' }).waitFor();
    await other.page.getByRole('row', { name: /maint-osaka-07/ }).first().waitFor();
    check((await other.page.getByText(/maint-(tokyo|nagoya|fukuoka)/).count()) === 0, 'an alert of another group');
    await other.page.getByRole('tab', { name: 'Terminals', exact: true }).click();
    await other.page.getByRole('table', { name: 'Terminals' }).getByText('maint-osaka-07').waitFor();
    check((await other.page.getByText(/maint-(tokyo|nagoya|fukuoka)/).count()) === 0, 'a terminal of another group');
    for (const line of await axeFindings(other.page)) check(false, line);
  });

  await step('what happens live is of his terminals', async () => {
    await other.page.getByRole('tab', { name: 'Alerts', exact: true }).click();
    await other.page.getByRole('status', { name: 'Live' }).waitFor();
    await other.page.waitForTimeout(300); // the stream's request may still be on its way
    const theirs = await server.tell('secret');
    await server.tell('alert');
    await other.page.getByRole('link', { name: /Copy stopped: 顧客一覧/ }).waitFor({ timeout: 5000 });
    check((await other.page.getByText(/himitsu/).count()) === 0, 'an alert of another group came');
    await other.page.goto(`/alerts/${theirs}`);
    await other.page.getByText(`no alert ${theirs}`).waitFor();
  });

  await step('an alert of his leads nowhere that is refused', async () => {
    await other.page.goto('/alerts');
    await other.page.getByRole('link', { name: /Copy stopped: 顧客一覧/ }).first().click();
    await other.page.getByText(/tried to copy 顧客一覧/).waitFor();
    check((await other.page.locator('a[href^="/device"]').count()) === 0, 'a link to a device');
    await other.page.getByRole('button', { name: /^Contain the terminal/ }).waitFor();
    check((await other.page.getByRole('button', { name: /^Contain the (person|device)/ }).count()) === 0, 'a containment of everywhere');
  });

  await step('an admin changes what he sees and says who he is', async () => {
    await rowOf('hara').getByRole('button', { name: 'Sees…' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Terminal groups').fill('osaka, tokyo');
    for (const line of await axeFindings(page)) check(false, line);
    await dialog.getByRole('button', { name: 'Save' }).click();
    await dialog.waitFor({ state: 'hidden' });
    await rowOf('hara').getByText('tokyo').waitFor();
    await other.page.goto('/alerts');
    await other.page.getByText('you see: osaka, tokyo').waitFor();
    await other.page.getByText(/himitsu/).first().waitFor();
    await rowOf('hara').getByRole('button', { name: 'Person…' }).click();
    await dialog.getByLabel(/Id in the people register/).fill('E9999');
    await dialog.getByRole('button', { name: 'Save' }).click();
    await dialog.getByText(/nobody of this id/).waitFor();
    await server.tell('person E1001');
    await dialog.getByLabel(/Id in the people register/).fill('E1001');
    await dialog.getByRole('button', { name: 'Save' }).click();
    await dialog.waitFor({ state: 'hidden' });
    await rowOf('hara').getByText('E1001').waitFor();
  });

  await step('nothing of that was a script error', async () => {
    const expected = /status of (40[034]|409)/;
    const all = [...admin.troubles, ...other.troubles].filter((line) => !expected.test(line));
    check(all.length === 0, all.join('\n'));
  });
  await admin.context.close();
  await other.context.close();
  server.stop();
}

if (process.argv[1] === new URL(import.meta.url).pathname) {
  const browser = await startBrowser();
  await scopes(browser);
  await browser.close();
  process.exitCode = summary();
}
