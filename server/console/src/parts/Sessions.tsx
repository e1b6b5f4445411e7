// Where one is signed in; for admins, where everybody is.
import { Alert, Button, Chip, FormControlLabel, Paper, Stack, Switch, Table, TableBody, TableCell, TableContainer, TableHead, TableRow } from '@mui/material';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';

import { get, post } from '../api/client';
import type { SessionRow } from '../api/types';
import { formatTime } from '../format';
import { useMay } from '../may';
import { ErrorText, Loaded } from './State';

export function Sessions() {
  const { t } = useTranslation();
  const may = useMay();
  const client = useQueryClient();
  const [all, setAll] = useState(false);
  const query = useQuery({ queryKey: ['sessions', all], queryFn: () => get<{ rows: SessionRow[] }>(all ? 'sessions' : 'sessions:mine') });
  const end = useMutation({
    mutationFn: (session: string) => post(all ? 'sessions:end' : 'sessions:end_mine', { session }),
    onSuccess: () => void client.invalidateQueries({ queryKey: ['sessions'] }),
  });
  return (
    <Stack spacing={2} sx={{ alignItems: 'flex-start' }}>
      {may('ListSessions') && <FormControlLabel label={t('admin.allSessions')} control={<Switch checked={all} onChange={(e) => setAll(e.target.checked)} />} />}
      {end.isError && <Alert severity="error"><ErrorText error={end.error} /></Alert>}
      <Loaded query={query}>
        {(data) => (
          <TableContainer component={Paper} variant="outlined" tabIndex={0}>
            <Table size="small" aria-label={t('admin.sessions')} sx={{ minWidth: 640 }}>
              <TableHead>
                <TableRow>{['login.user', 'admin.address', 'admin.signsIn', 'admin.begun', 'admin.lastUse', 'admin.ends', 'admin.acts'].map((key) => <TableCell key={key}>{t(key)}</TableCell>)}</TableRow>
              </TableHead>
              <TableBody>
                {data.rows.map((row) => (
                  <TableRow key={row.id}>
                    <TableCell>{row.user} {row.current && <Chip size="small" label={t('admin.thisOne')} />}</TableCell>
                    <TableCell>{row.address || '–'}</TableCell>
                    <TableCell sx={{ overflowWrap: 'anywhere' }}>{row.provider_issuer || t('admin.password')}</TableCell>
                    <TableCell>{formatTime(row.create_time)}</TableCell>
                    <TableCell>{formatTime(row.use_time)}</TableCell>
                    <TableCell>{formatTime(row.expire_time)}</TableCell>
                    <TableCell>{!row.current && (!all || may('EndSession')) && <Button size="small" color="warning" loading={end.isPending} onClick={() => end.mutate(row.id)}>{t('admin.end')}</Button>}</TableCell>
                  </TableRow>
                ))}
              </TableBody>
            </Table>
          </TableContainer>
        )}
      </Loaded>
    </Stack>
  );
}
