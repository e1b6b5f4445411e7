// What belongs together, and who has it.
import { Box, Button, Chip, MenuItem, Stack, TableCell, TableRow, TextField, Typography } from '@mui/material';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link as RouterLink, useSearchParams } from 'react-router-dom';

import type { Case } from '../api/types';
import { formatNumber, formatTime } from '../format';
import { useMay } from '../may';
import { CaseDialog } from '../parts/CaseDialog';
import { Help } from '../parts/Help';
import { Rows, usePages } from '../parts/Rows';

export function HoldChip({ row }: { row: Case }) {
  const { t } = useTranslation();
  return row.hold ? <Chip size="small" color="warning" label={t('case.held')} /> : null;
}

export function CaseStateChip({ row }: { row: Case }) {
  const { t } = useTranslation();
  return <Chip size="small" variant="outlined" color={row.state === 'open' ? 'info' : 'default'} label={t(row.state === 'open' ? 'case.isOpen' : 'case.isClosed')} />;
}

export function Cases() {
  const { t } = useTranslation();
  const may = useMay()('OpenCase');
  const [query, setQuery] = useSearchParams();
  const [asking, setAsking] = useState(false);
  const show = query.get('show') ?? 'open';
  const filter: Record<string, string> = show === 'held' ? { held: 'true' } : show === 'all' ? {} : { state: show };
  const pages = usePages<Case>('cases', 'cases', filter);
  const verdict = (row: Case) => row.verdict && <Typography variant="caption" component="div">{t(`verdict.${row.verdict}`)}</Typography>;
  return (
    <>
      <Stack direction="row" spacing={2} useFlexGap sx={{ mb: 2, alignItems: 'center', flexWrap: 'wrap' }}>
        <Typography component="h1" variant="h5" sx={{ flexGrow: 1 }}>{t('case.list')} <Help term="case" /></Typography>
        <TextField select size="small" label={t('alert.state')} value={show} sx={{ minWidth: 160 }} onChange={(e) => setQuery(e.target.value === 'open' ? {} : { show: e.target.value }, { replace: true })}>
          <MenuItem value="open">{t('case.isOpen')}</MenuItem>
          <MenuItem value="closed">{t('case.isClosed')}</MenuItem>
          <MenuItem value="held">{t('case.held')}</MenuItem>
          <MenuItem value="all">{t('alert.all')}</MenuItem>
        </TextField>
        {may && <Button variant="outlined" aria-haspopup="dialog" onClick={() => setAsking(true)}>{t('case.new')}…</Button>}
      </Stack>
      <Rows
        label={t('case.list')}
        pages={pages}
        head={[t('case.number'), t('case.title'), t('alert.state'), t('alert.assignee'), t('case.items'), t('case.opened'), t('case.changed')]}
        card={(row) => (
          <Box component="li" key={row.case_id} sx={{ pb: 1.5, borderBottom: 1, borderColor: 'divider', overflowWrap: 'anywhere', '&:last-child': { border: 0, pb: 0 } }}>
            <Stack direction="row" spacing={1} sx={{ mb: 0.5 }}><CaseStateChip row={row} /><HoldChip row={row} /></Stack>
            <RouterLink to={`/cases/${row.case_id}`} style={{ color: 'inherit' }}>{t('case.numbered', { id: row.case_id, title: row.title })}</RouterLink>
            <Typography variant="caption" component="div" color="text.secondary">{row.owner || t('alert.nobody')} · {formatTime(row.update_time)}</Typography>
          </Box>
        )}
        row={(row) => (
          <TableRow key={row.case_id} hover>
            <TableCell>{row.case_id}</TableCell>
            <TableCell sx={{ overflowWrap: 'anywhere' }}><RouterLink to={`/cases/${row.case_id}`} style={{ color: 'inherit' }}>{row.title}</RouterLink></TableCell>
            <TableCell><Stack direction="row" useFlexGap spacing={0.5} sx={{ flexWrap: 'wrap' }}><CaseStateChip row={row} /><HoldChip row={row} /></Stack>{verdict(row)}</TableCell>
            <TableCell>{row.owner || '–'}</TableCell>
            <TableCell sx={{ whiteSpace: 'nowrap' }}>{t('case.counts', { alerts: formatNumber(row.alert_count), events: formatNumber(row.event_count) })}</TableCell>
            <TableCell sx={{ whiteSpace: 'nowrap' }}>{formatTime(row.open_time)}<Typography variant="caption" component="div" color="text.secondary">{row.opened_by}</Typography></TableCell>
            <TableCell sx={{ whiteSpace: 'nowrap' }}>{formatTime(row.update_time)}</TableCell>
          </TableRow>
        )}
      />
      {asking && <CaseDialog onDone={() => setAsking(false)} />}
    </>
  );
}
