// The queue: filtered, sorted and grouped by the server, worked by keyboard.
import { Alert as Banner, Box, Button, Checkbox, Chip, Dialog, DialogContent, DialogTitle, Link, MenuItem, Paper, Stack, Table, TableBody, TableCell, TableHead, TableRow, TextField, Typography } from '@mui/material';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link as RouterLink, useNavigate, useSearchParams } from 'react-router-dom';

import { get, post } from '../api/client';
import type { Alert, AlertGroup, BulkResult, Session } from '../api/types';
import { formatNumber, formatTime, SEVERITIES } from '../format';
import { useMay } from '../may';
import { CaseButton } from '../parts/CaseDialog';
import { CloseDialog } from '../parts/Close';
import { DueChip } from '../parts/Due';
import { Rows, rowsOf, usePages } from '../parts/Rows';
import { SeverityChip, StateChip } from '../parts/Shown';
import { Empty, ErrorText, Loaded } from '../parts/State';
import { Suppressions } from '../parts/Suppress';
import { alertTitle } from '../story';

const OPEN = 'new,acknowledged,in_progress';
// Nobody is behind these.
const OF_A_MACHINE = ['terminal_silent', 'site_silent', 'event_gap', 'agent_health', 'policy_undone', 'policy_refused', 'sink_failing', 'log_restored', 'rollout_halted', 'chain_restarted', 'renewal_asked', 'certificate_expiring', 'certificate_copied', 'alert_overdue', 'review_overdue'];
const NARROW = { whiteSpace: 'nowrap', maxWidth: '11rem', overflow: 'hidden', textOverflow: 'ellipsis' };
const KINDS = ['transfer_blocked', 'transfer_observed', 'transfer_alerted', 'data_landed', 'data_lies', 'lost_device', 'device_lost', 'device_cloned', 'past_storage', 'stocktake_due', 'stocktake_overdue', 'device_blocked', 'tamper', 'medium_bypassed', 'chain_restarted', 'event_gap', 'terminal_silent', 'site_silent', 'core_silent', 'agent_health', 'policy_undone', 'policy_refused', 'sink_failing', 'log_restored', 'rollout_halted', 'renewal_asked', 'certificate_expiring', 'certificate_copied', 'approval_request', 'containment', 'unlock_request', 'maintenance_unlock', 'code_used', 'code_never_issued', 'code_used_again', 'code_used_revoked', 'code_used_by_issuer', 'code_refused', 'identify_refused', 'alert_overdue', 'review_overdue'];
// Chosen from a group or by a link; each is a chip that can be taken away.
const CHOSEN = ['person', 'device_id', 'terminal', 'rule'] as const;
const GROUPS = ['person', 'device_id', 'terminal', 'rule', 'kind'] as const;
const KEYS = [['j', 'down'], ['k', 'up'], ['Enter', 'open'], ['x', 'mark'], ['Shift+X', 'markAll'], ['a', 'ack'], ['m', 'mine'], ['c', 'close'], ['Esc', 'clear'], ['?', 'keys']] as const;

function useFilter(session: Session) {
  const [query, setQuery] = useSearchParams();
  const of = (name: string, otherwise = '') => query.get(name) ?? otherwise;
  const wish = { state: of('state', OPEN), severity: of('severity'), kind: of('kind'), owner: of('owner'), sort: of('sort', 'newest'), group: of('group'), person: of('person'), device_id: of('device_id'), terminal: of('terminal'), rule: of('rule') };
  const { owner, group, sort, ...same } = wish;
  const filter: Record<string, string> = { ...same, state: wish.state.trim(), assignee: owner === 'mine' ? session.user : '', unassigned: owner === 'none' ? 'true' : '' };
  const choose = (change: Partial<typeof wish>) => {
    const next = { ...wish, ...change };
    setQuery(Object.entries(next).filter(([name, value]) => value !== '' && !(name === 'state' && value === OPEN) && !(name === 'sort' && value === 'newest')), { replace: true });
  };
  return { wish, filter, sort, group, choose };
}

function Choice({ label, value, words, onChange }: { label: string; value: string; words: [string, string][]; onChange: (value: string) => void }) {
  return (
    <TextField select size="small" label={label} value={value || ' '} sx={{ minWidth: 132 }} onChange={(e) => onChange(e.target.value)}>
      {words.map(([word, text]) => <MenuItem key={word} value={word}>{text}</MenuItem>)}
    </TextField>
  );
}

