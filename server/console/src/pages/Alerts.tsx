// The queue: filtered, sorted and grouped by the server, worked by keyboard.
import { Alert as Banner, Box, Button, Chip, Dialog, DialogContent, DialogTitle, Paper, Stack, Table, TableBody, TableCell, TableHead, TableRow, TextField, Typography } from '@mui/material';
import { useQuery } from '@tanstack/react-query';
import { memo, useCallback, useEffect, useId, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useNavigate } from 'react-router-dom';

import { get } from '../api/client';
import type { AlertGroup, Session } from '../api/types';
import { formatNumber, formatTime, SEVERITIES } from '../format';
import { useMay } from '../may';
import { BulkBar, BulkProgress, type Chosen, countOf, useBulk } from '../parts/Bulk';
import { CaseButton } from '../parts/CaseDialog';
import { CloseDialog } from '../parts/Close';
import { DecisionDialog } from '../parts/Grant';
import { type Queue, QueueTable, useQueue } from '../parts/Queue';
import { SavedSearches, type SearchOf, SearchTrouble, useSearchOf } from '../parts/SavedSearches';
import { SeverityChip } from '../parts/Shown';
import { Empty, ErrorText, Loaded } from '../parts/State';
import { Suppressions } from '../parts/Suppress';
import { changed, GROUPS, OPEN } from '../searches';

const KINDS = ['transfer_blocked', 'transfer_observed', 'transfer_alerted', 'data_landed', 'data_lies', 'lost_device', 'device_lost', 'device_cloned', 'people_carried', 'past_storage', 'stocktake_due', 'stocktake_overdue', 'device_blocked', 'tamper', 'medium_bypassed', 'chain_restarted', 'event_gap', 'terminal_silent', 'silent_in_use', 'site_silent', 'core_silent', 'agent_health', 'policy_undone', 'policy_refused', 'sink_failing', 'log_restored', 'rollout_halted', 'renewal_asked', 'certificate_expiring', 'certificate_copied', 'approval_request', 'containment', 'unlock_request', 'maintenance_unlock', 'code_used', 'code_never_issued', 'code_used_again', 'code_used_revoked', 'code_used_by_issuer', 'code_refused', 'identify_refused', 'alert_overdue', 'review_overdue'];
// Chosen from a group or by a link; each is a chip that can be taken away.
const CHOSEN = ['person', 'device_id', 'terminal', 'rule'] as const;
const KEYS = [['j', 'down'], ['k', 'up'], ['Enter', 'open'], ['x', 'mark'], ['Shift+X', 'markAll'], ['a', 'ack'], ['m', 'mine'], ['c', 'close'], ['Esc', 'clear'], ['?', 'keys']] as const;

function wishOf(query: URLSearchParams) {
  const of = (name: string, otherwise = '') => query.get(name) ?? otherwise;
  return { state: of('state', OPEN), severity: of('severity'), kind: of('kind'), owner: of('owner'), sort: of('sort', 'newest'), group: of('group'), person: of('person'), device_id: of('device_id'), terminal: of('terminal'), rule: of('rule') };
}

type Wish = ReturnType<typeof wishOf>;

function filterOf({ state, severity, kind, owner, person, device_id, terminal, rule }: Wish, session: Session): Record<string, string> {
  return { state: state === 'all' ? '' : state, severity, kind, person, device_id, terminal, rule, assignee: owner === 'mine' ? session.user : '', unassigned: owner === 'none' ? 'true' : '' };
}

