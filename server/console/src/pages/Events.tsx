import { Alert, Button, Chip, LinearProgress, Menu, MenuItem, Stack, TableCell, TableRow, TextField, Typography } from '@mui/material';
import { useMutation } from '@tanstack/react-query';
import { useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';

import type { Event } from '../api/types';
import { deviceName, fileName, formatNumber, formatTime, personOf } from '../format';
import { useMay } from '../may';
import { CaseButton } from '../parts/CaseDialog';
import { DeviceLink } from '../parts/DeviceLink';
import { exportEvents, save } from '../parts/exportEvents';
import { Rows, usePages } from '../parts/Rows';
import { OutcomeChip } from '../parts/Shown';
import { SavedSearches, SearchTrouble, useSearchOf } from '../parts/SavedSearches';
import { ErrorText } from '../parts/State';
import { changed, EVENT_KINDS, OUTCOMES } from '../searches';

const NAMES = ['from', 'to', 'kind', 'outcome', 'terminal', 'person', 'device_id', 'file', 'file_hash', 'data_owner'] as const;
type Name = (typeof NAMES)[number];

function detail(event: Event, people: string): string {
  if (event.transfer) {
    return `${fileName(event.transfer.file_path)} · ${people} ${formatNumber(event.transfer.persons)}`;
  }
  return event.request?.purpose ?? event.reason;
}

// A day of the reader's calendar as the API's time: its beginning, or its end.
function dayToUtc(day: string, days: number): string {
  const start = new Date(`${day}T00:00:00`);
  if (Number.isNaN(start.getTime())) return '';
  start.setDate(start.getDate() + days);
  return start.toISOString().replace('.000Z', 'Z');
}

function Export({ filter }: { filter: Record<string, string> }) {
  const { t } = useTranslation();
  const [anchor, setAnchor] = useState<HTMLElement | null>(null);
  const [count, setCount] = useState(0);
  const abort = useRef<AbortController | null>(null);
  const run = useMutation({
    mutationFn: async (form: 'csv' | 'json') => {
      setCount(0);
      abort.current = new AbortController();
      save(await exportEvents(filter, form, abort.current.signal, setCount), `sekisho-events.${form === 'csv' ? 'csv' : 'jsonl'}`);
    },
  });
  const failed = run.isError && !abort.current?.signal.aborted;
  return (
    <>
      <Button variant="outlined" aria-haspopup="menu" disabled={run.isPending} onClick={(e) => setAnchor(e.currentTarget)}>{t('event.export')}…</Button>
      <Menu anchorEl={anchor} open={anchor !== null} onClose={() => setAnchor(null)}>
        {(['csv', 'json'] as const).map((form) => (
          <MenuItem key={form} onClick={() => { setAnchor(null); run.mutate(form); }}>{t(`event.${form}`)}</MenuItem>
        ))}
      </Menu>
      {run.isPending && (
        <Stack direction="row" spacing={1} sx={{ width: '100%', alignItems: 'center' }}>
          <LinearProgress aria-label={t('event.export')} sx={{ flexGrow: 1 }} />
          <Typography variant="body2">{t('event.exported', { rows: formatNumber(count) })}</Typography>
          <Button size="small" onClick={() => abort.current?.abort()}>{t('app.cancel')}</Button>
        </Stack>
      )}
      {failed && <Alert severity="error" sx={{ width: '100%' }}><ErrorText error={run.error} /></Alert>}
    </>
  );
}

// Looking for a person in the history needs its reason, which is written down.
function PersonSearch({ person, reason, onSearch }: { person: string; reason: string; onSearch: (person: string, reason: string) => void }) {
  const { t } = useTranslation();
  const [name, setName] = useState(person);
  const [text, setText] = useState(reason);
  const asked = name.trim() !== '';
  return (
    <Stack component="form" direction="row" useFlexGap sx={{ gap: 1.5, flexWrap: 'wrap', alignItems: 'center' }}
      onSubmit={(event) => { event.preventDefault(); onSearch(name.trim(), asked ? text.trim() : ''); }}>
      <TextField size="small" label={t('who.person')} value={name} onChange={(e) => setName(e.target.value)} />
      {asked && <TextField size="small" required label={t('event.why')} value={text} onChange={(e) => setText(e.target.value)} slotProps={{ htmlInput: { minLength: 3, maxLength: 160 } }} />}
      {(asked || person !== '') && <Button type="submit" variant="outlined" disabled={asked && text.trim().length < 3}>{t('event.search')}</Button>}
    </Stack>
  );
}

export function Events() {
  const { t } = useTranslation();
  const mayCase = useMay()('OpenCase');
  // Why a person is looked for: asked for each person and each time a saved
  // search is opened, kept by no bookmark.
  const [why, setWhy] = useState({ person: '', reason: '' });
  // In the address, so that a search can be linked to and kept as a bookmark.
  const search = useSearchOf('events', () => setWhy({ person: '', reason: '' }));
  const { query, setQuery } = search;
  const wish = Object.fromEntries(NAMES.map((name) => [name, query.get(name) ?? ''])) as Record<Name, string>;
  const filter: Record<string, string> = { ...wish, from: wish.from && dayToUtc(wish.from, 0), to: wish.to && dayToUtc(wish.to, 1), file_hash: wish.file_hash.trim().toLowerCase() };
  const reason = why.person === wish.person ? why.reason : '';
  const told = wish.person === '' || reason !== '';
  if (wish.person !== '') filter.reason = reason;
  const pages = usePages<Event>('events', 'events', filter, told && search.ready);
  const change = (name: Name, value: string) =>
    setQuery(changed(query, { [name]: value }), { replace: true });
  const field = (name: Name, label: string) => (
    <TextField size="small" label={label} value={wish[name]} onChange={(e) => change(name, e.target.value)} />
  );
  const day = (name: 'from' | 'to', label: string) => (
    <TextField size="small" type="date" label={label} value={wish[name]} slotProps={{ inputLabel: { shrink: true } }} onChange={(e) => change(name, e.target.value)} />
  );
  const choice = (name: 'kind' | 'outcome', label: string, words: string[]) => (
    <TextField select size="small" label={label} value={wish[name] || ' '} sx={{ minWidth: 150 }} onChange={(e) => change(name, e.target.value.trim())}>
      <MenuItem value=" ">{t('alert.all')}</MenuItem>
      {words.map((word) => <MenuItem key={word} value={word}>{t(`${name}.${word}`)}</MenuItem>)}
    </TextField>
  );
  const active = NAMES.filter((name) => wish[name] !== '');
  return (
    <>
      <Stack direction="row" spacing={2} useFlexGap sx={{ mb: 2, alignItems: 'center', flexWrap: 'wrap' }}>
        <Typography component="h1" variant="h5" sx={{ flexGrow: 1 }}>{t('event.list')}</Typography>
        {active.length > 0 && <Chip label={t('event.clear')} onDelete={() => setQuery({}, { replace: true })} onClick={() => setQuery({}, { replace: true })} />}
        <SavedSearches of={search} />
        {told && search.ready && <Export filter={filter} />}
      </Stack>
      <Stack direction="row" spacing={1.5} useFlexGap sx={{ mb: 2, alignItems: 'center', flexWrap: 'wrap' }}>
        {day('from', t('event.from'))}
        {day('to', t('event.to'))}
        {choice('kind', t('event.kind'), EVENT_KINDS)}
        {choice('outcome', t('event.outcome'), OUTCOMES)}
        {field('terminal', t('terminal.name'))}
        <PersonSearch key={`${wish.person} ${query.get('saved') ?? ''} ${reason}`} person={wish.person} reason={reason} onSearch={(person, text) => { setWhy({ person, reason: text }); change('person', person); }} />
        {field('device_id', t('event.device'))}
        {field('file', t('event.file'))}
        {field('file_hash', t('transfer.hash'))}
        {field('data_owner', t('dataSets.owner'))}
      </Stack>
      <SearchTrouble of={search} />
      {!told && search.ready && <Alert severity="info">{t('event.tellWhy', { person: wish.person })}</Alert>}
      {told && search.ready && <Rows
        label={t('event.list')}
        pages={pages}
        head={[t('event.occurred'), t('event.kind'), t('event.outcome'), t('alert.person'), t('terminal.name'), t('event.device'), t('event.detail'), ...(mayCase ? [t('case.word')] : [])]}
        row={(event) => (
          <TableRow key={event.row_id}>
            <TableCell sx={{ whiteSpace: 'nowrap' }}>{formatTime(event.occur_time)}</TableCell>
            <TableCell>{t(`kind.${event.kind}`, { defaultValue: event.kind })}</TableCell>
            <TableCell>
              <OutcomeChip outcome={event.outcome} /> {event.observe_only && event.outcome !== 'none' && <Typography variant="caption">{t('event.observeOnly')}</Typography>}
            </TableCell>
            <TableCell>{personOf(event.who) || '–'}</TableCell>
            <TableCell sx={{ whiteSpace: 'nowrap' }}>{event.terminal}</TableCell>
            <TableCell sx={{ overflowWrap: 'anywhere' }}>
              {event.device && event.device_id ? <DeviceLink id={event.device_id} color="inherit">{deviceName(event.device)}</DeviceLink> : '–'}
            </TableCell>
            <TableCell sx={{ overflowWrap: 'anywhere' }}>{detail(event, t('transfer.persons'))}</TableCell>
            {mayCase && <TableCell><CaseButton items={{ event_row_ids: [event.row_id] }} /></TableCell>}
          </TableRow>
        )}
      />}
    </>
  );
}
