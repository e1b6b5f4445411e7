// Whose people terminals know again: the registered lists of the clients.
import { Alert, Button, Stack, Table, TableBody, TableCell, TableContainer, TableHead, TableRow, TextField, Typography } from '@mui/material';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';

import { get, post } from '../api/client';
import type { DataSet } from '../api/types';
import { formatBytes, formatNumber, formatTime } from '../format';
import { useMay } from '../may';
import { DecisionDialog } from './Grant';
import { Help } from './Help';
import { Code } from './Shown';
import { Empty, Loaded } from './State';

function Remove({ name, onDone }: { name: string; onDone: () => void }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const [reason, setReason] = useState('');
  const remove = useMutation({
    mutationFn: () => post('data_sets:remove', { name, reason: reason.trim() }),
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: ['dataSets'] });
      onDone();
    },
  });
  return (
    <DecisionDialog title={t('dataSets.removeTitle', { name })} error={remove.isError ? remove.error : null} act={t('dataSets.remove')} color="warning" busy={remove.isPending} disabled={reason.trim() === ''}
      onAct={() => remove.mutate()} onDone={onDone}>
      <Typography variant="body2">{t('dataSets.removeDoes')}</Typography>
      <TextField autoFocus required fullWidth label={t('admin.reason')} value={reason} onChange={(e) => setReason(e.target.value)} slotProps={{ htmlInput: { maxLength: 160 } }} />
    </DecisionDialog>
  );
}

export function DataSets() {
  const { t } = useTranslation();
  const mayChange = useMay()('RemoveDataSet');
  const sets = useQuery({ queryKey: ['dataSets'], queryFn: () => get<{ rows: DataSet[] }>('data_sets') });
  const [removing, setRemoving] = useState<string | null>(null);
  return (
    <Stack spacing={2}>
      <Stack direction="row" sx={{ alignItems: 'center' }}><Typography component="h2" variant="subtitle1" sx={{ mr: 1 }}>{t('dataSets.list')}</Typography><Help term="dataSets" /></Stack>
      <Alert severity="info">{t('dataSets.how')} <Code>sekisho data-set make LIST.csv --name NAME --owner OWNER</Code> · <Code>sekisho data-set push NAME.dataset</Code></Alert>
      <Loaded query={sets}>
        {({ rows }) => rows.length === 0 ? <Empty /> : (
          <TableContainer>
            <Table size="small" aria-label={t('dataSets.list')}>
              <TableHead><TableRow>{['dataSets.name', 'dataSets.owner', 'dataSets.persons', 'dataSets.made', 'dataSets.kinds', 'dataSets.known', 'dataSets.size', 'admin.acts'].map((key) => <TableCell key={key}>{t(key)}</TableCell>)}</TableRow></TableHead>
              <TableBody>
                {rows.map((set) => (
                  <TableRow key={set.name}>
                    <TableCell>{set.name}</TableCell>
                    <TableCell>{set.owner}</TableCell>
                    <TableCell align="right">{formatNumber(set.persons)}</TableCell>
                    <TableCell>{formatTime(set.make_time)}</TableCell>
                    <TableCell>{set.kinds.map((kind) => t(`identity.${kind}`, { defaultValue: kind })).join(', ')}</TableCell>
                    <TableCell>{set.one_in === 1 ? t('dataSets.all') : t('dataSets.oneIn', { count: set.one_in })}</TableCell>
                    <TableCell align="right">{formatBytes(set.size_bytes)}</TableCell>
                    <TableCell>{mayChange && <Button size="small" color="warning" onClick={() => setRemoving(set.name)}>{t('dataSets.remove')}…</Button>}</TableCell>
                  </TableRow>
                ))}
              </TableBody>
            </Table>
          </TableContainer>
        )}
      </Loaded>
      {removing !== null && <Remove name={removing} onDone={() => setRemoving(null)} />}
    </Stack>
  );
}
