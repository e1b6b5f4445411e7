// Periods that somebody owes a look: what was drawn, how far it is, until when.
import { Alert as Banner, Box, Chip, LinearProgress, MenuItem, Paper, Stack, Table, TableBody, TableCell, TableHead, TableRow, TextField, Typography } from '@mui/material';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { Link as RouterLink, useSearchParams } from 'react-router-dom';

import { get } from '../api/client';
import type { Review, VerdictCount } from '../api/types';
import { formatDate, formatNumber, formatShare, formatTime } from '../format';
import { useMay } from '../may';
import { Help } from '../parts/Help';
import { Rows, rowsOf, usePages } from '../parts/Rows';

const COLOR = { open: 'info', overdue: 'error', signed: 'success', signed_late: 'warning' } as const;

export function ReviewChip({ state }: { state: Review['state'] }) {
  const { t } = useTranslation();
  return <Chip size="small" color={COLOR[state]} variant={state === 'overdue' ? 'filled' : 'outlined'} label={t(`reviewState.${state}`)} />;
}

// Its days; the end is the beginning of the day after.
export function periodOf(review: { from: string; to: string }): string {
  return `${formatDate(review.from)} – ${formatDate(new Date(new Date(review.to).getTime() - 1000).toISOString())}`;
}

function Progress({ row }: { row: Review }) {
  const { t } = useTranslation();
  const text = t('review.judgedOf', { judged: formatNumber(row.judged_count), items: formatNumber(row.item_count) });
  return (
    <Box sx={{ minWidth: 110 }}>
      <Typography variant="body2">{text}</Typography>
      <LinearProgress variant="determinate" aria-label={text} value={row.item_count === 0 ? 100 : (100 * row.judged_count) / row.item_count} />
    </Box>
  );
}

// Which rule cries wolf.
function Verdicts() {
  const { t } = useTranslation();
  const query = useQuery({ queryKey: ['verdicts'], queryFn: () => get<{ days: number; rows: VerdictCount[] }>('alerts:verdicts') });
  const rows = (query.data?.rows ?? []).filter((row) => row.true_positive + row.false_positive + row.benign > 0);
  if (rows.length === 0) return null;
  return (
    <>
      <Typography component="h2" variant="h6" sx={{ mt: 4 }} gutterBottom>{t('review.verdicts')} <Help term="falseShare" /></Typography>
      <Paper variant="outlined" sx={{ overflowX: 'auto' }} tabIndex={0}>
        <Table size="small" aria-label={t('review.verdicts')}>
          <TableHead><TableRow>{['group.rule', 'alert.kind', 'alert.count', 'review.closed', 'review.falseShare'].map((key) => <TableCell key={key}>{t(key)}</TableCell>)}</TableRow></TableHead>
          <TableBody>
            {rows.map((row) => {
              const closed = row.true_positive + row.false_positive + row.benign;
              return (
                <TableRow key={`${row.kind} ${row.rule}`}>
                  <TableCell sx={{ overflowWrap: 'anywhere' }}>{row.rule || t('app.none')}</TableCell>
                  <TableCell>{t(`alertKind.${row.kind}`, { defaultValue: row.kind })}</TableCell>
                  <TableCell>{formatNumber(row.alerts)}</TableCell>
                  <TableCell>{formatNumber(closed)}</TableCell>
                  <TableCell sx={{ fontWeight: row.false_positive / closed > 0.3 ? 700 : 400 }}>{formatShare(row.false_positive / closed)}</TableCell>
                </TableRow>
              );
            })}
          </TableBody>
        </Table>
      </Paper>
    </>
  );
}

export function Reviews() {
  const { t } = useTranslation();
  const may = useMay();
  const [query, setQuery] = useSearchParams();
  const show = query.get('show') ?? 'open';
  const pages = usePages<Review>('reviews', 'reviews', show === 'open' ? { open: 'true' } : {});
  const late = rowsOf(pages).filter((row) => row.state === 'overdue').length;
  const who = (row: Review) => row.role ? t(`role.${row.role}`) : row.people.join(', ');
  return (
    <>
      <Stack direction="row" spacing={2} useFlexGap sx={{ mb: 2, alignItems: 'center', flexWrap: 'wrap' }}>
        <Typography component="h1" variant="h5" sx={{ flexGrow: 1 }}>{t('review.list')} <Help term="review" /></Typography>
        <TextField select size="small" label={t('alert.state')} value={show} sx={{ minWidth: 160 }} onChange={(e) => setQuery(e.target.value === 'open' ? {} : { show: e.target.value }, { replace: true })}>
          <MenuItem value="open">{t('review.notSigned')}</MenuItem>
          <MenuItem value="all">{t('alert.all')}</MenuItem>
        </TextField>
      </Stack>
      {late > 0 && <Banner severity="error" sx={{ mb: 2 }}>{t('review.late', { value: formatNumber(late) })}</Banner>}
      <Rows
        label={t('review.list')}
        pages={pages}
        head={[t('review.number'), t('review.name'), t('review.period'), t('alert.state'), t('review.due'), t('review.progress'), t('review.findings'), t('review.reviewers')]}
        card={(row) => (
          <Box component="li" key={row.review_id} sx={{ pb: 1.5, borderBottom: 1, borderColor: 'divider', '&:last-child': { border: 0, pb: 0 } }}>
            <Stack direction="row" spacing={1} sx={{ mb: 0.5 }}><ReviewChip state={row.state} /></Stack>
            <RouterLink to={`/reviews/${row.review_id}`} style={{ color: 'inherit' }}>{row.name}: {periodOf(row)}</RouterLink>
            <Typography variant="caption" component="div" color="text.secondary">{t('review.due')}: {formatTime(row.due_time)}</Typography>
            <Progress row={row} />
          </Box>
        )}
        row={(row) => (
          <TableRow key={row.review_id} hover>
            <TableCell>{row.review_id}</TableCell>
            <TableCell sx={{ overflowWrap: 'anywhere' }}>
              <RouterLink to={`/reviews/${row.review_id}`} style={{ color: 'inherit' }}>{row.name}</RouterLink>
              <Typography variant="caption" component="div" color="text.secondary">{row.groups || t('review.allTerminals')}</Typography>
            </TableCell>
            <TableCell sx={{ whiteSpace: 'nowrap' }}>{periodOf(row)}</TableCell>
            <TableCell><ReviewChip state={row.state} /></TableCell>
            <TableCell sx={{ whiteSpace: 'nowrap' }}>{formatTime(row.due_time)}</TableCell>
            <TableCell><Progress row={row} /></TableCell>
            <TableCell>{formatNumber(row.finding_count)}</TableCell>
            <TableCell>{who(row)}</TableCell>
          </TableRow>
        )}
      />
      <Typography variant="body2" color="text.secondary" sx={{ mt: 1 }}>{t('review.how')}</Typography>
      {may('ListVerdicts') && <Verdicts />}
    </>
  );
}
