// Did data leave? Ask, and see what was answered before.
import { Alert, Button, Chip, Paper, Stack, TableCell, TableRow, TextField, Typography } from '@mui/material';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link as RouterLink, useNavigate, useParams } from 'react-router-dom';

import { get, post } from '../api/client';
import type { Inquiry, InquiryDocument } from '../api/types';
import { dayOf, formatTime } from '../format';
import { readNote } from '../inquiry';
import { useMay } from '../may';
import { Answer } from '../parts/Answer';
import { Help } from '../parts/Help';
import { Rows, usePages } from '../parts/Rows';
import { ErrorText, Loaded } from '../parts/State';

const COLOR = { found: 'error', not_found: 'success', cannot_say: 'warning' } as const;
const DAY = 86_400_000;
const FIELDS = ['owner', 'person', 'device_id', 'file_hash'] as const;
const NAME = { owner: 'owner', person: 'person', device_id: 'device', file_hash: 'fileHash' } as const;

function Ask() {
  const { t } = useTranslation();
  const go = useNavigate();
  const client = useQueryClient();
  const [wish, setWish] = useState({ owner: '', person: '', device_id: '', file_hash: '', reason: '', from: dayOf(new Date(Date.now() - 30 * DAY).toISOString()), to: dayOf(new Date(Date.now() - DAY).toISOString()) });
  const set = (name: string) => (e: { target: { value: string } }) => setWish({ ...wish, [name]: e.target.value });
  const run = useMutation({
    // Whole days of the reader: the last one is in.
    mutationFn: () => post<Inquiry>('inquiries', { ...wish, file_hash: wish.file_hash.trim().toLowerCase(), from: new Date(`${wish.from}T00:00:00`).toISOString(), to: new Date(new Date(`${wish.to}T00:00:00`).getTime() + DAY).toISOString() }),
    onSuccess: (inquiry) => {
      void client.invalidateQueries({ queryKey: ['inquiries'] });
      void go(`/reports/${inquiry.id}`);
    },
  });
  const ready = wish.reason.trim() !== '' && wish.from !== '' && wish.to !== '' && FIELDS.some((name) => wish[name].trim() !== '');
  return (
    <Paper variant="outlined" component="form" sx={{ p: 2, mb: 3 }} onSubmit={(e) => { e.preventDefault(); if (ready) run.mutate(); }}>
      <Stack direction="row" spacing={1} sx={{ mb: 2, alignItems: 'center' }}>
        <Typography component="h2" variant="h6">{t('report.ask')}</Typography>
        <Help term="inquiry" />
      </Stack>
      <Stack direction="row" useFlexGap spacing={2} sx={{ flexWrap: 'wrap' }}>
        {FIELDS.map((name) => <TextField key={name} size="small" label={t(`report.${NAME[name]}`)} value={wish[name]} onChange={set(name)} sx={{ minWidth: 220 }} />)}
        <TextField size="small" type="date" label={t('report.from')} value={wish.from} onChange={set('from')} slotProps={{ inputLabel: { shrink: true } }} />
        <TextField size="small" type="date" label={t('report.toDay')} value={wish.to} onChange={set('to')} slotProps={{ inputLabel: { shrink: true } }} />
        <TextField size="small" required label={t('report.reason')} value={wish.reason} onChange={set('reason')} sx={{ flexGrow: 1, minWidth: 280 }} />
        <Button type="submit" variant="contained" disabled={!ready} loading={run.isPending}>{t('report.run')}</Button>
      </Stack>
      <Typography variant="body2" color="text.secondary" sx={{ mt: 1 }}>{t('report.askHelp')}</Typography>
      {run.isError && <Alert severity="error" sx={{ mt: 2 }}><ErrorText error={run.error} /></Alert>}
    </Paper>
  );
}

