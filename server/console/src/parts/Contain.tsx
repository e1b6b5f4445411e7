// One click closes all media of a person, a terminal or a device for a while.
// The dialog says what will happen before it does; afterwards every page shows
// what runs and how far it got.
import { Alert as Banner, Button, Chip, Collapse, Dialog, DialogActions, DialogContent, DialogTitle, MenuItem, Stack, Table, TableBody, TableCell, TableHead, TableRow, TextField, Typography } from '@mui/material';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';

import { get, post } from '../api/client';
import type { Containment, ContainKind } from '../api/types';
import { formatNumber, formatTime } from '../format';
import { useMay } from '../may';
import { DecisionDialog } from './Grant';
import { ErrorText } from './State';

const HOURS = [1, 4, 8, 24];
const ANSWERS = ['closed', 'closing', 'waiting', 'would_close', 'not_reached', 'over'] as const;
const COLOR = { closed: 'success', closing: 'warning', waiting: 'default', would_close: 'info', not_reached: 'error', over: 'error' } as const;

function Hours({ value, onChange }: { value: number; onChange: (hours: number) => void }) {
  const { t } = useTranslation();
  return (
    <TextField select label={t('contain.howLong')} value={value} onChange={(e) => onChange(Number(e.target.value))}>
      {HOURS.map((hours) => <MenuItem key={hours} value={hours}>{t('contain.hours', { hours })}</MenuItem>)}
    </TextField>
  );
}

export interface Target {
  kind: ContainKind;
  target: string;
  name: string; // as people call it
}

export function ContainButton({ to, size = 'medium' }: { to: Target; size?: 'small' | 'medium' }) {
  const { t } = useTranslation();
  const may = useMay()('Contain');
  const queries = useQueryClient();
  const [asking, setAsking] = useState(false);
  const [reason, setReason] = useState('');
  const [hours, setHours] = useState(4);
  const begin = useMutation({
    mutationFn: () => post<Containment>('containments', { kind: to.kind, target: to.target, minutes: hours * 60, reason: reason.trim() }),
    onSuccess: () => {
      setAsking(false);
      setReason('');
      for (const key of ['containments', 'alerts']) void queries.invalidateQueries({ queryKey: [key] });
    },
  });
  if (!may) return null;
  return (
    <>
      <Button variant="outlined" color="error" size={size} aria-haspopup="dialog" onClick={() => setAsking(true)}>{size === 'small' ? t('contain.title') : t(`contain.${to.kind}`)}…</Button>
      {asking && (
        <DecisionDialog title={t(`contain.${to.kind}Title`, { name: to.name })} warning={t(`contain.${to.kind}Does`, { hours })} error={begin.error} act={t('contain.act')} color="error"
          busy={begin.isPending} disabled={reason.trim() === ''} onAct={() => begin.mutate()} onDone={() => setAsking(false)}>
          <Typography variant="body2">{t('contain.also')}</Typography>
          <TextField autoFocus required label={t('contain.reason')} value={reason} onChange={(e) => setReason(e.target.value)} slotProps={{ htmlInput: { maxLength: 160 } }} />
          <Hours value={hours} onChange={setHours} />
        </DecisionDialog>
      )}
    </>
  );
}

function Change({ one, what, onDone }: { one: Containment; what: 'lift' | 'extend'; onDone: () => void }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const [reason, setReason] = useState('');
  const [hours, setHours] = useState(4);
  const send = useMutation({
    mutationFn: () => post(what === 'lift' ? 'containments:lift' : 'containments:ask_extension', { id: one.id, reason: reason.trim(), ...(what === 'extend' && { minutes: hours * 60 }) }),
    onSuccess: () => { void queries.invalidateQueries({ queryKey: ['containments'] }); onDone(); },
  });
  return (
    <DecisionDialog title={t(`contain.${what}Title`, { name: one.terminal || one.target })} warning={t(`contain.${what}Does`)} error={send.error} act={t(`contain.${what}`)} busy={send.isPending}
      disabled={reason.trim() === ''} onAct={() => send.mutate()} onDone={onDone}>
      <TextField autoFocus required label={t('contain.reason')} value={reason} onChange={(e) => setReason(e.target.value)} slotProps={{ htmlInput: { maxLength: 160 } }} />
      {what === 'extend' && <Hours value={hours} onChange={setHours} />}
    </DecisionDialog>
  );
}

