// A policy version on its way through the rings: how far, what it waits for,
// what stopped it, and what an admin does about it.
import { Alert as Banner, Box, Button, Chip, LinearProgress, Paper, Stack, Table, TableBody, TableCell, TableContainer, TableHead, TableRow, TextField, Typography } from '@mui/material';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link as RouterLink } from 'react-router-dom';

import { get, post } from '../api/client';
import type { Problems as Found, Rings, Rollout, RolloutAct, RolloutRing, RolloutStatus, RolloutTerminal } from '../api/types';
import { formatNumber, formatTime } from '../format';
import { DecisionDialog } from './Grant';
import { Help } from './Help';
import { Problems } from './PolicyTry';
import { Loaded } from './State';

const LOOK_AGAIN_MS = 10_000;
const EXAMPLE = `rings:
- name: pilot
  terminals: [maint-osaka-07, "maint-tokyo-*"]
  soak: 1h
- name: early
  percent: 10
  soak: 4h
- name: everybody
`;
const TROUBLE = ['refused', 'unanswered', 'silent'];

export function useRollout() {
  return useQuery({
    queryKey: ['rollout'],
    queryFn: () => get<RolloutStatus>('policies:rollout'),
    refetchInterval: (query) => (query.state.data?.live ? LOOK_AGAIN_MS : false),
  });
}

export function useRings() {
  return useQuery({ queryKey: ['rings'], queryFn: () => get<Rings>('policies:rings') });
}

function ActDialog({ act, rollout, onDone }: { act: RolloutAct; rollout: Rollout; onDone: () => void }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const [reason, setReason] = useState('');
  const change = useMutation({
    mutationFn: () => post<RolloutStatus>('policies:rollout', { act, reason }),
    onSuccess: (status) => {
      client.setQueryData(['rollout'], status);
      for (const key of ['policies', 'alerts', 'agents']) void client.invalidateQueries({ queryKey: [key] });
      onDone();
    },
  });
  return (
    <DecisionDialog title={t(`rings.${act}`)} error={change.isError ? change.error : null} act={t(`rings.${act}`)} color={act === 'rollback' ? 'warning' : 'primary'} busy={change.isPending}
      onAct={() => change.mutate()} onDone={onDone}>
      <Typography variant="body2">{t(`rings.${act}Does`, { version: rollout.version, base: rollout.base_version })}</Typography>
      <TextField label={t('rings.reason')} value={reason} onChange={(e) => setReason(e.target.value)} />
    </DecisionDialog>
  );
}

function RingBar({ ring, live }: { ring: RolloutRing; live: boolean }) {
  const { t } = useTranslation();
  const done = ring.counts.has_it ?? 0;
  const trouble = TROUBLE.filter((answer) => (ring.counts[answer] ?? 0) > 0).map((answer) => `${t(`rings.answer.${answer}`)}: ${formatNumber(ring.counts[answer] ?? 0)}`);
  const words = t('rings.have', { done: formatNumber(done), all: formatNumber(ring.terminals) });
  return (
    <Box>
      <Stack direction="row" spacing={1} useFlexGap sx={{ alignItems: 'center', flexWrap: 'wrap', mb: 0.5 }}>
        <Typography variant="body2" sx={{ fontWeight: 600 }}>{ring.name}</Typography>
        {live && <Chip size="small" color={ring.open ? 'success' : 'default'} label={t(ring.open ? 'rings.open' : 'rings.closed')} />}
        <Typography variant="body2" color="text.secondary">{words} · {ring.soak_seconds > 0 ? t('rings.soak', { hours: formatNumber(Math.round(ring.soak_seconds / 360) / 10) }) : t('rings.manual')}</Typography>
        {trouble.length > 0 && <Typography variant="body2" color="error">{trouble.join(', ')}</Typography>}
      </Stack>
      <LinearProgress variant="determinate" color={trouble.length > 0 ? 'error' : 'primary'} value={ring.terminals > 0 ? (done / ring.terminals) * 100 : 0} aria-label={`${ring.name}: ${words}`} sx={{ height: 10, borderRadius: 1 }} />
    </Box>
  );
}

function Behind({ terminals, rings }: { terminals: RolloutTerminal[]; rings: RolloutRing[] }) {
  const { t } = useTranslation();
  const behind = terminals.filter((one) => one.answer !== 'has_it' && one.answer !== 'closed').slice(0, 200);
  if (behind.length === 0) return null;
  return (
    <TableContainer component={Paper} variant="outlined" tabIndex={0}>
      <Table size="small" aria-label={t('rings.behind')}>
        <TableHead><TableRow>{['terminal.name', 'rings.ring', 'rings.given', 'terminal.policy', 'rings.stands', 'rings.why'].map((key) => <TableCell key={key}>{t(key)}</TableCell>)}</TableRow></TableHead>
        <TableBody>
          {behind.map((one) => (
            <TableRow key={one.agent_id}>
              <TableCell>{one.terminal}</TableCell>
              <TableCell>{rings[one.ring]?.name}</TableCell>
              <TableCell>{one.wanted_version}</TableCell>
              <TableCell>{one.policy_version || '–'}</TableCell>
              <TableCell>{t(`rings.answer.${one.answer}`)}</TableCell>
              <TableCell sx={{ overflowWrap: 'anywhere' }}>{one.reason || formatTime(one.told_time)}</TableCell>
            </TableRow>
          ))}
        </TableBody>
      </Table>
    </TableContainer>
  );
}