// The browser's own list: it opens and closes without holding the page.
function Choice({ label, value, words, onChange }: { label: string; value: string; words: [string, string][]; onChange: (value: string) => void }) {
  const id = useId();
  return (
    <TextField select id={id} size="small" label={label} value={value || ' '} sx={{ minWidth: 132, maxWidth: 220 }} slotProps={{ select: { native: true } }} onChange={(e) => onChange(e.target.value)}>
      {words.map(([word, text]) => <option key={word} value={word}>{text}</option>)}
      {/* Of a link or a saved search: a value that is not offered here. */}
      {value !== '' && !words.some(([word]) => word === value) && <option value={value}>{value}</option>}
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

// Not drawn again while the queue below it scrolls.
const FilterBar = memo(function FilterBar({ search, onPick, onKeys }: { search: SearchOf; onPick: (part: Partial<Wish>) => void; onKeys: () => void }) {
  const { t } = useTranslation();
  const wish = wishOf(search.query);
  return (
    <>
      <Stack direction="row" useFlexGap sx={{ gap: 1.5, mb: 1.5, alignItems: 'center', flexWrap: 'wrap' }}>
        <Typography component="h1" variant="h5" sx={{ flexGrow: 1 }}>{t('alert.queue')}</Typography>
        <SavedSearches of={search} />
        <Button size="small" variant="outlined" onClick={onKeys}>{t('keys.button')}</Button>
      </Stack>
      <Stack direction="row" useFlexGap sx={{ gap: 1.5, mb: 1.5, alignItems: 'center', flexWrap: 'wrap' }}>
        <Choice label={t('alert.state')} value={wish.state} onChange={(state) => onPick({ state })} words={[[OPEN, t('alert.open')], ['new', t('state.new')], ['acknowledged', t('state.acknowledged')], ['in_progress', t('state.in_progress')], ['closed', t('state.closed')], ['all', t('alert.all')]]} />
        <Choice label={t('alert.severity')} value={wish.severity} onChange={(word) => onPick({ severity: word.trim() })} words={[[' ', t('alert.all')], ...SEVERITIES.map((word): [string, string] => [word, t(`severity.${word}`)])]} />
        <Choice label={t('alert.kind')} value={wish.kind} onChange={(word) => onPick({ kind: word.trim() })} words={[[' ', t('alert.all')], ...KINDS.map((word): [string, string] => [word, t(`alertKind.${word}`)])]} />
        <Choice label={t('alert.assignee')} value={wish.owner} onChange={(word) => onPick({ owner: word.trim() })} words={[[' ', t('alert.all')], ['mine', t('alert.mine')], ['none', t('alert.nobody')]]} />
        <Choice label={t('alert.sort')} value={wish.sort} onChange={(word) => onPick({ sort: word })} words={(['newest', 'oldest', 'severity'] as const).map((word): [string, string] => [word, t(`sort.${word}`)])} />
        <Choice label={t('alert.group')} value={wish.group} onChange={(word) => onPick({ group: word.trim() })} words={[[' ', t('app.none')], ...GROUPS.map((word): [string, string] => [word, t(`group.${word}`)])]} />
      </Stack>
      <Stack direction="row" useFlexGap sx={{ gap: 1, '&:not(:empty)': { mb: 1 }, flexWrap: 'wrap' }}>
        {CHOSEN.filter((name) => wish[name] !== '').map((name) => (
          <Chip key={name} label={`${t(`group.${name}`)}: ${wish[name]}`} onDelete={() => onPick({ [name]: '' })} />
        ))}
      </Stack>
    </>
  );
});

const CHANGES = { ack: { state: 'acknowledged' }, mine: { state: 'in_progress' } };

// The row that the keys stand on: a place, or, once it was moved there, an
// alert wherever it stands now.
function useCurrent(queue: Queue) {
  const [at, setAt] = useState<{ index: number; id: number | null }>({ index: 0, id: null });
  const here = queue.rowAt(at.index);
  const moved = at.id !== null && here?.alert_id !== at.id ? queue.placeOf(at.id) : null;
  const index = Math.min(moved ?? at.index, Math.max(0, queue.total - 1));
  const go = (to: number) => {
    const next = Math.max(0, Math.min(to, queue.total - 1));
    setAt({ index: next, id: queue.rowAt(next)?.alert_id ?? null });
  };
  return { index, current: queue.rowAt(index), go, restart: () => setAt({ index: 0, id: null }) };
}

export function Alerts({ session }: { session: Session }) {
  const mayUpdate = useMay()('UpdateAlert');
  const { t } = useTranslation();
  const navigate = useNavigate();
  const search = useSearchOf('alerts');
  const wish = wishOf(search.query);
  const filter = filterOf(wish, session);
  const { sort, group } = wish;
  const queue = useQueue(filter, sort, group === '' && search.ready);
  const { index, current, go, restart } = useCurrent(queue);
  const [marked, setMarked] = useState<ReadonlySet<number>>(new Set());
  const [all, setAll] = useState<Exclude<Chosen, { ids: number[] }> | null>(null);
  const [dialog, setDialog] = useState<'close' | 'keys' | 'ack' | 'mine' | null>(null);
  const unmark = () => {
    setMarked(new Set());
    setAll(null);
  };
  const bulk = useBulk(unmark);
  const busy = bulk.run.isPending;
  // What is marked, or the row the keys stand on.
  const chosen: Chosen = all ?? { ids: marked.size > 0 ? [...marked] : current ? [current.alert_id] : [] };
  const some = all !== null || marked.size > 0;
  const mayAct = mayUpdate && countOf(chosen) > 0 && !busy;
  const run = (body: object) => {
    setDialog(null);
    bulk.run.mutate({ chosen, body });
  };
  const bodyOf = (what: 'ack' | 'mine') => (what === 'ack' ? CHANGES.ack : { ...CHANGES.mine, assignee: session.user });
  // Everything that matches is asked about once more.
  const act = (what: 'ack' | 'mine') => {
    if (!mayAct) return;
    if (all) setDialog(what);
    else run(bodyOf(what));
  };
  // A mark taken out of everything leaves no marks.
  const mark = useCallback((id: number) => {
    setAll(null);
    setMarked((old) => {
      const next = new Set(old);
      if (!next.delete(id)) next.add(id);
      return next;
    });
  }, []);
  const markAll = () => {
    const wasAll = all !== null;
    unmark();
    if (!wasAll && mayUpdate && queue.total > 0) setAll({ filter, count: queue.total, upto_id: queue.newestId });
  };

  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const target = event.target as HTMLElement;
      if (target.closest('input:not([type=checkbox]), textarea, select, [role=combobox], [role=listbox], [role=menu], [role=dialog]') || event.ctrlKey || event.metaKey || event.altKey) return;
      const acts: Record<string, () => void> = {
        j: () => go(index + 1),
        k: () => go(index - 1),
        x: () => { if (current && mayUpdate) mark(current.alert_id); },
        X: markAll,
        a: () => act('ack'),
        m: () => act('mine'),
        c: () => { if (mayAct) setDialog('close'); },
        Escape: unmark,
        '?': () => setDialog('keys'),
      };
      if (event.key === 'Enter' && current && !target.closest('a, button')) void navigate(`/alerts/${current.alert_id}`);
      const todo = acts[event.key];
      if (!todo) return;
      event.preventDefault();
      todo();
    };
    window.addEventListener('keydown', onKey);
    return () => window.removeEventListener('keydown', onKey);
  });

  const pick = (part: Partial<Wish>) => {
    restart();
    unmark();
    const plain = { ...part, ...(part.state === OPEN && { state: '' }), ...(part.sort === 'newest' && { sort: '' }) };
    search.setQuery(changed(search.query, plain), { replace: true });
  };
  const newest = useRef(pick);
  useEffect(() => { newest.current = pick; });
  const onPick = useCallback((part: Partial<Wish>) => newest.current(part), []);
  const onKeys = useCallback(() => setDialog('keys'), []);
  return (
    <>
      <FilterBar search={search} onPick={onPick} onKeys={onKeys} />
      <SearchTrouble of={search} />
      {mayUpdate && some && !busy && (
        <BulkBar chosen={chosen} busy={busy} onAck={() => act('ack')} onMine={() => act('mine')} onClose={() => setDialog('close')} onClear={unmark}>
          {'ids' in chosen && <CaseButton items={{ alert_ids: chosen.ids }} />}
        </BulkBar>
      )}
      <BulkProgress bulk={bulk} />
      {bulk.run.isError && <Banner severity="error" sx={{ mb: 1 }}><ErrorText error={bulk.run.error} /></Banner>}
      {search.ready && (group ? (
        <Groups by={group} filter={filter} onChoose={(value) => pick({ group: '', [group]: value })} />
      ) : (
        <QueueTable queue={queue} search={`${JSON.stringify(filter)} ${sort}`} at={index} isMarked={(id) => all !== null || marked.has(id)} mayMark={mayUpdate && !busy} allMarked={all !== null} onMark={mark} onMarkAll={markAll} />
      ))}
      <Box sx={{ mt: 1, typography: 'body2', color: 'text.secondary' }}>{t('alert.keys')}</Box>
      <Suppressions />
      {dialog === 'keys' && <KeyHelp onDone={() => setDialog(null)} />}
      {dialog === 'close' && (
        <CloseDialog title={t('alert.closeMany', { count: countOf(chosen) })} busy={busy} error={null} onClose={run} onDone={() => setDialog(null)} />
      )}
      {(dialog === 'ack' || dialog === 'mine') && (
        <DecisionDialog title={t(dialog === 'ack' ? 'alert.ackMany' : 'alert.mineMany', { value: formatNumber(countOf(chosen)) })} error={null} act={t(dialog === 'ack' ? 'alert.ack' : 'alert.assignMe')} busy={busy} enterActs onAct={() => run(bodyOf(dialog))} onDone={() => setDialog(null)}>
          <Typography>{t('alert.manyHow')}</Typography>
        </DecisionDialog>
      )}
    </>
  );
}
