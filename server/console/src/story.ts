// An alert as one line for the queue and one sentence for its page, in the
// reader's language. What has no words of its own keeps
// the server's title, below the name of its kind.
import type { TFunction } from 'i18next';

import type { Alert } from './api/types';
import { deviceName, fileName, formatBytes, formatNumber, formatSpan, personOf } from './format';
import i18n from './i18n';

function values(alert: Alert, t: TFunction): Record<string, string> {
  const event = alert.event;
  return {
    person: (event && personOf(event.who)) || alert.person || t('story.someone'),
    terminal: alert.terminal,
    stated: event?.who.stated_person ?? '',
    account: event?.who.person ?? '',
    title: alert.title,
    device: event?.device ? deviceName(event.device) : alert.device_id,
    file: event?.transfer ? fileName(event.transfer.file_path) : '',
    persons: formatNumber(event?.transfer?.persons ?? 0),
    reason: event?.reason ?? '',
    gate: event?.gate_state ?? '',
    lost: formatNumber(event?.gap?.lost ?? 0),
    purpose: event?.request?.purpose ?? '',
    kernel: formatBytes(event?.counters?.kernel_written ?? 0),
    gateWrote: formatBytes(event?.counters?.gate_written ?? 0),
    host: event?.landing?.source_hosts[0] ?? t('app.unknown'),
    owner: event?.landing?.file_owner ?? '',
    span: formatSpan(event?.request?.seconds ?? 0),
  };
}

// A request for one copy is told otherwise than one for a device.
function kindOf(alert: Alert): string {
  return alert.event?.request?.of_copy ? 'copy_request' : alert.kind;
}

export function alertTitle(alert: Alert, t: TFunction): string {
  // The server's own words are English.
  const kind = i18n.language.startsWith('en') ? '' : t(`alertKind.${kindOf(alert)}`, { defaultValue: '' });
  const other = kind === '' ? alert.title : `${kind}: ${alert.title}`;
  return t(`alertTitle.${kindOf(alert)}`, { ...values(alert, t), defaultValue: other });
}

export function alertStory(alert: Alert, t: TFunction): string {
  const known = values(alert, t);
  const sentence = t(`story.${kindOf(alert)}`, { ...known, defaultValue: alertTitle(alert, t) });
  const landing = alert.event?.landing;
  const from = landing?.path ? t('story.space') + t(landing.source_hosts.length > 0 ? 'story.landedFrom' : 'story.landed', { path: landing.path, host: landing.source_hosts[0] ?? '' }) : '';
  const written = alert.event?.transfer?.persons_written ?? 0;
  if (alert.kind !== 'transfer_blocked') return sentence + from;
  return sentence + from + t('story.space') + (written > 0 ? t('story.written', { written: formatNumber(written) }) : t('story.nothingWritten'));
}
