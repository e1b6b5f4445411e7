import { Alert, Button, Chip, Dialog, DialogActions, DialogContent, DialogTitle, MenuItem, Stack, TableCell, TableRow, TextField, Typography } from '@mui/material';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useSearchParams } from 'react-router-dom';

import { post } from '../api/client';
import type { Agent } from '../api/types';
import { formatNumber, formatTime } from '../format';
import { ContainButton } from '../parts/Contain';
import { Coverage } from '../parts/Coverage';
import { Help } from '../parts/Help';
import { Rows, usePages } from '../parts/Rows';
import { Code } from '../parts/Shown';
import { ErrorText } from '../parts/State';

const COLOR = { enrolled: 'default', connected: 'success', silent: 'error', revoked: 'warning' } as const;

const COVER = ['enforcing', 'degraded', 'observing', 'silent', 'never'] as const;

// As the overview counts it.
function coverOf(agent: Agent): string {
  if (agent.state === 'enrolled') return 'never';
  if (agent.state !== 'connected') return agent.state;
  if (agent.mode !== 'enforce') return 'observing';
  return agent.gate_state === 'full' && agent.core_alive ? 'enforcing' : 'degraded';
}

function Enrol({ onDone }: { onDone: () => void }) {
  const { t } = useTranslation();
  const [hostname, setHostname] = useState('');
  const make = useMutation({ mutationFn: () => post<{ token: string; expire_time: string }>('tokens', { hostname }) });
  return (
    <Dialog open onClose={onDone} fullWidth maxWidth="md">
      <DialogTitle>{t('terminal.enrol')}</DialogTitle>
      <DialogContent>
        <Stack spacing={2} sx={{ pt: 1 }}>
          <TextField label={t('terminal.host')} value={hostname} onChange={(e) => setHostname(e.target.value)} disabled={make.isSuccess} />
          {make.isError && <Alert severity="error"><ErrorText error={make.error} /></Alert>}
          {make.data && (
            <>
              <Typography>{t('terminal.enrolHelp', { time: formatTime(make.data.expire_time) })}</Typography>
              <Code>{`sekisho enroll --server ${window.location.hostname}:7444 --token ${make.data.token}`}</Code>
            </>
          )}
        </Stack>
      </DialogContent>
      <DialogActions>
        <Button onClick={onDone}>{t('app.close')}</Button>
        {!make.data && <Button variant="contained" loading={make.isPending} onClick={() => make.mutate()}>{t('terminal.make')}</Button>}
      </DialogActions>
    </Dialog>
  );
}

// When its certificate ends, or that it waits for somebody to say yes.
function Certificate({ agent, mayChange }: { agent: Agent; mayChange: boolean }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const allow = useMutation({
    mutationFn: () => post('agents:approve_renewal', { agent_id: agent.agent_id }),
    onSuccess: () => queries.invalidateQueries({ queryKey: ['agents'] }),
  });
  if (agent.renewal === 'approved') return <>{t('terminal.mayRenew')}</>;
  if (agent.renewal !== 'asked') return <>{formatTime(agent.certificate_expire_time)}</>;
  return (
    <Stack spacing={1} sx={{ alignItems: 'flex-start' }}>
      <Chip size="small" color="warning" label={t('terminal.asks')} />
      {mayChange && <Button size="small" loading={allow.isPending} onClick={() => allow.mutate()}>{t('terminal.renew')}</Button>}
      {allow.isError && <ErrorText error={allow.error} />}
    </Stack>
  );
}

export function Terminals({ mayChange }: { mayChange: boolean }) {
  const { t } = useTranslation();
  const [query, setQuery] = useSearchParams();
  const show = query.get('show') ?? '';
  const pages = usePages<Agent>('agents', 'agents');
  const [enrolling, setEnrolling] = useState(false);
  return (
    <>
      <Stack direction="row" useFlexGap sx={{ mb: 2, rowGap: 1, alignItems: 'center', flexWrap: 'wrap' }}>
        <Typography component="h1" variant="h5" sx={{ mr: 1 }}>{t('terminal.list')}</Typography>
        <Help term="gate" />
        <span style={{ flexGrow: 1 }} />
        <TextField select size="small" label={t('terminal.show')} value={show || ' '} sx={{ minWidth: 160, mr: 1.5 }} onChange={(e) => setQuery(e.target.value.trim() ? { show: e.target.value } : {}, { replace: true })}>
          <MenuItem value=" ">{t('alert.all')}</MenuItem>
          {COVER.map((word) => <MenuItem key={word} value={word}>{t(`overview.${word}`)}</MenuItem>)}
        </TextField>
        {mayChange && <Button variant="contained" onClick={() => setEnrolling(true)}>{t('terminal.enrol')}</Button>}
      </Stack>
      <Rows
        label={t('terminal.list')}
        pages={pages}
        head={[t('terminal.name'), t('terminal.state'), t('terminal.mode'), t('terminal.gate'), t('terminal.policy'), t('terminal.seen'), t('terminal.waiting'), t('terminal.version'), t('terminal.certificate'), t('contain.title')]}
        row={(agent) => (show === '' || coverOf(agent) === show) && (
          <TableRow key={agent.agent_id}>
            <TableCell sx={{ overflowWrap: 'anywhere' }}>{agent.terminal}</TableCell>
            <TableCell><Chip size="small" color={COLOR[agent.state]} label={t(`agentState.${agent.state}`)} /></TableCell>
            <TableCell>{t(`mode.${agent.mode}`, { defaultValue: agent.mode || '–' })}</TableCell>
            <TableCell>{agent.gate_state || '–'}</TableCell>
            <TableCell>{agent.policy_version || '–'}</TableCell>
            <TableCell>{formatTime(agent.last_seen_time)}</TableCell>
            <TableCell>{formatNumber(agent.spooled_count)}</TableCell>
            <TableCell>{agent.agent_version || '–'}</TableCell>
            <TableCell><Certificate agent={agent} mayChange={mayChange} /></TableCell>
            <TableCell>{agent.state !== 'revoked' && <ContainButton size="small" to={{ kind: 'terminal', target: agent.agent_id, name: agent.terminal }} />}</TableCell>
          </TableRow>
        )}
      />
      <Coverage mayChange={mayChange} />
      {enrolling && <Enrol onDone={() => setEnrolling(false)} />}
    </>
  );
}
