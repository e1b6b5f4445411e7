// Masked rows of a file that only the analysts' key opens, here in the browser.
import { Alert as Banner, Button, Stack, Table, TableBody, TableCell, TableHead, TableRow, TextField, Typography } from '@mui/material';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';

import { get } from '../api/client';
import type { SealedSamples } from '../api/types';
import { fromHex, openSamples, type Samples, SamplesError } from './openSamples';
import { ErrorText } from './State';

const fetchSealed = async (rowId: number) => fromHex((await get<SealedSamples>(`events:samples/${rowId}`)).sealed);

// For `sekisho samples open --sealed`, where no key may come near a browser.
async function download(rowId: number) {
  const url = URL.createObjectURL(new Blob([await fetchSealed(rowId)]));
  const link = document.createElement('a');
  link.href = url;
  link.download = `samples-${rowId}.sealed`;
  link.click();
  URL.revokeObjectURL(url);
}

function Rows({ samples }: { samples: Samples }) {
  const { t } = useTranslation();
  return (
    <>
      {samples.part && <Typography variant="body2" sx={{ overflowWrap: 'anywhere' }}>{samples.part}</Typography>}
      <Table size="small" aria-label={t('samples.title')}>
        <TableHead>
          <TableRow>
            {samples.columns.map((column, i) => (
              <TableCell key={i}>
                {column.name}
                {column.type && <Typography variant="caption" component="div" color="text.secondary">{t(`type.${column.type}`, { defaultValue: column.type })}</Typography>}
              </TableCell>
            ))}
          </TableRow>
        </TableHead>
        <TableBody>
          {samples.rows.map((row, i) => (
            <TableRow key={i}>{row.map((cell, k) => <TableCell key={k} sx={{ overflowWrap: 'anywhere' }}>{cell}</TableCell>)}</TableRow>
          ))}
        </TableBody>
      </Table>
    </>
  );
}

export function SampleRows({ rowId }: { rowId: number }) {
  const { t } = useTranslation();
  const [file, setFile] = useState<File | null>(null);
  const [passphrase, setPassphrase] = useState('');
  const open = useMutation({
    mutationFn: async () => openSamples(await fetchSealed(rowId), await (file as File).text(), passphrase),
    onSettled: () => setPassphrase(''),
  });
  const save = useMutation({ mutationFn: () => download(rowId) });
  const error = open.error ?? save.error;
  if (open.data) return <Rows samples={open.data} />;
  return (
    <Stack spacing={1.25} component="form" sx={{ mt: 0.5 }} onSubmit={(e) => { e.preventDefault(); open.mutate(); }}>
      <Typography variant="body2">{t('samples.kept')}</Typography>
      {error && <Banner severity="error">{error instanceof SamplesError ? t(`samples.error.${error.why}`) : <ErrorText error={error} />}</Banner>}
      <Stack direction="row" spacing={1} useFlexGap sx={{ alignItems: 'center', flexWrap: 'wrap' }}>
        <Button component="label" variant="outlined" size="small">
          {file?.name ?? t('samples.key')}
          <input type="file" hidden aria-label={t('samples.key')} onChange={(e) => setFile(e.target.files?.[0] ?? null)} />
        </Button>
        <TextField type="password" size="small" autoComplete="off" label={t('samples.passphrase')} value={passphrase} onChange={(e) => setPassphrase(e.target.value)} />
        <Button type="submit" variant="contained" size="small" loading={open.isPending} disabled={!file || passphrase === ''}>{t('samples.open')}</Button>
        <Button size="small" onClick={() => save.mutate()}>{t('samples.download')}</Button>
      </Stack>
    </Stack>
  );
}
