// Searches under a name: opened, kept, changed, shared and removed where they
// are made. By address: ?saved=ID alone fills the page's filters in.
import { Alert as Banner, Button, Checkbox, Chip, Dialog, DialogActions, DialogContent, DialogTitle, Divider, FormControlLabel, ListItemText, ListSubheader, Menu, MenuItem, Stack, Table, TableBody, TableCell, TableHead, TableRow, TextField, Typography } from '@mui/material';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useSearchParams } from 'react-router-dom';

import { get, post } from '../api/client';
import type { SavedSearch, SearchPlace } from '../api/types';
import { useMay } from '../may';
import { type Filters, filtersOf, sameFilters, savedIdOf, unknownFilters } from '../searches';
import { DecisionDialog } from './Grant';
import { Help } from './Help';
import { ErrorText, Waiting } from './State';

const MAX_NAME = 120; // bytes at the server

function useSearches(place: SearchPlace) {
  const may = useMay()('ListSearches');
  const select = useCallback(({ rows }: { rows: SavedSearch[] }) => rows.filter((row) => row.place === place), [place]);
  return useQuery({ queryKey: ['searches'], queryFn: () => get<{ rows: SavedSearch[] }>('searches'), enabled: may, select });
}

// The page's search as its address has it; `ready` when it may be run.
// Stays the same as long as the address and what is saved do.
export function useSearchOf(place: SearchPlace, onRun?: () => void) {
  const [query, setQuery] = useSearchParams();
  const { data: rows, error } = useSearches(place);
  const run = useRef(onRun);
  useEffect(() => { run.current = onRun; });
  const search = useMemo(() => {
    const filters = filtersOf(query);
    const id = savedIdOf(query);
    const saved = rows?.find((row) => row.id === id) ?? null;
    const bare = id !== null && Object.keys(filters).length === 0;
    const unknown = unknownFilters(place, filters);
    const missing = id !== null && rows !== undefined && saved === null;
    return { place, query, setQuery, rows: rows ?? [], error, filters, saved, unknown, missing, fill: bare && saved !== null, waiting: bare && !missing && error === null, ready: unknown.length === 0 && !bare, onRun: () => run.current?.() };
  }, [place, query, setQuery, rows, error]);
  useEffect(() => {
    if (!search.fill || !search.saved) return;
    search.onRun();
    search.setQuery({ ...search.saved.filters, saved: String(search.saved.id) }, { replace: true });
  }, [search]);
  return search;
}

export type SearchOf = ReturnType<typeof useSearchOf>;

// Why the page shows nothing, and what to do about it.
export function SearchTrouble({ of }: { of: SearchOf }) {
  const { t } = useTranslation();
  if (of.waiting) return <Waiting />;
  if (of.error !== null && savedIdOf(of.query) !== null) return <Banner severity="error" sx={{ mb: 2 }}><ErrorText error={of.error} /></Banner>;
  if (of.missing) {
    return (
      <Banner severity="warning" sx={{ mb: 2 }} action={<Button onClick={() => of.setQuery(of.filters, { replace: true })}>{t('search.withoutIt')}</Button>}>
        {t('search.missing', { id: of.query.get('saved') })}
      </Banner>
    );
  }
  if (of.unknown.length === 0) return null;
  const leaveOut = () => {
    const next = new URLSearchParams(of.query);
    for (const [name] of of.unknown) next.delete(name);
    // It is another search then.
    next.delete('saved');
    of.setQuery(next, { replace: true });
  };
  return (
    <Banner severity="warning" sx={{ mb: 2, overflowWrap: 'anywhere' }} action={<Button onClick={leaveOut}>{t('search.leaveOut')}</Button>}>
      {t('search.unknown', { filters: of.unknown.map(([name, value]) => `${name}=${value}`).join(', ') })}
    </Banner>
  );
}

