// Who outside is told of alerts and events, and how far.
import { Alert, Chip, Stack, Table, TableBody, TableCell, TableContainer, TableHead, TableRow, Typography } from '@mui/material';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';

import { get } from '../api/client';
import type { Sink } from '../api/types';
import { formatNumber, formatTime } from '../format';
import { Help } from './Help';
import { Empty, Loaded } from './State';

function StateOf({ sink }: { sink: Sink }) {
  const { t } = useTranslation();
  if (sink.failing_since) return <Chip size="small" color="error" label={t('sinks.failing', { time: formatTime(sink.failing_since) })} />;
  return sink.waiting_count > 0 ? <Chip size="small" color="warning" label={t('sinks.behind')} /> : <Chip size="small" color="success" label={t('sinks.told')} />;
}

export function Sinks() {
  const { t } = useTranslation();
  const sinks = useQuery({ queryKey: ['sinks'], queryFn: () => get<{ rows: Sink[] }>('sinks'), refetchInterval: 5000 });
  return (
    <Stack spacing={2}>
      <Stack direction="row" sx={{ alignItems: 'center' }}><Typography component="h2" variant="subtitle1" sx={{ mr: 1 }}>{t('sinks.list')}</Typography><Help term="sinks" /></Stack>
      <Loaded query={sinks}>
        {({ rows }) => rows.length === 0 ? <><Empty /><Alert severity="info">{t('sinks.none')}</Alert></> : (
          <TableContainer>
            <Table size="small" aria-label={t('sinks.list')}>
              <TableHead><TableRow>{['sinks.name', 'sinks.type', 'sinks.state', 'sinks.waiting', 'sinks.sent', 'sinks.last', 'sinks.gaps', 'sinks.error'].map((key) => <TableCell key={key}>{t(key)}</TableCell>)}</TableRow></TableHead>
              <TableBody>
                {rows.map((sink) => (
                  <TableRow key={sink.name}>
                    <TableCell>{sink.name}</TableCell>
                    <TableCell>{t(`sinkType.${sink.type}`, { defaultValue: sink.type })}</TableCell>
                    <TableCell><StateOf sink={sink} /></TableCell>
                    <TableCell align="right">{formatNumber(sink.waiting_count)}</TableCell>
                    <TableCell align="right">{formatNumber(sink.sent_count)}</TableCell>
                    <TableCell>{sink.sent_time ? formatTime(sink.sent_time) : '–'}</TableCell>
                    <TableCell align="right">{formatNumber(sink.gap_count)}</TableCell>
                    <TableCell sx={{ overflowWrap: 'anywhere' }}>{sink.last_error || '–'}</TableCell>
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
