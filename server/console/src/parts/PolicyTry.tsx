// A policy asked before it is pushed: about one stick and person, and about all
// that happened.
import { Alert as Banner, Autocomplete, Box, Button, Chip, Grid, Link, MenuItem, Stack, Table, TableBody, TableCell, TableHead, TableRow, TextField, Typography } from '@mui/material';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link as RouterLink } from 'react-router-dom';

import { post } from '../api/client';
import type { Device, PolicyAnswer, PolicyStep, PolicyTrial, Problem } from '../api/types';
import { deviceName, formatNumber } from '../format';
import { Help } from './Help';
import { RankedBars, usePlotColors } from './Plots';
import { rowsOf, usePages } from './Rows';
import { Code, OutcomeChip } from './Shown';
import { Empty, ErrorText } from './State';

export function Problems({ title, problems, severity }: { title: string; problems: Problem[]; severity: 'error' | 'warning' }) {
  const { t } = useTranslation();
  if (problems.length === 0) return null;
  return (
    <Banner severity={severity}>
      {title}
      <ul>{problems.slice(0, 20).map((problem, i) => <li key={i}>{t('policy.at', { line: problem.line, column: problem.column })}: {problem.message}</li>)}</ul>
    </Banner>
  );
}

function Steps({ steps }: { steps: PolicyStep[] }) {
  const { t } = useTranslation();
  return (
    <Stack component="ol" spacing={0.5} sx={{ m: 0, pl: 3, typography: 'body2' }}>
      {steps.map((step, i) => (
        <li key={i}>
          <Box component="span" sx={{ fontWeight: step.matched ? 700 : 400, color: step.matched ? 'text.primary' : 'text.secondary' }}>
            {step.matched ? '→ ' : ''}{step.rule}{step.line > 0 && ` (${t('policy.line', { line: step.line })})`}: {step.why}
          </Box>
        </li>
      ))}
    </Stack>
  );
}

function Answer({ answer }: { answer: PolicyAnswer }) {
  const { t } = useTranslation();
  const verdict = { allow: 'allowed', alert: 'alerted', block: 'blocked' } as const;
  if (answer.problems.length > 0) return <Problems title={t('policy.refusedDraft')} problems={answer.problems} severity="error" />;
  return (
    <Stack spacing={2} aria-live="polite">
      <Box>
        <Typography component="h3" variant="subtitle1" sx={{ fontWeight: 600 }}>
          {t('policy.theDevice')} <Chip size="small" color={answer.access === 'block' ? 'error' : 'success'} label={t(`access.${answer.access}`, { defaultValue: answer.access })} /> {answer.mode === 'observe' && <Typography component="span" variant="body2">({t('policy.onlyObserved')})</Typography>}
        </Typography>
        <Typography variant="body2" sx={{ mb: 0.5 }}>{answer.reason}</Typography>
        {answer.needs_probe && <Banner severity="info">{t('policy.needsProbe')}</Banner>}
        <Steps steps={answer.steps} />
      </Box>
      {answer.file && (
        <Box>
          <Typography component="h3" variant="subtitle1" sx={{ fontWeight: 600 }}>{t('policy.theFile')} <OutcomeChip outcome={verdict[answer.file.verdict]} /></Typography>
          <Typography variant="body2" sx={{ mb: 0.5 }}>{answer.file.reason}</Typography>
          <Steps steps={answer.file.steps} />
        </Box>
      )}
    </Stack>
  );
}

export function ExplainPolicy({ text }: { text: string }) {
  const { t } = useTranslation();
  const devices = rowsOf(usePages<Device>('devices', 'devices'));
  const [wish, setWish] = useState({ device_id: '', person: '', terminal: '', time: '', persons: '', type: '' });
  const ask = useMutation({
    mutationFn: () => post<PolicyAnswer>('policies:explain', {
      text, device_id: wish.device_id.trim(), person: wish.person.trim(), terminal: wish.terminal.trim(),
      ...(wish.time && { time: new Date(wish.time).toISOString().replace('.000Z', 'Z') }),
      ...(wish.persons && { persons: Number(wish.persons) }),
      ...(wish.type && { data: { [wish.type]: Math.max(Number(wish.persons), 1) } }),
    }),
  });
  const field = (name: 'person' | 'terminal', label: string) => <TextField size="small" label={label} value={wish[name]} onChange={(e) => setWish({ ...wish, [name]: e.target.value })} />;
  const names = new Map(devices.map((device) => [device.device_id, deviceName(device.facts)]));
  return (
    <Grid container spacing={2}>
      <Grid size={{ xs: 12, md: 5 }}>
        <Stack component="form" spacing={1.5} onSubmit={(e) => { e.preventDefault(); ask.mutate(); }}>
          <Typography variant="body2">{t('policy.explainHelp')} <Help term="explain" /></Typography>
          <Autocomplete freeSolo size="small" options={devices.map((device) => device.device_id)} inputValue={wish.device_id} onInputChange={(_, value) => setWish({ ...wish, device_id: value })}
            renderOption={({ key, ...props }, id) => <li key={key} {...props}>{names.get(id)} · {id}</li>}
            renderInput={(params) => <TextField {...params} required label={t('policy.device')} />} />
          {field('person', t('who.person'))}
          {field('terminal', t('terminal.name'))}
          <TextField size="small" type="datetime-local" label={t('policy.when')} value={wish.time} slotProps={{ inputLabel: { shrink: true } }} onChange={(e) => setWish({ ...wish, time: e.target.value })} />
          <TextField size="small" type="number" label={t('policy.filePersons')} value={wish.persons} slotProps={{ htmlInput: { min: 0 } }} onChange={(e) => setWish({ ...wish, persons: e.target.value })} />
          <TextField select size="small" label={t('policy.fileType')} value={wish.type || ' '} onChange={(e) => setWish({ ...wish, type: e.target.value.trim() })}>
            <MenuItem value=" ">{t('app.none')}</MenuItem>
            {['person_name', 'my_number', 'credit_card', 'health_record', 'phone', 'email', 'member_id'].map((type) => <MenuItem key={type} value={type}>{t(`type.${type}`)}</MenuItem>)}
          </TextField>
          <Button type="submit" variant="contained" loading={ask.isPending} disabled={wish.device_id.trim() === ''}>{t('policy.ask')}</Button>
        </Stack>
      </Grid>
      <Grid size={{ xs: 12, md: 7 }}>
        {ask.isError && <Banner severity="error"><ErrorText error={ask.error} /></Banner>}
        {ask.data && <Answer answer={ask.data} />}
      </Grid>
    </Grid>
  );
}