// Whole days of the reader: the last one is in.
function AskStatement() {
  const { t } = useTranslation();
  const go = useNavigate();
  const [from, setFrom] = useState(dayOf(new Date(Date.now() - 31 * DAY).toISOString()));
  const [to, setTo] = useState(dayOf(new Date().toISOString()));
  const show = () => {
    const iso = (day: string, days: number) => new Date(new Date(`${day}T00:00:00`).getTime() + days * DAY).toISOString();
    void go(`/reports/review?${new URLSearchParams({ from: iso(from, 0), to: iso(to, 1) }).toString()}`);
  };
  return (
    <Paper variant="outlined" component="form" aria-label={t('statement.ask')} sx={{ p: 2, mb: 3 }} onSubmit={(e) => { e.preventDefault(); if (from !== '' && to !== '') show(); }}>
      <Typography component="h2" variant="h6" gutterBottom>{t('statement.ask')}</Typography>
      <Stack direction="row" useFlexGap spacing={2} sx={{ flexWrap: 'wrap' }}>
        <TextField size="small" type="date" label={t('statement.firstDay')} value={from} onChange={(e) => setFrom(e.target.value)} slotProps={{ inputLabel: { shrink: true } }} />
        <TextField size="small" type="date" label={t('statement.lastDay')} value={to} onChange={(e) => setTo(e.target.value)} slotProps={{ inputLabel: { shrink: true } }} />
        <Button type="submit" variant="outlined" disabled={from === '' || to === ''}>{t('statement.show')}</Button>
      </Stack>
      <Typography variant="body2" color="text.secondary" sx={{ mt: 1 }}>{t('statement.askHelp')}</Typography>
    </Paper>
  );
}

export function Reports() {
  const { t } = useTranslation();
  const mayState = useMay()('GetReviewStatement');
  const pages = usePages<Inquiry>('inquiries', 'inquiries');
  return (
    <>
      <Typography component="h1" variant="h5" sx={{ mb: 2 }}>{t('report.list')}</Typography>
      <Ask />
      {mayState && <AskStatement />}
      <Typography component="h2" variant="h6" gutterBottom>{t('report.earlier')}</Typography>
      <Rows
        label={t('report.earlier')}
        pages={pages}
        head={[t('report.number'), t('report.asked'), t('report.by'), t('report.question'), t('report.answer'), t('report.reason')]}
        row={(row) => (
          <TableRow key={row.id}>
            <TableCell><RouterLink to={`/reports/${row.id}`} style={{ color: 'inherit' }}>{row.id}</RouterLink></TableCell>
            <TableCell sx={{ whiteSpace: 'nowrap' }}>{formatTime(row.time)}</TableCell>
            <TableCell>{row.user}</TableCell>
            <TableCell sx={{ overflowWrap: 'anywhere' }}>
              {FIELDS.filter((name) => row[name] !== '').map((name) => `${t(`report.${NAME[name]}`)}: ${row[name]}`).join(', ')}
              <Typography variant="caption" component="div">{formatTime(row.from)} – {formatTime(row.to)}</Typography>
            </TableCell>
            <TableCell><Chip size="small" color={COLOR[row.answer]} label={t(`answer.${row.answer}`)} /></TableCell>
            <TableCell sx={{ overflowWrap: 'anywhere' }}>{row.reason}</TableCell>
          </TableRow>
        )}
      />
    </>
  );
}

export function ReportPage() {
  const { t } = useTranslation();
  const { id = '' } = useParams();
  // Each look is written down: it is not asked for again by itself.
  const query = useQuery({ queryKey: ['inquiry', id], queryFn: () => get<InquiryDocument>(`inquiries/${id}`), staleTime: Infinity });
  const save = (note: string) => {
    const link = document.createElement('a');
    link.href = URL.createObjectURL(new Blob([note], { type: 'text/plain' }));
    link.download = `inquiry-${id}.sekisho`;
    link.click();
    URL.revokeObjectURL(link.href);
  };
  return (
    <Loaded query={query}>
      {(inquiry) => {
        const read = readNote(inquiry.document);
        return (
          <>
            <Stack direction="row" useFlexGap spacing={1} sx={{ mb: 2, alignItems: 'center', flexWrap: 'wrap' }}>
              <Typography component="h1" variant="h5" sx={{ flexGrow: 1 }}>{t('report.one', { id })}</Typography>
              <Help term="answer" />
              <Button className="no-print" onClick={() => window.print()}>{t('report.print')}</Button>
              <Button className="no-print" variant="contained" onClick={() => save(inquiry.document)}>{t('report.download')}</Button>
            </Stack>
            {read ? <Answer document={read} /> : <Alert severity="error">{t('report.unreadable')}</Alert>}
          </>
        );
      }}
    </Loaded>
  );
}
