// How long there is to acknowledge or close an alert, counted down by the
// minute; told in words, not by colour alone.
import { Chip } from '@mui/material';
import type { TFunction } from 'i18next';
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';

import type { Alert } from '../api/types';
import { formatSpan, formatTime } from '../format';
import type { Color } from './Shown';

const MINUTE = 60_000;

export function useNow(): number {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), MINUTE / 2);
    return () => clearInterval(timer);
  }, []);
  return now;
}

// The nearer end of its clocks; nothing if none runs. `now`: of the browser.
export function dueOf(alert: Alert, now: number): { what: 'acknowledge' | 'close'; left: number; time: string } | null {
  const what = alert.acknowledge_due ? 'acknowledge' : 'close';
  const time = alert.acknowledge_due ?? alert.close_due;
  return time ? { what, time, left: Math.round((new Date(time).getTime() - now) / 1000) } : null;
}

// Whole minutes up to two hours, whole hours up to two days, then days.
export function roundSpan(seconds: number): number {
  const unit = seconds < 7200 ? 60 : seconds < 172_800 ? 3600 : 86_400;
  return Math.max(1, Math.round(seconds / unit)) * unit;
}

export function dueLooks(alert: Alert, now: number, t: TFunction): { variant: 'filled' | 'outlined'; color: Color; title: string; label: string } | null {
  const due = dueOf(alert, now);
  if (!due) return null;
  const late = due.left <= 0;
  const span = formatSpan(roundSpan(Math.abs(due.left)));
  return {
    variant: late ? 'filled' : 'outlined', color: late ? 'error' : due.left < 1800 ? 'warning' : 'default', title: formatTime(due.time),
    label: t(late ? `due.${due.what}Late` : `due.${due.what}In`, { span }),
  };
}

export function DueChip({ alert }: { alert: Alert }) {
  const { t } = useTranslation();
  const due = dueLooks(alert, useNow(), t);
  return due && <Chip size="small" {...due} />;
}
