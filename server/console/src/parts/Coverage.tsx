// The register of terminals with each one's last 30 days, its import with a
// preview, and the outages of whole sites.
import { Alert, Box, Button, Chip, Dialog, DialogActions, DialogContent, DialogTitle, List, ListItem, Stack, TableCell, TableRow, Typography } from '@mui/material';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link as RouterLink } from 'react-router-dom';

import { get, post } from '../api/client';
import type { RegisterImport, SiteOutage, Terminal } from '../api/types';
import { formatNumber, formatShare, formatTime } from '../format';
import { coveredShare, UNCOVERED } from '../inquiry';
import { Help } from './Help';
import { Rows, usePages } from './Rows';
import { ErrorText } from './State';

const SHOWN = 200;

// Each state has a pattern of its own: colour alone tells nothing.
const LOOK: Record<string, string> = {
  covered: '#2e7d32', proven: 'repeating-linear-gradient(90deg, #2e7d32 0 4px, #81c784 4px 6px)', off: '#b0bec5', observe: '#0288d1',
  no_core: 'repeating-linear-gradient(45deg, #ef6c00 0 3px, #fff 3px 5px)', degraded: '#ef6c00', unlocked: 'repeating-linear-gradient(135deg, #6a1b9a 0 3px, #fff 3px 5px)',
  clock: 'repeating-linear-gradient(0deg, #6d4c41 0 3px, #fff 3px 5px)', events_lost: 'repeating-linear-gradient(45deg, #c62828 0 3px, #fff 3px 5px)', silent: '#c62828', no_agent: '#4e0d0d',
};

function secondsOf(part: { from: string; to: string }): number {
  return (Date.parse(part.to) - Date.parse(part.from)) / 1000;
}

function sums(terminal: Terminal): Map<string, number> {
  const by = new Map<string, number>();
  for (const part of terminal.parts) by.set(part.state, (by.get(part.state) ?? 0) + secondsOf(part));
  return by;
}

function Strip({ terminal }: { terminal: Terminal }) {
  const { t } = useTranslation();
  const by = [...sums(terminal)].sort((a, b) => b[1] - a[1]);
  const words = by.map(([state, seconds]) => `${t(`cover.${state}`)} ${t('report.hoursOf', { value: formatNumber(Math.round(seconds / 360) / 10) })}`).join(', ');
  return (
    <Box sx={{ minWidth: 320 }}>
      <Box role="img" aria-label={words || t('app.none')} sx={{ display: 'flex', height: 16, border: 1, borderColor: 'divider' }}>
        {terminal.parts.map((part) => (
          <Box key={`${part.from} ${part.state}`} title={`${t(`cover.${part.state}`)}: ${formatTime(part.from)} – ${formatTime(part.to)}`}
            sx={{ flexGrow: secondsOf(part), flexBasis: 0, minWidth: UNCOVERED.includes(part.state) ? '1px' : 0, background: LOOK[part.state] }} />
        ))}
      </Box>
      <Typography variant="caption" color="text.secondary">{words || t('app.none')}</Typography>
    </Box>
  );
}

export function Preview({ change, removedMeans }: { change: RegisterImport; removedMeans: string }) {
  const { t } = useTranslation();
  if (change.problems.length > 0) {
    return (
      <Alert severity="error">
        {t('register.problems', { count: change.problems.length })}
        <List dense>
          {change.problems.map((one, i) => (
            <ListItem key={i} sx={{ display: 'block', overflowWrap: 'anywhere' }}>
              <strong>{one.column > 0 ? t('register.place', { line: one.line, column: one.column }) : t('register.line', { line: one.line })} {one.field}</strong>{': '}{one.message}
              <Typography variant="body2">{t('register.fix', { fix: one.fix })}</Typography>
            </ListItem>
          ))}
        </List>
      </Alert>
    );
  }
  const lists = [['added', change.added], ['changed', change.changed.map((one) => `${one.name}: ${one.fields.join(', ')}`)], ['removed', change.removed]] as const;
  return (
    <Stack spacing={1}>
      {lists.map(([name, rows]) => (
        <Box key={name}>
          <Typography component="h3" variant="subtitle2">{t(`register.${name}`, { count: rows.length })}</Typography>
          {rows.slice(0, SHOWN).map((row) => <Typography key={row} variant="body2" sx={{ overflowWrap: 'anywhere' }}>{row}</Typography>)}
          {rows.length > SHOWN && <Typography variant="body2">{t('report.more', { count: rows.length - SHOWN })}</Typography>}
        </Box>
      ))}
      <Typography variant="body2">{t('register.same', { count: change.same })}</Typography>
      {change.removed.length > 0 && <Alert severity="warning">{removedMeans}</Alert>}
    </Stack>
  );
}

