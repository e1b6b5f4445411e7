// The same change to what is marked, or to everything that a filter finds: step
// by step, so that it can be followed and stopped.
import { Alert as Banner, Button, LinearProgress, Paper, Stack, Typography } from '@mui/material';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';

import { post } from '../api/client';
import type { BulkResult, MatchingStep } from '../api/types';
import { formatNumber } from '../format';

const MAX_IDS = 500; // that the server takes at once
const SHOWN = 5;

// Which alerts: by number, or by filter as it stood when they were marked.
export type Chosen = { ids: number[] } | { filter: Record<string, string>; count: number; upto_id: number };

export const countOf = (chosen: Chosen) => ('ids' in chosen ? chosen.ids.length : chosen.count);

interface Progress {
  total: number;
  updated: number;
  failedCount: number;
  failed: BulkResult['failed'];
  stopped: boolean;
}

async function* steps(chosen: Chosen, body: object): AsyncGenerator<BulkResult> {
  if ('ids' in chosen) {
    for (let from = 0; from < chosen.ids.length; from += MAX_IDS) {
      yield await post<BulkResult>('alerts:update', { alert_ids: chosen.ids.slice(from, from + MAX_IDS), ...body });
    }
    return;
  }
  const filter = Object.fromEntries(Object.entries(chosen.filter).filter(([, value]) => value !== ''));
  for (let after = 0; ;) {
    const step = await post<MatchingStep>('alerts:update_matching', { filter, upto_id: chosen.upto_id, after_id: after, ...body });
    yield step;
    after = step.next_after_id;
    if (after === 0) return;
  }
}

export function useBulk(onDone: () => void) {
  const client = useQueryClient();
  const [progress, setProgress] = useState<Progress | null>(null);
  const stop = useRef(false);
  const run = useMutation({
    mutationFn: async ({ chosen, body }: { chosen: Chosen; body: object }) => {
      stop.current = false;
      let sum: Progress = { total: countOf(chosen), updated: 0, failedCount: 0, failed: [], stopped: false };
      setProgress(sum);
      for await (const step of steps(chosen, body)) {
        sum = { ...sum, updated: sum.updated + step.updated, failedCount: sum.failedCount + step.failed.length, failed: [...sum.failed, ...step.failed].slice(0, SHOWN), stopped: stop.current };
        setProgress(sum);
        if (stop.current) break;
      }
    },
    onSuccess: onDone,
    onSettled: () => { for (const key of ['alerts', 'groups', 'overview']) void client.invalidateQueries({ queryKey: [key] }); },
  });
  return { run, progress, stop: () => { stop.current = true; }, forget: () => { run.reset(); setProgress(null); } };
}

export type Bulk = ReturnType<typeof useBulk>;

// How far it is, and what could not be done.
export function BulkProgress({ bulk }: { bulk: Bulk }) {
  const { t } = useTranslation();
  const { run, progress } = bulk;
  if (progress === null) return null;
  const done = progress.updated + progress.failedCount;
  // One screenful is over before a bar is seen.
  if (run.isPending && progress.total > MAX_IDS) {
    return (
      <Paper variant="outlined" role="status" sx={{ p: 1, mb: 1 }}>
        <Stack direction="row" spacing={2} sx={{ alignItems: 'center' }}>
          <LinearProgress variant="determinate" value={Math.min(100, (100 * done) / Math.max(1, progress.total))} aria-label={t('alert.changing')} sx={{ flexGrow: 1 }} />
          <Typography variant="body2">{t('alert.changed', { done: formatNumber(done), total: formatNumber(progress.total) })}</Typography>
          <Button size="small" onClick={bulk.stop}>{t('alert.stop')}</Button>
        </Stack>
      </Paper>
    );
  }
  if (run.isPending || (progress.failedCount === 0 && !progress.stopped && (run.isError || progress.total <= MAX_IDS))) return null;
  const severity = progress.failedCount > 0 || progress.stopped ? 'warning' : 'success';
  return (
    <Banner severity={severity} sx={{ mb: 1 }} onClose={bulk.forget}>
      {t(progress.failedCount > 0 ? 'alert.notAll' : progress.stopped ? 'alert.stopped' : 'alert.allChanged', { updated: formatNumber(progress.updated), total: formatNumber(progress.total) })}
      {progress.failedCount > 0 && <ul>{progress.failed.map((one) => <li key={one.alert_id}>{t('alert.one', { id: one.alert_id })}: {one.message}</li>)}</ul>}
      {progress.failedCount > progress.failed.length && <div>{t('alert.notAllMore', { value: formatNumber(progress.failedCount - progress.failed.length) })}</div>}
    </Banner>
  );
}

interface BarProps {
  chosen: Chosen;
  busy: boolean;
  onAck: () => void;
  onMine: () => void;
  onClose: () => void;
  onClear: () => void;
  children: ReactNode;
}

export function BulkBar({ chosen, busy, onAck, onMine, onClose, onClear, children }: BarProps) {
  const { t } = useTranslation();
  const what = 'ids' in chosen ? 'marked' : 'markedAll';
  return (
    <Paper variant="outlined" role="region" aria-label={t('alert.bulk')} sx={{ p: 1, mb: 1, position: 'sticky', top: 56, zIndex: 3, display: 'flex', gap: 1, alignItems: 'center', flexWrap: 'wrap' }}>
      <Typography variant="body2" sx={{ flexGrow: 1 }}>{t(`alert.${what}`, { value: formatNumber(countOf(chosen)) })}</Typography>
      <Button size="small" disabled={busy} onClick={onAck}>{t('alert.ack')}</Button>
      <Button size="small" disabled={busy} onClick={onMine}>{t('alert.assignMe')}</Button>
      <Button size="small" variant="contained" disabled={busy} onClick={onClose}>{t('alert.closeAs')}…</Button>
      {children}
      <Button size="small" color="inherit" onClick={onClear}>{t('alert.unmark')}</Button>
    </Paper>
  );
}