function Groups({ by, filter, onChoose }: { by: string; filter: Record<string, string>; onChoose: (value: string) => void }) {
  const { t } = useTranslation();
  const query = useQuery({ queryKey: ['groups', by, filter], queryFn: () => get<{ rows: AlertGroup[] }>('alerts:groups', { ...filter, by }) });
  const nameOf = (group: AlertGroup) => (by === 'kind' ? t(`alertKind.${group.value}`, { defaultValue: group.value }) : group.value) || t(by === 'rule' ? 'app.none' : 'app.unknown');
  return (
    <Loaded query={query}>
      {({ rows }) => (
        <Paper variant="outlined" sx={{ overflowX: 'auto' }}>
          <Table size="small" aria-label={t('alert.groups')}>
            <TableHead><TableRow><TableCell>{t(`group.${by}`)}</TableCell><TableCell align="right">{t('alert.count')}</TableCell><TableCell>{t('alert.worst')}</TableCell><TableCell>{t('alert.newest')}</TableCell></TableRow></TableHead>
            <TableBody>
              {rows.map((group) => (
                <TableRow key={group.value} hover>
                  <TableCell sx={{ overflowWrap: 'anywhere' }}>
                    {group.value ? <Button size="small" onClick={() => onChoose(group.value)} sx={{ textAlign: 'left' }}>{nameOf(group)}</Button> : nameOf(group)}
                  </TableCell>
                  <TableCell align="right">{formatNumber(group.count)}</TableCell>
                  <TableCell><SeverityChip severity={group.severity} /></TableCell>
                  <TableCell sx={{ whiteSpace: 'nowrap' }}>{formatTime(group.newest_time)}</TableCell>
                </TableRow>
              ))}
            </TableBody>
          </Table>
          {rows.length === 0 && <Empty />}
        </Paper>
      )}
    </Loaded>
  );
}

function KeyHelp({ onDone }: { onDone: () => void }) {
  const { t } = useTranslation();
  return (
    <Dialog open onClose={onDone}>
      <DialogTitle>{t('keys.title')}</DialogTitle>
      <DialogContent>
        <Table size="small"><TableBody>
          {KEYS.map(([key, word]) => <TableRow key={key}><TableCell><kbd>{key}</kbd></TableCell><TableCell>{t(`keys.${word}`)}</TableCell></TableRow>)}
        </TableBody></Table>
        <Button sx={{ mt: 1 }} onClick={onDone}>{t('app.close')}</Button>
      </DialogContent>
    </Dialog>
  );
}

