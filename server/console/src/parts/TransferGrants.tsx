// Refused copies that may go once, and what became of those that could.
import { Box, Button, Paper, Stack, Table, TableBody, TableCell, TableContainer, TableHead, TableRow, Typography } from '@mui/material';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link as RouterLink } from 'react-router-dom';

import { get, post } from '../api/client';
import type { TransferGrant } from '../api/types';
import { formatNumber, formatTime } from '../format';
import { DecisionDialog } from './Grant';
import { Code } from './Shown';

const HEAD = ['request.copyOf', 'alert.person', 'device.name', 'device.ends', 'alert.state'];

function Revoke({ grant, onDone }: { grant: TransferGrant; onDone: () => void }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const revoke = useMutation({
    mutationFn: () => post<TransferGrant>('grants:revoke', { id: grant.id, reason: '' }),
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: ['grants'] });
      onDone();
    },
  });
  return (
    <DecisionDialog title={t('request.takeBackTitle')} deviceId={grant.device_id} error={revoke.isError ? revoke.error : null} act={t('request.takeBack')} color="warning"
      busy={revoke.isPending} onAct={() => revoke.mutate()} onDone={onDone}>
      <Typography>{t('request.takeBackDoes', { person: grant.person, persons: formatNumber(grant.persons) })}</Typography>
    </DecisionDialog>
  );
}

function State({ grant, mayChange }: { grant: TransferGrant; mayChange: boolean }) {
  const { t } = useTranslation();
  const [asking, setAsking] = useState(false);
  return (
    <Stack spacing={0.5} sx={{ alignItems: 'flex-start' }}>
      <span>{t(`grantState.${grant.state}`)}</span>
      {grant.used_time && <RouterLink to={`/events?${new URLSearchParams({ kind: 'transfer', device_id: grant.device_id }).toString()}`} style={{ color: 'inherit' }}>{formatTime(grant.used_time)}</RouterLink>}
      {grant.used_time && grant.erase_time && <span>{t('request.erasedAt', { time: formatTime(grant.erase_time) })}</span>}
      {grant.used_time && !grant.erase_time && grant.persons > 0 && <span>{t('request.eraseBy', { time: formatTime(grant.end_time) })}</span>}
      {grant.state === 'running' && mayChange && <Button size="small" color="warning" onClick={() => setAsking(true)}>{t('request.takeBack')}</Button>}
      {asking && <Revoke grant={grant} onDone={() => setAsking(false)} />}
    </Stack>
  );
}

export function TransferGrants({ mayChange }: { mayChange: boolean }) {
  const { t } = useTranslation();
  const { data } = useQuery({ queryKey: ['grants'], queryFn: () => get<{ rows: TransferGrant[] }>('grants', { state: 'all' }) });
  if (data === undefined || data.rows.length === 0) return null;
  return (
    <Box component="section" sx={{ mt: 4 }}>
      <Typography component="h2" variant="h6" gutterBottom>{t('request.grants')}</Typography>
      <TableContainer component={Paper} variant="outlined" tabIndex={0}>
        <Table size="small" aria-label={t('request.grants')} sx={{ minWidth: 720 }}>
          <TableHead>
            <TableRow>{HEAD.map((key) => <TableCell key={key}>{t(key)}</TableCell>)}</TableRow>
          </TableHead>
          <TableBody>
            {data.rows.map((grant) => (
              <TableRow key={grant.id}>
                <TableCell>
                  <RouterLink to={`/alerts/${grant.alert_id}`} style={{ color: 'inherit' }}>{t('alert.people', { persons: formatNumber(grant.persons) })}</RouterLink>
                  <Typography variant="caption" component="div"><Code>{`SHA-256 ${grant.file_hash.slice(0, 16)}`}</Code></Typography>
                </TableCell>
                <TableCell>
                  {grant.person}
                  <Typography variant="caption" component="div" color="text.secondary">{grant.terminal}</Typography>
                </TableCell>
                <TableCell sx={{ overflowWrap: 'anywhere' }}><Code>{grant.device_id}</Code></TableCell>
                <TableCell sx={{ whiteSpace: 'nowrap' }}>{formatTime(grant.end_time)}</TableCell>
                <TableCell><State grant={grant} mayChange={mayChange} /></TableCell>
              </TableRow>
            ))}
          </TableBody>
        </Table>
      </TableContainer>
    </Box>
  );
}