function Answers({ one, onDone }: { one: Containment; onDone: () => void }) {
  const { t } = useTranslation();
  return (
    <Dialog open onClose={onDone} fullWidth maxWidth="md">
      <DialogTitle>{t('contain.answers')}</DialogTitle>
      <DialogContent>
        <Typography variant="body2" sx={{ overflowWrap: 'anywhere' }}>{t('contain.why', { who: one.created_by, reason: one.reason })}</Typography>
        <Table size="small" aria-label={t('contain.answers')}>
          <TableHead><TableRow>{[t('terminal.name'), t('contain.answer'), t('contain.closedAt'), t('contain.media')].map((name) => <TableCell key={name}>{name}</TableCell>)}</TableRow></TableHead>
          <TableBody>
            {one.terminals.map((terminal) => (
              <TableRow key={terminal.agent_id}>
                <TableCell sx={{ overflowWrap: 'anywhere' }}>{terminal.terminal}</TableCell>
                <TableCell>{t(`contain.${terminal.answer}`)}</TableCell>
                <TableCell>{formatTime(terminal.close_time)}</TableCell>
                <TableCell>{formatNumber(terminal.media)}</TableCell>
              </TableRow>
            ))}
          </TableBody>
        </Table>
      </DialogContent>
      <DialogActions><Button onClick={onDone}>{t('app.close')}</Button></DialogActions>
    </Dialog>
  );
}

function One({ one, user }: { one: Containment; user: string }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const [asking, setAsking] = useState<'lift' | 'extend' | 'answers' | null>(null);
  const agree = useMutation({
    mutationFn: () => post('containments:agree_extension', { id: one.id }),
    onSettled: () => queries.invalidateQueries({ queryKey: ['containments'] }),
  });
  const done = () => setAsking(null);
  const waits = one.extension_asked_by !== '';
  return (
    <Banner severity="error" square data-containment={one.id} sx={{ '& .MuiAlert-message': { width: '100%' } }}>
      <Stack direction="row" useFlexGap spacing={1} sx={{ alignItems: 'center', flexWrap: 'wrap' }}>
        <Typography variant="body2" sx={{ fontWeight: 600, overflowWrap: 'anywhere' }}>
          {t(`contain.${one.kind}Runs`, { name: one.terminal || one.target, time: formatTime(one.end_time) })}
        </Typography>
        {ANSWERS.map((answer) => one.counts[answer] !== undefined && (
          <Chip key={answer} size="small" color={COLOR[answer]} label={`${t(`contain.${answer}`)} ${formatNumber(one.counts[answer])}`} />
        ))}
        <span style={{ flexGrow: 1 }} />
        {waits && <Typography variant="body2">{t('contain.asked', { who: one.extension_asked_by, hours: Math.round(one.extension_minutes / 60) })}</Typography>}
        {waits && one.extension_asked_by !== user && <Button size="small" color="inherit" loading={agree.isPending} onClick={() => agree.mutate()}>{t('contain.agree')}</Button>}
        <Button size="small" color="inherit" aria-haspopup="dialog" onClick={() => setAsking('answers')}>{t('contain.answers')}</Button>
        {!waits && <Button size="small" color="inherit" aria-haspopup="dialog" onClick={() => setAsking('extend')}>{t('contain.extend')}…</Button>}
        <Button size="small" color="inherit" aria-haspopup="dialog" onClick={() => setAsking('lift')}>{t('contain.lift')}…</Button>
      </Stack>
      {agree.isError && <ErrorText error={agree.error} />}
      {asking === 'answers' && <Answers one={one} onDone={done} />}
      {(asking === 'lift' || asking === 'extend') && <Change one={one} what={asking} onDone={done} />}
    </Banner>
  );
}

// Above every page, while any runs.
export function Containments({ user }: { user: string }) {
  const { data } = useQuery({
    queryKey: ['containments'],
    queryFn: () => get<{ rows: Containment[] }>('containments'),
    // A terminal that does not answer makes no change that could be told.
    refetchInterval: (query) => (query.state.data?.rows.some((one) => one.counts.waiting || one.counts.closing) ? 2_000 : false),
  });
  const rows = data?.rows ?? [];
  return (
    <Collapse in={rows.length > 0} role="status">
      {rows.map((one) => <One key={one.id} one={one} user={user} />)}
    </Collapse>
  );
}