function SaveDialog({ of, onDone }: { of: SearchOf; onDone: () => void }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const mayShare = useMay()('ShareSearch');
  const [name, setName] = useState('');
  const [shared, setShared] = useState(false);
  const send = useMutation({
    mutationFn: async () => {
      const made = await post<SavedSearch>('searches', { place: of.place, name: name.trim(), filters: of.filters });
      return shared ? post<SavedSearch>(`searches:share/${made.id}`, { shared: true }) : made;
    },
    onSuccess: (made) => {
      of.setQuery({ ...of.filters, saved: String(made.id) }, { replace: true });
      onDone();
    },
    onSettled: () => client.invalidateQueries({ queryKey: ['searches'] }),
  });
  return (
    <DecisionDialog title={t('search.save')} error={send.error} act={t('search.keep')} busy={send.isPending} disabled={name.trim() === ''} enterActs onAct={() => send.mutate()} onDone={onDone}>
      <TextField autoFocus required label={t('search.name')} value={name} onChange={(e) => setName(e.target.value)} slotProps={{ htmlInput: { maxLength: MAX_NAME } }} />
      {mayShare && <FormControlLabel control={<Checkbox checked={shared} onChange={(e) => setShared(e.target.checked)} />} label={t('search.shareIt')} />}
      {of.filters.person !== undefined && of.place === 'events' && <Typography variant="body2" color="text.secondary">{t('search.asksWhy')}</Typography>}
    </DecisionDialog>
  );
}

function RenameDialog({ row, onDone }: { row: SavedSearch; onDone: () => void }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const [name, setName] = useState(row.name);
  const send = useMutation({
    mutationFn: () => post<SavedSearch>(`searches/${row.id}`, { name: name.trim() }),
    onSuccess: () => { void client.invalidateQueries({ queryKey: ['searches'] }); onDone(); },
  });
  return (
    <DecisionDialog title={t('search.rename')} error={send.error} act={t('case.save')} busy={send.isPending} disabled={name.trim() === ''} enterActs onAct={() => send.mutate()} onDone={onDone}>
      <TextField autoFocus required label={t('search.name')} value={name} onChange={(e) => setName(e.target.value)} slotProps={{ htmlInput: { maxLength: MAX_NAME } }} />
    </DecisionDialog>
  );
}

function RemoveDialog({ row, onDone }: { row: SavedSearch; onDone: () => void }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const send = useMutation({
    mutationFn: () => post<object>(`searches:remove/${row.id}`, {}),
    onSuccess: () => { void client.invalidateQueries({ queryKey: ['searches'] }); onDone(); },
  });
  return (
    <DecisionDialog title={t('search.removeTitle', { name: row.name })} error={send.error} act={t('search.remove')} color="error" busy={send.isPending} onAct={() => send.mutate()} onDone={onDone}>
      <Typography>{t(row.shared ? 'search.removeShared' : 'search.removeOwn')}</Typography>
    </DecisionDialog>
  );
}

function ManageDialog({ rows, onDone }: { rows: SavedSearch[]; onDone: () => void }) {
  const { t } = useTranslation();
  const may = useMay();
  const client = useQueryClient();
  const [doing, setDoing] = useState<{ what: 'rename' | 'remove'; row: SavedSearch } | null>(null);
  const share = useMutation({
    mutationFn: (row: SavedSearch) => post<SavedSearch>(`searches:share/${row.id}`, { shared: !row.shared }),
    onSettled: () => client.invalidateQueries({ queryKey: ['searches'] }),
  });
  const mayChange = (row: SavedSearch) => row.mine && may('ChangeSearch') && (!row.shared || may('ShareSearch'));
  const mayRemove = (row: SavedSearch) => may('RemoveSearch') && (row.mine || may('AddUser'));
  return (
    <Dialog open onClose={onDone} fullWidth maxWidth="md">
      <DialogTitle>{t('search.manage')}</DialogTitle>
      <DialogContent>
        {share.isError && <Banner severity="error"><ErrorText error={share.error} /></Banner>}
        <Table size="small" aria-label={t('search.list')}>
          <TableHead><TableRow>{['search.name', 'search.filters', 'search.owner', 'search.who', 'admin.acts'].map((key) => <TableCell key={key}>{t(key)}</TableCell>)}</TableRow></TableHead>
          <TableBody>
            {rows.map((row) => (
              <TableRow key={row.id} sx={{ overflowWrap: 'anywhere' }}>
                <TableCell>{row.name}</TableCell>
                <TableCell>{Object.entries(row.filters).map(([name, value]) => `${name}=${value}`).join(' ')}{row.problems.length > 0 && <Typography variant="caption" component="div" color="error">{t('search.outdated')}</Typography>}</TableCell>
                <TableCell sx={{ whiteSpace: 'nowrap' }}>{row.owner}</TableCell>
                <TableCell>{t(row.shared ? 'search.shared' : 'search.private')}</TableCell>
                <TableCell>
                  {mayChange(row) && <Button size="small" onClick={() => setDoing({ what: 'rename', row })}>{t('search.rename')}…</Button>}
                  {row.mine && may('ShareSearch') && <Button size="small" disabled={share.isPending} onClick={() => share.mutate(row)}>{t(row.shared ? 'search.unshare' : 'search.share')}</Button>}
                  {mayRemove(row) && <Button size="small" color="error" onClick={() => setDoing({ what: 'remove', row })}>{t('search.remove')}…</Button>}
                </TableCell>
              </TableRow>
            ))}
          </TableBody>
        </Table>
        {rows.length === 0 && <Typography sx={{ p: 2 }} color="text.secondary">{t('search.none')}</Typography>}
      </DialogContent>
      <DialogActions><Button onClick={onDone}>{t('app.close')}</Button></DialogActions>
      {doing?.what === 'rename' && <RenameDialog row={doing.row} onDone={() => setDoing(null)} />}
      {doing?.what === 'remove' && <RemoveDialog row={doing.row} onDone={() => setDoing(null)} />}
    </Dialog>
  );
}

