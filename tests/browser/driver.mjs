// What the console's story needs to be told: the server, the browser, steps
// that are counted, and watches for what must never happen.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';

const need = createRequire(new URL('../support/node/package.json', import.meta.url));
const { chromium } = need('playwright-core');
const { AxeBuilder } = need('@axe-core/playwright');

let passed = 0;
let failed = 0;
let onFailure = async () => {};

// What to keep of a step that failed, by its name.
export function keepOnFailure(work) {
  onFailure = work;
}

// Runs one step and tells one line; later steps run also after a failure.
export async function step(name, work) {
  const start = Date.now();
  try {
    await work();
    passed += 1;
    console.log(`ok    ${name} (${Date.now() - start} ms)`);
  } catch (error) {
    failed += 1;
    await onFailure(name);
    console.log(`FAIL  ${name}\n      ${String(error.stack ?? error).replaceAll('\n', '\n      ')}`);
  }
}

export function summary() {
  console.log(`${passed} passed, ${failed} failed`);
  return failed === 0 && passed > 0 ? 0 : 1;
}

export function check(condition, message) {
  if (!condition) throw new Error(message);
}

// The demo server; tell() sends it one line and gives its answer.
export async function startServer() {
  const { SEKISHO_SERVER, SEKISHO_DIST, SEKISHO_STATE } = process.env;
  const child = spawn(SEKISHO_SERVER, [SEKISHO_DIST, SEKISHO_STATE], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout });
  const next = async () => (await once(lines, 'line'))[0];
  const port = Number((await next()).split(' ')[1]);
  return {
    address: `https://127.0.0.1:${port}`,
    async tell(line) {
      const answer = next();
      child.stdin.write(`${line}\n`);
      return answer;
    },
    stop: () => child.stdin.end(),
  };
}

export async function startBrowser() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
  });
}

// A page whose console errors, exceptions and CSP violations are kept.
export async function openPage(browser, address, options = {}) {
  const context = await browser.newContext({
    baseURL: address,
    ignoreHTTPSErrors: true,
    viewport: { width: 1280, height: 800 },
    locale: 'en-US',
    timezoneId: 'Asia/Tokyo',
    reducedMotion: 'reduce',
    ...options,
  });
  const troubles = [];
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  page.on('pageerror', (error) => troubles.push(`exception: ${error.message}`));
  page.on('console', (message) => {
    if (message.type() !== 'error' && !message.text().includes('Content Security Policy')) return;
    // The browser itself reports refused requests; those are asked for.
    if (/status of 40[19]/.test(message.text())) return;
    troubles.push(`console: ${message.text()}`);
  });
  return { page, context, troubles };
}

// Serious and critical findings of axe, as text.
export async function axeFindings(page) {
  const { violations } = await new AxeBuilder({ page }).analyze();
  return violations
    .filter((one) => one.impact === 'serious' || one.impact === 'critical')
    .map((one) => `${one.impact} ${one.id}: ${one.nodes.map((node) => node.html.slice(0, 160)).join(' | ')}`);
}
