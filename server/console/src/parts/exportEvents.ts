// Every event of a search as a file, read page by page: no wall of rows.
import { get } from '../api/client';
import type { Event, Page } from '../api/types';
import { deviceName } from '../format';

const PAGE = '1000';

const COLUMNS: [string, (event: Event) => string | number][] = [
  ['occurred', (event) => event.occur_time],
  ['received', (event) => event.receive_time],
  ['terminal', (event) => event.terminal],
  ['person', (event) => event.who.person],
  ['origin', (event) => event.who.origin],
  ['ssh_source', (event) => event.who.ssh_source],
  ['ssh_key', (event) => event.who.ssh_key],
  ['login_time', (event) => event.who.login_time ?? ''],
  ['kind', (event) => event.kind],
  ['outcome', (event) => event.outcome],
  ['observe_only', (event) => String(event.observe_only)],
  ['device', (event) => event.device_id],
  ['device_name', (event) => (event.device ? deviceName(event.device) : '')],
  ['file', (event) => event.transfer?.file_path ?? ''],
  ['persons', (event) => event.transfer?.persons ?? ''],
  ['data_owners', (event) => event.transfer?.data_owners.map((one) => one.owner).join(' ') ?? ''],
  ['persons_written', (event) => event.transfer?.persons_written ?? ''],
  ['data', (event) => Object.entries(event.transfer?.data ?? {}).map(([type, count]) => `${type} ${count}`).join('; ')],
  ['rule', (event) => event.rule],
  ['reason', (event) => event.reason],
  ['policy_version', (event) => event.policy_version],
  ['agent', (event) => event.agent_id],
  ['epoch', (event) => event.epoch],
  ['sequence', (event) => event.sequence],
  ['hash', (event) => event.hash],
];

// File and device names are chosen by attackers; a cell that begins like a
// formula would be run by the spreadsheet that opens it.
export function csvCell(value: string | number): string {
  const text = typeof value === 'number' ? String(value) : /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

export function csvLines(events: Event[]): string {
  return events.map((event) => `${COLUMNS.map(([, of]) => csvCell(of(event))).join(',')}\r\n`).join('');
}

// A byte order mark, so that Excel reads it as UTF-8.
export const CSV_HEAD = `\uFEFF${COLUMNS.map(([name]) => name).join(',')}\r\n`;

export async function exportEvents(filter: Record<string, string>, form: 'csv' | 'json', signal: AbortSignal, onCount: (count: number) => void): Promise<Blob> {
  const parts: string[] = form === 'csv' ? [CSV_HEAD] : [];
  let token = '';
  let count = 0;
  do {
    signal.throwIfAborted();
    const page = await get<Page<Event>>('events', { ...filter, page_size: PAGE, page_token: token });
    parts.push(form === 'csv' ? csvLines(page.rows) : page.rows.map((event) => `${JSON.stringify(event)}\n`).join(''));
    count += page.rows.length;
    onCount(count);
    token = page.next_page_token;
  } while (token !== '');
  return new Blob(parts, { type: form === 'csv' ? 'text/csv' : 'application/x-ndjson' });
}

export function save(blob: Blob, name: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}
