// People at accounts that several use: the register with each one's proof, and
// its import with a preview.
import { Alert, Button, Chip, Dialog, DialogActions, DialogContent, DialogTitle, Stack, TableCell, TableRow, TextField, Typography } from '@mui/material';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useSearchParams } from 'react-router-dom';

import { post } from '../api/client';
import type { Person, RegisterImport } from '../api/types';
import { formatTime } from '../format';
import { useMay } from '../may';
import { Preview } from './Coverage';
import { QrCode } from './QrCode';
import { Rows, usePages } from './Rows';
import { Code } from './Shown';
import { ErrorText } from './State';

function Import({ onDone }: { onDone: () => void }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const [file, setFile] = useState<{ text: string; format: 'csv' | 'ldif' } | null>(null);
  const [accounts, setAccounts] = useState('');
  const [bad, setBad] = useState(false);
  const wish = () => ({ ...file, accounts: accounts.trim(), zone: Intl.DateTimeFormat().resolvedOptions().timeZone });
  const preview = useMutation({ mutationFn: () => post<RegisterImport>('people:preview', wish()) });
  const take = useMutation({
    mutationFn: () => post<RegisterImport>('people:import', wish()),
    onSuccess: (done) => {
      if (!done.done) return;
      void client.invalidateQueries({ queryKey: ['people'] });
      onDone();
    },
  });
  const choose = (chosen: File | undefined) => {
    if (!chosen) return;
    preview.reset();
    void chosen.arrayBuffer().then((bytes) => {
      try {
        // Fails on what is not UTF-8 instead of guessing.
        const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
        setFile({ text, format: /\.ldif?$/i.test(chosen.name) ? 'ldif' : 'csv' });
        setBad(false);
      } catch {
        setFile(null);
        setBad(true);
      }
    });
  };
  const ready = preview.data !== undefined && preview.data.problems.length === 0;
  return (
    <Dialog open onClose={onDone} fullWidth maxWidth="md">
      <DialogTitle>{t('people.import')}</DialogTitle>
      <DialogContent>
        <Stack spacing={2} sx={{ pt: 1 }}>
          <Typography>{t('people.help')}</Typography>
          <TextField label={t('people.accountsFor')} helperText={t('people.accountsHelp')} value={accounts} onChange={(e) => { setAccounts(e.target.value); preview.reset(); }} />
          <Button component="label" variant="outlined" sx={{ alignSelf: 'flex-start' }}>
            {t('register.choose')}
            <input type="file" accept=".csv,.ldif,.ldi,text/csv" aria-label={t('register.choose')} style={{ position: 'absolute', opacity: 0, width: 1 }} onChange={(e) => choose(e.target.files?.[0])} />
          </Button>
          {bad && <Alert severity="error">{t('register.notUtf8')}</Alert>}
          {preview.isError && <Alert severity="error"><ErrorText error={preview.error} /></Alert>}
          {take.isError && <Alert severity="error"><ErrorText error={take.error} /></Alert>}
          {preview.data && <Preview change={preview.data} removedMeans={t('people.removedMeans')} />}
        </Stack>
      </DialogContent>
      <DialogActions>
        <Button onClick={onDone}>{t('app.cancel')}</Button>
        {ready
          ? <Button variant="contained" loading={take.isPending} onClick={() => take.mutate()}>{t('register.take')}</Button>
          : <Button variant="contained" disabled={file === null} loading={preview.isPending} onClick={() => preview.mutate()}>{t('people.preview')}</Button>}
      </DialogActions>
    </Dialog>
  );
}

type Act = 'pin' | 'totp' | 'remove';
interface Made { pin?: string; secret?: string; uri?: string }

