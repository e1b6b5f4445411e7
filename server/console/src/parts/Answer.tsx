// The answer to an inquiry in words and tables; prints with the checkpoint at
// the foot of each page.
import { Alert, Box, GlobalStyles, Paper, Table, TableBody, TableCell, TableContainer, TableHead, TableRow, Typography } from '@mui/material';
import { useTranslation } from 'react-i18next';

import { formatNumber, formatShare, formatTime } from '../format';
import { coveredShare, type Document, type InquiryRow, type InquirySpan } from '../inquiry';
import { Code } from './Shown';

const COLOR = { found: 'error', not_found: 'success', cannot_say: 'warning' } as const;

export const PRINT = {
  '@media print': {
    'header, .no-print, [role="status"]': { display: 'none !important' },
    body: { background: '#fff', color: '#000' },
    thead: { display: 'table-header-group' },
    tr: { breakInside: 'avoid' },
    '.bound': { position: 'fixed', bottom: 0, left: 0, right: 0, fontSize: 9 },
    main: { paddingBottom: '3em' },
  },
} as const;

function hours(seconds: number): string {
  return formatNumber(Math.round(seconds / 360) / 10);
}

function Copies({ name, rows, cut }: { name: string; rows: InquiryRow[]; cut: number }) {
  const { t } = useTranslation();
  return (
    <Box component="section" sx={{ mt: 3 }}>
      <Typography component="h2" variant="h6">{name}</Typography>
      {rows.length === 0 && <Typography color="text.secondary">{t('app.none')}</Typography>}
      {rows.length > 0 && (
        <TableContainer component={Paper} variant="outlined" tabIndex={0}>
          <Table size="small" aria-label={name} sx={{ minWidth: 720 }}>
            <TableHead><TableRow>{['event.occurred', 'alert.terminal', 'alert.person', 'event.device', 'transfer.file', 'transfer.persons', 'transfer.written', 'report.verdict', 'report.leaf'].map((key) => <TableCell key={key}>{t(key)}</TableCell>)}</TableRow></TableHead>
            <TableBody>
              {rows.map((row) => (
                <TableRow key={row.leaf} sx={{ overflowWrap: 'anywhere' }}>
                  <TableCell>{formatTime(row.time)}</TableCell>
                  <TableCell>{row.terminal}</TableCell>
                  <TableCell>{row.person || t('app.unknown')}</TableCell>
                  <TableCell><Code>{row.device}</Code></TableCell>
                  <TableCell><Code>{row.file}</Code></TableCell>
                  <TableCell>{formatNumber(row.persons)}</TableCell>
                  <TableCell>{formatNumber(row.persons_written)}</TableCell>
                  <TableCell>{[t(`reportVerdict.${row.verdict}`), ...(row.why ?? []).map((why) => t(`cause.${why}`))].join(' · ')}</TableCell>
                  <TableCell>{row.leaf}</TableCell>
                </TableRow>
              ))}
            </TableBody>
          </Table>
        </TableContainer>
      )}
      {cut > 0 && <Typography>{t('report.more', { count: cut })}</Typography>}
    </Box>
  );
}

function Spans({ spans }: { spans: InquirySpan[] }) {
  const { t } = useTranslation();
  if (spans.length === 0) return null;
  return (
    <TableContainer component={Paper} variant="outlined" tabIndex={0} sx={{ mt: 1 }}>
      <Table size="small" aria-label={t('report.spans')}>
        <TableHead><TableRow>{['alert.terminal', 'terminal.site', 'alert.state', 'report.from', 'report.to', 'report.hours'].map((key) => <TableCell key={key}>{t(key)}</TableCell>)}</TableRow></TableHead>
        <TableBody>
          {spans.map((span) => (
            <TableRow key={`${span.terminal} ${span.from} ${span.state}`}>
              <TableCell>{span.terminal}</TableCell>
              <TableCell>{span.site}</TableCell>
              <TableCell>{t(`cover.${span.state}`)}</TableCell>
              <TableCell>{formatTime(span.from)}</TableCell>
              <TableCell>{formatTime(span.to)}</TableCell>
              <TableCell>{hours(span.seconds)}</TableCell>
            </TableRow>
          ))}
        </TableBody>
      </Table>
    </TableContainer>
  );
}

export function Answer({ document }: { document: Document }) {
  const { t } = useTranslation();
  const { asked, coverage } = document;
  const share = coveredShare(coverage);
  const facts = ([['owner', asked.owner], ['person', asked.person], ['device', asked.device], ['fileHash', asked.file_hash], ['from', formatTime(asked.from)], ['to', formatTime(asked.to)], ['by', asked.by], ['asked', formatTime(asked.time)], ['reason', asked.reason]] as const).filter(([, value]) => value !== '');
  return (
    <>
      <GlobalStyles styles={PRINT} />
      <Alert severity={COLOR[document.answer]} sx={{ mb: 2 }}>
        <Typography component="p" variant="h6">{t(`answer.${document.answer}`)}</Typography>
        {t(`answerMeans.${document.answer}`)}
      </Alert>
      <Table size="small" aria-label={t('report.question')}>
        <TableBody>
          {facts.map(([name, value]) => <TableRow key={name}><TableCell component="th" scope="row" sx={{ width: 180 }}>{t(`report.${name}`)}</TableCell><TableCell sx={{ overflowWrap: 'anywhere' }}>{value}</TableCell></TableRow>)}
        </TableBody>
      </Table>
      <Box component="section" sx={{ mt: 3 }}>
        <Typography component="h2" variant="h6">{t('report.notKnown')}</Typography>
        {document.causes.length === 0 && <Typography>{t('app.none')}</Typography>}
        <ul>{document.causes.map(({ cause, count }) => <li key={cause}>{t(`causeText.${cause}`)} ({cause === 'uncovered' ? t('report.hoursOf', { value: hours(count) }) : formatNumber(count)})</li>)}</ul>
      </Box>
      <Copies name={t('report.found')} rows={document.found.rows} cut={document.found.cut} />
      <Copies name={t('report.stopped')} rows={document.stopped.rows} cut={document.stopped.cut} />
      <Copies name={t('report.unclear')} rows={document.unclear.rows} cut={document.unclear.cut} />
      <Box component="section" sx={{ mt: 3 }}>
        <Typography component="h2" variant="h6">{t('report.coverage')}</Typography>
        <Typography>{t('report.sums', { terminals: formatNumber(coverage.terminals), unregistered: formatNumber(coverage.unregistered_terminals), covered: hours(coverage.covered_seconds), off: hours(coverage.off_seconds), uncovered: hours(coverage.uncovered_seconds), share: share === null ? '–' : formatShare(share) })}</Typography>
        <Spans spans={coverage.spans} />
        {coverage.spans_cut > 0 && <Typography>{t('report.more', { count: coverage.spans_cut })}</Typography>}
      </Box>
      <Box component="section" sx={{ mt: 3 }}>
        <Typography component="h2" variant="h6">{t('report.limits')}</Typography>
        <ul>{document.limits.map(({ limit }) => <li key={limit}>{t(`limit.${limit}`)}</li>)}</ul>
      </Box>
      <Typography component="div" variant="caption" className="bound" sx={{ overflowWrap: 'anywhere', mt: 2 }}>
        {t('report.bound', { log: document.checkpoint.split('\n')[0] ?? '', size: document.log_size, root: document.log_root })}
      </Typography>
    </>
  );
}
