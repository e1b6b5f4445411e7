// Alerts like one that nobody needs to see for a while: kept back with a reason
// and an end.
import { Button, Checkbox, FormControlLabel, MenuItem, Stack, Table, TableBody, TableCell, TableHead, TableRow, TextField, Typography } from '@mui/material';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';

import { get, post } from '../api/client';
import type { Alert, Suppression } from '../api/types';
import { formatNumber, formatTime } from '../format';
import { useMay } from '../may';
import { DecisionDialog } from './Grant';
import { Help } from './Help';
import { ErrorText } from './State';

// As the server takes them.
const KINDS = ['transfer_blocked', 'transfer_observed', 'transfer_alerted', 'data_landed', 'data_lies', 'device_blocked', 'agent_health', 'terminal_silent', 'policy_refused'];
const PARTS = ['person', 'device_id', 'terminal', 'rule'] as const;
const HOURS = [4, 24, 168, 720, 2160];

export function SuppressButton({ alert }: { alert: Alert }) {
  const { t } = useTranslation();
  const may = useMay()('Suppress');
  const client = useQueryClient();
  const [asking, setAsking] = useState(false);
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [reason, setReason] = useState('');
  const [hours, setHours] = useState(168);
  const send = useMutation({
    mutationFn: () => post<Suppression>('suppressions', { kind: alert.kind, hours, reason: reason.trim(), ...Object.fromEntries(PARTS.filter((part) => chosen.has(part)).map((part) => [part, alert[part]])) }),
    onSuccess: () => {
      setAsking(false);
      for (const key of ['suppressions', 'alerts']) void client.invalidateQueries({ queryKey: [key] });
    },
  });
  if (!may || alert.severity === 'critical' || !KINDS.includes(alert.kind)) return null;
  const toggle = (part: string) => setChosen((old) => {
    const next = new Set(old);
    if (!next.delete(part)) next.add(part);
    return next;
  });
  return (
    <>
      <Button aria-haspopup="dialog" onClick={() => setAsking(true)}>{t('suppress.button')}…</Button>
      {asking && (
        <DecisionDialog title={t('suppress.title')} warning={t('suppress.does')} error={send.error} act={t('suppress.act')} busy={send.isPending}
          disabled={chosen.size === 0 || reason.trim() === ''} onAct={() => send.mutate()} onDone={() => setAsking(false)}>
          <Typography variant="body2">{t('suppress.which', { kind: t(`alertKind.${alert.kind}`, { defaultValue: alert.kind }) })} <Help term="suppress" /></Typography>
          <Stack>
            {PARTS.filter((part) => alert[part] !== '').map((part) => (
              <FormControlLabel key={part} control={<Checkbox checked={chosen.has(part)} onChange={() => toggle(part)} />} sx={{ overflowWrap: 'anywhere' }} label={`${t(`group.${part}`)}: ${alert[part]}`} />
            ))}
          </Stack>
          <TextField select label={t('contain.howLong')} value={hours} onChange={(e) => setHours(Number(e.target.value))}>
            {HOURS.map((value) => <MenuItem key={value} value={value}>{t(value < 24 ? 'suppress.hours' : 'suppress.days', { value: formatNumber(value < 24 ? value : value / 24) })}</MenuItem>)}
          </TextField>
          <TextField required label={t('alert.reason')} value={reason} onChange={(e) => setReason(e.target.value)} slotProps={{ htmlInput: { maxLength: 300 } }} />
        </DecisionDialog>
      )}
    </>
  );
}

function End({ one, onDone }: { one: Suppression; onDone: () => void }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const [reason, setReason] = useState('');
  const send = useMutation({
    mutationFn: () => post<Suppression>('suppressions:end', { id: one.id, reason: reason.trim() }),
    onSuccess: () => { void client.invalidateQueries({ queryKey: ['suppressions'] }); onDone(); },
  });
  return (
    <DecisionDialog title={t('suppress.endTitle', { id: one.id })} error={send.error} act={t('suppress.end')} busy={send.isPending} disabled={reason.trim() === ''} onAct={() => send.mutate()} onDone={onDone}>
      <TextField autoFocus required label={t('alert.reason')} value={reason} onChange={(e) => setReason(e.target.value)} slotProps={{ htmlInput: { maxLength: 300 } }} />
    </DecisionDialog>
  );
}

// What is in force; nothing at all if nothing is.
export function Suppressions() {
  const { t } = useTranslation();
  const may = useMay();
  const [ending, setEnding] = useState<Suppression | null>(null);
  const query = useQuery({ queryKey: ['suppressions'], queryFn: () => get<{ rows: Suppression[] }>('suppressions'), enabled: may('ListSuppressions') });
  const rows = query.data?.rows ?? [];
  if (query.isError) return <Typography variant="body2" color="error"><ErrorText error={query.error} /></Typography>;
  if (rows.length === 0) return null;
  return (
    <>
      <Typography component="h2" variant="h6" sx={{ mt: 3 }} gutterBottom>{t('suppress.list')} <Help term="suppress" /></Typography>
      <Table size="small" aria-label={t('suppress.list')}>
        <TableHead><TableRow>{['suppress.what', 'suppress.until', 'suppress.kept', 'suppress.by', 'alert.reason', 'alert.decide'].map((key) => <TableCell key={key}>{t(key)}</TableCell>)}</TableRow></TableHead>
        <TableBody>
          {rows.map((one) => (
            <TableRow key={one.id} sx={{ overflowWrap: 'anywhere' }}>
              <TableCell>{t(`alertKind.${one.kind}`, { defaultValue: one.kind })}: {PARTS.filter((part) => one[part] !== '').map((part) => one[part]).join(' · ')}</TableCell>
              <TableCell sx={{ whiteSpace: 'nowrap' }}>{formatTime(one.end_time)}</TableCell>
              <TableCell>{formatNumber(one.alert_count)}</TableCell>
              <TableCell>{one.created_by}</TableCell>
              <TableCell>{one.reason}</TableCell>
              <TableCell>{may('EndSuppression') && <Button size="small" aria-haspopup="dialog" onClick={() => setEnding(one)}>{t('suppress.end')}…</Button>}</TableCell>
            </TableRow>
          ))}
        </TableBody>
      </Table>
      {ending && <End one={ending} onDone={() => setEnding(null)} />}
    </>
  );
}