// A menu takes its items as they are, not in a component of their own.
function entries(title: string, rows: SavedSearch[], outdated: string, onOpen: (row: SavedSearch) => void) {
  if (rows.length === 0) return null;
  return [
    <ListSubheader key={title} sx={{ lineHeight: 2.2 }}>{title}</ListSubheader>,
    ...rows.map((row) => (
      <MenuItem key={row.id} onClick={() => onOpen(row)} sx={{ whiteSpace: 'normal', maxWidth: 420, overflowWrap: 'anywhere' }}>
        <ListItemText primary={row.name} secondary={row.problems.length > 0 ? outdated : row.mine ? undefined : row.owner} />
      </MenuItem>
    )),
  ];
}

export function SavedSearches({ of }: { of: SearchOf }) {
  const { t } = useTranslation();
  const may = useMay();
  const client = useQueryClient();
  const [anchor, setAnchor] = useState<HTMLElement | null>(null);
  const [dialog, setDialog] = useState<'save' | 'manage' | null>(null);
  const put = useMutation({
    mutationFn: (row: SavedSearch) => post<SavedSearch>(`searches/${row.id}`, { filters: of.filters }),
    onSettled: () => client.invalidateQueries({ queryKey: ['searches'] }),
  });
  if (!may('ListSearches')) return null;
  const { rows, saved, filters } = of;
  const some = Object.keys(filters).length > 0 && of.unknown.length === 0;
  const differs = saved !== null && !sameFilters(saved.filters, filters);
  const mayPut = differs && some && saved.mine && may('ChangeSearch') && (!saved.shared || may('ShareSearch'));
  const open = (row: SavedSearch) => {
    setAnchor(null);
    of.onRun();
    of.setQuery({ ...(row.filters as Filters), saved: String(row.id) });
  };
  const ask = (what: 'save' | 'manage') => {
    setAnchor(null);
    setDialog(what);
  };
  const own = rows.filter((row) => row.mine);
  const shared = rows.filter((row) => !row.mine);
  return (
    <Stack direction="row" useFlexGap spacing={1} sx={{ alignItems: 'center', flexWrap: 'wrap' }}>
      {saved && <Chip sx={{ maxWidth: 320 }} label={differs ? t('search.changedOne', { name: saved.name }) : saved.name} aria-label={t('search.current', { name: saved.name })} onDelete={() => of.setQuery({}, { replace: true })} />}
      {mayPut && <Button size="small" loading={put.isPending} onClick={() => put.mutate(saved)}>{t('search.put')}</Button>}
      {put.isError && <Typography variant="body2" color="error"><ErrorText error={put.error} /></Typography>}
      <Button size="small" variant="outlined" aria-haspopup="menu" onClick={(event) => setAnchor(event.currentTarget)}>{t('search.button')}</Button>
      <Help term="search" />
      <Menu anchorEl={anchor} open={anchor !== null} onClose={() => setAnchor(null)}>
        {entries(t('search.own'), own, t('search.outdated'), open)}
        {entries(t('search.ofOthers'), shared, t('search.outdated'), open)}
        {rows.length === 0 && <MenuItem disabled>{t('search.none')}</MenuItem>}
        <Divider />
        {may('SaveSearch') && <MenuItem disabled={!some} onClick={() => ask('save')}>{t('search.save')}…</MenuItem>}
        <MenuItem disabled={rows.length === 0} onClick={() => ask('manage')}>{t('search.manage')}…</MenuItem>
      </Menu>
      {dialog === 'save' && <SaveDialog of={of} onDone={() => setDialog(null)} />}
      {dialog === 'manage' && <ManageDialog rows={rows} onDone={() => setDialog(null)} />}
    </Stack>
  );
}
