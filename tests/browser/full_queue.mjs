// A queue of very many alerts in a real browser: scrolled, filtered, sorted,
// grouped and acknowledged whole. No task of the page may hold it for longer
// than a limit; what the server took is printed beside.
//   node full_queue.mjs COUNT     (tests/bench/full_queue gives it what it needs)
import { pathToFileURL } from 'node:url';

import { check, openPage, startBrowser, startServer, step, summary } from './driver.mjs';

const LIMIT_MS = 100;
// Where other work goes on beside it: still far from what a page of all rows
// would take.
export const BUSY_LIMIT_MS = 500;

// Tasks of 50 ms and more.
function watch() {
  window.longTasks = [];
  new PerformanceObserver((list) => {
    for (const task of list.getEntries()) window.longTasks.push(Math.round(task.duration));
  }).observe({ type: 'longtask', buffered: true });
}

const collect = () => window.longTasks.splice(0);

function told(answers) {
  return Object.entries(answers).map(([name, times]) => {
    times.sort((a, b) => a - b);
    return `${name} ${times.length}x median ${times[Math.floor(times.length / 2)].toFixed(0)} slowest ${times.at(-1).toFixed(0)} ms`;
  }).join(', ');
}

export async function fullQueue(browser, server, count, name, limitMs = LIMIT_MS) {
  const { page, context, troubles } = await openPage(browser, server.address, { colorScheme: 'light' });
  const button = (text) => page.getByRole('button', { name: text, exact: true });
  const number = (value) => value.toLocaleString('en-US');
  const choose = (label, option) => page.getByRole('combobox', { name: label }).selectOption({ label: option });
  const total = async () => Number((await page.getByText(/^[\d,]+ alerts$/).innerText()).replace(/\D/g, ''));
  // The rows on the screen are there, not only their places.
  const drawn = () => page.waitForFunction(() => {
    const box = document.querySelector('[aria-label="Alerts of the queue"]');
    if (!box) return false;
    const { top, bottom } = box.getBoundingClientRect();
    const rows = [...box.querySelectorAll('tbody tr[data-index]')].filter((row) => {
      const at = row.getBoundingClientRect();
      return at.bottom > top && at.top < Math.min(bottom, window.innerHeight);
    });
    return rows.length > 0 && rows.every((row) => row.querySelector('a'));
  });
  const measured = (what, work) => step(`${name}: ${what}`, async () => {
    await page.evaluate(collect);
    answers = {};
    const start = Date.now();
    await work();
    const took = Date.now() - start;
    await page.waitForTimeout(100); // the last task is told when it is over
    const tasks = await page.evaluate(collect);
    const longest = Math.max(0, ...tasks);
    console.log(`      ${took} ms; longest task ${longest === 0 ? 'under 50' : longest} ms (${tasks.length} of 50 and more); ${told(answers)}`);
    check(longest <= limitMs, `the page stood still for ${longest} ms (${tasks.join(', ')})`);
  });

  // How long each answer of the API was waited for, from the question on.
  let answers = {};
  page.on('requestfinished', (request) => {
    const path = /\/api\/v1\/(alerts[^?/]*)/.exec(request.url())?.[1];
    const { requestStart, responseEnd } = request.timing();
    if (path) (answers[path] ??= []).push(responseEnd - requestStart);
  });
  await context.addInitScript(watch);
  await page.clock.setSystemTime(new Date('2026-11-20T09:13:00Z'));
  await step(`${name}: ${number(count)} alerts are made and somebody signs in`, async () => {
    const newest = await server.tell(`fill ${count}`);
    check(/^\d+$/.test(newest), `the queue was not filled: ${newest}`);
    await page.goto('/');
    await button('Sign in with a one-time code').click();
    await page.getByLabel('One-time code').fill(await server.tell('code mori'));
    await button('Sign in').click();
    await page.getByLabel('New password').fill('correct horse battery');
    await page.getByLabel('The same again').fill('correct horse battery');
    await button('Set password').click();
    await page.getByRole('heading', { name: 'Overview' }).waitFor();
  });
  await measured('the queue opens', async () => {
    await page.getByRole('tab', { name: 'Alerts', exact: true }).click();
    await drawn();
    check((await total()) >= count, `${await total()} alerts in the queue`);
  });
  const box = page.getByRole('region', { name: 'Alerts of the queue' });
  await measured('it scrolls by wheel', async () => {
    await box.hover();
    for (let i = 0; i < 60; i += 1) {
      await page.mouse.wheel(0, 400);
      await page.waitForTimeout(16);
    }
    await drawn();
  });
  await measured('it jumps anywhere', async () => {
    for (let i = 1; i <= 20; i += 1) {
      await box.evaluate((one, share) => { one.scrollTop = one.scrollHeight * share; }, ((i * 7) % 20) / 20);
      await drawn();
    }
    await box.evaluate((one) => { one.scrollTop = one.scrollHeight; });
    await drawn();
    const last = Number(await page.locator('tbody tr[data-index]').last().getAttribute('data-index'));
    check(last + 1 === (await total()), `the last row is ${last + 1} of ${await total()}`);
    check((await page.locator('tbody tr').count()) < 100, 'rows that nobody sees are drawn');
  });
  await measured('it is dragged without an end', async () => {
    for (let i = 0; i < 60; i += 1) {
      await box.evaluate((one, share) => { one.scrollTop = one.scrollHeight * share; }, i / 60);
      await page.waitForTimeout(16);
    }
    await drawn();
  });
  await measured('keys walk down it', async () => {
    await box.evaluate((one) => { one.scrollTop = 0; });
    for (let i = 0; i < 60; i += 1) await page.keyboard.press('j');
    await page.locator('tr[data-at=true][data-index="60"]').waitFor();
    await drawn();
  });
  for (const order of ['Worst first', 'Oldest first', 'Newest first']) {
    await measured(`it is sorted: ${order}`, async () => {
      await choose('Sort', order);
      await drawn();
    });
  }
  await measured('it is filtered', async () => {
    await choose('Severity', 'Critical');
    await page.waitForFunction((all) => Number(document.querySelector('p[role=status]')?.textContent?.replace(/\D/g, '')) < all, count);
    await drawn();
    await choose('Kind', 'Copy stopped');
    await drawn();
    await choose('Severity', 'All');
    await drawn();
    await choose('Kind', 'All');
    await drawn();
  });
  for (const by of ['Terminal', 'Person', 'Kind']) {
    await measured(`it is grouped: ${by}`, async () => {
      await choose('Group by', by);
      await page.getByRole('table', { name: 'Alerts in groups' }).getByRole('columnheader', { name: by }).waitFor();
    });
  }
  await measured('a group is opened', async () => {
    await page.getByRole('table', { name: 'Alerts in groups' }).getByRole('button').first().click();
    await drawn();
    await choose('Kind', 'All');
    await drawn();
  });
  await measured('alerts come in while it scrolls', async () => {
    await box.hover();
    for (let i = 0; i < 20; i += 1) {
      await server.tell('alert');
      await page.mouse.wheel(0, 200);
      await page.waitForTimeout(30);
    }
    await drawn();
  });
  let matching = 0;
  const acknowledged = () => page.evaluate(async () => (await (await fetch('/api/v1/alerts:count?state=acknowledged&severity=high')).json()).count);
  await measured('everything that matches a filter is acknowledged', async () => {
    await choose('State', 'New');
    await choose('Severity', 'High');
    await page.waitForTimeout(300);
    await drawn();
    matching = await total();
    const others = await acknowledged();
    check(matching > count / 10, `only ${matching} match`);
    await page.getByRole('checkbox', { name: `Mark all ${number(matching)} that match` }).check();
    await page.getByText(`All ${number(matching)} that match are marked`).waitFor();
    await page.keyboard.press('a');
    await page.getByRole('dialog').getByText(`Acknowledge ${number(matching)} alerts`).waitFor();
    await page.getByRole('dialog').getByRole('button', { name: 'Acknowledge' }).click();
    const start = Date.now();
    await page.getByText(`${number(matching)} alerts were changed.`).waitFor({ timeout: 240_000 });
    console.log(`      ${number(matching)} alerts in ${Date.now() - start} ms, each with its entry in the audit log`);
    await page.getByText('Nothing here.').waitFor();
    check((await acknowledged()) === others + matching, `${(await acknowledged()) - others} of ${matching} are acknowledged`);
  });
  await step(`${name}: no script error on the way`, async () => {
    check(troubles.length === 0, troubles.join('\n'));
  });
  await context.close();
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const count = Number(process.argv[2]);
  if (!(count >= 1000)) {
    console.error('usage: full_queue.mjs COUNT   (1,000 or more)');
    process.exit(2);
  }
  const server = await startServer();
  const browser = await startBrowser();
  await fullQueue(browser, server, count, 'full queue');
  await browser.close();
  server.stop();
  process.exitCode = summary();
}