function TrialResult({ trial }: { trial: PolicyTrial }) {
  const { t } = useTranslation();
  const colors = usePlotColors();
  if (trial.problems.length > 0) return <Problems title={t('policy.refusedDraft')} problems={trial.problems} severity="error" />;
  const figures = [['transfersBlocked', trial.transfers_blocked, 'error.main'], ['transfersFreed', trial.transfers_freed, 'warning.main'], ['devicesBlocked', trial.devices_blocked, 'error.main'], ['devicesFreed', trial.devices_freed, 'warning.main'], ['personsBlocked', trial.persons_blocked, 'text.primary']] as const;
  return (
    <Stack spacing={2}>
      <Typography variant="body2" aria-live="polite">{t('policy.judged', { events: formatNumber(trial.events) })}</Typography>
      {trial.cut && <Banner severity="info">{t('around.cut')}</Banner>}
      <Stack direction="row" useFlexGap sx={{ gap: 3, flexWrap: 'wrap' }}>
        {figures.map(([name, value, color]) => (
          <Box key={name}><Typography sx={{ fontSize: 26, fontWeight: 600, color: value > 0 ? color : 'text.secondary' }}>{formatNumber(value)}</Typography><Typography variant="caption" color="text.secondary">{t(`trial.${name}`)}</Typography></Box>
        ))}
      </Stack>
      <Grid container spacing={2}>
        <Grid size={12} sx={{ maxWidth: 640 }}>
          <Typography component="h3" variant="subtitle2" sx={{ mb: 1 }}>{t('trial.rules')}</Typography>
          <RankedBars label={t('trial.rules')} ranks={trial.rules.slice(0, 12).map((rule) => ({
            key: rule.rule, name: rule.rule, note: formatNumber(rule.count), to: `/alerts?${new URLSearchParams({ rule: rule.rule, state: 'all' }).toString()}`, words: `${rule.rule}: ${formatNumber(rule.count)}`,
            parts: [{ name: rule.rule, value: rule.count, color: colors.alerted }],
          }))} />
        </Grid>
        <Grid size={12} sx={{ overflowX: 'auto' }}>
          <Typography component="h3" variant="subtitle2">{t('trial.changes')}</Typography>
          {trial.changes.length === 0 ? <Empty /> : (
            <Table size="small" aria-label={t('trial.changes')}>
              <TableHead><TableRow><TableCell align="right">{t('trial.times')}</TableCell><TableCell>{t('trial.would')}</TableCell><TableCell>{t('who.person')}</TableCell><TableCell>{t('terminal.name')}</TableCell><TableCell>{t('event.device')}</TableCell><TableCell>{t('event.rule')}</TableCell></TableRow></TableHead>
              <TableBody>
                {trial.changes.slice(0, 50).map((change, i) => (
                  <TableRow key={i}>
                    <TableCell align="right">{formatNumber(change.times)}</TableCell>
                    <TableCell><OutcomeChip outcome={change.blocked ? 'blocked' : 'allowed'} /> <Typography variant="caption">{t(change.transfer ? 'kind.transfer' : 'event.device')}</Typography></TableCell>
                    <TableCell><Link component={RouterLink} to={`/events?${new URLSearchParams({ person: change.person }).toString()}`}>{change.person}</Link></TableCell>
                    <TableCell sx={{ whiteSpace: 'nowrap' }}>{change.terminal}</TableCell>
                    <TableCell sx={{ overflowWrap: 'anywhere', minWidth: 200 }}><Code>{change.device_id}</Code></TableCell>
                    <TableCell>{change.rule}</TableCell>
                  </TableRow>
                ))}
              </TableBody>
            </Table>
          )}
        </Grid>
      </Grid>
    </Stack>
  );
}

export function TryPolicy({ text }: { text: string }) {
  const { t } = useTranslation();
  const [days, setDays] = useState(30);
  const run = useMutation({ mutationFn: () => post<PolicyTrial>('policies:try', { text, days }) });
  return (
    <Stack spacing={2}>
      <Typography variant="body2">{t('policy.tryHelp')} <Help term="simulate" /></Typography>
      <Stack direction="row" spacing={1.5}>
        <TextField select size="small" label={t('policy.tryDays')} value={days} sx={{ minWidth: 140 }} onChange={(e) => setDays(Number(e.target.value))}>
          {[7, 30, 90, 366].map((span) => <MenuItem key={span} value={span}>{t('overview.days', { days: span })}</MenuItem>)}
        </TextField>
        <Button variant="contained" loading={run.isPending} onClick={() => run.mutate()}>{t('policy.tryRun')}</Button>
      </Stack>
      {run.isError && <Banner severity="error"><ErrorText error={run.error} /></Banner>}
      {run.data && <TrialResult trial={run.data} />}
    </Stack>
  );
}