function Import({ onDone }: { onDone: () => void }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const [csv, setCsv] = useState('');
  const preview = useMutation({ mutationFn: (text: string) => post<RegisterImport>('terminals:preview', { csv: text }) });
  const take = useMutation({
    mutationFn: () => post<RegisterImport>('terminals:import', { csv }),
    onSuccess: (done) => {
      if (!done.done) return;
      void client.invalidateQueries({ queryKey: ['terminals'] });
      onDone();
    },
  });
  const choose = (file: File | undefined) => {
    if (!file) return;
    // Fails on what is not UTF-8 instead of guessing: the server would see no difference.
    void file.arrayBuffer().then((bytes) => {
      let text: string;
      try {
        text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
      } catch {
        setCsv('');
        preview.reset();
        setBad(true);
        return;
      }
      setBad(false);
      setCsv(text);
      preview.mutate(text);
    });
  };
  const [bad, setBad] = useState(false);
  const ready = preview.data !== undefined && preview.data.problems.length === 0;
  return (
    <Dialog open onClose={onDone} fullWidth maxWidth="md">
      <DialogTitle>{t('register.import')}</DialogTitle>
      <DialogContent>
        <Stack spacing={2}>
          <Typography>{t('register.help')}</Typography>
          <Button component="label" variant="outlined" sx={{ alignSelf: 'flex-start' }}>
            {t('register.choose')}
            <input type="file" accept=".csv,text/csv" aria-label={t('register.choose')} style={{ position: 'absolute', opacity: 0, width: 1 }} onChange={(e) => choose(e.target.files?.[0])} />
          </Button>
          {bad && <Alert severity="error">{t('register.notUtf8')}</Alert>}
          {preview.isError && <Alert severity="error"><ErrorText error={preview.error} /></Alert>}
          {take.isError && <Alert severity="error"><ErrorText error={take.error} /></Alert>}
          {preview.data && <Preview change={preview.data} removedMeans={t('register.removedMeans')} />}
        </Stack>
      </DialogContent>
      <DialogActions>
        <Button onClick={onDone}>{t('app.cancel')}</Button>
        <Button variant="contained" disabled={!ready} loading={take.isPending} onClick={() => take.mutate()}>{t('register.take')}</Button>
      </DialogActions>
    </Dialog>
  );
}

function Outages() {
  const { t } = useTranslation();
  const { data } = useQuery({ queryKey: ['outages'], queryFn: () => get<{ rows: SiteOutage[] }>('outages') });
  if (data === undefined || data.rows.length === 0) return null;
  return (
    <Box component="section" sx={{ mt: 4 }}>
      <Typography component="h2" variant="h6" gutterBottom>{t('register.outages')}</Typography>
      <ul>
        {data.rows.map((row) => (
          <li key={row.alert_id}>
            <RouterLink to={`/alerts/${row.alert_id}`} style={{ color: 'inherit' }}>{t('register.outage', { site: row.site, count: row.terminals, from: formatTime(row.begin_time) })}</RouterLink>
            {' '}{row.end_time === null ? t('register.goesOn') : t('register.until', { to: formatTime(row.end_time) })}
          </li>
        ))}
      </ul>
    </Box>
  );
}

export function Coverage({ mayChange }: { mayChange: boolean }) {
  const { t } = useTranslation();
  const pages = usePages<Terminal>('terminals', 'terminals', { days: '30' });
  const [importing, setImporting] = useState(false);
  const note = (row: Terminal) => (row.remove_time !== null ? 'removed' : !row.registered ? 'unregistered' : !row.has_agent ? 'noAgent' : '');
  const share = (row: Terminal) => {
    const by = [...sums(row)];
    const of = (states: (state: string) => boolean) => by.filter(([state]) => states(state)).reduce((sum, [, seconds]) => sum + seconds, 0);
    return coveredShare({ covered_seconds: of((state) => state === 'covered' || state === 'proven'), uncovered_seconds: of((state) => UNCOVERED.includes(state)) });
  };
  return (
    <Box component="section" sx={{ mt: 4 }}>
      <Stack direction="row" spacing={1} useFlexGap sx={{ mb: 1, alignItems: 'center', flexWrap: 'wrap' }}>
        <Typography component="h2" variant="h6">{t('register.title')}</Typography>
        <Help term="uncovered" />
        <span style={{ flexGrow: 1 }} />
        {mayChange && <Button variant="outlined" onClick={() => setImporting(true)}>{t('register.import')}</Button>}
      </Stack>
      <Rows
        label={t('register.title')}
        pages={pages}
        head={[t('terminal.name'), t('terminal.site'), t('register.hours'), t('register.share'), t('register.days')]}
        row={(row) => (
          <TableRow key={row.terminal}>
            <TableCell sx={{ overflowWrap: 'anywhere' }}>{row.terminal} {note(row) !== '' && <Chip size="small" color={note(row) === 'noAgent' ? 'error' : 'default'} label={t(`registerNote.${note(row)}`)} />}</TableCell>
            <TableCell>{row.site || '–'}</TableCell>
            <TableCell>{row.expected_hours || t('register.always')}</TableCell>
            <TableCell>{share(row) === null ? '–' : formatShare(share(row) ?? 0)}</TableCell>
            <TableCell><Strip terminal={row} /></TableCell>
          </TableRow>
        )}
      />
      <Outages />
      {importing && <Import onDone={() => setImporting(false)} />}
    </Box>
  );
}