// A PIN or an app's secret is shown once.
function Do({ act, person, onDone }: { act: Act; person: string; onDone: () => void }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const [reason, setReason] = useState('');
  const run = useMutation({
    mutationFn: () => post<Made>(`people:${act}`, act === 'remove' ? { person, reason: reason.trim() } : { person }),
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: ['people'] });
      if (act === 'remove') onDone();
    },
  });
  const made = run.data;
  return (
    <Dialog open onClose={onDone} fullWidth maxWidth="sm">
      <DialogTitle>{t(`people.${act}Title`, { person })}</DialogTitle>
      <DialogContent>
        <Stack spacing={2} sx={{ pt: 1, alignItems: 'flex-start' }}>
          {run.isError && <Alert severity="error"><ErrorText error={run.error} /></Alert>}
          {!made && <Typography>{t(`people.${act}Does`)}</Typography>}
          {made?.pin && <><Typography>{t('people.once')}</Typography><Code>{made.pin}</Code></>}
          {made?.uri && <><Typography>{t('people.once')}</Typography><QrCode text={made.uri} /><Code>{(made.secret ?? '').replace(/(.{4})(?=.)/g, '$1 ')}</Code></>}
          {act === 'remove' && <TextField autoFocus required fullWidth label={t('admin.reason')} value={reason} onChange={(e) => setReason(e.target.value)} slotProps={{ htmlInput: { maxLength: 160 } }} />}
        </Stack>
      </DialogContent>
      <DialogActions>
        <Button onClick={onDone}>{t('app.close')}</Button>
        {!made && <Button variant="contained" loading={run.isPending} disabled={act === 'remove' && reason.trim() === ''} onClick={() => run.mutate()}>{t(`people.${act}`)}</Button>}
      </DialogActions>
    </Dialog>
  );
}

export function People() {
  const { t } = useTranslation();
  const may = useMay();
  const mayChange = may('ImportPeople');
  const [query, setQuery] = useSearchParams();
  const text = query.get('text') ?? '';
  const pages = usePages<Person>('people', 'people', { text });
  const [importing, setImporting] = useState(false);
  const [doing, setDoing] = useState<{ act: Act; person: string } | null>(null);
  return (
    <Stack spacing={2}>
      <Stack direction="row" useFlexGap sx={{ gap: 1.5, flexWrap: 'wrap', alignItems: 'center' }}>
        <TextField size="small" label={t('people.find')} value={text} onChange={(e) => setQuery(e.target.value === '' ? { tab: 'people' } : { tab: 'people', text: e.target.value }, { replace: true })} />
        <span style={{ flexGrow: 1 }} />
        {mayChange && <Button variant="contained" onClick={() => setImporting(true)}>{t('people.import')}</Button>}
      </Stack>
      <Rows label={t('people.list')} pages={pages} head={['people.id', 'people.name', 'people.employer', 'people.manager', 'people.end', 'people.accounts', 'people.proof', 'admin.acts'].map((key) => t(key))}
        row={(person) => (
          <TableRow key={person.id}>
            <TableCell sx={{ overflowWrap: 'anywhere' }}>{person.id}</TableCell>
            <TableCell sx={{ overflowWrap: 'anywhere' }}>{person.name || '–'}</TableCell>
            <TableCell sx={{ overflowWrap: 'anywhere' }}>{person.employer || '–'}</TableCell>
            <TableCell>{person.manager || '–'}</TableCell>
            <TableCell>{person.contract_end ? formatTime(person.contract_end) : '–'}</TableCell>
            <TableCell sx={{ overflowWrap: 'anywhere' }}>{person.accounts === '*' ? t('people.all') : person.accounts || t('app.none')}</TableCell>
            <TableCell>
              {person.remove_time ? t('people.removed', { time: formatTime(person.remove_time) }) : (
                <Stack direction="row" sx={{ gap: 0.5 }}>
                  {person.has_pin && <Chip size="small" label={t('people.hasPin')} />}
                  {person.has_totp && <Chip size="small" label={t('people.hasTotp')} />}
                  {!person.has_pin && !person.has_totp && t('app.none')}
                </Stack>
              )}
            </TableCell>
            <TableCell>
              {mayChange && !person.remove_time && (
                <Stack direction="row" useFlexGap sx={{ flexWrap: 'wrap' }}>
                  <Button size="small" onClick={() => setDoing({ act: 'pin', person: person.id })}>{t('people.pin')}…</Button>
                  <Button size="small" onClick={() => setDoing({ act: 'totp', person: person.id })}>{t('people.totp')}…</Button>
                  <Button size="small" color="warning" onClick={() => setDoing({ act: 'remove', person: person.id })}>{t('people.remove')}…</Button>
                </Stack>
              )}
            </TableCell>
          </TableRow>
        )} />
      {importing && <Import onDone={() => setImporting(false)} />}
      {doing && <Do {...doing} onDone={() => setDoing(null)} />}
    </Stack>
  );
}