export function Alerts({ session }: { session: Session }) {
  const mayUpdate = useMay()('UpdateAlert');
  const { t } = useTranslation();
  const navigate = useNavigate();
  const client = useQueryClient();
  const { wish, filter, sort, group, choose } = useFilter(session);
  const pages = usePages<Alert>('alerts', 'alerts', { ...filter, sort });
  const rows = group ? [] : rowsOf(pages);
  const [at, setAt] = useState(0);
  const [marked, setMarked] = useState<ReadonlySet<number>>(new Set());
  const [dialog, setDialog] = useState<'close' | 'keys' | null>(null);
  const current = rows[at];
  // What is marked, or the row the keys stand on. What left the queue is not.
  const there = rows.filter((row) => marked.has(row.alert_id)).map((row) => row.alert_id);
  const chosen = there.length > 0 ? there : current ? [current.alert_id] : [];
  const change = useMutation({
    mutationFn: (body: object) => post<BulkResult>('alerts:update', { alert_ids: chosen, ...body }),
    onSuccess: () => {
      setMarked(new Set());
      setDialog(null);
    },
    onSettled: () => { for (const key of ['alerts', 'groups', 'overview']) void client.invalidateQueries({ queryKey: [key] }); },
  });
  const mark = (id: number) => setMarked((old) => {
    const next = new Set(old);
    if (!next.delete(id)) next.add(id);
    return next;
  });
  const markAll = () => setMarked(there.length === rows.length ? new Set() : new Set(rows.map((row) => row.alert_id)));

  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const target = event.target as HTMLElement;
      if (target.closest('input:not([type=checkbox]), textarea, [role=combobox], [role=listbox], [role=dialog]') || event.ctrlKey || event.metaKey || event.altKey) return;
      const acts: Record<string, () => void> = {
        j: () => setAt(Math.min(at + 1, rows.length - 1)),
        k: () => setAt(Math.max(at - 1, 0)),
        x: () => current && mark(current.alert_id),
        X: markAll,
        a: () => { if (mayUpdate && chosen.length > 0) change.mutate({ state: 'acknowledged' }); },
        m: () => { if (mayUpdate && chosen.length > 0) change.mutate({ state: 'in_progress', assignee: session.user }); },
        c: () => { if (mayUpdate && chosen.length > 0) setDialog('close'); },
        Escape: () => setMarked(new Set()),
        '?': () => setDialog('keys'),
      };
      if (event.key === 'Enter' && current && !target.closest('a, button')) void navigate(`/alerts/${current.alert_id}`);
      const act = acts[event.key];
      if (!act) return;
      event.preventDefault();
      act();
    };
    window.addEventListener('keydown', onKey);
    return () => window.removeEventListener('keydown', onKey);
  });

  useEffect(() => {
    document.querySelector('tr[data-at=true]')?.scrollIntoView({ block: 'nearest' });
  }, [at]);

  const pick = (part: Partial<typeof wish>) => {
    setAt(0);
    setMarked(new Set());
    choose(part);
  };
  const failed = change.data?.failed ?? [];
  return (
    <>
      <Stack direction="row" useFlexGap sx={{ gap: 1.5, mb: 2, alignItems: 'center', flexWrap: 'wrap' }}>
        <Typography component="h1" variant="h5" sx={{ flexGrow: 1, width: { xs: '100%', lg: 'auto' } }}>{t('alert.queue')}</Typography>
        <Choice label={t('alert.state')} value={wish.state} onChange={(state) => pick({ state })} words={[[OPEN, t('alert.open')], ['new', t('state.new')], ['closed', t('state.closed')], [' ', t('alert.all')]]} />
        <Choice label={t('alert.severity')} value={wish.severity} onChange={(word) => pick({ severity: word.trim() })} words={[[' ', t('alert.all')], ...SEVERITIES.map((word): [string, string] => [word, t(`severity.${word}`)])]} />
        <Choice label={t('alert.kind')} value={wish.kind} onChange={(word) => pick({ kind: word.trim() })} words={[[' ', t('alert.all')], ...KINDS.map((word): [string, string] => [word, t(`alertKind.${word}`)])]} />
        <Choice label={t('alert.assignee')} value={wish.owner} onChange={(word) => pick({ owner: word.trim() })} words={[[' ', t('alert.all')], ['mine', t('alert.mine')], ['none', t('alert.nobody')]]} />
        <Choice label={t('alert.sort')} value={wish.sort} onChange={(word) => pick({ sort: word })} words={(['newest', 'oldest', 'severity'] as const).map((word): [string, string] => [word, t(`sort.${word}`)])} />
        <Choice label={t('alert.group')} value={wish.group} onChange={(word) => pick({ group: word.trim() })} words={[[' ', t('app.none')], ...GROUPS.map((word): [string, string] => [word, t(`group.${word}`)])]} />
        <Button size="small" variant="outlined" onClick={() => setDialog('keys')}>{t('keys.button')}</Button>
      </Stack>
      <Stack direction="row" useFlexGap sx={{ gap: 1, mb: 1, flexWrap: 'wrap' }}>
        {CHOSEN.filter((name) => wish[name] !== '').map((name) => (
          <Chip key={name} label={`${t(`group.${name}`)}: ${wish[name]}`} onDelete={() => pick({ [name]: '' })} />
        ))}
      </Stack>
      {mayUpdate && there.length > 0 && (
        <Paper variant="outlined" role="region" aria-label={t('alert.bulk')} sx={{ p: 1, mb: 1, position: 'sticky', top: 56, zIndex: 2, display: 'flex', gap: 1, alignItems: 'center', flexWrap: 'wrap' }}>
          <Typography variant="body2" sx={{ flexGrow: 1 }}>{t('alert.marked', { value: formatNumber(there.length) })}</Typography>
          <Button size="small" disabled={change.isPending} onClick={() => change.mutate({ state: 'acknowledged' })}>{t('alert.ack')}</Button>
          <Button size="small" disabled={change.isPending} onClick={() => change.mutate({ state: 'in_progress', assignee: session.user })}>{t('alert.assignMe')}</Button>
          <Button size="small" variant="contained" disabled={change.isPending} onClick={() => setDialog('close')}>{t('alert.closeAs')}…</Button>
          <CaseButton items={{ alert_ids: there }} />
          <Button size="small" color="inherit" onClick={() => setMarked(new Set())}>{t('alert.unmark')}</Button>
        </Paper>
      )}
      {change.isError && dialog === null && <Banner severity="error" sx={{ mb: 1 }}><ErrorText error={change.error} /></Banner>}
      {failed.length > 0 && (
        <Banner severity="warning" sx={{ mb: 1 }} onClose={() => change.reset()}>
          {t('alert.notAll', { updated: formatNumber(change.data?.updated ?? 0) })}
          <ul>{failed.slice(0, 5).map((one) => <li key={one.alert_id}>{t('alert.one', { id: one.alert_id })}: {one.message}</li>)}</ul>
        </Banner>
      )}
      {group ? (
        <Groups by={group} filter={filter} onChoose={(value) => pick({ group: '', [group]: value })} />
      ) : (
        <Rows
          label={t('alert.queue')}
          pages={pages}
          head={['', t('alert.severity'), t('alert.title'), t('alert.person'), t('alert.terminal'), t('alert.when'), t('alert.state'), t('alert.assignee')]}
          card={(alert) => (
            <Box component="li" key={alert.alert_id} sx={{ pb: 1.5, borderBottom: 1, borderColor: 'divider', overflowWrap: 'anywhere', '&:last-child': { border: 0, pb: 0 } }}>
              <Stack direction="row" spacing={1} sx={{ alignItems: 'center', mb: 0.5 }}><SeverityChip severity={alert.severity} /><StateChip state={alert.state} /><DueChip alert={alert} /></Stack>
              <Link component={RouterLink} to={`/alerts/${alert.alert_id}`} color="inherit" sx={{ fontWeight: alert.state === 'new' ? 600 : 400 }}>{alertTitle(alert, t)}</Link>
              <Typography variant="caption" component="div" color="text.secondary">{formatTime(alert.create_time)} · {alert.terminal}{alert.person && ` · ${alert.person}`}</Typography>
            </Box>
          )}
          row={(alert, index) => (
            <TableRow key={alert.alert_id} hover selected={index === at} data-at={index === at} sx={{ cursor: 'pointer', ...(index === at && { boxShadow: (theme) => `inset 3px 0 ${theme.palette.primary.main}` }) }} onClick={() => navigate(`/alerts/${alert.alert_id}`)}>
              <TableCell padding="checkbox" onClick={(event) => event.stopPropagation()}>
                <Checkbox size="small" checked={marked.has(alert.alert_id)} onChange={() => mark(alert.alert_id)} slotProps={{ input: { 'aria-label': t('alert.markOne', { id: alert.alert_id }) } }} />
              </TableCell>
              <TableCell><SeverityChip severity={alert.severity} /></TableCell>
              <TableCell sx={{ overflowWrap: 'anywhere' }}>
                <a
                  href={`/alerts/${alert.alert_id}`}
                  style={{ color: 'inherit', textDecoration: 'none', fontWeight: alert.state === 'new' ? 600 : 400 }}
                  onClick={(event) => {
                    event.preventDefault();
                    void navigate(`/alerts/${alert.alert_id}`);
                  }}
                >
                  {alertTitle(alert, t)}
                </a>
              </TableCell>
              <TableCell sx={NARROW}>{(alert.account ? `${alert.person} (${alert.account})` : alert.person) || (OF_A_MACHINE.includes(alert.kind) ? '–' : t('app.unknown'))}</TableCell>
              <TableCell sx={NARROW}>{alert.terminal}</TableCell>
              <TableCell sx={{ whiteSpace: 'nowrap' }}>{formatTime(alert.create_time)}</TableCell>
              <TableCell><Stack direction="row" useFlexGap spacing={0.5} sx={{ flexWrap: 'wrap' }}><StateChip state={alert.state} /><DueChip alert={alert} /></Stack></TableCell>
              <TableCell>{alert.assignee || '–'}</TableCell>
            </TableRow>
          )}
        />
      )}
      <Box sx={{ mt: 1, typography: 'body2', color: 'text.secondary' }}>{t('alert.keys')}</Box>
      <Suppressions />
      {dialog === 'keys' && <KeyHelp onDone={() => setDialog(null)} />}
      {dialog === 'close' && (
        <CloseDialog title={t('alert.closeMany', { count: chosen.length })} busy={change.isPending} error={change.isError ? change.error : null} onClose={(closing) => change.mutate(closing)} onDone={() => setDialog(null)} />
      )}
    </>
  );
}
