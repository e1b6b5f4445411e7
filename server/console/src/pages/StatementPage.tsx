// Who reviewed what and when, and what nobody did: to be read and printed, with
// the log's checkpoint at the foot of each page.
import { Box, Button, GlobalStyles, Paper, Stack, Table, TableBody, TableCell, TableContainer, TableHead, TableRow, Typography } from '@mui/material';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { useSearchParams } from 'react-router-dom';

import { get } from '../api/client';
import type { ReviewStatement } from '../api/types';
import { formatNumber, formatShare, formatTime, SEVERITIES } from '../format';
import { PRINT } from '../parts/Answer';
import { Loaded } from '../parts/State';
import { periodOf, ReviewChip } from './Reviews';

// "origin\nsize\nroot\n\nsignatures": what it is known by.
function shortCheckpoint(note: string): string {
  const [origin = '', size = '', root = ''] = note.split('\n');
  return `${origin} ${size} ${root}`;
}

function Findings({ statement }: { statement: ReviewStatement }) {
  const { t } = useTranslation();
  const rows = statement.reviews.flatMap((review) => review.findings.map((item) => ({ review, item })));
  return (
    <Box component="section" sx={{ mt: 3 }}>
      <Typography component="h2" variant="h6" gutterBottom>{t('statement.findings')}</Typography>
      {rows.length === 0 && <Typography color="text.secondary">{t('app.none')}</Typography>}
      {rows.length > 0 && (
        <TableContainer component={Paper} variant="outlined" tabIndex={0}>
          <Table size="small" aria-label={t('statement.findings')}>
            <TableHead><TableRow>{['review.name', 'review.number', 'reviewWhy.title', 'alert.when', 'alert.terminal', 'alert.verdict', 'review.note', 'statement.by'].map((key) => <TableCell key={key}>{t(key)}</TableCell>)}</TableRow></TableHead>
            <TableBody>
              {rows.map(({ review, item }) => (
                <TableRow key={`${review.review_id}-${item.no}`} sx={{ overflowWrap: 'anywhere' }}>
                  <TableCell>{review.name}</TableCell>
                  <TableCell>{review.review_id}-{item.no}</TableCell>
                  <TableCell>{t(`reviewWhy.${item.why}`)}</TableCell>
                  <TableCell>{formatTime(item.time)}</TableCell>
                  <TableCell>{item.terminal}</TableCell>
                  <TableCell>{t(`reviewVerdict.${item.verdict}`)}</TableCell>
                  <TableCell>{item.note}</TableCell>
                  <TableCell>{item.judged_by}</TableCell>
                </TableRow>
              ))}
            </TableBody>
          </Table>
        </TableContainer>
      )}
    </Box>
  );
}

function Clocks({ statement }: { statement: ReviewStatement }) {
  const { t } = useTranslation();
  if (statement.sla.length === 0) return null;
  return (
    <Box component="section" sx={{ mt: 3 }}>
      <Typography component="h2" variant="h6" gutterBottom>{t('statement.clocks')}</Typography>
      <TableContainer component={Paper} variant="outlined" tabIndex={0}>
        <Table size="small" aria-label={t('statement.clocks')}>
          <TableHead><TableRow>{['alert.severity', 'alert.count', 'statement.acknowledged', 'statement.late', 'statement.closed', 'statement.late'].map((key, i) => <TableCell key={i}>{t(key)}</TableCell>)}</TableRow></TableHead>
          <TableBody>
            {SEVERITIES.flatMap((severity) => statement.sla.filter((row) => row.severity === severity)).map((row) => (
              <TableRow key={row.severity}>
                <TableCell>{t(`severity.${row.severity}`)}</TableCell>
                {[row.alerts, row.acknowledged, row.late_acknowledge, row.closed, row.late_close].map((value, i) => <TableCell key={i}>{formatNumber(value)}</TableCell>)}
              </TableRow>
            ))}
          </TableBody>
        </Table>
      </TableContainer>
    </Box>
  );
}