function Live({ rollout, mayChange }: { rollout: Rollout; mayChange: boolean }) {
  const { t } = useTranslation();
  const [act, setAct] = useState<RolloutAct | null>(null);
  const halted = rollout.state === 'halted';
  const acts: RolloutAct[] = halted ? ['resume', 'rollback'] : ['advance', 'halt', 'rollback'];
  return (
    <>
      {halted && (
        <Banner severity="error">
          {t(rollout.halted_by ? 'rings.haltedBy' : 'rings.haltedItself', { by: rollout.halted_by, time: formatTime(rollout.halt_time) })}
          {rollout.halt_reason !== '' && <Box>{rollout.halt_reason}</Box>}
          {rollout.alert_id > 0 && <RouterLink to={`/alerts/${rollout.alert_id}`} style={{ color: 'inherit' }}>{t('rings.alert')}</RouterLink>}
        </Banner>
      )}
      <Typography variant="body2">
        {t('rings.under', { version: rollout.version, base: rollout.base_version })}{' '}
        {rollout.waits_for === 'soak' ? t('rings.next', { time: formatTime(rollout.next_time) }) : rollout.waits_for !== '' && t(`rings.waits.${rollout.waits_for}`)}{' '}
        {t('rings.blocks', { blocks: formatNumber(rollout.blocks), expected: formatNumber(Math.round(rollout.expected_blocks * 10) / 10), hours: formatNumber(Math.round(rollout.terminal_hours)) })}
      </Typography>
      {mayChange && (
        <Stack direction="row" spacing={1}>
          {acts.map((one) => <Button key={one} size="small" variant={one === 'rollback' ? 'outlined' : 'contained'} color={one === 'rollback' ? 'warning' : 'primary'} onClick={() => setAct(one)}>{t(`rings.${one}`)}</Button>)}
        </Stack>
      )}
      {act !== null && <ActDialog act={act} rollout={rollout} onDone={() => setAct(null)} />}
    </>
  );
}

function EditRings({ rings, onDone }: { rings: Rings; onDone: () => void }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const [text, setText] = useState(rings.text || EXAMPLE);
  const set = useMutation({
    mutationFn: (value: string) => post<Found>('policies:rings', { text: value }),
    onSuccess: (found) => {
      if (found.problems.length > 0) return;
      for (const key of ['rings', 'rollout']) void client.invalidateQueries({ queryKey: [key] });
      onDone();
    },
  });
  return (
    <DecisionDialog title={t('rings.edit')} error={set.isError ? set.error : null} act={t('rings.set')} busy={set.isPending} onAct={() => set.mutate(text)} onDone={onDone}>
      <Typography variant="body2">{t('rings.editHelp')}</Typography>
      <Problems title={t('policy.refused')} problems={set.data?.problems ?? []} severity="error" />
      <TextField multiline minRows={8} maxRows={20} label={t('rings.text')} value={text} onChange={(e) => setText(e.target.value)} slotProps={{ htmlInput: { style: { fontFamily: 'monospace', fontSize: 13 }, spellCheck: false } }} />
      {rings.text !== '' && <Box><Button size="small" onClick={() => set.mutate('')}>{t('rings.off')}</Button></Box>}
    </DecisionDialog>
  );
}

export function RingRollout({ mayChange }: { mayChange: boolean }) {
  const { t } = useTranslation();
  const status = useRollout();
  const rings = useRings();
  const [editing, setEditing] = useState(false);
  return (
    <Loaded query={status}>
      {(now) => (
        <Stack spacing={2} component="section" aria-label={t('rings.title')}>
          <Stack direction="row" spacing={1} sx={{ alignItems: 'center' }}>
            <Typography component="h2" variant="h6">{t('rings.title')}</Typography>
            <Help term="rings" />
            {now.rollout && <Chip size="small" color={now.rollout.state === 'halted' ? 'error' : now.live ? 'warning' : 'default'} label={`${t('policy.version', { version: now.rollout.version })}: ${t(`rings.state.${now.rollout.state}`)}`} />}
            <Box sx={{ flexGrow: 1 }} />
            {mayChange && rings.data && <Button size="small" onClick={() => setEditing(true)}>{t('rings.edit')}</Button>}
          </Stack>
          {now.live && now.rollout && <Live rollout={now.rollout} mayChange={mayChange} />}
          {now.rings.length === 0 && <Typography variant="body2" color="text.secondary">{t('rings.none')}</Typography>}
          {now.rings.map((ring) => <RingBar key={ring.name} ring={ring} live={now.live} />)}
          <Behind terminals={now.terminals} rings={now.rings} />
          {editing && rings.data && <EditRings rings={rings.data} onDone={() => setEditing(false)} />}
        </Stack>
      )}
    </Loaded>
  );
}