export function StatementPage() {
  const { t } = useTranslation();
  const [search] = useSearchParams();
  const [from, to] = [search.get('from') ?? '', search.get('to') ?? ''];
  // Each look is written down: it is not asked for again by itself.
  const query = useQuery({ queryKey: ['statement', from, to], queryFn: () => get<ReviewStatement>('reviews:statement', { from, to }), staleTime: Infinity });
  const save = (statement: ReviewStatement) => {
    const link = document.createElement('a');
    link.href = URL.createObjectURL(new Blob([JSON.stringify(statement, null, 2)], { type: 'application/json' }));
    link.download = 'review-statement.json';
    link.click();
    URL.revokeObjectURL(link.href);
  };
  return (
    <Loaded query={query}>
      {(statement) => {
        const late = statement.reviews.filter((row) => row.state === 'overdue').length;
        return (
          <>
            <GlobalStyles styles={PRINT} />
            <Stack direction="row" useFlexGap spacing={1} sx={{ mb: 1, alignItems: 'center', flexWrap: 'wrap' }}>
              <Typography component="h1" variant="h5" sx={{ flexGrow: 1 }}>{t('statement.title')}</Typography>
              <Button className="no-print" onClick={() => window.print()}>{t('report.print')}</Button>
              <Button className="no-print" variant="outlined" onClick={() => save(statement)}>{t('statement.save')}</Button>
            </Stack>
            <Typography gutterBottom>{t('statement.span', { from: formatTime(statement.from), to: formatTime(statement.to), who: statement.made_by, time: formatTime(statement.make_time) })}</Typography>
            <Typography gutterBottom sx={{ fontWeight: 600 }}>{t('statement.sum', { all: formatNumber(statement.reviews.length), signed: formatNumber(statement.reviews.filter((row) => row.sign_time !== null).length), late: formatNumber(late) })}</Typography>
            <TableContainer component={Paper} variant="outlined" tabIndex={0}>
              <Table size="small" aria-label={t('statement.title')}>
                <TableHead><TableRow>{['review.number', 'review.name', 'review.period', 'alert.state', 'review.due', 'statement.signed', 'review.progress', 'review.findings', 'statement.by'].map((key) => <TableCell key={key}>{t(key)}</TableCell>)}</TableRow></TableHead>
                <TableBody>
                  {statement.reviews.map((row) => (
                    <TableRow key={row.review_id} sx={{ overflowWrap: 'anywhere' }}>
                      <TableCell>{row.review_id}</TableCell>
                      <TableCell>{row.name}<Typography variant="caption" component="div">{row.groups || t('review.allTerminals')}</Typography></TableCell>
                      <TableCell>{periodOf(row)}</TableCell>
                      <TableCell><ReviewChip state={row.state} /></TableCell>
                      <TableCell>{formatTime(row.due_time)}</TableCell>
                      <TableCell>{row.sign_time ? `${formatTime(row.sign_time)} ${row.signed_by}` : t('statement.never')}</TableCell>
                      <TableCell>{t('review.judgedOf', { judged: formatNumber(row.judged_count), items: formatNumber(row.item_count) })}{row.item_count > 0 && ` (${formatShare(row.judged_count / row.item_count)})`}</TableCell>
                      <TableCell>{formatNumber(row.finding_count)}</TableCell>
                      <TableCell>{row.judged_by.map((one) => `${one.user} ${formatNumber(one.items)}`).join(', ') || '–'}</TableCell>
                    </TableRow>
                  ))}
                </TableBody>
              </Table>
            </TableContainer>
            {statement.reviews.length === 0 && <Typography sx={{ p: 2 }}>{t('statement.empty')}</Typography>}
            <Findings statement={statement} />
            <Clocks statement={statement} />
            <Typography className="bound" variant="caption" component="div" sx={{ mt: 3, overflowWrap: 'anywhere' }}>{t('statement.bound', { checkpoint: shortCheckpoint(statement.checkpoint) })}</Typography>
          </>
        );
      }}
    </Loaded>
  );
}
